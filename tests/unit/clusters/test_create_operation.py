"""Creating clusters over a world of dictionaries: what is made, in which order, and what is left when it fails."""

import threading
from typing import Any

import pytest

from cse_clusters.application.ports import Check, GuestLogin, ScriptResult
from cse_clusters.domain.cluster import CLUSTER_ID, CONTROL_PLANE_IP, OPERATION_ID, TEMPLATE, VERSION
from cse_core.errors import (
    ConflictError,
    ExhaustedError,
    FailedPreconditionError,
    UnauthenticatedError,
    UnavailableError,
)
from cse_core.operations import OperationState
from cse_testing.clusters.service import ClustersInMemory, a_cluster
from cse_testing.waiting import LIMIT_S


def roles(names: "list[str] | dict[str, object]") -> list[str]:
    return sorted(name.partition("-")[0] for name in names)


def test_a_cluster_is_one_vapp_with_its_nodes_and_the_metadata_that_clients_know(clusters: ClustersInMemory) -> None:
    operation = clusters.created(a_cluster(workers=2, nfs=True))
    (vapp,) = clusters.vcd.vapps.values()
    assert (vapp.name, vapp.description, vapp.network) == ("demo", "cluster demo", "net")
    assert roles(dict(vapp.machines)) == ["mstr", "nfsd", "node", "node"]
    control_plane = next(machine for name, machine in vapp.machines.items() if name.startswith("mstr-"))
    assert vapp.metadata == {
        CLUSTER_ID: clusters.vcd.tasks[operation.task_href].card.cluster_id,
        VERSION: "0.1.0",
        TEMPLATE: "photon-v2",
        CONTROL_PLANE_IP: control_plane.ip_address,
        OPERATION_ID: operation.id,
    }


def test_all_machines_come_with_one_recompose_and_the_tenants_rights_decide(clusters: ClustersInMemory) -> None:
    clusters.created(a_cluster(workers=5))
    assert clusters.vcd.calls.count("add_machines") == 1
    assert {("compose", "token-of-alice"), ("add_machines", "token-of-alice")} <= set(clusters.vcd.actors)
    assert ("set_metadata", "service") in clusters.vcd.actors


def test_workers_join_after_the_control_plane_with_a_token_that_pins_the_ca(clusters: ClustersInMemory) -> None:
    clusters.created(a_cluster(workers=2))
    steps = [step for step, _ in clusters.guests.order if step != "ready"]
    assert steps == ["init", "mint", "join", "join"]
    worker = next(name for name in clusters.guests.scripts if name.startswith("node-"))
    (script,) = clusters.guests.scripts[worker]
    assert f"export CSE_NODE_NAME={worker}" in script
    assert "export CSE_JOIN_TOKEN=abcdef.0123456789abcdef" in script
    assert "export CSE_JOIN_CA_HASH=sha256:abab" in script


@pytest.mark.parametrize(
    ("mints_at_init", "scripts"), [(True, 2), (False, 3)], ids=["by its own script", "by another script"]
)
def test_join_credentials_are_minted_once_on_the_control_plane(
    clusters: ClustersInMemory, mints_at_init: bool, scripts: int
) -> None:
    clusters.guests.mints_at_init = mints_at_init
    clusters.created(a_cluster(workers=3))
    (control_plane,) = clusters.nodes("mstr")
    assert clusters.guests.order.count(("mint", control_plane)) == 1
    assert len(clusters.guests.scripts[control_plane]) == scripts, (
        "init, perhaps mint, and the wait until all are Ready"
    )
    assert len(clusters.guests.joined) == 4


def test_a_cluster_without_workers_mints_no_token(clusters: ClustersInMemory) -> None:
    clusters.created(a_cluster(workers=0))
    assert [step for step, _ in clusters.guests.order] == ["ready", "init"]


def test_workers_are_awaited_while_the_control_plane_is_initialized(clusters: ClustersInMemory) -> None:
    workers_ready = threading.Event()

    def slow_init(login: GuestLogin, script: str, check: Check) -> ScriptResult:
        assert workers_ready.wait(LIMIT_S), "no worker was looked at meanwhile"
        return clusters.guests.run_by_default(login, script)

    def wait(login: GuestLogin) -> None:
        if login.guest.name.startswith("node-"):
            workers_ready.set()

    clusters.guests.on("BODY-control-plane", slow_init)
    clusters.guests.when_ready = wait
    clusters.created(a_cluster(workers=1))


