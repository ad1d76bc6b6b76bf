"""A thousand clusters at once on one cluster manager; then one load on one and on two of them (`make bench-load`).

First many creations are put in flight at once on one replica with SQLite, in the simulated cloud of profile `field`:
all must succeed, within bounds for memory and for requests per cluster. Then replicas of little capacity share a load
on one PostgreSQL that keeps one of them busy all the time: two must be nearly twice as fast. Capacity is what a replica
has at work at once (CSE_RUNNING_OPERATIONS), as in production, where the cloud is slow and not the processor; what the
processors did is printed beside it. Fails if a bound is broken.
"""

import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from cryptography.fernet import Fernet
from google.longrunning import operations_pb2
from google.protobuf.timestamp_pb2 import Timestamp
from measure import Conditions, command_line, cpu_seconds, peak_mib, table, used_between, verdict
from stage import ClusterManager, Stage

from cse.operations.v1 import operation_pb2
from cse_lab.postgres import PrivatePostgres

PROFILE = "field"
WORKERS = 2
MACHINES = 1 + WORKERS
SCRIPTS = 2 + WORKERS
"""That run in guests: init, a join for each worker, and the wait until all nodes are Ready."""
CLIENTS = 24
"""Calls that ask for creations at once."""
PATIENCE_S = 1500.0
SCALE = 0.5
MOST_MIB = 512

ACCEPTING = 11
"""Requests to vCD until a creation is accepted: the session (remembered for seconds), the VDC's query and document, the
catalog's query, the catalog, its item and template, a query whether the name is free, the task. Two more for what is
not remembered: names of orgs, and where the tasks of one are created."""
STEPS = 8
"""Requests of the steps: look, compose; mark; look, recompose; one look for all guests; record, and a last look."""
TELLING = 6 + MACHINES
"""Writes to our own task in vCD: a sentence for each stage and each node; fewer when they come quickly."""
IN_GUESTS = MACHINES + 6 * SCRIPTS + 2 + 7
"""A login for each machine; directory, place for the script, the script, start, look at the output and cleaning up for
each script; fetching the output of the two that print something; and another script where nodes take longer than 20 s
to become Ready."""
MOST_WORK = ACCEPTING + STEPS + TELLING + IN_GUESTS
POLLS_PER_S = 50
"""Of programs in guests, which all operations of a replica share."""
SHARED_POLLS = 20
"""Of tasks and of guests that boot, where one request asks for many: per cluster, when so many share them."""
POLLING = (
    "ListProcessesInGuest",
    "RetrievePropertiesEx",
    "ContinueRetrievePropertiesEx",
    "GET /api/task/{task_id}",
)

REPLICA_LOAD = 24
REPLICA_RUNNING = 6
"""At work at once in a replica, so that the load takes one of them four rounds, and two of them two."""
REPLICA_SCALE = 0.05
MOST_SHARE = 0.65
"""Of the time that one replica takes, for two."""


def main() -> int:
    parser = command_line(__doc__)
    parser.add_argument("--clusters", type=int, default=1000, help="in flight at once (default: %(default)s)")
    parser.add_argument(
        "--scale", type=float, default=SCALE, help="seconds of the clock for one of the cloud (default: %(default)s)"
    )
    parser.add_argument(
        "--replica-load", type=int, default=REPLICA_LOAD, help="clusters for one and for two (default: %(default)s)"
    )
    parser.add_argument("--skip", choices=("one", "two"), help="leave out a part")
    options = parser.parse_args()
    broken: list[str] = []
    if options.skip != "one":
        broken += many_at_once(options.clusters, options.scale)
    if options.skip != "two":
        broken += two_replicas(options.replica_load)
    return verdict("bench-load", broken)


# ---- many at once


def many_at_once(clusters: int, scale: float) -> list[str]:
    """Prints what came of it; returns which bounds are broken."""
    conditions = Conditions()
    with Stage(profile=PROFILE, scale=scale) as stage:
        manager = stage.cluster_manager(CSE_RUNNING_OPERATIONS=str(clusters))
        stage.reset_stats()
        before, began = cpu_seconds(stage.pids), time.perf_counter()
        begun = create_all([manager], clusters)
        accepted_s = time.perf_counter() - began
        ended = [manager.ended(operation, PATIENCE_S) for operation in begun]
        taken_s = time.perf_counter() - began
        used, memory_mib = used_between(before, cpu_seconds(stage.pids)), peak_mib(manager.pid)
        counters = stage.stats()["counters"]
    requests = Requests.of(counters, clusters)
    at_once = most_at_once(ended)
    print(
        f"{clusters:,} creations: accepted in {accepted_s:.0f} s, ended in {taken_s:.0f} s; {at_once:,} at work at once"
    )
    print(f"peak memory of the cluster manager: {memory_mib:.0f} MiB (at most {MOST_MIB})")
    most_polls = SHARED_POLLS + POLLS_PER_S * taken_s / clusters
    print(table(["requests per cluster", "number", "at most"], requests.rows(most_polls)))
    cpu = ", ".join(f"{name} {1000 * seconds / clusters:.0f} ms" for name, seconds in used.items())
    print(f"CPU per cluster: {cpu} (without the guests' programs)")
    print(conditions)
    found = []
    if at_once < clusters:
        found.append(f"only {at_once:,} of {clusters:,} creations were at work at once; a larger --scale helps")
    if memory_mib > MOST_MIB:
        found.append(f"{memory_mib:.0f} MiB of memory (at most {MOST_MIB})")
    if requests.work > MOST_WORK:
        found.append(f"{requests.work:.1f} requests per cluster without polls (at most {MOST_WORK})")
    if requests.polls > most_polls:
        found.append(f"{requests.polls:.1f} polls per cluster (at most {most_polls:.1f})")
    return found


