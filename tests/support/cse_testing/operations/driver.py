"""A process that runs operations on a cloud in a file, to be killed: `… -m cse_testing.operations.driver SPEC STARTER`.

SPEC is a JSON file, see `Spec`; STARTER is the process that starts it, and with which it ends. The process submits its
operations (again after a restart: it is the same request ids), waits until all in the store have ended, and ends with
0.
"""

import json
import secrets
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from cse_core.errors import CseError, FailedPreconditionError, UnavailableError
from cse_core.operations import (
    Json,
    JsonObject,
    Operation,
    OperationContext,
    OperationKind,
    OperationRequest,
)
from cse_core.secret import Secret
from cse_operations import DurableOperations, OperationsSettings, Timing
from cse_operations.journal import Journal
from cse_operations.runner import Runner
from cse_testing.operations.cloud import Cloud
from cse_testing.starter import die_with_starter
from cse_testing.waiting import LIMIT_S

NODES = ("m", "n1", "n2")
STEPS = (
    *("choose", "compose", "boot@m", "boot@n1", "join@n1", "boot@n2", "join@n2", "verify"),
    *("undo machines", "undo vapp"),
)
MOMENTS = ("before", "effect", "after")
"""Of a step: when it begins; between its effect and its journal entry; when it is journaled."""
_ENDINGS = (None, FailedPreconditionError)
"""How a step of ours ends when it is not cut off."""
NOT_STARTED = 69
"""The driver's exit code when the database does not answer at its start: EX_UNAVAILABLE."""
ENGINE_POINTS = ("submit:after", "claim:after", "finish:before", "finish:effect", "end:after")


