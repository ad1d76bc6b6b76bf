"""Closes the network for tests: loopback and unix sockets stay, everything else fails at once with a clear message."""

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

import pytest


class NetworkClosedError(AssertionError):
    """A test tried to reach something beyond loopback."""


def close_network(patch: pytest.MonkeyPatch) -> None:
    """Make every connection attempt of a Python socket beyond loopback raise NetworkClosedError."""
    for name in ("connect", "connect_ex"):
        patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))


def _guarded(connect: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address[0]):
            raise NetworkClosedError(f"tests may not connect to {address[0]}:{address[1]}; use the simulator or a fake")
        return connect(self, address)

    return guarded


def _is_loopback(host: str) -> bool:
    if host in ("localhost", ""):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
