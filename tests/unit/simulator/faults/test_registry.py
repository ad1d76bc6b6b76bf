"""Which calls a fault hits, and how often."""

from typing import Any

import pytest

from vcd_simulator.faults import (
    BusyEntity,
    ConnectionReset,
    DiskFull,
    Drop,
    Fault,
    FaultError,
    Faults,
    HttpError,
    Place,
    ToolsNeverStart,
    WrongGuestPassword,
)


@pytest.fixture
def faults() -> Faults:
    return Faults()


def hit(faults: Faults, count: int, **facts: Any) -> str:
    """Which of the next requests are hit: an x for each that is."""
    told = {"method": "POST", "route": "/api/x"} | facts
    return "".join(".x"[faults.decide(Place.REST, **told).error is not None] for _ in range(count))


def test_a_fault_hits_as_often_as_it_says_and_the_next_call_works(faults: Faults) -> None:
    fault = faults.add(action="powerOn", error=BusyEntity(), times=2)
    assert hit(faults, 3, action="powerOff") == "..."
    assert hit(faults, 4, action="powerOn") == "xx.."
    assert (fault.matched, fault.injected, fault.is_spent) == (2, 2, True)


def test_the_nth_call_is_hit(faults: Faults) -> None:
    fault = faults.add(method="POST", error=HttpError(), after=2)
    assert hit(faults, 6) == "..x..."
    assert (fault.matched, fault.injected) == (3, 1)


def test_a_fault_without_limit_lasts_until_it_is_removed(faults: Faults) -> None:
    fault = faults.add(method="POST", error=HttpError(), times=None)
    assert hit(faults, 3) == "xxx"
    faults.remove(fault)
    faults.remove(fault)
    assert hit(faults, 2) == ".."
    assert list(faults) == []


def test_chance_repeats_with_its_seed(faults: Faults) -> None:
    drawn = []
    for seed in (1, 1, 2):
        fault = faults.add(method="POST", error=HttpError(), times=None, chance=0.3, seed=seed)
        drawn.append(hit(faults, 200))
        faults.remove(fault)
    assert drawn[0] == drawn[1] != drawn[2]
    assert 30 < drawn[0].count("x") < 90


@pytest.mark.parametrize(
    ("when", "hits"),
    [
        ({"route": "/api/vApp/vapp-{vapp_id}"}, True),
        ({"route": "/api/vApp/vapp-1*"}, True),
        ({"route": "/api/vApp"}, False),
        ({"method": "GET", "user": "alice", "org": "acme"}, True),
        ({"method": "GET", "user": "bob"}, False),
        ({"user": "[ab]*"}, True),
        ({"action": "*"}, False),
    ],
)
def test_all_conditions_have_to_hold(faults: Faults, when: dict[str, Any], hits: bool) -> None:
    faults.add(at="rest", error=HttpError(), **when)
    facts = {"method": "GET", "route": ("/api/vApp/vapp-{vapp_id}", "/api/vApp/vapp-17"), "user": "alice"}
    assert hit(faults, 1, **facts, org="acme") == ".x"[hits]


def test_delays_add_up_and_the_first_error_wins(faults: Faults) -> None:
    faults.add(method="*", delay_s=1, at="rest")
    faults.add(method="*", error=BusyEntity(), delay_s=2)
    second = faults.add(method="*", error=HttpError())
    injection = faults.decide(Place.REST, method="GET")
    assert (injection.delay_s, injection.error) == (3, BusyEntity())
    assert (second.matched, second.injected) == (1, 0)
    assert faults.decide(Place.REST, method="GET").error == HttpError()


def test_each_of_several_faults_counts_the_calls_for_itself(faults: Faults) -> None:
    effects = [HttpError(status=500 + after) for after in range(3)]
    for after, effect in enumerate(effects):
        faults.add(action="powerOn", error=effect, after=after)
    found = [faults.decide(Place.REST, action="powerOn").error for _ in range(4)]
    assert found == [*effects, None], "the first call, the second and the third"


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"error": ToolsNeverStart()}, Place.BOOT),
        ({"error": WrongGuestPassword(), "guest": "mstr-*"}, Place.LOGIN),
        ({"error": DiskFull()}, Place.DISK),
        ({"error": Drop(), "message": "reply"}, Place.MESSAGE),
        ({"error": ConnectionReset(), "vcenter": "vc1"}, Place.VCENTER),
        ({"error": ConnectionReset(), "soap": "Login"}, Place.SOAP),
        ({"error": ConnectionReset()}, Place.REST),
        ({"error": BusyEntity(), "task": "vdcComposeVapp"}, Place.TASK),
        ({"program": "kubeadm", "delay_s": 1}, Place.PROGRAM),
        ({"route": "/api/query", "delay_s": 1}, Place.REST),
        ({"route": "/api/cse", "service": "cse", "delay_s": 1}, Place.MESSAGE),
    ],
)
def test_conditions_and_effect_tell_where(faults: Faults, values: dict[str, Any], place: Place) -> None:
    fault: Fault = faults.add(**values)
    assert fault.place is place


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"error": BusyEntity(), "soap": "Login"}, "cannot happen where these conditions hold; it happens at rest"),
        ({"action": "powerOn"}, "an error, a delay_s, or both"),
        ({"delay_s": 1}, "say with `at`"),
        ({"delay_s": -1, "at": "rest"}, "delay_s: Input should be greater"),
        ({"delay_s": float("inf"), "at": "rest"}, "delay_s: Input should be a finite number"),
        ({"delay_s": float("nan"), "at": "rest"}, "delay_s: Input should be a finite number"),
        ({"delay_s": 1e9, "at": "rest"}, "delay_s: Input should be less"),
        ({"error": HttpError(), "after": -1}, "after"),
        ({"error": HttpError(), "user": 7}, "when.user: Input should be a valid string"),
        ({"delay_s": 1, "guest": "x"}, "say with `at`"),
        ({"delay_s": 1, "at": "login"}, "cannot happen"),
        ({"error": HttpError(), "task": "x"}, "cannot happen"),
        ({"error": HttpError(), "colour": "red"}, "colour: Extra inputs"),
        ({"error": HttpError(), "times": 0}, "times"),
        ({"error": HttpError(), "chance": 1.5}, "chance"),
        ({"error": {"kind": "meteor"}}, "does not match any of the expected tags"),
        ({"error": {"kind": "http", "status": 200}}, "status"),
        ({"error": HttpError(), "at": "moon"}, "at: Input should be 'rest'"),
    ],
)
def test_what_cannot_be_is_explained(faults: Faults, values: dict[str, Any], message: str) -> None:
    with pytest.raises(FaultError, match=message):
        faults.add(**values)


def test_a_fault_tells_what_it_is_and_how_often_it_hit(faults: Faults) -> None:
    fault = faults.add(action="powerOn", error=HttpError(status=500), times=None)
    hit(faults, 2, action="powerOn")
    told = fault.to_json()
    assert {name: told[name] for name in ("id", "at", "matched", "injected", "spent")} == {
        "id": "fault-1",
        "at": "rest",
        "matched": 2,
        "injected": 2,
        "spent": False,
    }
    assert faults.spec_of(told["fault"]) == fault.spec