@dataclass(frozen=True)
class Requests:
    """Per cluster, to vCD and vCenter: those that do something, and those that ask whether something has ended."""

    vcd: float
    vcenter: float
    polls: float

    @classmethod
    def of(cls, counters: Iterable[dict[str, Any]], clusters: int) -> "Requests":
        """From the simulator's counters. Of the account's queries, all but those for names ask for tasks."""
        counted = {"vcd": 0.0, "vcenter": 0.0, "polls": 0.0}
        for each in counters:
            if each["kind"] not in ("rest", "soap", "transfer"):
                continue
            kind = "vcd" if each["kind"] == "rest" else "vcenter"
            number = each["count"] / clusters
            if each["name"] in POLLING:
                kind = "polls"
            elif each["name"] == "GET /api/query" and each["caller"].startswith("administrator@"):
                looks = min(number, 3.0)  # twice for the name, once before composing
                counted["vcd"] += looks
                kind, number = "polls", number - looks
            counted[kind] += number
        return cls(**counted)

    @property
    def work(self) -> float:
        return self.vcd + self.vcenter

    def rows(self, most_polls: float) -> list[list[object]]:
        in_vcd = ACCEPTING + STEPS + TELLING
        return [
            ["vCD: accepting, steps, telling", f"{self.vcd:.1f}", f"{in_vcd} = {ACCEPTING} + {STEPS} + {TELLING}"],
            ["vCenter: logins and scripts", f"{self.vcenter:.1f}", f"{IN_GUESTS} = {MACHINES} + 6 x {SCRIPTS} + 2 + 7"],
            ["polls", f"{self.polls:.1f}", f"{most_polls:.1f} = {SHARED_POLLS} + {POLLS_PER_S} per second"],
            ["all", f"{self.work + self.polls:.1f}", f"{MOST_WORK + most_polls:.1f}"],
        ]


def create_all(managers: Sequence[ClusterManager], clusters: int) -> list[operations_pb2.Operation]:
    """Has clusters created, by the replicas in turn; returns when all are accepted."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(
            pool.map(
                lambda number: managers[number % len(managers)].create(f"c{number:04}", workers=WORKERS),
                range(clusters),
            )
        )


def most_at_once(ended: Iterable[operations_pb2.Operation]) -> int:
    """How many operations were at work at the same moment."""
    moments: list[tuple[float, int]] = []
    for operation in ended:
        metadata = operation_pb2.OperationMetadata()
        operation.metadata.Unpack(metadata)
        moments += [(_seconds(metadata.start_time), 1), (_seconds(metadata.end_time), -1)]
    most = now = 0
    for _, change in sorted(moments):
        now += change
        most = max(most, now)
    return most


def _seconds(moment: Timestamp) -> float:
    return moment.seconds + moment.nanos / 1e9


# ---- two replicas


@dataclass(frozen=True)
class Shared:
    """What a load took."""

    replicas: int
    seconds: float
    cpu_s: dict[str, float]
    busy: float

    def row(self) -> list[object]:
        cpu = "  ".join(f"{name} {seconds:.1f}" for name, seconds in self.cpu_s.items())
        return [self.replicas, f"{self.seconds:.1f}", f"{100 * self.busy:.0f} %", cpu]


def two_replicas(load: int) -> list[str]:
    """Prints what one and two replicas take for a load; returns which bounds are broken."""
    conditions = Conditions()
    key = Fernet.generate_key().decode()
    with PrivatePostgres() as postgres:
        one, two = (shared(load, replicas, postgres.create_database(), key) for replicas in (1, 2))
    print(
        f"\n{load} creations on PostgreSQL, {REPLICA_RUNNING} at work at once in each replica, scale {REPLICA_SCALE:g}:"
    )
    print(table(["replicas", "seconds", "busy", "CPU s, by process"], [one.row(), two.row()]))
    share = two.seconds / one.seconds
    print(f"two replicas take {share:.2f} of the time of one (at most {MOST_SHARE})")
    print(conditions)
    return [f"two replicas take {share:.2f} of the time of one (at most {MOST_SHARE})"] if share > MOST_SHARE else []


def shared(load: int, replicas: int, database: str, key: str) -> Shared:
    with Stage(profile=PROFILE, scale=REPLICA_SCALE) as stage:
        managers = [
            stage.cluster_manager(
                f"clusters-{number}",
                CSE_OPERATIONS_DATABASE=database,
                CSE_OPERATIONS_KEY=key,
                CSE_RUNNING_OPERATIONS=str(REPLICA_RUNNING),
            )
            for number in range(replicas)
        ]
        for manager in managers:
            manager.ended(manager.create(f"warm-{manager.pid}", workers=1), PATIENCE_S)
        conditions, before, began = Conditions(), cpu_seconds(stage.pids), time.perf_counter()
        for operation in create_all(managers, load):
            managers[0].ended(operation, PATIENCE_S)
        seconds = time.perf_counter() - began
        return Shared(replicas, seconds, used_between(before, cpu_seconds(stage.pids)), conditions.busy)


if __name__ == "__main__":
    sys.exit(main())
