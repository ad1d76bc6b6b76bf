"""Removing nodes, and resizing, over a world of dictionaries."""

import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from cse_clusters.application.guest_work import Limits
from cse_clusters.application.ports import ScriptResult
from cse_clusters.domain.cluster import CLUSTER_ID, CONTROL_PLANE_IP, TEMPLATE
from cse_clusters.domain.guest_scripts import DRAIN, FORGET, guest_script
from cse_core.errors import (
    CseError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
)
from cse_core.operations import Operation, OperationState
from cse_testing.clusters.fake_cloud import FakeVapp
from cse_testing.clusters.service import HURRIED, PATIENT, ClustersInMemory, a_cluster
from cse_testing.waiting import LIMIT_S

FAILED = ScriptResult(exit_code=1, stdout="", stderr="cannot evict pod: it is precious")
NODES = ["mstr-aaaa", "node-aaaa", "node-bbbb", "node-cccc", "nfsd-aaaa"]


@pytest.fixture
def limits() -> Limits:
    return PATIENT


@pytest.fixture
def clusters(limits: Limits) -> Iterator[ClustersInMemory]:
    """With a cluster that CSE 1.2.x has made."""
    with ClustersInMemory(limits=limits) as service:
        metadata = {CLUSTER_ID: "1", TEMPLATE: "old", CONTROL_PLANE_IP: "10.0.0.1"}
        service.vcd.add_vapp(service.dev, "demo", metadata=metadata, nodes=NODES)
        service.guests.joined += NODES[:-1]
        service.guests.passwords.update(dict.fromkeys(NODES, "for all of them"))
        yield service


def vapp_of(clusters: ClustersInMemory) -> FakeVapp:
    (vapp,) = clusters.vcd.vapps.values()
    return vapp


def switch_off(clusters: ClustersInMemory, name: str, *, deployed: bool = True) -> None:
    machines = vapp_of(clusters).machines
    machines[name] = replace(machines[name], status="POWERED_OFF", is_deployed=deployed)


def well(clusters: ClustersInMemory, operation: Operation) -> Operation:
    ended = clusters.finished(operation)
    assert ended.error is None, ended.error
    return ended


def failed(clusters: ClustersInMemory, operation: Operation) -> Any:
    ended = clusters.finished(operation)
    assert ended.error is not None
    assert clusters.vcd.tasks[ended.task_href].status == "error"
    return ended.error


def test_workers_are_drained_taken_out_of_kubernetes_and_deleted_with_one_recompose(clusters: ClustersInMemory) -> None:
    operation = well(clusters, clusters.remove_nodes("node-aaaa", "node-bbbb"))
    told = [what for what, _ in clusters.guests.order]
    assert told == ["cordon", "cordon", "drain", "drain", "delete", "delete"]
    assert set(clusters.guests.scripts) == {"mstr-aaaa"}
    assert clusters.guests.joined == ["mstr-aaaa", "node-cccc"]
    changes = [call for call in clusters.vcd.calls if call in ("undeploy", "delete_machines")]
    assert changes == ["undeploy", "undeploy", "delete_machines"]
    assert {("undeploy", "token-of-alice"), ("delete_machines", "token-of-alice")} <= set(clusters.vcd.actors)
    assert list(vapp_of(clusters).machines) == ["mstr-aaaa", "node-cccc", "nfsd-aaaa"]
    assert isinstance(operation.result, dict)
    assert operation.result["vm_count"] == 3


def test_the_task_tells_the_story(clusters: ClustersInMemory) -> None:
    operation = well(clusters, clusters.remove_nodes("node-aaaa"))
    task = clusters.vcd.tasks[operation.task_href]
    assert (task.status, task.card.operation_name) == ("success", "delete_nodes")
    assert task.texts[0] == "Removing 1 node from cluster demo (1)"
    assert "Draining 1 node of cluster demo (1)" in task.texts
    assert task.texts[-1] == "Removed 1 node from cluster demo (1)"


def test_nfs_nodes_are_removed_without_asking_kubernetes(clusters: ClustersInMemory) -> None:
    switch_off(clusters, "mstr-aaaa")
    well(clusters, clusters.remove_nodes("nfsd-aaaa"))
    assert not clusters.guests.scripts
    assert "nfsd-aaaa" not in vapp_of(clusters).machines


@pytest.mark.parametrize("deployed", [True, False])
def test_a_worker_that_is_off_has_nothing_to_drain(clusters: ClustersInMemory, deployed: bool) -> None:
    switch_off(clusters, "node-aaaa", deployed=deployed)
    well(clusters, clusters.remove_nodes("node-aaaa"))
    assert [what for what, _ in clusters.guests.order] == ["cordon", "delete"]
    assert clusters.vcd.calls.count("undeploy") == (1 if deployed else 0)


