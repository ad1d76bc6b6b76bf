"""What tenants write into vCD behind our back: metadata that says it is ours, machines with names that attack.

A vApp with `cse.cluster.id` is a cluster, whoever wrote that. Everything read from it is a tenant's word.
"""

from collections.abc import Iterator
from itertools import count
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2
from google.protobuf.message import Message
from lxml import etree

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2
from cse_core.grpc.status import error_of
from cse_testing.clusters.legacy import API_VERSION, LegacyCluster, make_legacy_cluster, run_in
from cse_testing.clusters.site import Metadata, Site, site
from cse_testing.hostile.corpus import Corpus, Hostile, every
from cse_testing.pyvcloud_client import Tenant, logged_in
from cse_testing.ssh import ssh_key
from cse_testing.waiting import LIMIT_S

CORPUS = Corpus(canary="/tmp/canary", forged="2026-01-01T00:00:00Z [info     ] forged")
PASSWORD = "as-of-old"
NAME = "orgs/-/vdcs/-/clusters/veteran"
SHARE = 20
KEYS = ("cse.cluster.id", "cse.version", "cse.template", "cse.master.ip")
NEVER = (grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL, grpc.StatusCode.DEADLINE_EXCEEDED)


@pytest.fixture
def vcd() -> Iterator[Site]:
    with site(admin_password=PASSWORD) as running:
        yield running


@pytest.fixture
def alice(vcd: Site) -> Metadata:
    return vcd.login("alice", "acme", "alice-secret")


@pytest.fixture
def veteran(vcd: Site) -> LegacyCluster:
    return make_legacy_cluster(vcd.vcd, "veteran", root_password=PASSWORD, ssh_key=ssh_key())


def fits_into_xml(value: Hostile) -> bool:
    """Whether vCD could have been sent it at all."""
    try:
        etree.Element("x").text = value.text
    except ValueError:
        return False
    return bool(value.text) and len(value.text) < 4_000


@pytest.mark.parametrize("key", KEYS)
def test_metadata_that_tenants_have_changed_breaks_nothing(
    vcd: Site, alice: Metadata, veteran: LegacyCluster, key: str
) -> None:
    values = [each for each in every(CORPUS.values, nth=SHARE, offset=KEYS.index(key)) if fits_into_xml(each)]
    assert len(values) > 8
    problems: list[str] = []
    with logged_in(vcd.vcd, "alice", API_VERSION) as client:
        tenant = Tenant(client)
        vapp = tenant.vapp("veteran")
        for value in values:
            tenant.wait(vapp.set_metadata("GENERAL", "READWRITE", key, value.text))
            problems.extend(f"{value} in {key}: {problem}" for problem in use(vcd, alice))
        tenant.wait(vapp.set_metadata("GENERAL", "READWRITE", key, veteran.metadata[key]))
    assert problems == []
    assert nothing_was_executed(vcd, veteran)
    assert list(use(vcd, alice)) == []


def use(vcd: Site, caller: Metadata) -> Iterator[str]:
    """Does what can be done with the cluster, and says what no call may be answered with."""
    service, pool = cluster_service_pb2, cluster_pb2.NodePool(node_count=1)
    requests: tuple[tuple[Any, Message], ...] = (
        (vcd.clusters.ListClusters, service.ListClustersRequest(parent="orgs/-/vdcs/-")),
        (vcd.clusters.GetCluster, service.GetClusterRequest(name=NAME)),
        (vcd.clusters.GetKubeconfig, service.GetKubeconfigRequest(name=NAME)),
        (vcd.clusters.AddNodes, service.AddNodesRequest(name=NAME, pool=pool, network="no-such-network")),
        (vcd.clusters.ResizeCluster, service.ResizeClusterRequest(name=NAME, worker_count=1)),
    )
    for call, request in requests:
        try:
            answer = call(request, metadata=caller, timeout=LIMIT_S)
        except grpc.RpcError as refused:
            if refused.code() in NEVER or not error_of(refused).message.isprintable():
                yield f"{type(request).__name__}: {refused.code()}: {refused.details()}"
            continue
        if isinstance(answer, operations_pb2.Operation):
            ended = vcd.ended(answer, caller)
            if ended.error.code == grpc.StatusCode.INTERNAL.value[0] or not ended.error.message.isprintable():
                yield f"{type(request).__name__}: {ended.error}"


def nothing_was_executed(vcd: Site, cluster: LegacyCluster) -> bool:
    return run_in(vcd.vcd, cluster.control_plane, "ls -a /tmp /root /").find("canary") < 0


def test_machines_with_names_that_attack_are_nobodys_nodes(vcd: Site, alice: Metadata, veteran: LegacyCluster) -> None:
    """`node-x mstr-7f3a`, as a list of nodes, would be two."""
    wanted = [value for value in CORPUS.values if value.name.startswith("shell-") and fits_into_xml(value)]
    names = [f"node-{value.text}" for value in every(tuple(wanted), nth=5, offset=0) if value.text.isprintable()]
    names += ["node-* ?", "node-x mstr-7f3a", "node--rf", "node-<x/>", "node-é"]
    numbers = count(1)
    with logged_in(vcd.vcd, "alice", API_VERSION) as client:
        tenant = Tenant(client)
        vapp = tenant.vapp("veteran")
        machines = [tenant.machine(name, hostname=f"h{next(numbers)}") for name in names]
        tenant.wait(vapp.add_vms(machines, power_on=False, all_eulas_accepted=True))
    left = vcd.resulting(vcd.resize(alice, "veteran", 0), alice)
    assert left.worker_pool.node_count == 0
    roles = [node.role for node in left.nodes]
    assert roles.count(cluster_pb2.Node.ROLE_CONTROL_PLANE) == 1
    assert roles.count(cluster_pb2.Node.ROLE_UNSPECIFIED) == len(names) == len(roles) - 1
    assert nothing_was_executed(vcd, veteran)
    known = run_in(vcd.vcd, veteran.control_plane, "KUBECONFIG=/root/.kube/config kubectl get nodes -o name")
    assert known.split() == [f"node/{veteran.control_plane}"]
    vcd.succeeded(vcd.delete(alice, "veteran"), alice)