def test_the_ssh_key_goes_to_every_node_quoted(clusters: ClustersInMemory) -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGbSIFV5uNvcGhPZqkgtOaG6eDkEdRA5RWwlKyKoQ2ba it's $(me)"
    clusters.created(a_cluster(workers=1, nfs=True, ssh_public_key=key))
    first_scripts = [scripts[0] for scripts in clusters.guests.scripts.values()]
    assert len(first_scripts) == 3
    assert all("""it'"'"'s $(me)'""" in script for script in first_scripts)


def test_hardware_that_was_asked_for_is_set_before_the_first_power_on(clusters: ClustersInMemory) -> None:
    clusters.created(a_cluster(workers=1, cpu_count=4, memory_mb=8192))
    calls = [call for call in clusters.vcd.calls if call in ("add_machines", "set_hardware", "power_on")]
    assert calls == ["add_machines", "set_hardware", "set_hardware", "power_on"]
    (vapp,) = clusters.vcd.vapps.values()
    assert {(each.cpu_count, each.memory_mb) for each in vapp.machines.values()} == {(4, 8192)}


def test_a_template_with_a_password_gives_it_to_every_node(clusters: ClustersInMemory) -> None:
    clusters.created(a_cluster(template="old"))
    (vapp,) = clusters.vcd.vapps.values()
    assert {password.reveal() for password in vapp.passwords.values()} == {"for all of them"}


def test_the_task_tells_the_story_and_ends_well(clusters: ClustersInMemory) -> None:
    operation = clusters.created()
    task = clusters.vcd.tasks[operation.task_href]
    uid = task.card.cluster_id
    assert task.status == "success"
    assert task.texts[0] == f"Creating cluster demo ({uid})"
    assert task.texts[-1] == f"Created cluster demo ({uid})"
    assert any("Initializing control plane" in text for text in task.texts)
    assert (task.card.operation_name, task.card.org, task.card.user) == ("create_cluster", "acme", "alice")


def test_the_result_is_the_cluster(clusters: ClustersInMemory) -> None:
    operation = clusters.created(a_cluster(workers=1))
    assert isinstance(operation.result, dict)
    assert operation.result["name"] == "demo"
    assert operation.result["state"] == "ready"
    assert isinstance(operation.result["nodes"], list)
    assert [node["role"] for node in operation.result["nodes"] if isinstance(node, dict)] == ["mstr", "node"]


def failing_join(clusters: ClustersInMemory, stderr: str = "connection refused") -> None:
    clusters.guests.on("BODY-worker", lambda *_: ScriptResult(exit_code=3, stdout="", stderr=stderr))


def test_a_failure_says_what_happened_where_and_is_taken_back(clusters: ClustersInMemory) -> None:
    failing_join(clusters)
    operation = clusters.finished(clusters.create(a_cluster(workers=1)))
    assert operation.state is OperationState.FAILED
    assert operation.error is not None
    assert operation.error.reason == "GUEST_SCRIPT_FAILED"
    assert operation.error.details["step"] == "join_worker"
    node = operation.error.details["node"]
    uid = clusters.vcd.tasks[operation.task_href].card.cluster_id
    assert operation.error.message == (
        f"Creating cluster demo ({uid}) failed at step join_worker on {node}: its script ended with 3: "
        "connection refused. Everything was taken back."
    )
    assert not clusters.vcd.vapps
    assert ("delete", "service") in clusters.vcd.actors
    task = clusters.vcd.tasks[operation.task_href]
    assert (task.status, task.error, task.reason) == ("error", operation.error.message, "GUEST_SCRIPT_FAILED")


def test_without_rollback_everything_is_left_for_inspection(clusters: ClustersInMemory) -> None:
    failing_join(clusters)
    operation = clusters.finished(clusters.create(a_cluster(workers=1, rollback_on_failure=False)))
    assert operation.error is not None
    assert operation.error.message.endswith(
        "What was made is left in vApp 'demo' for inspection; delete the cluster to remove it."
    )
    assert len(clusters.vcd.vapps) == 1


