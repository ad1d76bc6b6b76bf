"""The control API over HTTP."""

from typing import Any

import pytest

from cse_testing.vcd_rest import VcdRest
from vcd_simulator.simulator import Simulator


def test_only_system_administrators_and_the_token_open_it(
    vcd: Simulator, control: Any, alice: VcdRest, administrator: VcdRest
) -> None:
    stranger = VcdRest(vcd.address)
    for method, path in (("GET", "/simulator/faults"), ("POST", "/simulator/faults"), ("DELETE", "/simulator/stats")):
        assert stranger.send(method, path, {}).status == 401
        assert alice.send(method, path, {}).status == 403
    assert "system administrator" in alice.send("GET", "/simulator/stats").json()["error"]
    assert administrator.send("GET", "/simulator/faults").json() == {"faults": []}
    assert control.call("GET", "/faults") == {"faults": []}
    wrong = stranger.send("GET", "/simulator/faults", headers={"x-simulator-token": "guessed"})
    assert (wrong.status, wrong.json()["error"][:6]) == (401, "log in")
    assert vcd.control_token not in wrong.body.decode()


def test_a_fault_is_set_hits_is_seen_and_removed(vcd: Simulator, control: Any, alice: VcdRest) -> None:
    wanted = {"when": {"route": "/api/session"}, "error": {"kind": "http", "status": 502}, "times": 2}
    made = control.call("POST", "/faults", 201, json=wanted)
    assert (made["at"], made["injected"]) == ("rest", 0)
    assert [alice.send("GET", "/api/session").status for _ in range(3)] == [502, 502, 200]
    seen = control.call("GET", f"/faults/{made['id']}")
    assert (seen["matched"], seen["injected"], seen["spent"]) == (2, 2, True)
    control.call("DELETE", f"/faults/{made['id']}", 204)
    assert "lists them" in control.call("GET", f"/faults/{made['id']}", 404)["error"]
    control.call("POST", "/faults", 201, json=wanted)
    control.call("DELETE", "/faults", 204)
    assert alice.send("GET", "/api/session").status == 200


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"{", 400, "not JSON"),
        (b"[]", 400, "not a fault"),
        (b'{"error": {"kind": "meteor"}}', 400, "meteor"),
        (b'{"when": {"action": "powerOn"}}', 400, "an error, a delay_s, or both"),
        (b'{"error": {"kind": "busy"}, "when": {"program": "x"}}', 400, "it happens at rest, task"),
        (b'{"x": "' + b"x" * (1 << 20) + b'"}', 413, "larger"),
    ],
)
def test_nonsense_is_explained(control: Any, body: bytes, status: int, message: str) -> None:
    assert message in control.call("POST", "/faults", status, data=body)["error"]


def test_counters_tell_who_asked_for_what(control: Any, alice: VcdRest) -> None:
    control.call("DELETE", "/stats", 204)
    for _ in range(3):
        alice.send("GET", "/api/session")
    alice.send("GET", "/api/vApp/vapp-1/leaseSettingsSection")
    told = control.call("GET", "/stats")
    assert told["totals"]["rest"] == 4
    found = {(one["name"], one["caller"]): (one["count"], one["errors"]) for one in told["counters"]}
    assert found["GET /api/session", "alice@acme"] == (3, 0)
    assert found["GET /api/vApp/vapp-{vapp_id}/leaseSettingsSection", "alice@acme"] == (1, 1)


def test_all_sessions_end_at_once(control: Any, alice: VcdRest) -> None:
    assert control.call("POST", "/sessions/expire")["expired"] >= 1
    assert alice.send("GET", "/api/session").status == 401
