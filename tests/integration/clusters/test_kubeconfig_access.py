"""A kubeconfig is for those who may change the vApp, whoever sees it."""

from collections.abc import Iterator

import grpc
import pytest

from cse.clusters.v1 import cluster_service_pb2
from cse_core.grpc.status import error_of
from cse_testing.clusters.site import Metadata, Site, site
from cse_testing.waiting import LIMIT_S

NAME = "orgs/-/vdcs/-/clusters/shared"


@pytest.fixture(scope="module")
def vcd() -> Iterator[Site]:
    with site() as running:
        yield running


@pytest.fixture(scope="module")
def bob(vcd: Site) -> Metadata:
    """A vApp Author: sees what is his, or shared with him."""
    return vcd.login("bob", "acme", "bob-secret")


def kubeconfig(vcd: Site, metadata: Metadata) -> str:
    request = cluster_service_pb2.GetKubeconfigRequest(name=NAME)
    return str(vcd.clusters.GetKubeconfig(request, metadata=metadata, timeout=LIMIT_S).kubeconfig)


def refusal(vcd: Site, metadata: Metadata) -> str:
    with pytest.raises(grpc.RpcError) as refused:
        kubeconfig(vcd, metadata)
    return error_of(refused.value).code


def test_a_kubeconfig_is_for_those_who_may_change_the_vapp(vcd: Site, alice: Metadata, bob: Metadata) -> None:
    vcd.succeeded(vcd.create(alice, "shared", workers=0), alice)
    read = cluster_service_pb2.GetClusterRequest(name=NAME)
    href = vcd.clusters.GetCluster(read, metadata=alice, timeout=LIMIT_S).vapp.href
    assert "client-key-data" in kubeconfig(vcd, alice)
    assert refusal(vcd, bob) == "CLUSTER_NOT_FOUND"
    vcd.share(href, alice, "ReadOnly")
    assert vcd.clusters.GetCluster(read, metadata=bob, timeout=LIMIT_S).vapp.href == href
    assert refusal(vcd, bob) == "VAPP_CHANGE_FORBIDDEN"
    vcd.share(href, alice, "Change")
    assert "client-key-data" in kubeconfig(vcd, bob)
    assert "client-key-data" in kubeconfig(vcd, vcd.login("administrator", "System", "vcd-secret"))
