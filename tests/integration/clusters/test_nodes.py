"""Nodes of a cluster, one by one: read, added, removed, against the simulator."""

import json
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2
from cse.operations.v1 import operation_pb2
from cse_clusters.application.ports import GuestLogin
from cse_clusters.domain.guest_scripts import AWAIT_NODES, guest_script
from cse_core.grpc.status import error_of
from cse_testing.clusters.site import Metadata, Site, site
from cse_testing.waiting import LIMIT_S, wait_until

CLUSTER = "orgs/-/vdcs/-/clusters/{}"


@pytest.fixture(scope="module")
def vcd() -> Iterator[Site]:
    with site(admin_password='root\'s "own" $ecret') as running:
        yield running


@pytest.fixture(scope="module")
def alice(vcd: Site) -> Metadata:
    return vcd.login("alice", "acme", "alice-secret")


def cluster(vcd: Site, caller: Metadata, name: str) -> cluster_pb2.Cluster:
    request = cluster_service_pb2.GetClusterRequest(name=CLUSTER.format(name))
    found: cluster_pb2.Cluster = vcd.clusters.GetCluster(request, metadata=caller, timeout=LIMIT_S)
    return found


def node(vcd: Site, caller: Metadata, name: str) -> cluster_pb2.Node:
    request = cluster_service_pb2.GetNodeRequest(name=name)
    found: cluster_pb2.Node = vcd.clusters.GetNode(request, metadata=caller, timeout=LIMIT_S)
    return found


def nodes(found: cluster_pb2.Cluster, prefix: str) -> list[str]:
    return [each.name for each in found.nodes if f"/nodes/{prefix}-" in each.name]


def test_nodes_are_shown_as_the_cluster_shows_them_and_nfs_nodes_with_their_exports(vcd: Site, alice: Metadata) -> None:
    ended = vcd.ended(vcd.create(alice, "shown", workers=1, nfs_enabled=True), alice)
    assert not ended.HasField("error"), ended.error.message
    found = cluster(vcd, alice, "shown")
    (worker,) = nodes(found, "node")
    assert node(vcd, alice, worker) in found.nodes
    (nfs,) = nodes(found, "nfsd")
    # A guest that takes too long to answer is shown without its exports.
    wait_until(lambda: node(vcd, alice, nfs).exports == ["/home (everyone)"], "the export")
    vcd.change(f"{href_of(vcd, alice, found, nfs)}/power/action/powerOff", alice)
    off = node(vcd, alice, nfs)
    assert (off.vm_status, list(off.exports)) == ("POWERED_OFF", [])


def add(vcd: Site, caller: Metadata, name: str, count: int = 1, **fields: Any) -> operations_pb2.Operation:
    pool = cluster_pb2.NodePool(node_count=count, **fields.pop("pool", {}))
    request = cluster_service_pb2.AddNodesRequest(
        name=CLUSTER.format(name), pool=pool, rollback_on_failure=True, **fields
    )
    answer: operations_pb2.Operation = vcd.clusters.AddNodes(request, metadata=caller, timeout=LIMIT_S)
    return answer


def remove(vcd: Site, caller: Metadata, name: str, *nodes: str, force: bool = False) -> operations_pb2.Operation:
    ids = [node.rpartition("/")[2] for node in nodes]
    request = cluster_service_pb2.RemoveNodesRequest(name=CLUSTER.format(name), node_ids=ids, force=force)
    answer: operations_pb2.Operation = vcd.clusters.RemoveNodes(request, metadata=caller, timeout=LIMIT_S)
    return answer


def resize(vcd: Site, caller: Metadata, name: str, workers: int) -> operations_pb2.Operation:
    request = cluster_service_pb2.ResizeClusterRequest(name=CLUSTER.format(name), worker_count=workers)
    answer: operations_pb2.Operation = vcd.clusters.ResizeCluster(request, metadata=caller, timeout=LIMIT_S)
    return answer


def well(vcd: Site, caller: Metadata, operation: operations_pb2.Operation) -> cluster_pb2.Cluster:
    """The cluster that the operation resolves to."""
    ended = vcd.ended(operation, caller)
    assert not ended.HasField("error"), ended.error.message
    found = cluster_pb2.Cluster()
    assert ended.response.Unpack(found)
    return found


