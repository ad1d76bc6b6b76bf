"""Nodes of a cluster, one by one: read, added, removed, against the simulator."""

import json
from collections.abc import Iterator

import grpc
import pytest

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2
from cse_clusters.application.ports import GuestLogin
from cse_core.grpc.status import error_of
from cse_core.secret import Secret
from cse_testing.clusters.site import VCLOUD, Metadata, Site, resource_name, site
from cse_testing.operation_ends import metadata_of
from cse_testing.waiting import LIMIT_S, wait_until


@pytest.fixture(scope="module")
def vcd() -> Iterator[Site]:
    with site(admin_password='root\'s "own" $ecret') as running:
        yield running


def node(vcd: Site, caller: Metadata, name: str) -> cluster_pb2.Node:
    request = cluster_service_pb2.GetNodeRequest(name=name)
    found: cluster_pb2.Node = vcd.clusters.GetNode(request, metadata=caller, timeout=LIMIT_S)
    return found


def nodes(found: cluster_pb2.Cluster, prefix: str) -> list[str]:
    return [each.name for each in found.nodes if f"/nodes/{prefix}-" in each.name]


def test_nodes_are_shown_as_the_cluster_shows_them_and_nfs_nodes_with_their_exports(vcd: Site, alice: Metadata) -> None:
    vcd.succeeded(vcd.create(alice, "shown", workers=1, nfs_enabled=True), alice)
    found = vcd.cluster(alice, "shown")
    (worker,) = nodes(found, "node")
    assert node(vcd, alice, worker) in found.nodes
    (nfs,) = nodes(found, "nfsd")
    # A guest that takes too long to answer is shown without its exports.
    wait_until(lambda: node(vcd, alice, nfs).exports == ["/home (everyone)"], "the export")
    vcd.change(f"{href_of(vcd, alice, found, nfs)}/power/action/powerOff", alice)
    off = node(vcd, alice, nfs)
    assert (off.vm_status, list(off.exports)) == ("POWERED_OFF", [])


def kubernetes_nodes(vcd: Site, found: cluster_pb2.Cluster) -> dict[str, bool]:
    """What kubectl lists on the control plane: whether pods may be placed there, by name."""
    world = vcd.service._world
    (name,) = nodes(found, "mstr")
    guest = world.inventory.guests(found.vapp.href)[name.rpartition("/")[2]]
    assert guest.password
    login = GuestLogin(guest=guest, password=guest.password)
    script = Secret("kubectl --kubeconfig /root/.kube/config get nodes -o json\n")
    result = world.guests.run_script(login, script, lambda: None, timeout_s=LIMIT_S)
    items = json.loads(result.stdout)["items"]
    return {item["metadata"]["name"]: not item["spec"].get("unschedulable") for item in items}


def machines(found: cluster_pb2.Cluster) -> list[str]:
    return [each.name.rpartition("/")[2] for each in found.nodes]


def test_nodes_are_added_and_removed(vcd: Site, alice: Metadata) -> None:
    small = vcd.resulting(vcd.create(alice, "grown", workers=1), alice)
    pool = {"cpu_count": 4, "memory_mb": 4096, "storage_profile": "gold"}
    grown = vcd.resulting(vcd.add_nodes(alice, "grown", 2, pool=pool), alice)
    assert vcd.cluster(alice, "grown") == grown
    new = [name for name in nodes(grown, "node") if name not in nodes(small, "node")]
    assert [(node(vcd, alice, name).cpu_count, node(vcd, alice, name).memory_mb) for name in new] == [(4, 4096)] * 2
    assert kubernetes_nodes(vcd, grown) == dict.fromkeys(machines(grown), True)

    with_nfs = vcd.resulting(
        vcd.add_nodes(alice, "grown", role=cluster_pb2.Node.ROLE_NFS, template="ubuntu-16.04"), alice
    )
    (nfs,) = nodes(with_nfs, "nfsd")
    wait_until(lambda: node(vcd, alice, nfs).exports == ["/home (everyone)"], "the export")

    off = nodes(small, "node")[0]
    vcd.change(f"{href_of(vcd, alice, grown, off)}/power/action/powerOff", alice)
    left = vcd.resulting(vcd.remove_nodes(alice, "grown", nfs, off, new[0]), alice)
    assert [each.name for each in left.nodes] == [*nodes(small, "mstr"), new[1]]
    assert kubernetes_nodes(vcd, left) == dict.fromkeys(machines(left), True)
    assert machines(vcd.cluster(alice, "grown")) == machines(left)


def test_a_cluster_is_resized_both_ways(vcd: Site, alice: Metadata) -> None:
    vcd.resulting(vcd.create(alice, "sized", workers=1), alice)
    big = vcd.resulting(vcd.resize(alice, "sized", 3), alice)
    assert big.worker_pool.node_count == 3
    assert kubernetes_nodes(vcd, big) == dict.fromkeys(machines(big), True)
    small = vcd.resulting(vcd.resize(alice, "sized", 1), alice)
    assert kubernetes_nodes(vcd, small) == dict.fromkeys(machines(small), True)
    assert small.worker_pool.node_count == 1


