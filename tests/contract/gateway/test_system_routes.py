"""The routes of the service itself: what it is, whether it takes requests, how it ends."""

import pytest

from cse.system.v1 import system_pb2, system_service_pb2
from cse_core import errors
from cse_testing.fake_services import raising
from cse_testing.gateway import Bench


def test_everybody_sees_what_runs(bench: Bench) -> None:
    reply = bench.cell.ask("GET", "/api/cse/system")
    assert reply.status == 200
    assert reply.json == {"product": "CSE", "description": "Clusters", "version": "0.1.0"}


def test_administrators_see_how_it_runs(bench: Bench) -> None:
    bench.services.answers["GetSystem"] = lambda _: system_pb2.System(
        product="CSE",
        state=system_pb2.System.STATE_DISABLED,
        python_version="3.11.2",
        config_file="/etc/cse/config.yaml",
        operations_in_progress=4,
        replicas=[
            system_pb2.Replica(id="a", operations_in_progress=2, thread_count=10),
            system_pb2.Replica(id="b", operations_in_progress=1, thread_count=20),
        ],
    )
    shown = bench.cell.ask("GET", "/api/cse/system").json
    assert shown["python"] == "3.11.2"
    assert shown["consumer_threads"] == 5
    assert shown["all_threads"] > 30
    assert shown["requests_in_progress"] == 4  # one waits for its turn
    assert shown["config_file"] == "/etc/cse/config.yaml"
    assert shown["status"] == "Disabled"


def test_while_disabled_all_but_system_is_refused(bench: Bench) -> None:
    cell = bench.cell
    assert cell.ask("PUT", "/api/cse/system", body={"enabled": False}).json == {"message": "Updated"}
    bench.services.calls.clear()
    for method, path in [("GET", "/api/cse"), ("GET", "/api/cse/template"), ("POST", "/api/cse")]:
        reply = cell.ask(method, path)
        assert reply.status == 503
        assert reply.json == {"message": "CSE service is disabled. Contact the System Administrator."}
    assert not bench.services.calls
    assert cell.ask("GET", "/api/cse/system").status == 200
    assert cell.ask("PUT", "/api/cse/system", body={"enabled": True}).json == {"message": "Updated"}
    assert cell.ask("GET", "/api/cse/template").status == 200


def test_a_change_of_state_elsewhere_becomes_known(bench: Bench) -> None:
    cell = bench.cell
    bench.services.state = system_pb2.System.STATE_DISABLED
    cell.wait_until(lambda: cell.ask().status == 503, "a service that is closed")
    bench.services.state = system_pb2.System.STATE_RUNNING
    cell.wait_until(lambda: cell.ask().status == 200, "a service that is open")


@pytest.mark.parametrize(
    ("body", "method", "answer", "status", "message"),
    [
        ({"stopped": True}, "StopSystem", 0, 200, "CSE graceful shutdown started."),
        (
            {"stopped": True},
            "StopSystem",
            3,
            200,
            "CSE graceful shutdown started. CSE will finish processing 3 requests.",
        ),
        (
            {"stopped": True},
            "StopSystem",
            errors.FailedPreconditionError("it is enabled", reason="SERVICE_ENABLED"),
            422,
            "Cannot stop CSE while is enabled. Disable the service first.",
        ),
        (
            {"enabled": True},
            "EnableSystem",
            errors.FailedPreconditionError("Cannot enable while being stopped.", reason="SERVICE_STOPPING"),
            422,
            "Cannot enable while being stopped.",
        ),
        (
            {"enabled": False},
            "DisableSystem",
            errors.FailedPreconditionError("Cannot disable while being stopped.", reason="SERVICE_STOPPING"),
            422,
            "Cannot disable while being stopped.",
        ),
        ({"enabled": True}, "EnableSystem", errors.PermissionDeniedError("no administrator"), 403, "Unauthorized"),
    ],
)
def test_the_messages_of_stop_and_enable_are_those_users_know(
    bench: Bench, body: object, method: str, answer: int | errors.CseError, status: int, message: str
) -> None:
    if isinstance(answer, int):
        bench.services.answers[method] = lambda _: system_service_pb2.StopSystemResponse(operations_in_progress=answer)
    else:
        bench.services.answers[method] = raising(answer)
    reply = bench.cell.ask("PUT", "/api/cse/system", body=body)
    assert (reply.status, reply.json) == (status, {"message": message})


@pytest.mark.parametrize("body", [None, {}, {"enabled": "yes"}, {"enabled": True, "stopped": True}, {"stopped": False}])
def test_a_change_of_the_system_must_say_what_to_change(bench: Bench, body: object) -> None:
    assert bench.cell.ask("PUT", "/api/cse/system", body=body).status == 400


def test_a_service_that_finds_out_first_that_it_is_disabled_is_believed(bench: Bench) -> None:
    error = errors.FailedPreconditionError("disabled", reason="SERVICE_DISABLED")
    bench.services.answers["ListClusters"] = raising(error)
    reply = bench.cell.ask("GET", "/api/cse")
    assert (reply.status, reply.message) == (503, "CSE service is disabled. Contact the System Administrator.")


def test_a_tenant_of_a_service_that_ends_is_told_to_try_again_and_nothing_of_switches(bench: Bench) -> None:
    error = errors.UnavailableError("the service is not at work; try again in a minute", reason="SERVICE_STOPPING")
    bench.services.answers["DeleteCluster"] = raising(error)
    reply = bench.cell.ask("DELETE", "/api/cse/c1")
    assert reply.status == 503
    assert reply.message["reason"] == "the service is not at work; try again in a minute"
    assert reply.message["description"].startswith("SERVICE_STOPPING ")