def kubernetes_nodes(vcd: Site, found: cluster_pb2.Cluster) -> dict[str, bool]:
    """What kubectl lists on the control plane: whether pods may be placed there, by name."""
    world = vcd.service._world
    (name,) = nodes(found, "mstr")
    guest = world.inventory.guests(found.vapp.href)[name.rpartition("/")[2]]
    assert guest.password
    login = GuestLogin(guest=guest, password=guest.password)
    script = guest_script(AWAIT_NODES, {"CSE_NODES": name.rpartition("/")[2], "CSE_WITHIN_S": "10"})
    result = world.guests.run_script(login, script, lambda: None, timeout_s=LIMIT_S)
    items = json.loads(result.stdout)["items"]
    return {item["metadata"]["name"]: not item["spec"].get("unschedulable") for item in items}


def machines(found: cluster_pb2.Cluster) -> list[str]:
    return [each.name.rpartition("/")[2] for each in found.nodes]


def test_nodes_are_added_and_removed(vcd: Site, alice: Metadata) -> None:
    small = well(vcd, alice, vcd.create(alice, "grown", workers=1))
    pool = {"cpu_count": 4, "memory_mb": 4096, "storage_profile": "gold"}
    grown = well(vcd, alice, add(vcd, alice, "grown", 2, pool=pool))
    assert cluster(vcd, alice, "grown") == grown
    new = [name for name in nodes(grown, "node") if name not in nodes(small, "node")]
    assert [(node(vcd, alice, name).cpu_count, node(vcd, alice, name).memory_mb) for name in new] == [(4, 4096)] * 2
    assert kubernetes_nodes(vcd, grown) == dict.fromkeys(machines(grown), True)

    with_nfs = well(vcd, alice, add(vcd, alice, "grown", role=cluster_pb2.Node.ROLE_NFS, template="ubuntu-16.04"))
    (nfs,) = nodes(with_nfs, "nfsd")
    wait_until(lambda: node(vcd, alice, nfs).exports == ["/home (everyone)"], "the export")

    off = nodes(small, "node")[0]
    vcd.change(f"{href_of(vcd, alice, grown, off)}/power/action/powerOff", alice)
    left = well(vcd, alice, remove(vcd, alice, "grown", nfs, off, new[0]))
    assert [each.name for each in left.nodes] == [*nodes(small, "mstr"), new[1]]
    assert kubernetes_nodes(vcd, left) == dict.fromkeys(machines(left), True)
    assert machines(cluster(vcd, alice, "grown")) == machines(left)


def test_a_cluster_is_resized_both_ways(vcd: Site, alice: Metadata) -> None:
    well(vcd, alice, vcd.create(alice, "sized", workers=1))
    big = well(vcd, alice, resize(vcd, alice, "sized", 3))
    assert big.worker_pool.node_count == 3
    assert kubernetes_nodes(vcd, big) == dict.fromkeys(machines(big), True)
    small = well(vcd, alice, resize(vcd, alice, "sized", 1))
    assert kubernetes_nodes(vcd, small) == dict.fromkeys(machines(small), True)
    assert small.worker_pool.node_count == 1


def test_the_vcd_tasks_are_called_as_users_know_them(vcd: Site, alice: Metadata) -> None:
    found = well(vcd, alice, vcd.create(alice, "told", workers=0))
    for operation, name, text in (
        (add(vcd, alice, "told"), "create_nodes", f"Added 1 node to cluster told ({found.uid})"),
        (resize(vcd, alice, "told", 0), "resize_cluster", f"Resized cluster told ({found.uid}) to 0 workers"),
    ):
        well(vcd, alice, operation)
        metadata = operation_pb2.OperationMetadata()
        assert operation.metadata.Unpack(metadata)
        task = vcd.send("GET", metadata.task_href, alice)
        assert (task.get("status"), task.get("operationName"), task.get("operation")) == ("success", name, text)