@pytest.mark.parametrize(
    ("nodes", "error", "reason"),
    [
        ([], InvalidArgumentError, "INVALID_ARGUMENT"),
        (["node-aaaa; reboot"], InvalidArgumentError, "INVALID_ARGUMENT"),
        (["$(reboot)"], InvalidArgumentError, "INVALID_ARGUMENT"),
        (["node-zzzz"] * 201, InvalidArgumentError, "INVALID_ARGUMENT"),
        (["node-zzzz"], NotFoundError, "NODE_NOT_FOUND"),
        (["node-aaaa", "mstr-aaaa"], FailedPreconditionError, "CONTROL_PLANE_NOT_REMOVABLE"),
    ],
)
def test_what_is_no_removable_node_is_refused(
    clusters: ClustersInMemory, nodes: list[str], error: type[CseError], reason: str
) -> None:
    with pytest.raises(error, match=r"^node_ids: ") as refused:
        clusters.remove_nodes(*nodes, force=reason != "NODE_NOT_FOUND")
    assert refused.value.code == reason
    assert not clusters.vcd.tasks


def test_others_do_not_remove_what_they_do_not_see(clusters: ClustersInMemory) -> None:
    with pytest.raises(NotFoundError) as refused:
        clusters.remove_nodes("node-aaaa", user="carol")
    assert refused.value.code == "CLUSTER_NOT_FOUND"
    with pytest.raises(NotFoundError):
        clusters.resize(0, user="carol")
    well(clusters, clusters.remove_nodes("node-aaaa", user="admin"))


def test_who_may_only_look_at_the_vapp_changes_nothing(clusters: ClustersInMemory) -> None:
    clusters.vcd.read_only.add(vapp_of(clusters).href)
    attempts: list[Callable[[], object]] = [
        lambda: clusters.remove_nodes("node-aaaa"),
        clusters.add_nodes,
        lambda: clusters.resize(0),
    ]
    for attempt in attempts:
        with pytest.raises(PermissionDeniedError) as refused:
            attempt()
        assert refused.value.code == "VAPP_CHANGE_FORBIDDEN"
    assert not clusters.vcd.tasks


def test_who_may_not_change_the_vapp_any_more_does_not_drain_either(clusters: ClustersInMemory) -> None:
    clusters.vcd.during("create_task", lambda: clusters.vcd.read_only.add(vapp_of(clusters).href))
    error = failed(clusters, clusters.remove_nodes("node-aaaa", force=True))
    assert (error.reason, error.details["step"]) == ("VAPP_CHANGE_FORBIDDEN", "check_access")
    assert not clusters.guests.scripts


def test_a_repeated_request_id_begins_nothing_new(clusters: ClustersInMemory) -> None:
    request_id = str(uuid.uuid4())
    first = well(clusters, clusters.remove_nodes("node-aaaa", request_id=request_id))
    assert clusters.remove_nodes("node-aaaa", request_id=request_id).id == first.id


def test_of_two_removals_of_a_node_the_second_finds_it_gone(clusters: ClustersInMemory) -> None:
    halt = clusters.guests.halt("kubectl drain")
    first = clusters.remove_nodes("node-aaaa")
    halt.wait_until_reached()
    second = clusters.remove_nodes("node-aaaa", "node-bbbb")
    halt.let_go()
    well(clusters, first)
    well(clusters, second)
    assert clusters.nodes("node") == ["node-cccc"]


def test_pods_that_do_not_leave_keep_the_node_which_takes_pods_again(clusters: ClustersInMemory) -> None:
    clusters.guests.on("kubectl drain", lambda *_: FAILED)
    error = failed(clusters, clusters.remove_nodes("node-aaaa", "nfsd-aaaa"))
    assert (error.reason, error.details["step"], error.details["node"]) == ("DRAIN_FAILED", "drain_node", "node-aaaa")
    assert "it is precious" in error.message
    assert error.message.endswith(
        "Those that were cordoned take new pods again. What is left can be removed by trying again."
    )
    assert [what for what, _ in clusters.guests.order] == ["cordon", "uncordon"]
    assert list(vapp_of(clusters).machines) == NODES


def test_cancelling_a_removal_lets_the_nodes_take_pods_again(clusters: ClustersInMemory) -> None:
    halt = clusters.guests.halt("kubectl drain")
    operation = clusters.remove_nodes("node-aaaa")
    halt.wait_until_reached()
    clusters.operations.cancel(operation.id)
    assert clusters.finished(operation).state is OperationState.CANCELLED
    assert clusters.guests.order[-1] == ("uncordon", "node-aaaa")
    assert list(vapp_of(clusters).machines) == NODES


