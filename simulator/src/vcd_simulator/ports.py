"""Where a simulator listens."""

import socket
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from vcd_simulator.inventory import InventoryError, VcenterSection
from vcd_simulator.server import bind

Address = tuple[str, int]
LOOPBACK: Address = ("127.0.0.1", 0)
_ALL_ADDRESSES = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # recognised, not bound


@dataclass(frozen=True, kw_only=True)
class Vcenter:
    """A running vCenter."""

    name: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)

    @property
    def address(self) -> str:
        return authority(self.host, self.port)


def authority(host: str, port: int) -> str:
    """Host and port as URLs have them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Ports:
    """Listening sockets of the REST API and of every vCenter."""

    def __init__(
        self,
        vcenters: Sequence[VcenterSection],
        listen: Address,
        vcenter_listen: Mapping[str, Address],
        stack: ExitStack,
    ) -> None:
        """Take all ports, which are given back with `stack`.

        Raises:
            InventoryError: an address is for a vCenter that there is not.
            ServerError: an address cannot be used.
        """
        unknown = set(vcenter_listen) - {one.name for one in vcenters} - {"*"}
        if unknown:
            raise InventoryError(f"the inventory has no vCenter named {', '.join(sorted(unknown))}")
        others = vcenter_listen.get("*", LOOPBACK)
        self.listener = stack.enter_context(bind(*listen))
        self.vcenter_listeners: dict[str, socket.socket] = {}
        self.vcenters: dict[str, Vcenter] = {}
        for one in vcenters:
            listener = stack.enter_context(bind(*vcenter_listen.get(one.name, others)))
            host, port = listener.getsockname()[:2]
            self.vcenter_listeners[one.name] = listener
            self.vcenters[one.name] = Vcenter(
                name=one.name,
                host=_reachable(host),
                port=port,
                user=one.username,
                password=one.password.get_secret_value(),
            )

    @property
    def address(self) -> str:
        """Host and port of the REST API."""
        host, port = self.listener.getsockname()[:2]
        return authority(_reachable(host), port)

    def certificate_names(self, public: Iterable[str]) -> list[str]:
        """By which names clients reach all of this; `public` are hosts, with ports or without, that they use too."""
        names = ["localhost", "127.0.0.1", "::1", self.listener.getsockname()[0]]
        names += [vcenter.host for vcenter in self.vcenters.values()]
        names += self.vcenters
        names += [host for one in public if (host := urlsplit(f"//{one}").hostname)]
        return [name for name in names if name not in _ALL_ADDRESSES]


def _reachable(host: str) -> str:
    """Where to reach a server that listens on all addresses."""
    return _ALL_ADDRESSES.get(host, host)
