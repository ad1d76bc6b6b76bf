"""Waiting for guests that boot, with a vCenter that does what a test says."""

import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from cse_core.errors import CseError
from cse_testing.waiting import LIMIT_S, wait_until
from cse_vcd.errors import GuestGoneError, GuestUnavailableError, UntrustedError, VcenterUnavailableError
from cse_vcd.soap import vim
from cse_vcd.timing import Deadline, Pace
from cse_vcd.tools import ToolsWatch

READY, STATUS = "guest.guestOperationsReady", "guest.toolsRunningStatus"


class Machines:
    """Properties of machines by moid; answers one page with all but the last, and another with that."""

    def __init__(self) -> None:
        self.properties: dict[str, dict[str, Any]] = {}
        self.problems: list[CseError] = []
        self.asked: list[list[str]] = []
        self._rest: list[Any] = []

    def call(self, _doing: str, use: Callable[[Any], Any]) -> Any:
        if self.problems:
            raise self.problems.pop(0)
        return use(SimpleNamespace(machine=vim.VirtualMachine, properties=self))

    def RetrievePropertiesEx(self, specs: Any, _options: Any) -> Any:
        (spec,) = specs
        moids = [each.obj._GetMoId() for each in spec.objectSet]
        self.asked.append(moids)
        if gone := [moid for moid in moids if moid not in self.properties]:
            raise GuestGoneError(f"there is no {gone[0]}")
        *first, last = [
            SimpleNamespace(
                obj=each.obj,
                propSet=[
                    SimpleNamespace(name=name, val=value)
                    for name, value in self.properties[each.obj._GetMoId()].items()
                ],
            )
            for each in spec.objectSet
        ]
        self._rest = [last]
        return SimpleNamespace(objects=first, token="more")

    def ContinueRetrievePropertiesEx(self, token: str) -> Any:
        assert token == "more"
        return SimpleNamespace(objects=self._rest, token=None)


@pytest.fixture
def machines() -> Machines:
    return Machines()


@pytest.fixture
def watch(machines: Machines) -> Iterator[ToolsWatch]:
    found = ToolsWatch(machines.call)
    yield found
    found.close()


@pytest.mark.parametrize(
    "properties",
    [{READY: True, STATUS: "guestToolsExecutingScripts"}, {STATUS: "guestToolsRunning"}],
    ids=["takes orders", "an older vCenter"],
)
def test_a_guest_whose_tools_run_is_not_waited_for(
    machines: Machines, watch: ToolsWatch, properties: dict[str, Any]
) -> None:
    machines.properties["vm-1"] = properties
    watch.wait("vm-1", deadline=Deadline(LIMIT_S))
    assert machines.asked == [["vm-1"]]


def test_nobody_waits_past_the_deadline(machines: Machines, watch: ToolsWatch) -> None:
    machines.properties["vm-1"] = {READY: False, STATUS: "guestToolsRunning"}
    while not machines.asked:  # whoever polls may come to it only after a deadline so soon
        watch.wait("vm-1", deadline=Deadline(0.1))


def test_one_call_asks_for_many(machines: Machines, watch: ToolsWatch) -> None:
    moids = [f"vm-{number}" for number in range(30)]
    machines.properties = {moid: {READY: False} for moid in moids}
    threads = [
        threading.Thread(target=lambda moid=moid: watch.wait(moid, deadline=Deadline(LIMIT_S))) for moid in moids
    ]
    for thread in threads:
        thread.start()
    wait_until(lambda: set[str]().union(*machines.asked) == set(moids), "a look at each machine")
    before = len(machines.asked)
    wait_until(lambda: sum(map(len, machines.asked[before:])) >= 20 * len(moids), "many looks at all machines")
    shared = machines.asked[before:]
    assert sum(map(len, shared)) > 5 * len(shared), "not a call for each look at each machine"
    machines.properties = {moid: {READY: True} for moid in moids}
    for thread in threads:
        thread.join(LIMIT_S)
        assert not thread.is_alive()


def test_a_machine_that_is_gone_is_nobody_elses_problem(machines: Machines, watch: ToolsWatch) -> None:
    machines.properties = {moid: {READY: True} for moid in ("vm-1", "vm-2", "vm-4")}
    outcomes = watch._ask(["vm-1", "vm-2", "vm-3", "vm-4"])
    assert isinstance(outcomes.pop("vm-3"), GuestGoneError)
    assert outcomes == {"vm-1": True, "vm-2": True, "vm-4": True}
    with pytest.raises(GuestGoneError):
        watch.wait("vm-3", deadline=Deadline(LIMIT_S))


def test_a_vcenter_that_is_away_is_asked_again(machines: Machines, watch: ToolsWatch) -> None:
    machines.problems = [VcenterUnavailableError("away"), GuestUnavailableError("busy")]
    machines.properties["vm-1"] = {READY: True}
    watch.wait("vm-1", deadline=Deadline(LIMIT_S))
    assert len(machines.asked) == 1


def test_what_does_not_pass_is_raised(machines: Machines, watch: ToolsWatch) -> None:
    machines.problems = [UntrustedError("who is that?")]
    with pytest.raises(UntrustedError):
        watch.wait("vm-1", deadline=Deadline(LIMIT_S))


def test_many_who_poll_share_the_pace() -> None:
    pace = Pace(100.0)
    with pace.polling():
        assert pace.slowed(0.05) == 0.05
        with pace.polling(), pace.polling():
            assert pace.slowed(0.01) == pytest.approx(0.03)
            assert pace.slowed(2.0) == 2.0
    assert pace.slowed(0.001) == 0.001


def test_not_all_who_poll_ask_at_once() -> None:
    pace = Pace(100.0, at_once=2)
    checks = iter([None, KeyboardInterrupt()])

    def check() -> None:
        if (problem := next(checks)) is not None:
            raise problem

    with pace.turn(check), pace.turn(check), pytest.raises(KeyboardInterrupt), pace.turn(check):
        raise AssertionError("it was nobody's turn")
    with pace.turn(check):
        pass
