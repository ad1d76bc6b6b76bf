"""A session with one vCenter, from its login on."""

from dataclasses import dataclass
from typing import Any, Final

from cse_core.secret import Secret
from cse_vcd import load
from cse_vcd.load import Server
from cse_vcd.soap import SoapStubAdapter, vim
from cse_vcd.transport import tls_context

_API: Final = "vim.version.version10"
"""vSphere 6.0: has all that we use, and every vCenter since then speaks it."""
_IDLE_S: Final = 3
"""Connections idle for longer are not used again: the other side may be closing them at that moment."""


@dataclass(frozen=True, kw_only=True)
class VcenterLogin:
    """How a vCenter is spoken to. Times are in seconds and hold for each call."""

    user: str
    password: Secret
    verify: bool | str = True
    """Whether certificates are checked, or the path of the file with the authorities to trust."""
    timeout_s: float = 30.0
    calls: int = 16
    """How many calls are made at once."""


@dataclass(frozen=True)
class Connection:
    """A session, and the managers found through it."""

    stub: Any
    sessions: Any
    files: Any
    processes: Any
    credentials: Any
    properties: Any

    def machine(self, moid: str) -> Any:
        """The virtual machine; nothing is asked."""
        return vim.VirtualMachine(moid, self.stub)


class _CountingStub(SoapStubAdapter):  # type: ignore[misc]  # it has no types
    def InvokeMethod(self, *args: Any, **kwargs: Any) -> Any:  # noqa: N802  # pyVmomi's name
        load.count(Server.VCENTER)
        return super().InvokeMethod(*args, **kwargs)


def connect(host: str, port: int, login: VcenterLogin) -> Connection:
    """A new session. Raises what pyVmomi raises."""
    stub = _CountingStub(
        host=host,
        port=port,
        version=_API,
        sslContext=tls_context(login.verify),
        poolSize=login.calls,
        httpConnectionTimeout=login.timeout_s,
        connectionPoolTimeout=_IDLE_S,
    )
    try:
        content = vim.ServiceInstance("ServiceInstance", stub).RetrieveContent()
        content.sessionManager.Login(login.user, login.password.reveal())
        guests = content.guestOperationsManager
        return Connection(
            stub,
            content.sessionManager,
            guests.fileManager,
            guests.processManager,
            guests.authManager,
            content.propertyCollector,
        )
    except BaseException:
        stub.DropConnections()
        raise