@dataclass(frozen=True, kw_only=True)
class Job:
    """One operation: which partition it is in, whether it fails and rolls back, and where the process is killed."""

    request_id: str
    partition: str
    fails: bool = False
    kill_at: str = ""
    """`step:moment`, or one of ENGINE_POINTS."""
    hold_at: str = ""
    """Step that, once begun, waits for the object `signal/go` in the cloud before it goes on."""
    hold_blindly: bool = False
    """Without asking the engine whether it may go on, like a call that does not return."""


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What a driver process does."""

    store: str
    key: str
    cloud: str
    jobs: list[Job] = field(default_factory=list)
    timing: dict[str, float] = field(default_factory=dict)
    running: int = 16
    latency_s: float = 0.002
    """How long each call to the cloud takes."""
    generation: int = 1
    stays: bool = False
    """Whether it goes on when all operations have ended, until it is ended."""
    leaves_at: str = ""
    """Step at whose beginning, in all its jobs, its main thread ends without a word to the engine."""

    @classmethod
    def load(cls, path: Path) -> "Spec":
        data: dict[str, Any] = json.loads(path.read_text())
        data["jobs"] = [Job(**job) for job in data["jobs"]]
        return cls(**data)


class Build:
    """The code of the one kind of operation: makes a vApp and its machines, or takes them back."""

    def __init__(self, spec: Spec, cloud: Cloud) -> None:
        self._spec = spec
        self._cloud = cloud

    def run(self, ctx: OperationContext) -> Json:
        try:
            name = str(self._step(ctx, "choose", lambda: f"vapp-{secrets.token_hex(4)}"))
            self._make(ctx, "compose", "vapp", name)
            joined = ctx.parallel({node: self._branch(node, name) for node in NODES})
            self._step(ctx, "verify", lambda: self._verify(ctx))
            return {"name": name, "joined": joined}
        except CseError:
            with ctx.rollback():
                self._step(ctx, "undo machines", lambda: self._undo(ctx, "vm"))
                self._step(ctx, "undo vapp", lambda: self._undo(ctx, "vapp"))
            raise

    def _branch(self, node: str, name: str) -> Callable[[OperationContext], Json]:
        def branch(ctx: OperationContext) -> Json:
            self._make(ctx, f"boot@{node}", "vm", f"{name}.{node}")
            if node == NODES[0]:
                ctx.publish("endpoint", f"https://{name}")
                return "up"
            endpoint = ctx.wait_for("endpoint")
            ctx.progress(f"{node} joins", percent=50)
            return self._step(ctx, f"join@{node}", lambda: endpoint)

        return branch

    def _make(self, ctx: OperationContext, step: str, kind: str, key: str) -> None:
        def make() -> Json:
            asked = time.monotonic()
            ctx.creating(kind, key)
            self._cloud.ensure(ctx.operation_id, str(ctx.input["partition"]), kind, key, asked)
            return key

        self._step(ctx, step, make)

    def _verify(self, ctx: OperationContext) -> Json:
        if ctx.input["fails"]:
            raise FailedPreconditionError("not ready", reason="NODES_NOT_READY", node="n1")
        return len(self._cloud.objects()[ctx.operation_id])

    def _undo(self, ctx: OperationContext, kind: str) -> Json:
        for entry in ctx.created():
            if entry.kind == kind:
                self._cloud.delete(kind, entry.key)
                ctx.removed(kind, entry.key)
        return None

    def _step(self, ctx: OperationContext, name: str, action: Callable[[], Json]) -> Json:
        asked: list[float] = []

        def act() -> Json:
            asked.append(time.monotonic())
            self._note(ctx, "begin", name, asked[-1])
            self._die(ctx, f"{name}:before")
            self._hold(ctx, name)
            time.sleep(self._spec.latency_s)
            asked.append(time.monotonic())
            if not ctx.input["hold_blindly"]:
                ctx.check()
            try:
                return action()
            finally:
                if sys.exc_info()[0] in _ENDINGS:
                    self._note(ctx, "effect", name, asked[-1])
                    self._die(ctx, f"{name}:effect")
                    asked.append(time.monotonic())  # for the journal asks

        try:
            return ctx.step(name, act)
        finally:
            if asked and sys.exc_info()[0] in _ENDINGS:
                self._note(ctx, "journaled", name, asked[-1])
                self._die(ctx, f"{name}:after")

    def _hold(self, ctx: OperationContext, name: str) -> None:
        if ctx.input["hold_at"] != name:
            return
        while "signal/go" not in self._cloud.objects().get("test", []):
            if ctx.input["hold_blindly"]:
                time.sleep(0.02)
            else:
                ctx.pause(0.02)

    def finish(self, operation: Operation) -> None:
        asked = time.monotonic()
        self._die_for(operation.id, operation.input, "finish:before")
        self._cloud.note(operation.id, str(operation.input["partition"]), "finish", operation.state.value, asked)
        self._die_for(operation.id, operation.input, "finish:effect")

    def _note(self, ctx: OperationContext, what: str, name: str, asked: float) -> None:
        self._cloud.note(ctx.operation_id, str(ctx.input["partition"]), what, name, asked)

    def _die(self, ctx: OperationContext, point: str) -> None:
        self._die_for(ctx.operation_id, ctx.input, point)

    def _die_for(self, operation_id: str, data: JsonObject, point: str) -> None:
        if data["kill_at"] == point:
            self._cloud.die_once(operation_id, point)

    def kill_inside_the_engine(self) -> None:
        """Makes the points `claim:after` and `end:after`, which no code of an operation is at."""
        begin, end = Runner._begin, Journal.end
        build = self

        def dying_begin(runner: Runner, claimed: Any) -> Any:
            build._die_for(claimed.operation.id, claimed.operation.input, "claim:after")
            return begin(runner, claimed)

        def dying_end(journal: Journal, outcome: Operation) -> None:
            end(journal, outcome)
            build._die_for(outcome.id, outcome.input, "end:after")

        Runner._begin = dying_begin  # type: ignore[method-assign, assignment]
        Journal.end = dying_end  # type: ignore[method-assign, assignment]


def main(spec: Spec) -> int:
    with ExitStack() as stack:
        cloud = Cloud(Path(spec.cloud))
        if not spec.leaves_at:  # what it leaves at work goes on with the cloud
            stack.enter_context(cloud)
        build = Build(spec, cloud)
        build.kill_inside_the_engine()
        settings = OperationsSettings(
            database=Secret(spec.store),
            key=Secret(spec.key),
            running=spec.running,
            branches=4 * spec.running,
            generation=spec.generation,
            timing=Timing(**spec.timing),
        )
        engine = DurableOperations([OperationKind(name="BUILD", run=build.run, finish=build.finish)], settings)
        try:
            engine.start()
        except UnavailableError:
            return NOT_STARTED
        for job in spec.jobs:
            operation = _submit(engine, job)
            if job.kill_at == "submit:after":
                cloud.die_once(operation.id, job.kill_at)
        while spec.leaves_at:
            begun = sum((each.what, each.name) == ("begin", spec.leaves_at) for each in cloud.history())
            if begun == len(spec.jobs):
                return 0
            time.sleep(0.02)
        while spec.stays or engine.active_count():
            time.sleep(0.02)
        return 0 if engine.close(LIMIT_S) else 1


def _submit(engine: DurableOperations, job: Job) -> Operation:
    """As a client does it: again, with the same request id, while the database is away."""
    while True:
        try:
            return engine.submit(_request(job))
        except UnavailableError:
            time.sleep(0.1)


def _request(job: Job) -> OperationRequest:
    return OperationRequest(
        kind="BUILD",
        target=job.request_id,
        partition=job.partition,
        request_id=job.request_id,
        owner="acme",
        input={
            "partition": job.partition,
            "fails": job.fails,
            "kill_at": job.kill_at,
            "hold_at": job.hold_at,
            "hold_blindly": job.hold_blindly,
        },
        secrets={"token": Secret("t")},
        deadline=timedelta(minutes=30),
    )


if __name__ == "__main__":
    die_with_starter(int(sys.argv[2]))
    sys.exit(main(Spec.load(Path(sys.argv[1]))))
