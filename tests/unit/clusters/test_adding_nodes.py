"""Adding nodes over a world of dictionaries: what is made, with what, and what is left when it fails."""

import re
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cse_clusters.application.operation_data import cluster_from_json
from cse_clusters.application.ports import ScriptResult
from cse_clusters.domain.cluster import CLUSTER_ID, CONTROL_PLANE_IP, TEMPLATE, Role
from cse_core.errors import (
    ConflictError,
    CseError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
)
from cse_core.operations import Operation, OperationState
from cse_testing.clusters.service import ClustersInMemory, a_cluster

OLD = {CLUSTER_ID: "1", TEMPLATE: "old", CONTROL_PLANE_IP: "10.0.0.1"}
FAILED = ScriptResult(exit_code=7, stdout="", stderr="no route to host")


def adopted(clusters: ClustersInMemory) -> None:
    """A cluster as CSE 1.2.x leaves it: every guest has the template's password."""
    nodes = ["mstr-aaaa", "node-aaaa"]
    clusters.vcd.add_vapp(clusters.dev, "demo", metadata=OLD, nodes=nodes)
    clusters.guests.joined += nodes
    clusters.guests.passwords.update(dict.fromkeys(nodes, "for all of them"))


def added(clusters: ClustersInMemory, count: int = 1, **fields: Any) -> Operation:
    ended = clusters.finished(clusters.add_nodes(count, **fields))
    assert ended.error is None, ended.error
    return ended


def failed(clusters: ClustersInMemory, operation: Operation) -> Any:
    ended = clusters.finished(operation)
    assert ended.error is not None
    task = clusters.vcd.tasks[ended.task_href]
    assert (task.status, task.reason, task.error) == ("error", ended.error.reason, ended.error.message)
    return ended.error


def test_workers_come_with_one_recompose_and_join_with_fresh_credentials(clusters: ClustersInMemory) -> None:
    clusters.created(a_cluster(workers=1))
    (old,) = clusters.nodes("node")
    clusters.vcd.calls.clear()
    clusters.guests.order.clear()
    operation = added(clusters, 2)
    assert clusters.vcd.calls.count("add_machines") == 1
    assert ("add_machines", "token-of-alice") in clusters.vcd.actors
    new = [name for name in clusters.nodes("node") if name != old]
    assert len(new) == 2
    (control_plane,) = clusters.nodes("mstr")
    assert clusters.guests.order.count(("mint", control_plane)) == 1
    assert {node for what, node in clusters.guests.order if what == "join"} == set(new)
    assert {node for what, node in clusters.guests.order if what == "ready"} == set(new)
    assert isinstance(operation.result, dict)
    assert {node.name for node in cluster_from_json(operation.result).nodes} == {control_plane, old, *new}


def test_the_task_tells_the_story(clusters: ClustersInMemory) -> None:
    clusters.created(a_cluster(workers=1))
    operation = added(clusters, 2)
    task = clusters.vcd.tasks[operation.task_href]
    uid = task.card.cluster_id
    assert (task.status, task.card.operation_name, task.card.user) == ("success", "create_nodes", "alice")
    assert task.texts[0] == f"Adding 2 nodes to cluster demo ({uid})"
    assert task.texts[-1] == f"Added 2 nodes to cluster demo ({uid})"
    assert any("has joined (2 of 2 nodes)" in text for text in task.texts)


def test_a_cluster_of_1_2_x_grows_like_any_other(clusters: ClustersInMemory) -> None:
    adopted(clusters)
    added(clusters)
    (new,) = set(clusters.nodes("node")) - {"node-aaaa"}
    assert new in clusters.guests.joined
    (vapp,) = clusters.vcd.vapps.values()
    assert vapp.passwords[new].reveal() == "for all of them"


def test_the_control_planes_own_password_is_tried_after_the_templates(clusters: ClustersInMemory) -> None:
    adopted(clusters)
    clusters.guests.passwords["mstr-aaaa"] = "made-for-mstr-aaaa"
    added(clusters)