def test_force_goes_on_past_pods_that_do_not_leave_and_says_so(clusters: ClustersInMemory) -> None:
    clusters.guests.on("kubectl drain", lambda *_: FAILED)
    operation = well(clusters, clusters.remove_nodes("node-aaaa", force=True))
    assert operation.message == (
        "Removed 1 node from cluster demo (1); passed over: node-aaaa was not drained (its pods did not leave: its "
        "script ended with 1: cannot evict pod: it is precious)"
    )
    assert clusters.vcd.tasks[operation.task_href].texts[-1] == operation.message
    assert clusters.nodes("node") == ["node-bbbb", "node-cccc"]
    assert "node-aaaa" not in clusters.guests.joined


@pytest.mark.parametrize("limits", [HURRIED], ids=["hurried"])
@pytest.mark.parametrize("trouble", ["off", "missing", "dumb"])
def test_without_its_control_plane_a_cluster_loses_workers_by_force_only(
    clusters: ClustersInMemory, trouble: str
) -> None:
    if trouble == "off":
        switch_off(clusters, "mstr-aaaa")
    elif trouble == "missing":
        del vapp_of(clusters).machines["mstr-aaaa"]
    else:

        def dumb(*_: object) -> ScriptResult:
            raise UnavailableError("the tools do not answer")

        clusters.guests.on("kubectl", dumb)
    error = failed(clusters, clusters.remove_nodes("node-aaaa"))
    assert error.reason == ("UNAVAILABLE" if trouble == "dumb" else "CONTROL_PLANE_UNREACHABLE")
    assert "node-aaaa" in clusters.nodes("node")
    operation = well(clusters, clusters.remove_nodes("node-aaaa", force=True))
    assert "; passed over: " in operation.message
    assert clusters.nodes("node") == ["node-bbbb", "node-cccc"]


def test_force_takes_nodes_without_a_machine_out_of_kubernetes(clusters: ClustersInMemory) -> None:
    del vapp_of(clusters).machines["node-aaaa"]
    operation = well(clusters, clusters.remove_nodes("node-aaaa", "node-bbbb", force=True))
    assert operation.message == "Removed 1 node from cluster demo (1); passed over: node-aaaa had no machine"
    assert clusters.guests.joined == ["mstr-aaaa", "node-cccc"]


@pytest.mark.parametrize("force", [True, False])
def test_a_machine_that_cannot_be_stopped_fails_the_removal(clusters: ClustersInMemory, force: bool) -> None:
    clusters.vcd.fail("undeploy", FailedPreconditionError("the host is on fire"))
    error = failed(clusters, clusters.remove_nodes("node-aaaa", force=force))
    assert "the host is on fire" in error.message
    assert error.reason == ("NODES_LEFT" if force else "FAILED_PRECONDITION")
    assert error.message.endswith("What is left can be removed by trying again.")
    well(clusters, clusters.remove_nodes("node-aaaa"))
    assert clusters.nodes("node") == ["node-bbbb", "node-cccc"]


def test_with_force_one_machine_that_cannot_be_stopped_does_not_keep_the_others(clusters: ClustersInMemory) -> None:
    clusters.vcd.fail("undeploy", FailedPreconditionError("the host is on fire"))
    failed(clusters, clusters.remove_nodes("node-aaaa", "node-bbbb", force=True))
    assert len(clusters.nodes("node")) == 2


# ---- resizing


def test_shrinking_removes_the_newest_workers(clusters: ClustersInMemory) -> None:
    machines = vapp_of(clusters).machines
    machines["node-aaaa"] = replace(machines["node-aaaa"], created="2027")
    operation = well(clusters, clusters.resize(1))
    assert clusters.nodes("node") == ["node-bbbb"]
    task = clusters.vcd.tasks[operation.task_href]
    assert task.card.operation_name == "resize_cluster"
    assert task.texts[-1] == operation.message == "Resized cluster demo (1) to 1 worker"


def test_growing_adds_workers_like_those_that_are_there(clusters: ClustersInMemory) -> None:
    machines = vapp_of(clusters).machines
    for name in clusters.nodes("node"):
        machines[name] = replace(machines[name], cpu_count=4, memory_mb=4096, storage_profile="gold")
    operation = well(clusters, clusters.resize(5))
    assert isinstance(operation.result, dict)
    workers = [machines[name] for name in clusters.nodes("node")]
    assert [(each.cpu_count, each.memory_mb) for each in workers] == [(4, 4096)] * 5
    assert set(clusters.nodes("node")) <= set(clusters.guests.joined)