def test_the_vcd_tasks_are_called_as_users_know_them(vcd: Site, alice: Metadata) -> None:
    found = vcd.resulting(vcd.create(alice, "told", workers=0), alice)
    for operation, name, text in (
        (vcd.add_nodes(alice, "told"), "create_nodes", f"Added 1 node to cluster told ({found.uid})"),
        (vcd.resize(alice, "told", 0), "resize_cluster", f"Resized cluster told ({found.uid}) to 0 workers"),
    ):
        vcd.resulting(operation, alice)
        task = vcd.send("GET", metadata_of(operation).task_href, alice)
        assert (task.get("status"), task.get("operationName"), task.get("operation")) == ("success", name, text)


def test_another_org_neither_reads_nor_changes_nodes_and_administrators_do(vcd: Site, alice: Metadata) -> None:
    found = vcd.resulting(vcd.create(alice, "hers", workers=1), alice)
    (worker,) = nodes(found, "node")
    carol = vcd.login("carol", "globex", "carol-secret")
    for attempt in (
        lambda: node(vcd, carol, worker),
        lambda: node(vcd, carol, worker.replace("orgs/acme/vdcs/acme-vdc", "orgs/-/vdcs/-")),
        lambda: vcd.add_nodes(carol, "hers"),
        lambda: vcd.remove_nodes(carol, "hers", worker),
        lambda: vcd.resize(carol, "hers", 0),
    ):
        with pytest.raises(grpc.RpcError) as refused:
            attempt()
        assert error_of(refused.value).code == "CLUSTER_NOT_FOUND"
    admin = vcd.login("administrator", "System", "vcd-secret")
    assert node(vcd, admin, worker).name == worker
    kubeconfig = cluster_service_pb2.GetKubeconfigRequest(name=resource_name("hers"))
    assert vcd.clusters.GetKubeconfig(kubeconfig, metadata=admin, timeout=LIMIT_S).kubeconfig
    assert not nodes(vcd.resulting(vcd.remove_nodes(admin, "hers", worker), admin), "node")
    assert len(nodes(vcd.resulting(vcd.add_nodes(admin, "hers"), admin), "node")) == 1


def test_who_may_only_look_at_a_cluster_cannot_change_its_nodes(vcd: Site, alice: Metadata) -> None:
    found = vcd.resulting(vcd.create(alice, "public", workers=1), alice)
    (worker,) = nodes(found, "node")
    bob = vcd.login("bob", "acme", "bob-secret")
    vcd.share(found.vapp.href, alice, "ReadOnly")
    assert node(vcd, bob, worker).name == worker
    for force in (True, False):
        with pytest.raises(grpc.RpcError) as refused:
            vcd.remove_nodes(bob, "public", worker, force=force)
        assert error_of(refused.value).code == "VAPP_CHANGE_FORBIDDEN"
    with pytest.raises(grpc.RpcError) as refused:
        vcd.resize(bob, "public", 0)
    assert error_of(refused.value).code == "VAPP_CHANGE_FORBIDDEN"
    vcd.share(found.vapp.href, alice, "Change")
    vcd.resulting(vcd.remove_nodes(bob, "public", worker), bob)
    assert machines(vcd.cluster(alice, "public")) == [nodes(found, "mstr")[0].rpartition("/")[2]]


def test_a_cluster_without_a_running_control_plane_loses_workers_by_force_only(vcd: Site, alice: Metadata) -> None:
    found = vcd.resulting(vcd.create(alice, "broken", workers=1), alice)
    (control_plane,), (worker,) = nodes(found, "mstr"), nodes(found, "node")
    vcd.change(f"{href_of(vcd, alice, found, control_plane)}/power/action/powerOff", alice)
    refused = vcd.ended(vcd.remove_nodes(alice, "broken", worker), alice)
    assert "is POWERED_OFF; power it on. What is left can be removed by trying again." in refused.error.message
    assert worker in nodes(vcd.cluster(alice, "broken"), "node")
    left = vcd.resulting(vcd.remove_nodes(alice, "broken", worker, force=True), alice)
    assert machines(left) == [control_plane.rpartition("/")[2]]


def test_clusters_are_deleted_whatever_became_of_their_machines(vcd: Site, alice: Metadata) -> None:
    vcd.resulting(vcd.create(alice, "off", workers=1), alice)
    found = vcd.cluster(alice, "off")
    (worker,) = nodes(found, "node")
    vcd.change(f"{href_of(vcd, alice, found, worker)}/power/action/powerOff", alice)
    assert vcd.cluster(alice, "off").vapp.status == "MIXED"
    vcd.change(f"{found.vapp.href}/power/action/powerOff", alice)
    vcd.succeeded(vcd.delete(alice, "off"), alice)
    with pytest.raises(grpc.RpcError) as gone:
        vcd.cluster(alice, "off")
    assert error_of(gone.value).code == "CLUSTER_NOT_FOUND"


def href_of(vcd: Site, caller: Metadata, found: cluster_pb2.Cluster, name: str) -> str:
    """The address of a node's machine in vCD."""
    vapp = vcd.send("GET", found.vapp.href, caller)
    machines = vapp.iterfind("v:Children/v:Vm", VCLOUD)
    return next(str(machine.get("href")) for machine in machines if machine.get("name") == name.rpartition("/")[2])