def test_an_nfs_node_needs_no_control_plane(clusters: ClustersInMemory) -> None:
    clusters.vcd.add_vapp(clusters.dev, "demo", metadata=OLD)
    added(clusters, role=Role.NFS)
    (new,) = clusters.nodes("nfsd")
    assert clusters.guests.order == [("ready", new), ("nfs", new)]


def test_hardware_storage_template_and_key_are_as_asked_for(clusters: ClustersInMemory) -> None:
    clusters.created(a_cluster(workers=0))
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGbSIFV5uNvcGhPZqkgtOaG6eDkEdRA5RWwlKyKoQ2ba me"
    fields: dict[str, Any] = {"cpu_count": 4, "memory_mb": 8192, "storage_profile": "gold", "template": "old"}
    clusters.vcd.calls.clear()
    added(clusters, 2, ssh_public_key=key, network="net", **fields)
    changes = [call for call in clusters.vcd.calls if call in ("add_machines", "set_hardware", "power_on")]
    assert changes[0] == "add_machines"
    assert sorted(changes[1:]) == ["power_on", "power_on", "set_hardware", "set_hardware"]
    (vapp,) = clusters.vcd.vapps.values()
    for name in clusters.nodes("node"):
        machine = vapp.machines[name]
        assert (machine.cpu_count, machine.memory_mb, machine.is_on) == (4, 8192, True)
        assert vapp.passwords[name].reveal() == "for all of them"
        assert f"export CSE_SSH_KEY='{key}'" in clusters.guests.scripts[name][0]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"count": 0}, "pool.node_count"),
        ({"count": 201}, "pool.node_count"),
        ({"cpu_count": 129}, "pool.cpu_count"),
        ({"role": Role.CONTROL_PLANE}, "role"),
        ({"role": None}, "role"),
        ({"template": "a b"}, "template"),
        ({"network": "a\nb"}, "network"),
        ({"ssh_public_key": "nonsense"}, "ssh_public_key"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field(
    clusters: ClustersInMemory, fields: dict[str, Any], field: str
) -> None:
    adopted(clusters)
    with pytest.raises(InvalidArgumentError, match=f"^{field}: ") as refused:
        clusters.add_nodes(**fields)
    assert refused.value.field == field
    assert not clusters.vcd.tasks


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"network": "other"}, "NETWORK_NOT_FOUND"),
        ({"template": "none"}, "TEMPLATE_NOT_FOUND"),
        ({"template": "unbuilt"}, "CATALOG_ITEM_NOT_FOUND"),
        ({"storage_profile": "silver"}, "STORAGE_PROFILE_NOT_FOUND"),
        ({"name": "other"}, "CLUSTER_NOT_FOUND"),
        ({"user": "carol"}, "CLUSTER_NOT_FOUND"),
    ],
)
def test_what_is_not_there_is_refused_and_leaves_nothing(
    clusters: ClustersInMemory, fields: dict[str, Any], reason: str
) -> None:
    adopted(clusters)
    with pytest.raises(CseError) as refused:
        clusters.add_nodes(**fields)
    assert refused.value.code == reason
    assert not clusters.vcd.tasks
    assert clusters.nodes("node") == ["node-aaaa"]


@pytest.mark.parametrize("control_plane", ["off", "missing"])
def test_no_other_number_of_workers_is_promised_without_a_running_control_plane(
    clusters: ClustersInMemory, control_plane: str
) -> None:
    adopted(clusters)
    (vapp,) = clusters.vcd.vapps.values()
    machine = vapp.machines.pop("mstr-aaaa")
    if control_plane == "off":
        vapp.machines["mstr-aaaa"] = replace(machine, status="POWERED_OFF")
    changes: list[Callable[[], Operation]]
    changes = [clusters.add_nodes, lambda: clusters.resize(2), lambda: clusters.resize(0)]
    for change in changes:
        with pytest.raises(FailedPreconditionError) as refused:
            change()
        assert refused.value.code == "CONTROL_PLANE_UNREACHABLE"
    assert not clusters.vcd.tasks


def test_the_right_is_required_where_rights_are_enforced() -> None:
    with ClustersInMemory(enforce_rights=True) as clusters:
        adopted(clusters)
        with pytest.raises(PermissionDeniedError):
            clusters.add_nodes()
        with pytest.raises(PermissionDeniedError):
            clusters.remove_nodes("node-aaaa")
        with pytest.raises(PermissionDeniedError):
            clusters.resize(3)


