"""The cluster manager against the simulator: real pyvcloud, real pyVmomi, real shells in the guests."""

from collections.abc import Iterator

import pytest
import yaml

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2
from cse_testing.clusters.site import Metadata, Site, site

NAME = "orgs/acme/vdcs/acme-vdc/clusters/demo"


@pytest.fixture(scope="module")
def vcd() -> Iterator[Site]:
    with site() as running:
        yield running


@pytest.fixture(scope="module")
def alice(vcd: Site) -> Metadata:
    return vcd.login("alice", "acme", "alice-secret")


def test_a_cluster_is_created_read_and_deleted(vcd: Site, alice: Metadata) -> None:
    operation = vcd.ended(vcd.create(alice, workers=2, nfs_enabled=True), alice)
    assert not operation.HasField("error"), operation.error.message
    cluster = cluster_pb2.Cluster()
    assert operation.response.Unpack(cluster)
    assert (cluster.name, cluster.state) == (NAME, cluster_pb2.Cluster.STATE_READY)
    assert [node.name.rpartition("/")[2][:5] for node in cluster.nodes] == ["mstr-", "node-", "node-", "nfsd-"]
    assert all(node.ip_address.startswith("10.10.0.") for node in cluster.nodes)

    shown = vcd.clusters.GetCluster(cluster_service_pb2.GetClusterRequest(name=NAME), metadata=alice, timeout=10)
    assert shown.control_plane_ip == cluster.nodes[0].ip_address
    request = cluster_service_pb2.GetKubeconfigRequest(name=NAME)
    kubeconfig = yaml.safe_load(vcd.clusters.GetKubeconfig(request, metadata=alice, timeout=10).kubeconfig)
    assert kubeconfig["kind"] == "Config"
    assert shown.control_plane_ip in kubeconfig["clusters"][0]["cluster"]["server"]

    delete = cluster_service_pb2.DeleteClusterRequest(name=NAME)
    ended = vcd.ended(vcd.clusters.DeleteCluster(delete, metadata=alice, timeout=10), alice)
    assert not ended.HasField("error"), ended.error.message
    everything = cluster_service_pb2.ListClustersRequest(parent="orgs/-/vdcs/-")
    assert not vcd.clusters.ListClusters(everything, metadata=alice, timeout=10).clusters