def test_what_guests_print_is_redacted_and_cut(clusters: ClustersInMemory) -> None:
    failing_join(clusters, stderr="x\n" * 50 + "\x1b[31mpassword=hunter2\ntoken abcdef.0123456789abcdef\nlast words\n")
    operation = clusters.finished(clusters.create(a_cluster(workers=1)))
    assert operation.error is not None
    message = operation.error.message
    assert "last words" in message
    assert "hunter2" not in message
    assert "0123456789abcdef" not in message
    assert message.isprintable()
    assert message.count("x |") <= 5


def test_nodes_that_never_become_ready_fail_the_creation_by_name(hurried: ClustersInMemory) -> None:
    def not_ready(login: GuestLogin, script: str, check: Check) -> ScriptResult:
        hurried.guests.not_ready.update(name for name in hurried.guests.joined if name.startswith("node-"))
        return hurried.guests.run_by_default(login, script)

    hurried.guests.on("get nodes", not_ready)
    operation = hurried.finished(hurried.create(a_cluster(workers=1)))
    assert operation.error is not None
    assert operation.error.reason == "NODES_NOT_READY"
    assert "node-" in operation.error.message
    assert "is not Ready" in operation.error.message


@pytest.mark.parametrize(
    ("output", "what"),
    [("no address here", "did not print an IPv4 address"), ("", "did not print an IPv4 address")],
)
def test_a_control_plane_that_prints_nonsense_fails(clusters: ClustersInMemory, output: str, what: str) -> None:
    clusters.guests.on("BODY-control-plane", lambda *_: ScriptResult(exit_code=0, stdout=output, stderr=""))
    operation = clusters.finished(clusters.create())
    assert operation.error is not None
    assert what in operation.error.message


def test_a_vapp_of_somebody_else_is_left_alone(clusters: ClustersInMemory) -> None:
    """Made in the moment between the check of the name and the creation."""
    clusters.vcd.during("create_task", lambda: clusters.vcd.add_vapp(clusters.dev, "demo", nodes=["mine"]))
    operation = clusters.finished(clusters.create())
    assert operation.error is not None
    assert operation.error.reason == "VAPP_EXISTS"
    assert operation.error.message.endswith("Nothing was left behind.")
    (vapp,) = clusters.vcd.vapps.values()
    assert list(vapp.machines) == ["mine"]


def test_a_vapp_that_a_run_before_composed_is_adopted(clusters: ClustersInMemory) -> None:
    def left_behind() -> None:
        clusters.vcd.add_vapp(clusters.dev, "demo").description = "cluster demo"

    clusters.vcd.during("create_task", left_behind)
    clusters.created()
    assert "compose" not in clusters.vcd.calls
    assert len(clusters.vcd.vapps) == 1


def test_a_lost_answer_of_vcd_makes_no_second_vapp(clusters: ClustersInMemory) -> None:
    def composed_without_an_answer() -> None:
        clusters.vcd.add_vapp(clusters.dev, "demo").description = "cluster demo"

    clusters.vcd.during("compose", composed_without_an_answer)
    clusters.vcd.fail("compose", UnavailableError("the connection broke"))
    clusters.created()
    assert len(clusters.vcd.vapps) == 1


def test_a_vapp_that_vcd_has_failed_to_make_is_made_again(clusters: ClustersInMemory) -> None:
    """Its task failed while nobody was there to see it."""

    def left_behind() -> None:
        vapp = clusters.vcd.add_vapp(clusters.dev, "demo")
        vapp.description, vapp.status = "cluster demo", "FAILED_CREATION"

    clusters.vcd.during("create_task", left_behind)
    clusters.created()
    (vapp,) = clusters.vcd.vapps.values()
    assert vapp.status != "FAILED_CREATION"
    assert len(vapp.machines) == 3


def test_no_answer_after_a_vapp_that_vcd_has_failed_to_make_leaves_nothing_behind(clusters: ClustersInMemory) -> None:
    def left_behind() -> None:
        vapp = clusters.vcd.add_vapp(clusters.dev, "demo")
        vapp.description, vapp.status = "cluster demo", "FAILED_CREATION"

    def composed_without_an_answer() -> None:
        clusters.vcd.add_vapp(clusters.dev, "demo").description = "cluster demo"

    clusters.vcd.during("create_task", left_behind)
    clusters.vcd.during("compose", composed_without_an_answer)
    clusters.vcd.fail("compose", FailedPreconditionError("there is no more room", reason="QUOTA"))
    ended = clusters.finished(clusters.create())
    assert ended.error is not None
    assert ended.error.message.endswith("Everything was taken back.")
    assert not clusters.vcd.vapps