def test_administrators_act_for_tenants(clusters: ClustersInMemory) -> None:
    adopted(clusters)
    operation = added(clusters, user="admin")
    assert operation.owner == clusters.dev.org_id
    assert clusters.vcd.tasks[operation.task_href].card.org == "acme"


def test_a_repeated_request_id_begins_nothing_new(clusters: ClustersInMemory) -> None:
    adopted(clusters)
    request_id = str(uuid.uuid4())
    first = added(clusters, request_id=request_id)
    assert clusters.add_nodes(request_id=request_id).id == first.id
    assert len(clusters.nodes("node")) == 2


def test_a_cluster_that_is_being_deleted_takes_no_nodes(clusters: ClustersInMemory) -> None:
    adopted(clusters)
    halt = clusters.vcd.halt("delete")
    deletion = clusters.delete()
    halt.wait_until_reached()
    with pytest.raises(ConflictError, match="is being deleted") as refused:
        clusters.add_nodes()
    assert refused.value.code == "CLUSTER_BUSY"
    halt.let_go()
    clusters.finished(deletion)


def test_nodes_wait_for_the_creation_of_their_cluster(clusters: ClustersInMemory) -> None:
    halt = clusters.guests.halt("BODY-control-plane")
    creation = clusters.create(a_cluster(workers=0))
    halt.wait_until_reached()
    addition = clusters.add_nodes()
    halt.let_go()
    assert clusters.finished(creation).error is None
    ended = clusters.finished(addition)
    assert ended.error is None
    assert isinstance(ended.result, dict)
    assert ended.result["control_plane_ip"]


def test_a_worker_that_cannot_join_takes_back_what_was_added_and_nothing_else(clusters: ClustersInMemory) -> None:
    clusters.created(a_cluster(workers=1, nfs=True))
    before = dict(next(iter(clusters.vcd.vapps.values())).machines)
    clusters.guests.on("BODY-worker", lambda *_: FAILED)
    error = failed(clusters, clusters.add_nodes(2))
    assert error.reason == "GUEST_SCRIPT_FAILED"
    assert error.details["step"] == "join_worker"
    assert error.message.startswith("Adding 2 nodes to cluster demo (")
    assert error.message.endswith("no route to host. The new nodes were taken back.")
    assert next(iter(clusters.vcd.vapps.values())).machines == before
    assert ("undeploy", "service") in clusters.vcd.actors
    assert clusters.vcd.calls.count("delete_machines") == 1


def test_nodes_that_have_joined_leave_kubernetes_when_they_are_taken_back(hurried: ClustersInMemory) -> None:
    hurried.created(a_cluster(workers=0))
    hurried.guests.on("get nodes -o jsonpath=", lambda *_: FAILED)
    error = failed(hurried, hurried.add_nodes(1))
    assert error.reason == "NODES_NOT_READY"
    assert hurried.guests.joined == hurried.nodes("mstr")
    assert hurried.nodes("node") == []


def test_a_control_plane_that_does_not_answer_does_not_keep_nodes_from_being_taken_back(
    hurried: ClustersInMemory,
) -> None:
    hurried.created(a_cluster(workers=0))

    def refuse(*_: object) -> ScriptResult:
        raise UnavailableError("the tools do not answer")

    hurried.guests.on("kubeadm token create", refuse)
    hurried.guests.on("kubectl delete", refuse)
    error = failed(hurried, hurried.add_nodes(1))
    assert error.details["step"] == "mint_join_credentials"
    assert error.message.endswith("The new nodes were taken back.")
    assert hurried.nodes("node") == []


def test_nodes_are_left_for_inspection_when_no_rollback_is_wanted(clusters: ClustersInMemory) -> None:
    clusters.created(a_cluster(workers=0))
    clusters.guests.on("BODY-worker", lambda *_: FAILED)
    error = failed(clusters, clusters.add_nodes(1, rollback_on_failure=False))
    (name,) = clusters.nodes("node")
    left = "is left for inspection; remove it when you have seen enough."
    assert error.message.endswith(f" What was made of {name} {left}")
    error = failed(clusters, clusters.add_nodes(7, rollback_on_failure=False))
    assert re.search(rf" What was made of (node-\w+, ){{4}}node-\w+ and 2 more {left}$", error.message), error.message


