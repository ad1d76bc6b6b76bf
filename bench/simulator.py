"""Rates, latencies and memory of the simulator with 10,000 vApps of 4 VMs (`make bench-simulator`).

Starts `vcd-simulator serve` as a process of its own, on loopback. Fails if a bound is broken; docs/performance.md has
what was measured. Bounds in milliseconds are CPU time of the simulator for one request: what the clock says depends on
what else the machine does.
"""

import asyncio
import base64
import json
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from http_load import Connection, Load, run
from measure import Conditions, command_line, cpu_seconds, table, verdict

from cse_lab.processes import wait_until
from vcd_simulator.inventory import lab_text

XML = "application/*+xml;version=31.0"
VMS = 4
LARGE = 33
"""VMs of one vApp beside the others: a control plane and 32 workers."""
LOGINS = 50
MANY = 8
START_TIMEOUT_S = 120
MOST_PAGE_MS = 50.0
"""For a query page, whatever it is filtered and sorted by."""
MOST_CHECK_MS = 1.0
"""For a session check."""
MOST_READ_MS = 2.0
"""For a vApp with its VMs that is polled."""
MOST_FIRST_READ_MS = 9.0
"""For one that nobody looked at since it changed."""
MOST_LARGE_READ_MS = 5.0
"""For a vApp with 33 VMs that is polled."""
MOST_VDC_MS = 50.0
"""For a VDC that lists all vApps."""
MOST_LOGINS_S = 3.0
"""For 50 logins at once, each on a connection of its own."""
MOST_MEMORY_MB = 300
"""Resident with 10,000 vApps of 4 VMs."""
MOST_START_CPU_S = 6.0
"""CPU time until everything listens."""
MOST_SAVE_S = 30.0
"""For the whole state over HTTP."""


@dataclass(frozen=True)
class Case:
    """What is asked for, and how many at once."""

    name: str
    paths: Sequence[str]
    at_once: int
    most_ms: float


@dataclass(frozen=True)
class Result:
    """What one case came to."""

    case: Case
    load: Load
    cpu_ms: float

    def row(self) -> list[object]:
        latencies = self.load.latencies
        times = [f"{latencies.percentile(share):.1f}" for share in (0.5, 0.99)]
        return [self.case.name, self.case.at_once, f"{self.load.per_second:,.0f}", *times, f"{self.cpu_ms:.2f}"]


class Site:
    """A running simulator."""

    def __init__(self, pid: int, facts: dict[str, Any]) -> None:
        self.pid = pid
        self.address: str = facts["address"]
        self.control = {"x-simulator-token": facts["control_token"]}
        self.tls = ssl.create_default_context(cafile=facts["ca_file"])

    @property
    def memory_mb(self) -> float:
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def cpu_s(self) -> float:
        return cpu_seconds({"simulator": self.pid})["simulator"]

    async def login(self) -> str:
        connection = await Connection.open(self.address, self.tls)
        basic = base64.b64encode(b"alice@acme:alice-secret").decode()
        headers = {"Accept": XML, "Authorization": f"Basic {basic}"}
        status, answered, _ = await connection.request("POST", "/api/sessions", headers)
        await connection.close()
        if status != 200:
            raise SystemExit(f"bench-simulator: a login was answered with {status}")
        return answered["x-vcloud-authorization"]

    async def get(self, path: str, headers: dict[str, str]) -> bytes:
        connection = await Connection.open(self.address, self.tls)
        status, _, body = await connection.request("GET", path, headers)
        await connection.close()
        if status != 200:
            raise SystemExit(f"bench-simulator: {path} was answered with {status}")
        return body


def main() -> int:
    parser = command_line(__doc__)
    parser.add_argument("--vapps", type=int, default=10_000, help="how many there are (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long each case runs (default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-simulator-") as name:
        conditions, began = Conditions(), time.perf_counter()
        with serving(Path(name), options.vapps) as site:
            start_s, start_cpu_s = time.perf_counter() - began, site.cpu_s()
            memory_mb = site.memory_mb
            results, logins_s, save_s = asyncio.run(measure(site, options.seconds))
    print(table(["case", "at once", "req/s", "p50 ms", "p99 ms", "CPU ms/req"], [result.row() for result in results]))
    print(f"everything listened after {start_s:.1f} s")
    broken = list(broken_bounds(results))
    for told, value, most in (
        (f"seconds of CPU to start with {options.vapps:,} vApps of {VMS} VMs", start_cpu_s, MOST_START_CPU_S),
        ("MB of memory then", memory_mb, MOST_MEMORY_MB),
        (f"seconds for {LOGINS} logins at once", logins_s, MOST_LOGINS_S),
        ("seconds to save the state", save_s, MOST_SAVE_S),
    ):
        sentence = f"{told}: {value:.1f} (at most {most:g})"
        print(sentence)
        if value > most:
            broken.append(sentence)
    print(conditions)
    return verdict("bench-simulator", broken)


