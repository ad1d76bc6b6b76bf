"""Counters of requests."""

from cse_testing.vcd_cloud import LabCloud, RestCaller
from vcd_simulator import stats
from vcd_simulator.stats import Stats


def test_calls_are_counted_by_kind_name_and_caller() -> None:
    counters = Stats()
    for caller in ("a", "b", "a"):
        counters.count("rest", "GET /api/query", caller, seconds=0.5)
    counters.count("soap", "Login", failed=True)
    assert counters.total() == 4
    assert counters.total("rest", caller="a") == 2
    told = counters.to_json()
    assert told["totals"] == {"rest": 3, "soap": 1}
    assert told["counters"][0] == {
        "kind": "rest",
        "name": "GET /api/query",
        "caller": "a",
        "count": 2,
        "errors": 0,
        "seconds": 1.0,
    }
    counters.reset()
    assert counters.to_json()["counters"] == []


def test_what_clients_make_up_does_not_fill_the_memory() -> None:
    counters = Stats()
    for number in range(stats._MOST_KEYS + 10):
        counters.count("program", f"program-{number}")
    assert counters.total("program", "(others)") == 10
    assert counters.total() == stats._MOST_KEYS + 10


def test_rest_requests_are_counted_by_template_and_user(lab: LabCloud, alice: RestCaller) -> None:
    vapp = lab.vapp()
    alice.get(f"/api/vApp/vapp-{vapp.id}")
    alice.get(f"/api/vApp/vapp-{vapp.id}")
    alice.get("/api/vApp/vapp-unknown")
    alice.get("/api/nowhere")
    counters = alice.app.stats
    (read,) = counters.find("rest", "GET /api/vApp/vapp-{vapp_id}")
    assert (read.caller, read.count, read.errors) == ("alice@acme", 3, 1)
    assert counters.total("rest", "GET (no route)", "alice@acme") == 1
    assert counters.total("rest", "POST /api/sessions", "alice@acme") == 1
    alice.token = "nonsense"
    alice.get("/api/session")
    assert counters.total("rest", "GET /api/session", "-") == 1