def test_a_cluster_without_workers_gets_some_like_its_control_plane(clusters: ClustersInMemory) -> None:
    machines = vapp_of(clusters).machines
    machines["mstr-aaaa"] = replace(machines["mstr-aaaa"], cpu_count=4, memory_mb=4096)
    well(clusters, clusters.resize(0))
    assert not clusters.nodes("node")
    well(clusters, clusters.resize(1))
    (worker,) = (machines[name] for name in clusters.nodes("node"))
    assert (worker.cpu_count, worker.memory_mb) == (4, 4096)


def test_a_cluster_of_the_right_size_stays_as_it_is(clusters: ClustersInMemory) -> None:
    operation = well(clusters, clusters.resize(3))
    assert operation.message == "Resized cluster demo (1) to 3 workers"
    assert list(vapp_of(clusters).machines) == NODES
    assert not clusters.guests.scripts


def test_what_counts_is_the_size_when_the_turn_comes(clusters: ClustersInMemory) -> None:
    halt = clusters.guests.halt("kubectl drain")
    removal = clusters.remove_nodes("node-aaaa", "node-bbbb")
    halt.wait_until_reached()
    resize = clusters.resize(2)
    halt.let_go()
    well(clusters, removal)
    well(clusters, resize)
    assert len(clusters.nodes("node")) == 2
    assert "node-cccc" in clusters.nodes("node")


def test_a_template_that_cannot_be_used_forbids_growing_only(clusters: ClustersInMemory) -> None:
    vapp_of(clusters).metadata[TEMPLATE] = "none"
    clusters.guests.passwords.clear()
    with pytest.raises(NotFoundError) as refused:
        clusters.resize(4)
    assert refused.value.code == "TEMPLATE_NOT_FOUND"
    well(clusters, clusters.resize(2))


def test_growth_that_fails_is_taken_back(clusters: ClustersInMemory) -> None:
    clusters.guests.on("BODY-worker", lambda *_: FAILED)
    error = failed(clusters, clusters.resize(4))
    assert error.message.startswith("Resizing cluster demo (1) to 4 workers failed at step join_worker on node-")
    assert error.message.endswith("The new nodes were taken back.")
    assert list(vapp_of(clusters).machines) == NODES


@pytest.mark.parametrize("workers", [-1, 201])
def test_a_size_that_cannot_be_is_refused(clusters: ClustersInMemory, workers: int) -> None:
    with pytest.raises(InvalidArgumentError, match=r"^worker_count: ") as refused:
        clusters.resize(workers)
    assert refused.value.field == "worker_count"


def test_a_new_cluster_can_shrink_to_nothing_and_grow_again() -> None:
    with ClustersInMemory() as clusters:
        clusters.created(a_cluster(workers=2))
        well(clusters, clusters.resize(0))
        assert clusters.nodes("node") == []
        well(clusters, clusters.resize(1))
        assert len(clusters.nodes("node")) == 1


# ---- scripts


def run(body: str, kubectl: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a script in a real shell, in which kubectl is a function."""
    names = {"CSE_NODES": "node-aaaa", "CSE_DRAIN_TIMEOUT_S": "300", **environment}
    script = guest_script(f"kubectl() {{\n{kubectl}\n}}\n{body}", names).reveal()
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, timeout=LIMIT_S)


def fake_kubectl(version: str) -> str:
    return (
        'case "$1" in\n'
        "get) echo node/mstr-aaaa; echo node/node-aaaa ;;\n"
        f"""version) echo '{{"clientVersion": {{"major": "1", "gitVersion": "{version}"}}}}' ;;\n"""
        '*) echo "$*" ;;\nesac'
    )


@pytest.mark.parametrize(
    ("version", "flag"),
    [
        ("v1.10.11", "--delete-local-data"),
        ("v1.19.16", "--delete-local-data"),
        ("v1.20.0", "--delete-emptydir-data"),
        ("v1.34.1+k3s1", "--delete-emptydir-data"),
        ("unknown", "--delete-emptydir-data"),
    ],
)
def test_draining_speaks_the_language_of_kubectls_version(version: str, flag: str) -> None:
    ended = run(DRAIN, fake_kubectl(version))
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == f"drain node-aaaa --ignore-daemonsets --timeout=300s {flag}\n"


def test_draining_by_force_ends_pods_that_nobody_would_start() -> None:
    assert " --force " in run(DRAIN, fake_kubectl("v1.20.0"), CSE_FORCE="yes").stderr


@pytest.mark.parametrize("body", [DRAIN, FORGET])
def test_a_node_that_kubernetes_does_not_know_is_passed_over(body: str) -> None:
    ended = run(body, fake_kubectl("v1.20.0"), CSE_NODES="node-aaa")
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("body", [DRAIN, FORGET])
def test_an_api_that_does_not_answer_fails_the_script(body: str) -> None:
    assert run(body, "echo refused >&2; return 1").returncode != 0
