"""Simulated guests as tests use them: by root's shell, and through a vCenter with the real client."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import requests
from pyVmomi import vim

from cse_testing.waiting import LIMIT_S, wait_until
from vcd_simulator.guests import Hypervisor
from vcd_simulator.guests.accounts import Account
from vcd_simulator.guests.machine import Guest
from vcd_simulator.vcenter.service import VimService


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


class Times:
    """Latencies that a test sets; everything else takes no time."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def delay(self, kind: str) -> float:
        return self.seconds.get(kind, 0.0)


class Shell:
    """Root's shell in a guest."""

    def __init__(self, hypervisor: Hypervisor, moid: str) -> None:
        self.hypervisor = hypervisor
        self.moid = moid

    @property
    def guest(self) -> Guest:
        return self.hypervisor.guest(self.moid)

    def account(self, name: str) -> Account:
        found = self.guest.accounts.find(name)
        assert found is not None, f"there is no account {name}"
        return found

    def run(self, script: str) -> Result:
        return Result(*self.hypervisor.execute(self.moid, script))

    def succeed(self, script: str) -> str:
        result = self.run(script)
        assert result.code == 0, f"exit code {result.code}: {result.err}"
        return result.out

    def fail(self, script: str) -> Result:
        result = self.run(script)
        assert result.code != 0, f"it succeeded: {result.out}"
        return result


class Boot(Protocol):
    """Boots a guest and returns its shell."""

    def __call__(self, name: str = ..., address: str = ..., image: str = ..., **spec: Any) -> Shell: ...


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
        return int(self.end_of(pid).exitCode)

    def end_of(self, pid: int) -> Any:
        """What is known of a program when it has ended."""

        def ended() -> Any:
            info = self.info(pid)
            return None if info.endTime is None else info

        return wait_until(ended, f"the end of program {pid}", seen=lambda: self.info(pid))
