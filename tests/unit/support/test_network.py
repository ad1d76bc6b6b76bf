import socket

import pytest

from cse_testing.network import NetworkClosedError


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("example.org", 443)])
def test_connecting_beyond_loopback_fails_at_once(address: tuple[str, int]) -> None:
    with socket.socket() as client, pytest.raises(NetworkClosedError, match="simulator or a fake"):
        client.connect(address)


def test_loopback_stays_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()
