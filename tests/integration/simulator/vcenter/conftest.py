"""vCenters over guests whose work takes no time, served over TLS to the real pyvmomi."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim

from vcd_simulator.guests import GuestSpec, Hypervisor
from vcd_simulator.latency import Latency
from vcd_simulator.server import HttpsServer, bind
from vcd_simulator.tls import TlsFiles, make_certificate
from vcd_simulator.vcenter import VcenterAccount, create_app
from vcd_simulator.vcenter.service import VimService

USER = "cse@vsphere.local"
PASSWORD = "vc <secret> & \"more\""
LIMIT_S = 20.0


@dataclass(frozen=True)
class Endpoint:
    """A running vCenter."""

    host: str
    port: int
    ca: Path
    service: VimService

    @property
    def url(self) -> str:
        return f"https://{self.host}:{self.port}"

    def post(self, body: str | bytes, **options: Any) -> requests.Response:
        data = body.encode() if isinstance(body, str) else body
        return requests.post(f"{self.url}/sdk", data=data, verify=str(self.ca), timeout=LIMIT_S, **options)


@pytest.fixture
def hypervisor(tmp_path: Path) -> Iterator[Hypervisor]:
    state = tmp_path / "guests"
    state.mkdir()
    running = Hypervisor(Latency(), state_dir=state)
    yield running
    running.close()


@pytest.fixture
def tls(tmp_path: Path) -> TlsFiles:
    return make_certificate(tmp_path, ["127.0.0.1", "127.0.0.2", "127.0.0.3"])


@pytest.fixture
def serve(hypervisor: Hypervisor, tls: TlsFiles) -> Iterator[Callable[..., Endpoint]]:
    """Starts a vCenter on an address of its own."""
    with ExitStack() as stack:

        def start(name: str = "vc1", host: str = "127.0.0.1") -> Endpoint:
            listener = stack.enter_context(bind(host, 0))
            app = create_app(hypervisor, VcenterAccount(name=name, user=USER, password=PASSWORD))
            server = HttpsServer(app, listener, tls, name=name)
            server.start()
            stack.callback(server.stop)
            return Endpoint(host, listener.getsockname()[1], tls.ca, app.state.service)

        yield start


@pytest.fixture
def vcenter(serve: Callable[..., Endpoint]) -> Endpoint:
    return serve()


@pytest.fixture
def boot(hypervisor: Hypervisor) -> Callable[..., None]:
    def start(moid: str, vcenter: str = "vc1", image: str = "photon", **spec: Any) -> None:
        hypervisor.create(moid, image, vcenter)
        values = {"computer_name": moid, "ip_addresses": ("10.0.0.2",), "cpu_count": 2, **spec}
        hypervisor.power_on(moid, GuestSpec(name=f"{moid} of a vApp", **values))
        hypervisor.wait_for_tools(moid, LIMIT_S)

    return start


@pytest.fixture
def connect() -> Iterator[Callable[..., Any]]:
    """Logs in with the real client."""
    with ExitStack() as stack:

        def log_in(endpoint: Endpoint, user: str = USER, password: str = PASSWORD) -> Any:
            connected = SmartConnect(
                host=endpoint.host, port=endpoint.port, user=user, pwd=password, disableSslCertValidation=True
            )
            stack.callback(Disconnect, connected)
            return connected

        yield log_in


@pytest.fixture
def client(vcenter: Endpoint, connect: Callable[..., Any]) -> Any:
    return connect(vcenter)


class GuestClient:
    """Guest operations on one VM through the real client."""

    def __init__(self, client: Any, ca: Path, moid: str, user: str = "root", password: str = "vmware") -> None:
        operations = client.content.guestOperationsManager
        self.vm = vim.VirtualMachine(moid, client._stub)
        self.auth = vim.vm.guest.NamePasswordAuthentication(username=user, password=password)
        self.processes = operations.processManager
        self.files = operations.fileManager
        self.credentials = operations.authManager
        self._ca = str(ca)

    def upload(self, path: str, content: bytes, *, mode: int = 0, overwrite: bool = False) -> None:
        attributes = vim.vm.guest.FileManager.PosixFileAttributes(permissions=mode or None)
        url = self.files.InitiateFileTransferToGuest(self.vm, self.auth, path, attributes, len(content), overwrite)
        response = requests.put(url, data=content, verify=self._ca, timeout=LIMIT_S)
        assert response.status_code == 200, response.text

    def download(self, path: str) -> bytes:
        info = self.files.InitiateFileTransferFromGuest(self.vm, self.auth, path)
        response = requests.get(info.url, verify=self._ca, timeout=LIMIT_S)
        assert response.status_code == 200, response.text
        assert len(response.content) == info.size
        return response.content

    def start(self, program: str, arguments: str = "", **spec: Any) -> int:
        wanted = vim.vm.guest.ProcessManager.ProgramSpec(programPath=program, arguments=arguments, **spec)
        return int(self.processes.StartProgramInGuest(self.vm, self.auth, wanted))

    def info(self, pid: int) -> Any:
        (found,) = self.processes.ListProcessesInGuest(self.vm, self.auth, [pid])
        return found

    def run(self, program: str, arguments: str = "", **spec: Any) -> int:
        """Starts a program and polls until it has ended; returns the exit code."""
        pid = self.start(program, arguments, **spec)
        for _ in range(10_000):
            info = self.info(pid)
            if info.endTime is not None:
                return int(info.exitCode)
        raise AssertionError("the program does not end")


@pytest.fixture
def guest(client: Any, vcenter: Endpoint, boot: Callable[..., None]) -> GuestClient:
    boot("vm-101")
    return GuestClient(client, vcenter.ca, "vm-101")


@pytest.fixture
def log_in(client: Any, vcenter: Endpoint) -> Callable[..., GuestClient]:
    """Guest operations on some VM, as some user."""

    def make(moid: str, user: str = "root", password: str = "vmware") -> GuestClient:
        return GuestClient(client, vcenter.ca, moid, user, password)

    return make
