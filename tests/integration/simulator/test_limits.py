"""Requests that no well-meaning client sends: the simulator refuses them, and goes on."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from vcd_simulator.simulator import Simulator

MEBIBYTE = 1 << 20
PATIENCE_S = 30


@contextmanager
def connected(vcd: Simulator) -> Iterator[ssl.SSLSocket]:
    host, _, port = vcd.address.rpartition(":")
    context = ssl.create_default_context(cafile=vcd.ca_file)
    with (
        socket.create_connection((host, int(port)), timeout=PATIENCE_S) as plain,
        context.wrap_socket(plain, server_hostname=host) as connection,
    ):
        yield connection


def status_after(vcd: Simulator, *pieces: bytes) -> bytes:
    """The status of the answer to what is sent; some of it may not be wanted any more."""
    with connected(vcd) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
        except (ssl.SSLError, OSError):
            pass
        return connection.recv(4096).partition(b" ")[2][:3]


def is_up(vcd: Simulator) -> bool:
    request = b"GET /api/versions HTTP/1.1\r\nhost: vcd\r\nconnection: close\r\n\r\n"
    return status_after(vcd, request) == b"200"


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"GET /api/versions HTTP/1.1\r\nhost: vcd\r\n", b"x-more: of the same\r\n"),
        (b"GET /api/versions HTTP/1.1\r\nhost: vcd\r\nx-endless: ", b"value "),
        (b"GET /api/versions?", b"x=y&"),
    ],
    ids=["many-headers", "one-header", "request-line"],
)
def test_a_head_without_an_end_is_refused(shared_vcd: Simulator, start: bytes, more: bytes) -> None:
    """In small pieces, as somebody sends it who wants the memory to fill up."""
    piece = more * (32 * 1024 // len(more))
    assert status_after(shared_vcd, start, *[piece] * 4) == b"431"
    assert is_up(shared_vcd)


def test_a_head_of_common_size_is_served(shared_vcd: Simulator) -> None:
    header = b"x-token: " + b"t" * 16 * 1024 + b"\r\n"
    start = b"GET /api/versions HTTP/1.1\r\nhost: vcd\r\nconnection: close\r\n"
    assert status_after(shared_vcd, start, header, b"\r\n") == b"200"


@pytest.mark.parametrize(
    "credentials", [b"Basic \xe4\xf6\xfc", b"Basic YWxpY2U=", b"Basic /////w==", b"Basic", b"\xff"]
)
def test_credentials_that_are_none_are_refused(shared_vcd: Simulator, credentials: bytes) -> None:
    request = b"POST /api/sessions HTTP/1.1\r\nhost: vcd\r\naccept: application/*+xml;version=36.0\r\nauthorization: "
    assert status_after(shared_vcd, request + credentials + b"\r\nconnection: close\r\n\r\n") == b"401"


@pytest.mark.parametrize("path", ["/simulator/faults", "/simulator/guests/none/exec"])
def test_controls_refuse_documents_that_are_nested_without_an_end(shared_vcd: Simulator, path: str) -> None:
    body = b"[" * (MEBIBYTE // 2)
    head = f"POST {path} HTTP/1.1\r\nhost: vcd\r\nx-simulator-token: {shared_vcd.control_token}\r\n"
    request = f"{head}content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body
    assert status_after(shared_vcd, request) == b"400"


def test_strangers_cannot_send_large_bodies(shared_vcd: Simulator) -> None:
    """A login has no use for one, and elsewhere nobody reads what comes without a session."""
    head = "POST {} HTTP/1.1\r\nhost: vcd\r\naccept: application/*+xml;version=36.0\r\ncontent-length: {}\r\n\r\n"
    body = b"x" * (3 * MEBIBYTE)
    assert status_after(shared_vcd, head.format("/api/sessions", len(body)).encode(), body) == b"413"
    assert status_after(shared_vcd, head.format("/api/vApp/vapp-1/metadata", len(body)).encode(), body) == b"401"
    assert is_up(shared_vcd)
