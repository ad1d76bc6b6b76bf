"""Clusters that CSE 1.2.x has made are used like any other, as they are."""

from collections.abc import Iterator

import pytest
import yaml

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2
from cse_testing.clusters.legacy import LegacyCluster, make_legacy_cluster, run_in
from cse_testing.clusters.site import VCLOUD, Metadata, Site, resource_name, site
from cse_testing.ssh import ssh_key
from cse_testing.waiting import LIMIT_S

KEY = f"{ssh_key()} alice at $(home)"
PASSWORD = 'root\'s "own" $ecret'


@pytest.fixture(scope="module")
def vcd() -> Iterator[Site]:
    with site(admin_password=PASSWORD) as running:
        yield running


@pytest.fixture
def veteran(vcd: Site, alice: Metadata) -> Iterator[LegacyCluster]:
    yield make_legacy_cluster(vcd.vcd, "veteran", root_password=PASSWORD, ssh_key=KEY)
    if vcd.names(alice):
        vcd.succeeded(vcd.delete(alice, "veteran"), alice)


def test_it_is_listed_shown_and_configured_and_nothing_changes(
    vcd: Site, alice: Metadata, veteran: LegacyCluster
) -> None:
    assert vcd.names(alice) == ["veteran"]
    shown = vcd.cluster(alice, "veteran")
    assert (shown.uid, shown.cse_version, shown.template) == (veteran.uid, "1.2.7", "photon-v2")
    assert (shown.state, shown.control_plane_ip) == (cluster_pb2.Cluster.STATE_READY, veteran.metadata["cse.master.ip"])
    assert machines(shown) == [veteran.control_plane, veteran.worker]
    node = vcd.clusters.GetNode(
        cluster_service_pb2.GetNodeRequest(name=shown.nodes[1].name), metadata=alice, timeout=LIMIT_S
    )
    assert (node.role, node.ip_address) == (cluster_pb2.Node.ROLE_WORKER, shown.nodes[1].ip_address)
    request = cluster_service_pb2.GetKubeconfigRequest(name=resource_name("veteran"))
    kubeconfig = yaml.safe_load(vcd.clusters.GetKubeconfig(request, metadata=alice, timeout=LIMIT_S).kubeconfig)
    assert kubeconfig["clusters"][0]["cluster"]["server"] == f"https://{shown.control_plane_ip}:6443"
    assert metadata(vcd, alice, shown) == veteran.metadata


def test_it_grows_and_shrinks_and_its_new_workers_accept_the_keys_of_the_others(
    vcd: Site, alice: Metadata, veteran: LegacyCluster
) -> None:
    grown = vcd.resulting(vcd.resize(alice, "veteran", 3), alice)
    new = [name for name in machines(grown) if name not in (veteran.control_plane, veteran.worker)]
    assert len(new) == 2
    for name in new:
        assert run_in(vcd.vcd, name, "cat /root/.ssh/authorized_keys").splitlines() == [KEY]
    assert kubernetes_nodes(vcd, veteran) == sorted(machines(grown))

    with_nfs = vcd.resulting(vcd.add_nodes(alice, "veteran", role=cluster_pb2.Node.ROLE_NFS), alice)
    (nfs,) = (name for name in machines(with_nfs) if name.startswith("nfsd-"))

    left = vcd.resulting(vcd.remove_nodes(alice, "veteran", veteran.worker, nfs), alice)
    assert machines(left) == [veteran.control_plane, *new]
    assert kubernetes_nodes(vcd, veteran) == sorted(machines(left))
    assert metadata(vcd, alice, left) == veteran.metadata


def test_keys_that_are_bound_to_a_command_are_not_handed_on_without_it(
    vcd: Site, alice: Metadata, veteran: LegacyCluster
) -> None:
    bound = f'command="/usr/bin/uptime",no-pty {ssh_key()} monitoring'
    run_in(vcd.vcd, veteran.control_plane, f"cat >> /root/.ssh/authorized_keys <<'END'\n\n# more\n{bound}\nEND")
    grown = vcd.resulting(vcd.resize(alice, "veteran", 2), alice)
    (new,) = (name for name in machines(grown) if name not in (veteran.control_plane, veteran.worker))
    assert run_in(vcd.vcd, new, "cat /root/.ssh/authorized_keys").splitlines() == [KEY]


def test_it_is_deleted(vcd: Site, alice: Metadata, veteran: LegacyCluster) -> None:
    vcd.succeeded(vcd.delete(alice, "veteran"), alice)
    assert vcd.names(alice) == []
    assert vcd.vapps(alice) == []


def machines(cluster: cluster_pb2.Cluster) -> list[str]:
    return [node.name.rpartition("/")[2] for node in cluster.nodes]


def metadata(vcd: Site, caller: Metadata, cluster: cluster_pb2.Cluster) -> dict[str, str]:
    document = vcd.send("GET", f"{cluster.vapp.href}/metadata", caller)
    return {
        entry.findtext("v:Key", "", VCLOUD): entry.findtext("v:TypedValue/v:Value", "", VCLOUD)
        for entry in document.iterfind("v:MetadataEntry", VCLOUD)
    }


def kubernetes_nodes(vcd: Site, cluster: LegacyCluster) -> list[str]:
    script = "KUBECONFIG=/root/.kube/config kubectl get nodes -o name"
    return sorted(line.rpartition("/")[2] for line in run_in(vcd.vcd, cluster.control_plane, script).splitlines())