def test_another_org_neither_reads_nor_changes_nodes_and_administrators_do(vcd: Site, alice: Metadata) -> None:
    found = well(vcd, alice, vcd.create(alice, "hers", workers=1))
    (worker,) = nodes(found, "node")
    carol = vcd.login("carol", "globex", "carol-secret")
    for attempt in (
        lambda: node(vcd, carol, worker),
        lambda: node(vcd, carol, worker.replace("orgs/acme/vdcs/acme-vdc", "orgs/-/vdcs/-")),
        lambda: add(vcd, carol, "hers"),
        lambda: remove(vcd, carol, "hers", worker),
        lambda: resize(vcd, carol, "hers", 0),
    ):
        with pytest.raises(grpc.RpcError) as refused:
            attempt()
        assert error_of(refused.value).code == "CLUSTER_NOT_FOUND"
    admin = vcd.login("administrator", "System", "vcd-secret")
    assert node(vcd, admin, worker).name == worker
    kubeconfig = cluster_service_pb2.GetKubeconfigRequest(name=CLUSTER.format("hers"))
    assert vcd.clusters.GetKubeconfig(kubeconfig, metadata=admin, timeout=LIMIT_S).kubeconfig
    assert not nodes(well(vcd, admin, remove(vcd, admin, "hers", worker)), "node")
    assert len(nodes(well(vcd, admin, add(vcd, admin, "hers")), "node")) == 1


def test_who_may_only_look_at_a_cluster_cannot_change_its_nodes(vcd: Site, alice: Metadata) -> None:
    found = well(vcd, alice, vcd.create(alice, "public", workers=1))
    (worker,) = nodes(found, "node")
    bob = vcd.login("bob", "acme", "bob-secret")
    vcd.share(found.vapp.href, alice, "ReadOnly")
    assert node(vcd, bob, worker).name == worker
    for force in (True, False):
        with pytest.raises(grpc.RpcError) as refused:
            remove(vcd, bob, "public", worker, force=force)
        assert error_of(refused.value).code == "VAPP_CHANGE_FORBIDDEN"
    with pytest.raises(grpc.RpcError) as refused:
        resize(vcd, bob, "public", 0)
    assert error_of(refused.value).code == "VAPP_CHANGE_FORBIDDEN"
    vcd.share(found.vapp.href, alice, "Change")
    well(vcd, bob, remove(vcd, bob, "public", worker))
    assert machines(cluster(vcd, alice, "public")) == [nodes(found, "mstr")[0].rpartition("/")[2]]


def test_a_cluster_without_a_running_control_plane_loses_workers_by_force_only(vcd: Site, alice: Metadata) -> None:
    found = well(vcd, alice, vcd.create(alice, "broken", workers=1))
    (control_plane,), (worker,) = nodes(found, "mstr"), nodes(found, "node")
    vcd.change(f"{href_of(vcd, alice, found, control_plane)}/power/action/powerOff", alice)
    refused = vcd.ended(remove(vcd, alice, "broken", worker), alice)
    assert "is POWERED_OFF; power it on. What is left can be removed by trying again." in refused.error.message
    assert worker in nodes(cluster(vcd, alice, "broken"), "node")
    left = well(vcd, alice, remove(vcd, alice, "broken", worker, force=True))
    assert machines(left) == [control_plane.rpartition("/")[2]]


def test_clusters_are_deleted_whatever_became_of_their_machines(vcd: Site, alice: Metadata) -> None:
    well(vcd, alice, vcd.create(alice, "off", workers=1))
    found = cluster(vcd, alice, "off")
    (worker,) = nodes(found, "node")
    vcd.change(f"{href_of(vcd, alice, found, worker)}/power/action/powerOff", alice)
    assert cluster(vcd, alice, "off").vapp.status == "MIXED"
    vcd.change(f"{found.vapp.href}/power/action/powerOff", alice)
    request = cluster_service_pb2.DeleteClusterRequest(name=CLUSTER.format("off"))
    ended = vcd.ended(vcd.clusters.DeleteCluster(request, metadata=alice, timeout=LIMIT_S), alice)
    assert not ended.HasField("error"), ended.error.message
    with pytest.raises(grpc.RpcError) as gone:
        cluster(vcd, alice, "off")
    assert error_of(gone.value).code == "CLUSTER_NOT_FOUND"


def href_of(vcd: Site, caller: Metadata, found: cluster_pb2.Cluster, name: str) -> str:
    """The address of a node's machine in vCD."""
    vapp = vcd.send("GET", found.vapp.href, caller)
    machines = vapp.iterfind("v:Children/v:Vm", {"v": "http://www.vmware.com/vcloud/v1.5"})
    return next(str(machine.get("href")) for machine in machines if machine.get("name") == name.rpartition("/")[2])
