"""Nodes of a cluster, one by one: read, added, removed, against the simulator."""

from collections.abc import Iterator

import pytest

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2
from cse_testing.clusters.site import Metadata, Site, site

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
    found: cluster_pb2.Cluster = vcd.clusters.GetCluster(request, metadata=caller, timeout=10)
    return found


def node(vcd: Site, caller: Metadata, name: str) -> cluster_pb2.Node:
    request = cluster_service_pb2.GetNodeRequest(name=name)
    found: cluster_pb2.Node = vcd.clusters.GetNode(request, metadata=caller, timeout=10)
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
    shown = node(vcd, alice, nfs)
    assert shown.exports == ["/home (everyone)"]
    vcd.change(f"{href_of(vcd, alice, found, nfs)}/power/action/powerOff", alice)
    off = node(vcd, alice, nfs)
    assert (off.vm_status, list(off.exports)) == ("POWERED_OFF", [])


def href_of(vcd: Site, caller: Metadata, found: cluster_pb2.Cluster, name: str) -> str:
    """The address of a node's machine in vCD."""
    vapp = vcd.send("GET", found.vapp.href, caller)
    machines = vapp.iterfind("v:Children/v:Vm", {"v": "http://www.vmware.com/vcloud/v1.5"})
    return next(str(machine.get("href")) for machine in machines if machine.get("name") == name.rpartition("/")[2])
