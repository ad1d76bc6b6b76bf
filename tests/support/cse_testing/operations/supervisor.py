"""Starts drivers again when they were killed, and says what must be true of the cloud in the end."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from cryptography.fernet import Fernet

from cse_core.operations import Operation, OperationState
from cse_core.operations.clock import utc_now
from cse_core.secret import Secret
from cse_operations.cipher import Cipher
from cse_operations.database import Database
from cse_operations.store import Store
from cse_testing.operations.benches import QUICK
from cse_testing.operations.cloud import Cloud, Happening
from cse_testing.operations.driver import NODES, Job, Spec
from cse_testing.waiting import wait_until

_MODULE = "cse_testing.operations.driver"
_PATH = (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH"))
LIMIT_S = 300.0
"""Nothing depends on it but how soon a test gives up; the machine may be busy."""
_HURRY = {"beat_s": 0.1, "doubt_s": 0.4, "dead_after_s": 0.8}
"""Where there is one process at a time, it cannot be declared dead by mistake."""


@dataclass(frozen=True)
class Freeze:
    """That a process was stopped, when, and what the last thing was that had happened until then."""

    process: int
    stopped: float
    after: int

    def is_late(self, happening: Happening) -> bool:
        """Whether the process had asked before it was stopped, and did it when it woke up: nobody could keep it."""
        return happening.process == self.process and happening.asked <= self.stopped and happening.number > self.after


@dataclass
class Field:
    """A store, a cloud and the drivers that work on them."""

    directory: Path
    store: str
    key: str = field(default_factory=lambda: Fernet.generate_key().decode())
    timing: dict[str, float] = field(default_factory=lambda: {**asdict(QUICK), **_HURRY})
    drivers: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    freezes: list[Freeze] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cloud = Cloud(self.directory / "cloud.db")

    def spec(self, jobs: list[Job], **changes: object) -> Spec:
        spec = Spec(
            store=self.store, key=self.key, cloud=str(self.directory / "cloud.db"), jobs=jobs, timing=self.timing
        )
        return replace(spec, **changes)  # type: ignore[arg-type]

    def start(self, spec: Spec) -> "subprocess.Popen[bytes]":
        """A driver process; its output is in `driver.log`."""
        file = self.directory / f"spec{len(self.drivers)}.json"
        file.write_text(json.dumps(asdict(spec)))
        with (self.directory / "driver.log").open("ab") as log:
            driver = subprocess.Popen(
                [sys.executable, "-m", _MODULE, str(file), str(os.getpid())],
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, _PATH))},
            )
        self.drivers.append(driver)
        return driver

    def freeze(self, driver: "subprocess.Popen[bytes]") -> None:
        """Stops it where it is."""
        driver.send_signal(signal.SIGSTOP)
        history = self.cloud.history()
        after = history[-1].number if history else 0
        self.freezes.append(Freeze(process=driver.pid, stopped=time.monotonic(), after=after))

    def run_to_the_end(self, spec: Spec, most_starts: int) -> int:
        """Starts the driver until it has ended by itself; returns how often it was killed."""
        for kills in range(most_starts):
            code = self.start(spec).wait(LIMIT_S)
            if code == 0:
                return kills
            assert code == -signal.SIGKILL, self.log()
        raise AssertionError(f"not at the end after {most_starts} starts:\n{self.log()}")

    def operations(self) -> list[Operation]:
        """What the store says, read without an engine."""
        database = Database(Secret(self.store))
        try:
            return Store(database, Cipher([self.key]), utc_now).find(owner=None, target=None, active=None)
        finally:
            database.close()

    def wait_for(self, what: str, name: str, times: int = 1) -> None:
        """Until that has happened so often."""

        def happened() -> bool:
            return sum((each.what, each.name) == (what, name) for each in self.cloud.history()) >= times

        wait_until(happened, f"{what} {name}", seen=self.log, within_s=LIMIT_S)

    def wait_until_all_ended(
        self, jobs: list[Job], *, meanwhile: Callable[[], object] = lambda: None
    ) -> list[Operation]:
        """Until all of the jobs were submitted and have ended; `meanwhile` is called again and again."""

        def ended() -> list[Operation] | None:
            found = self.operations()
            return found if len(found) >= len(jobs) and all(each.state.is_final for each in found) else None

        def seen() -> str:
            return f"{[(each.target, each.state, each.step) for each in self.operations()]}\n{self.log()}"

        def pause() -> None:
            time.sleep(0.05)
            meanwhile()

        return wait_until(ended, "the end of all operations", seen=seen, within_s=LIMIT_S, pause=pause)

    def log(self) -> str:
        """The end of what the drivers have said, without what went as it should."""
        lines = (self.directory / "driver.log").read_text().splitlines(keepends=True)
        return "".join(line for line in lines if " step_done " not in line)[-20_000:]

    def close(self) -> None:
        for driver in self.drivers:
            if driver.poll() is None:
                driver.send_signal(signal.SIGCONT)
                driver.kill()
                driver.wait(LIMIT_S)
        self.cloud.__exit__()


def check(field: Field, jobs: list[Job]) -> None:
    """Everything has ended as it would have without a kill, nothing was done twice, nothing is left over."""
    operations = {operation.target: operation for operation in field.operations()}
    assert operations.keys() == {job.request_id for job in jobs}
    objects, history = field.cloud.objects(), field.cloud.history()
    for job in jobs:
        operation = operations[job.request_id]
        mine = [happening for happening in history if happening.operation == operation.id]
        _check_outcome(job, operation, objects.get(operation.id, []))
        _check_history(operation, mine)
    check_turns(history, field.freezes)


def kill_at_every(points: list[str], field: Field) -> None:
    """One operation per point, at which the process is killed once; three share a partition. All end as they should.

    A point is not reached if another operation's kill comes between what it follows and itself. Then another operation
    has its turn, which it has at last when it is the only one.
    """
    jobs: list[Job] = []
    missing = points
    while missing:
        jobs += [
            Job(
                request_id=f"{point} {len(jobs)}",
                partition=f"p{number // 3}",
                fails="undo" in point or number % 2 == 0,
                kill_at=point,
            )
            for number, point in enumerate(missing)
        ]
        kills = field.run_to_the_end(field.spec(jobs), most_starts=len(missing) + 1)
        assert 0 < kills <= len(missing), f"killed {kills} times for {missing}"
        reached = {point for _, point in field.cloud.kills()}
        missing = [point for point in points if point not in reached]
    check(field, jobs)


def _check_outcome(job: Job, operation: Operation, objects: list[str]) -> None:
    if job.fails:
        assert operation.state is OperationState.FAILED
        assert operation.error is not None
        assert (operation.error.reason, operation.error.details) == ("NODES_NOT_READY", {"node": "n1"})
        assert objects == []
        return
    assert operation.state is OperationState.SUCCEEDED, operation
    result = operation.result
    assert isinstance(result, dict)
    name = result["name"]
    assert result["joined"] == {"m": "up", "n1": f"https://{name}", "n2": f"https://{name}"}
    assert objects == [f"vapp/{name}", *(f"vm/{name}.{node}" for node in NODES)]


def _check_history(operation: Operation, history: list[Happening]) -> None:
    journaled = set[str]()
    made = [happening.name for happening in history if happening.what == "made"]
    assert len(made) == len(set(made)) == 1 + len(NODES), f"a second one was made: {made}"
    for happening in history:
        if happening.what == "begin":
            assert happening.name not in journaled, f"{happening.name} was taken again after it was journaled"
        elif happening.what == "journaled":
            journaled.add(happening.name)
    told = {happening.name for happening in history if happening.what == "finish"}
    assert told == {operation.state.value}


def check_turns(history: list[Happening], freezes: list[Freeze]) -> None:
    """No two operations of a partition at the same time: what they change comes in blocks, but for what comes late."""
    history = [each for each in history if not any(freeze.is_late(each) for freeze in freezes)]
    order: dict[str, list[str]] = {}
    for happening in history:
        if happening.what == "begin":
            continue
        operations = order.setdefault(happening.partition, [])
        if not operations or operations[-1] != happening.operation:
            operations.append(happening.operation)
    for partition, operations in order.items():
        assert len(operations) == len(set(operations)), "operations of one partition overlap:\n" + "\n".join(
            str(each) for each in history if each.partition == partition
        )
