"""vCenters over guests whose work takes no time, served over TLS to the real pyvmomi."""

import gc
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pyVim.connect import Disconnect, SmartConnect

from cse_testing.simulated import Endpoint, GuestClient
from cse_testing.waiting import LIMIT_S
from vcd_simulator.faults import Faults
from vcd_simulator.guests import GuestSpec, Hypervisor
from vcd_simulator.latency import Latency
from vcd_simulator.server import HttpsServer, bind
from vcd_simulator.tls import TlsFiles, make_certificate
from vcd_simulator.vcenter import VcenterAccount, create_app

USER = "cse@vsphere.local"
PASSWORD = 'vc <secret> & "more"'


@pytest.fixture(autouse=True)
def collected_connections() -> Iterator[None]:
    """Collects the connections that pyvmomi leaves open when a login fails or a thread ends."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


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

        def start(name: str = "vc1", host: str = "127.0.0.1", faults: Faults | None = None) -> Endpoint:
            listener = stack.enter_context(bind(host, 0))
            app = create_app(hypervisor, VcenterAccount(name=name, user=USER, password=PASSWORD), faults=faults)
            server = HttpsServer(app, listener, tls, name=name)
            server.start()
            stack.callback(server.stop)
            stack.callback(app.state.service.close)
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
