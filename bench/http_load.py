"""HTTPS requests over connections that stay open, with as little work of our own as possible."""

import asyncio
import ssl
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from measure import Latencies


@dataclass
class Load:
    """What came back."""

    latencies: Latencies = field(default_factory=Latencies)
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def per_second(self) -> float:
        return len(self.latencies.seconds) / self.seconds


class Connection:
    """One keep-alive connection of HTTP/1.1."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        self._reader = reader
        self._writer = writer
        self._host = host

    @classmethod
    async def open(cls, address: str, tls: ssl.SSLContext) -> "Connection":
        host, _, port = address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port), ssl=tls, limit=1 << 22)
        return cls(reader, writer, address)

    async def request(self, method: str, path: str, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        """Send a request without a body; returns status, headers by lower-case name, and body."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}", "Content-Length: 0"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._writer.write("\r\n".join([*lines, "", ""]).encode())
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        found = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        body = await self._reader.readexactly(int(found.get("content-length", "0")))
        return int(head[0].split()[1]), found, body

    async def close(self) -> None:
        self._writer.transport.abort()
        await asyncio.sleep(0)


async def run(
    address: str, tls: ssl.SSLContext, paths: Sequence[str], headers: Mapping[str, str], *, at_once: int, seconds: float
) -> Load:
    """Ask for these paths in turn, on so many connections, for so long."""
    load = Load()
    connections = [await Connection.open(address, tls) for _ in range(at_once)]
    began = time.perf_counter()
    end = began + seconds

    async def ask(number: int, connection: Connection) -> None:
        while (sent := time.perf_counter()) < end:
            status, _, _ = await connection.request("GET", paths[number % len(paths)], headers)
            load.latencies.seconds.append(time.perf_counter() - sent)
            load.statuses[status] += 1
            number += 1

    await asyncio.gather(*(ask(number * 7919, one) for number, one in enumerate(connections)))
    load.seconds = time.perf_counter() - began
    for one in connections:
        await one.close()
    return load