async def measure(site: Site, seconds: float) -> tuple[list[Result], float, float]:
    token = await site.login()
    began = time.perf_counter()
    await asyncio.gather(*(site.login() for _ in range(LOGINS)))
    logins_s = time.perf_counter() - began
    headers = {"Accept": XML, "x-vcloud-authorization": token}
    results = []
    for case in await cases(site, headers):
        await run(site.address, site.tls, case.paths, headers, at_once=case.at_once, seconds=seconds / 8)
        before = site.cpu_s()
        load = await run(site.address, site.tls, case.paths, headers, at_once=case.at_once, seconds=seconds)
        cpu_ms = 1000 * (site.cpu_s() - before) / len(load.latencies.seconds)
        results.append(Result(case, load, cpu_ms))
    began = time.perf_counter()
    state = await site.get("/simulator/state", site.control)
    save_s = time.perf_counter() - began
    print(f"the state has {len(state) / 1e6:.0f} MB")
    return results, logins_s, save_s


async def cases(site: Site, headers: dict[str, str]) -> list[Case]:
    pages = [f"/api/query?type=vApp&pageSize=128&page={number}&filter=name==load-*" for number in range(1, 17)]
    records = b"".join([await site.get(path, headers) for path in pages])
    hrefs = [part.partition(b'"')[0].decode() for part in records.split(b'href="')]
    vapps = [href.removeprefix(f"https://{site.address}") for href in hrefs if "/api/vApp/vapp-" in href]
    large, vdc = [await found(site, headers, *one) for one in (("vApp", "name==large-1"), ("orgVdc", "name==acme-vdc"))]

    def page(name: str, query: str) -> Case:
        return Case(f"query, {name}", [f"/api/query?type={query}"], 1, MOST_PAGE_MS)

    return [
        Case("session check", ["/api/session"], MANY, MOST_CHECK_MS),
        Case("vApp read, again and again", vapps[:128], MANY, MOST_READ_MS),
        Case("vApp read, each for the first time", vapps, MANY, MOST_FIRST_READ_MS),
        Case(f"vApp read, {LARGE} VMs", [large], MANY, MOST_LARGE_READ_MS),
        Case("VDC read", [vdc], 1, MOST_VDC_MS),
        page("one vApp by name", "vApp&filter=name==load-77"),
        page("by status", "vApp&filter=status==POWERED_OFF"),
        page("by pattern", "vApp&pageSize=128&filter=name==load-5*"),
        page("by owner", "vApp&filter=ownerName==alice;numberOfVMs=gt=3"),
        page("last, by sums", "vApp&filter=numberOfCpus=gt=4&sortDesc=memoryAllocationMB&page=400"),
        page("by metadata", "vApp&filter=metadata:cse.cluster.id!=STRING:"),
        page("VMs by name", "vm&filter=name==load-77-1"),
        page("VMs by pattern", "vm&filter=name==*7*;status==POWERED_OFF&sortAsc=containerName"),
        page("all VMs sorted", "vm&filter=numberOfCpus==2&sortAsc=ipAddress"),
        page("all VMs, the last", "vm&filter=numberOfCpus==2&sortDesc=name&page=1600"),
    ]


async def found(site: Site, headers: dict[str, str], kind: str, condition: str) -> str:
    """The path of the only one there is."""
    records = await site.get(f"/api/query?type={kind}&filter={condition}", headers)
    return "/api/" + records.split(b' href="')[-1].partition(b'"')[0].decode().partition("/api/")[2]


def broken_bounds(results: list[Result]) -> Iterator[str]:
    """What is worse than it may be, in sentences."""
    for each in results:
        if set(each.load.statuses) != {200}:
            yield f"{each.case.name}: statuses {dict(each.load.statuses)}"
        if each.cpu_ms > each.case.most_ms:
            yield f"{each.case.name}: {each.cpu_ms:.1f} ms of CPU (at most {each.case.most_ms:g})"


def inventory(vapps: int) -> dict[str, Any]:
    """The lab's, with many vApps in the tenant `acme`."""
    document: dict[str, Any] = yaml.safe_load(lab_text())
    provider, acme = (next(org for org in document["orgs"] if org["name"] == name) for name in ("cse-provider", "acme"))
    (catalog,) = provider["catalogs"]
    catalog["published"] = True
    network = {"name": "load-net", "gateway": "10.64.0.1", "netmask": "255.192.0.0"}
    acme["vdcs"][0]["networks"].append(network | {"ranges": [["10.64.0.2", "10.127.255.250"]]})
    load = {"count": vapps, "vms": VMS, "vdc": "acme-vdc", "owner": "alice", "network": "load-net"}
    load |= {"catalog": catalog["name"], "item": catalog["items"][0]["name"]}
    acme["vapps"] = [load, load | {"name": "large-{number}", "count": 1, "vms": LARGE}]
    return document


@contextmanager
def serving(directory: Path, vapps: int) -> Iterator[Site]:
    """Runs the simulator."""
    file, ready = directory / "inventory.yaml", directory / "ready.json"
    file.write_text(yaml.safe_dump(inventory(vapps)))
    program = Path(sys.executable).with_name("vcd-simulator")
    process = subprocess.Popen(
        [
            program,
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--inventory",
            file,
            "--ready-file",
            ready,
            "--log-level",
            "warning",
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        if not wait_until(lambda: ready.exists() or process.poll() is not None, timeout_s=START_TIMEOUT_S):
            raise SystemExit("bench-simulator: the simulator did not start")
        if process.poll() is not None:
            raise SystemExit("bench-simulator: the simulator ended at once")
        yield Site(process.pid, json.loads(ready.read_text()))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
