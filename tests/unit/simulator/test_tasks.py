import threading
from collections.abc import Callable
from typing import Any

import pytest

from cse_testing.waiting import LIMIT_S
from vcd_simulator import errors, tasks
from vcd_simulator.clock import ManualClock, SystemClock
from vcd_simulator.errors import VcdError
from vcd_simulator.latency import Latency, Profile
from vcd_simulator.model.lock import StateLock
from vcd_simulator.model.task import Reference, Task, TaskStatus
from vcd_simulator.tasks import TaskEngine


class Engine:
    """A task engine whose tasks wait a second and take ten."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        numbers = iter(range(1000))
        profile = Profile.model_validate({"delays": {"task": 10, "task.queued": 1}})
        lock = StateLock()
        lock.__enter__()  # nobody else is there, and the engine wants it held
        self.engine = TaskEngine(lock, self.clock, Latency(profile), lambda: str(next(numbers)))

    def begin(self, *locks: str, **fields: Any) -> Task:
        reference = Reference(href="/x", name="x")
        described: dict[str, Any] = {"operation_name": "vdcComposeVapp", "operation": "Composing", "done": "Composed"}
        with_owner = described | {"org_id": "o", "user": reference, "owner": reference, "owner_id": "x"}
        self.engine.require_idle((lock, lock) for lock in locks)
        return self.engine.begin(**with_owner, locks=locks, **fields)

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.engine.run_due()


@pytest.fixture
def engine() -> Engine:
    return Engine()


def test_a_task_is_queued_runs_and_succeeds_and_then_has_had_its_effect(engine: Engine) -> None:
    effects: list[str] = []
    task = engine.begin(effect=lambda: effects.append("done"))
    seen = [task.status]
    engine.pass_time(1)
    seen.append(task.status)
    assert (task.operation, effects) == ("Composing", [])
    engine.pass_time(9.9)
    seen.append(task.status)
    engine.pass_time(0.2)
    seen.append(task.status)
    assert seen == [TaskStatus.QUEUED, TaskStatus.RUNNING, TaskStatus.RUNNING, TaskStatus.SUCCESS]
    assert (task.operation, effects) == ("Composed", ["done"])
    assert task.end_time == engine.clock.now()


def test_progress_grows_and_is_full_only_at_the_end(engine: Engine) -> None:
    task = engine.begin()
    seen = []
    for _ in range(12):
        seen.append(task.progress_at(engine.clock.now()))
        engine.pass_time(1)
    assert seen == sorted(seen, key=lambda percent: percent or 0)
    assert seen[5] == 50
    assert all(percent is not None and percent < 100 for percent in seen[:10])
    assert task.progress_at(engine.clock.now()) == 100


def test_an_entity_is_busy_until_the_task_ends(engine: Engine) -> None:
    engine.begin("vapp", "vm")
    with pytest.raises(VcdError, match=r"The entity vm is busy completing an operation VDC_COMPOSE_VAPP\.") as caught:
        engine.begin("vm")
    assert (caught.value.status, caught.value.minor) == (400, "BUSY_ENTITY")
    engine.begin("other")
    engine.pass_time(1)
    engine.pass_time(10)
    engine.begin("vm")


def test_a_refusal_fails_the_task_and_undoes_it(engine: Engine) -> None:
    undone: list[bool] = []

    def refuse() -> None:
        raise errors.bad_request("no room", "STORAGE_LIMIT")

    task = engine.begin("vapp", effect=refuse, undo=lambda: undone.append(True))
    engine.pass_time(1)
    engine.pass_time(10)
    assert task.status is TaskStatus.ERROR
    assert task.error is not None
    assert (task.error.major, task.error.minor, task.error.message) == ("400", "STORAGE_LIMIT", "no room")
    assert undone == [True]
    assert not engine.engine.is_busy("vapp")


def test_a_defect_fails_the_task_too_and_the_next_one_still_runs(engine: Engine) -> None:
    def break_down() -> None:
        raise ZeroDivisionError

    broken, fine = engine.begin(effect=break_down), engine.begin()
    engine.pass_time(1)
    engine.pass_time(10)
    assert (broken.status, fine.status) == (TaskStatus.ERROR, TaskStatus.SUCCESS)
    assert broken.error is not None
    assert broken.error.minor == "INTERNAL_SERVER_ERROR"


@pytest.mark.parametrize("seconds", [0, 5])
def test_a_canceled_task_is_undone_and_has_no_effect(engine: Engine, seconds: float) -> None:
    happened: list[str] = []
    task = engine.begin("vapp", effect=lambda: happened.append("effect"), undo=lambda: happened.append("undo"))
    engine.pass_time(seconds)
    engine.engine.cancel(task)
    engine.pass_time(20)
    assert task.status is TaskStatus.CANCELED
    assert task.error is not None, "clients crash on a failed task without an error"
    assert happened == ["undo"]
    assert not engine.engine.is_busy("vapp")
    with pytest.raises(VcdError, match="is over"):
        engine.engine.cancel(task)


def test_extra_time_is_added(engine: Engine) -> None:
    task = engine.begin(extra_s=30)
    engine.pass_time(1)
    seen = []
    for seconds in (39, 1):
        engine.pass_time(seconds)
        seen.append(task.status)
    assert seen == [TaskStatus.RUNNING, TaskStatus.SUCCESS]


def test_without_delays_a_task_is_over_when_the_request_that_made_it_ends() -> None:
    lock = StateLock()
    engine = TaskEngine(lock, ManualClock(), Latency(), lambda: "1")
    reference = Reference(href="/x")
    with lock:
        task = engine.begin(
            operation_name="a", operation="b", org_id="o", user=reference, owner=reference, owner_id="x"
        )
        engine.run_due()
    assert task.status is TaskStatus.SUCCESS


def test_old_tasks_that_are_over_are_forgotten_and_open_ones_never(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "REMEMBERED", 20)
    first = engine.begin()
    engine.pass_time(1)
    engine.pass_time(10)
    others = [engine.begin(extra_s=1000) for _ in range(40)]
    known = engine.engine.tasks
    assert first.id not in known
    assert all(one.id in known for one in others)
    engine.pass_time(1)
    engine.pass_time(2000)
    newest = [engine.begin() for _ in range(30)]
    assert len(known) <= 41
    assert all(one.id in known for one in newest)


def test_the_scheduler_finishes_tasks_by_itself_in_the_order_of_their_ends() -> None:
    lock = StateLock()
    profile = Profile.model_validate({"delays": {"task.slow": 1.0, "task.fast": 0.02}})
    numbers = iter("12")
    engine = TaskEngine(lock, SystemClock(), Latency(profile), lambda: next(numbers))
    over = threading.Event()
    ended: list[str] = []

    def end(name: str) -> Callable[[], None]:
        def effect() -> None:
            ended.append(name)
            if len(ended) == 2:
                over.set()

        return effect

    engine.start()
    try:
        reference = Reference(href="/x")
        with lock:
            for name in ("slow", "fast"):
                engine.begin(
                    operation_name=name,
                    operation=name,
                    org_id="o",
                    user=reference,
                    owner=reference,
                    owner_id="x",
                    effect=end(name),
                )
        assert over.wait(LIMIT_S)
    finally:
        engine.stop()
    assert ended == ["fast", "slow"]