def test_a_vcd_that_stays_away_leaves_nothing_behind(hurried: ClustersInMemory) -> None:
    find_vapp = hurried.vcd.find_vapp

    def find_while_rolling_back(*arguments: Any) -> Any:
        rolling_back = any(each.state is OperationState.ROLLING_BACK for each in hurried.operations.find())
        if hurried.vcd.vapps and not rolling_back:
            raise UnavailableError("vCD does not answer")
        return find_vapp(*arguments)

    def composed_without_an_answer() -> None:
        hurried.vcd.add_vapp(hurried.dev, "demo").description = "cluster demo"

    hurried.vcd.during("compose", composed_without_an_answer)
    hurried.vcd.fail("compose", UnavailableError("the connection broke"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hurried.vcd, "find_vapp", find_while_rolling_back)
        ended = hurried.finished(hurried.create())
    assert ended.error is not None
    assert "vCD does not answer" in ended.error.message
    assert ended.error.message.endswith("Everything was taken back.")
    assert not hurried.vcd.vapps


def test_a_busy_vapp_is_tried_again(clusters: ClustersInMemory) -> None:
    clusters.vcd.fail("set_metadata", ConflictError("BUSY_ENTITY"))
    clusters.vcd.fail("add_machines", ConflictError("BUSY_ENTITY"), UnavailableError("no answer"))
    clusters.created()
    (vapp,) = clusters.vcd.vapps.values()
    assert len(vapp.machines) == 3


def test_a_vcenter_that_is_away_for_a_moment_ends_nothing(clusters: ClustersInMemory) -> None:
    answers = iter([UnavailableError("vCenter does not answer"), ExhaustedError("too many logins")])

    def flaky(login: GuestLogin, script: str, check: Check) -> ScriptResult:
        error = next(answers, None)
        if error is not None:
            raise error
        return clusters.guests.run_by_default(login, script)

    clusters.guests.on("BODY-control-plane", flaky)
    clusters.created()


def test_a_guest_that_refuses_its_password_fails_the_creation_not_the_callers_login(
    clusters: ClustersInMemory,
) -> None:
    def refuse(login: GuestLogin) -> None:
        raise UnauthenticatedError("the guest refuses the password")

    clusters.guests.when_ready = refuse
    operation = clusters.finished(clusters.create())
    assert operation.error is not None
    assert (operation.error.error_type, operation.error.reason) == ("FailedPreconditionError", "GUEST_LOGIN_REFUSED")


def test_a_rollback_that_fails_says_so(clusters: ClustersInMemory) -> None:
    failing_join(clusters)
    clusters.vcd.fail("delete", FailedPreconditionError("vCD will not"))
    operation = clusters.finished(clusters.create(a_cluster(workers=1)))
    assert operation.error is not None
    assert "Taking it back failed too (vCD will not); delete the cluster" in operation.error.message


def test_cancelling_ends_the_task_of_vcd_that_is_waited_for(clusters: ClustersInMemory) -> None:
    def cancel() -> None:
        for operation in clusters.operations.find(active=True):
            clusters.operations.cancel(operation.id)

    clusters.vcd.during("wait", cancel)
    ended = clusters.finished(clusters.create())
    assert ended.state is OperationState.CANCELLED
    assert clusters.vcd.cancelled != []
    assert not clusters.vcd.vapps


def test_cancelling_takes_everything_back_whatever_was_asked_for(clusters: ClustersInMemory) -> None:
    halt = clusters.guests.halt("BODY-control-plane")
    operation = clusters.create(a_cluster(rollback_on_failure=False))
    halt.wait_until_reached()
    clusters.operations.cancel(operation.id)
    ended = clusters.finished(operation)
    assert ended.state is OperationState.CANCELLED
    assert ended.error is not None
    assert " was cancelled" in ended.error.message
    assert ended.error.message.endswith("Everything was taken back.")
    assert not clusters.vcd.vapps
    assert clusters.vcd.tasks[operation.task_href].status == "error"


def test_the_tokens_of_callers_are_dropped_at_the_end(clusters: ClustersInMemory) -> None:
    operation = clusters.created()
    assert clusters.operations._records[operation.id].secrets == {}
    assert "token-of-alice" not in repr(operation)
