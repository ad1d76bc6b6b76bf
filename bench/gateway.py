"""Requests per second and latency of the gateway and what is behind it, beside a bare pika loop (`make bench-gateway`).

Starts a lab with the profile `instant`: RabbitMQ, the simulator and the three services as processes of their own, all
on loopback. Requests go over AMQP, as vCD's cells send them. Fails if a bound is broken; docs/performance.md has what
was measured.
"""

import asyncio
import base64
import http.client
import json
import os
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cell_load import CellLoad, Outcome
from measure import Conditions, command_line, cpu_seconds, table, used_between, verdict

from cse_lab import lab
from cse_lab.processes import wait_until
from cse_lab.settings import LabSettings

BARE, TEMPLATES, CLUSTERS = "bare loop", "template list", "cluster list"
BARE_QUEUE = "bench-bare"
PROCESSES = ("rabbitmq", "gateway", "clusters", "templates", "simulator")
MANY = 16
WARM_UP_S = 1.0
MOST_GATEWAY_CPU = 6.0
"""CPU of the gateway process for a template list, as a multiple of what a bare loop needs to answer the same message.
It pays for the gRPC call, the publisher's confirm, the log line and the deadline's timers."""
MOST_TOTAL_CPU = 8.0
"""The same over all processes that work on it, RabbitMQ and the template service among them. CPU is compared rather
than requests per second, because that does not depend on what else the machine does."""


@dataclass(frozen=True)
class Case:
    """What is asked, where, and how many at once."""

    name: str
    exchange: str
    routing_key: str
    path: str
    at_once: int


@dataclass(frozen=True)
class Result:
    """What one case came to."""

    case: Case
    outcome: Outcome
    cpu_s: Mapping[str, float]

    def cpu_ms(self, *names: str) -> float:
        """CPU per request of these processes, or of all."""
        used = sum(value for name, value in self.cpu_s.items() if not names or name in names)
        return 1000 * used / len(self.outcome.latencies.seconds)

    def row(self) -> list[object]:
        parts = [f"{name} {self.cpu_ms(name):.2f}" for name in self.cpu_s if self.cpu_ms(name) > 0.01 * self.cpu_ms()]
        latencies = self.outcome.latencies
        times = [f"{latencies.percentile(share):.1f}" for share in (0.5, 0.99)]
        rate = f"{self.outcome.per_second:,.0f}"
        return [self.case.name, self.case.at_once, rate, *times, f"{self.cpu_ms():.2f}", "  ".join(parts)]


def main() -> int:
    parser = command_line(__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="how long each case runs (default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cse-bench-") as name:
        directory = Path(name)
        state = lab.up(LabSettings(directory=directory / "lab", profile="instant"))
        try:
            conditions = Conditions()
            results = asyncio.run(measure(state.variables, directory, options.seconds))
        finally:
            lab.down(directory / "lab")
    headings = ["case", "at once", "req/s", "p50 ms", "p99 ms", "CPU ms/req", "of it, by process"]
    print(table(headings, [result.row() for result in results]))
    broken = broken_bounds(results)
    print(conditions)
    return verdict("bench-gateway", broken)


async def measure(variables: Mapping[str, str], directory: Path, seconds: float) -> list[Result]:
    vcd = Vcd(variables)
    for number in (1, 2):
        vcd.create_cluster(f"bench-{number}")
    load = CellLoad(variables["LAB_AMQP"])
    await load.connect()
    exchange, routing_key = variables["LAB_EXCHANGE"], variables["LAB_ROUTING_KEY"]
    sample = await load.ask(exchange, routing_key, "/api/cse/template", vcd.token)
    (directory / "reply.json").write_text(json.dumps(sample))
    pids = {name: int(variables[f"LAB_PID_{name.upper()}"]) for name in PROCESSES}
    results = []
    with bare_consumer(variables["LAB_AMQP"], directory / "reply.json") as bare_pid:
        pids[BARE] = bare_pid
        for at_once in (MANY, 1):
            for case in (
                Case(BARE, "", BARE_QUEUE, "/api/cse/template", at_once),
                Case(TEMPLATES, exchange, routing_key, "/api/cse/template", at_once),
                Case(CLUSTERS, exchange, routing_key, "/api/cse", at_once),
            ):
                await run(load, case, vcd.token, WARM_UP_S)
                before = cpu_seconds(pids)
                outcome = await run(load, case, vcd.token, seconds)
                results.append(Result(case, outcome, used_between(before, cpu_seconds(pids))))
    await load.close()
    return results


async def run(load: CellLoad, case: Case, token: str, seconds: float) -> Outcome:
    return await load.run(case.exchange, case.routing_key, case.path, token, at_once=case.at_once, seconds=seconds)


def broken_bounds(results: list[Result]) -> list[str]:
    """What is worse than it may be, in sentences."""
    found = [
        f"{each.case.name}: statuses {each.outcome.statuses}" for each in results if set(each.outcome.statuses) != {200}
    ]
    of = {each.case.name: each for each in results if each.case.at_once == MANY}
    for what, ratio, most in (
        ("the gateway", of[TEMPLATES].cpu_ms("gateway") / of[BARE].cpu_ms(BARE), MOST_GATEWAY_CPU),
        ("all processes", of[TEMPLATES].cpu_ms() / of[BARE].cpu_ms(), MOST_TOTAL_CPU),
    ):
        told = f"CPU of {what} for a template list: {ratio:.1f} times that of a bare loop (at most {most:g})"
        print(told)
        if ratio > most:
            found.append(told)
    return found


class Vcd:
    """A tenant at the lab's vCD."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        credentials = f"{variables['LAB_TENANT']}@{variables['LAB_ORG']}:{variables['LAB_TENANT_PASSWORD']}"
        basic = base64.b64encode(credentials.encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Accept": "application/*+xml;version=31.0"}
        _, answered, _ = self._request("POST", "/api/sessions", headers=headers)
        self.token = answered["x-vcloud-authorization"]

    def create_cluster(self, name: str) -> None:
        body = {
            "name": name,
            "vdc": self._variables["LAB_VDC"],
            "network": self._variables["LAB_NETWORK"],
            "node_count": 1,
        }
        status, _, content = self.cse("POST", "/api/cse", body)
        if status != 202:
            raise SystemExit(f"cannot create cluster {name}: {status} {content!r}")

        def is_up() -> bool:
            _, _, shown = self.cse("GET", f"/api/cse/{name}/info")
            return bool(json.loads(shown).get("nodes"))

        if not wait_until(is_up, timeout_s=60):
            raise SystemExit(f"cluster {name} did not come up")

    def cse(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, str], bytes]:
        headers = {"x-vcloud-authorization": self.token, "Accept": "application/*+json;version=31.0"}
        return self._request(method, path, headers=headers, body=None if body is None else json.dumps(body))

    def _request(
        self, method: str, path: str, *, headers: dict[str, str], body: str | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        context = ssl._create_unverified_context()  # noqa: SLF001  # the simulator made its certificate a moment ago
        connection = http.client.HTTPSConnection(self._variables["LAB_VCD"], context=context, timeout=20)
        try:
            connection.request(method, path, body=body, headers=headers)
            reply = connection.getresponse()
            return reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read()
        finally:
            connection.close()


@contextmanager
def bare_consumer(url: str, reply_file: Path) -> Iterator[int]:
    """Runs the bare loop; yields its pid."""
    program = Path(__file__).parent / "bare_consumer.py"
    process = subprocess.Popen(
        [sys.executable, str(program), url, BARE_QUEUE, str(reply_file)],
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield process.pid
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


if __name__ == "__main__":
    sys.exit(main())