def test_what_works_on_the_vapp_is_waited_for_before_it_is_looked_at(clusters: ClustersInMemory) -> None:
    clusters.created(a_cluster(workers=0))
    (vapp,) = clusters.vcd.vapps.values()
    clusters.vcd.at_work[vapp.href] = ("a task",)
    clusters.vcd.calls.clear()
    assert clusters.finished(clusters.add_nodes(1)).error is None
    assert clusters.vcd.calls.index("wait") < clusters.vcd.calls.index("add_machines")
    assert clusters.vcd.cancelled == []


def test_a_recompose_whose_task_vcd_has_lost_is_looked_at_again(clusters: ClustersInMemory) -> None:
    clusters.created(a_cluster(workers=0))
    clusters.vcd.fail("wait", UnavailableError("vCD has aborted its task"))
    ended = clusters.finished(clusters.add_nodes(1))
    assert ended.error is None
    assert len(clusters.nodes("node")) == 1


def test_a_refused_recompose_leaves_nothing(clusters: ClustersInMemory) -> None:
    clusters.created(a_cluster(workers=0))
    clusters.vcd.fail("add_machines", PermissionDeniedError("vCD says no"))
    error = failed(clusters, clusters.add_nodes(1))
    assert (error.error_type, clusters.nodes("node")) == ("PermissionDeniedError", [])


def test_machines_that_cannot_be_taken_back_are_named(clusters: ClustersInMemory) -> None:
    clusters.created(a_cluster(workers=0))
    clusters.guests.on("BODY-worker", lambda *_: FAILED)
    clusters.vcd.fail("undeploy", FailedPreconditionError("the host is on fire"))
    error = failed(clusters, clusters.add_nodes(2))
    (left,) = clusters.nodes("node")
    assert f"Taking it back failed too (some machines are left ({left}: the host is on fire)); remove" in error.message


def test_cancelling_takes_the_new_nodes_back_whatever_was_asked_for(clusters: ClustersInMemory) -> None:
    clusters.created(a_cluster(workers=0))
    halt = clusters.guests.halt("BODY-worker")
    operation = clusters.add_nodes(1, rollback_on_failure=False)
    halt.wait_until_reached()
    clusters.operations.cancel(operation.id)
    ended = clusters.finished(operation)
    assert ended.state is OperationState.CANCELLED
    assert ended.error is not None
    assert ended.error.message.endswith("The new nodes were taken back.")
    assert clusters.nodes("node") == []


def test_a_cluster_that_is_gone_when_its_turn_comes_says_so(clusters: ClustersInMemory) -> None:
    adopted(clusters)
    clusters.vcd.during("create_task", clusters.vcd.vapps.clear)
    error = failed(clusters, clusters.add_nodes())
    assert error.reason == "CLUSTER_NOT_FOUND"
    with pytest.raises(NotFoundError):
        clusters.add_nodes()


@pytest.mark.parametrize("grows", [False, True], ids=["a creation", "an addition"])
def test_what_was_powered_on_since_we_looked_is_on(clusters: ClustersInMemory, grows: bool) -> None:
    """By a task that was begun before the process died, and that ended just now."""

    def power_on() -> None:
        for vapp in clusters.vcd.vapps.values():
            for machine in list(vapp.machines.values()):
                clusters.vcd._change_machine(machine.href, status="POWERED_ON", is_deployed=True)

    if grows:
        clusters.created(a_cluster(workers=0))
    clusters.vcd.during("power_on", power_on)
    clusters.vcd.fail("power_on", FailedPreconditionError("it is already powered on"))
    begun = clusters.add_nodes(cpu_count=4) if grows else clusters.create(a_cluster(workers=1, cpu_count=4))
    assert clusters.finished(begun).error is None
    assert clusters.vcd.calls.count("power_on") == 1
