"""Reading single nodes: what a broken node or guest leaves of the answer."""

import threading
from dataclasses import replace

import pytest

from cse_clusters.application.ports import ScriptResult
from cse_clusters.domain.cluster import CLUSTER_ID, TEMPLATE, Node, Role
from cse_clusters.domain.nfs import exports_in
from cse_core.errors import NotFoundError, UnavailableError
from cse_core.names import ClusterName, NodeName
from cse_testing.clusters.service import ClustersInMemory, a_cluster
from cse_testing.waiting import LIMIT_S

OLD = {CLUSTER_ID: "1", TEMPLATE: "old"}


def read(clusters: ClustersInMemory, node: str, cluster: str = "demo", user: str = "alice") -> Node:
    name = NodeName(ClusterName("-", "-", cluster), node)
    return clusters.use_cases.nodes.read(clusters.caller(user), name)[1]


def nfs_of(clusters: ClustersInMemory) -> str:
    (vapp,) = clusters.vcd.vapps.values()
    return next(name for name in vapp.machines if name.startswith("nfsd-"))


def test_a_worker_is_shown_without_asking_its_guest(clusters: ClustersInMemory) -> None:
    clusters.vcd.add_vapp(clusters.dev, "demo", metadata=OLD, nodes=["mstr-aaaa", "node-aaaa"])
    node = read(clusters, "node-aaaa")
    assert (node.role, node.vm_status, node.cpu_count, node.memory_mb) == (Role.WORKER, "POWERED_ON", 2, 2048)
    assert node.exports == ()
    assert not clusters.guests.scripts


def test_an_nfs_node_is_shown_with_its_exports(clusters: ClustersInMemory) -> None:
    clusters.created(a_cluster(workers=0, nfs=True))
    assert read(clusters, nfs_of(clusters)).exports == ("/home *",)


def test_a_node_of_1_2_x_is_reached_with_the_templates_password(clusters: ClustersInMemory) -> None:
    clusters.vcd.add_vapp(clusters.dev, "demo", metadata=OLD, nodes=["nfsd-aaaa"])
    clusters.guests.passwords["nfsd-aaaa"] = "for all of them"
    assert read(clusters, "nfsd-aaaa").exports == ("/home *",)


def test_a_node_that_is_off_is_shown_without_asking_its_guest(clusters: ClustersInMemory) -> None:
    vapp = clusters.vcd.add_vapp(clusters.dev, "demo", metadata=OLD, nodes=["nfsd-aaaa"])
    vapp.machines["nfsd-aaaa"] = replace(vapp.machines["nfsd-aaaa"], status="POWERED_OFF", ip_address=None)
    node = read(clusters, "nfsd-aaaa")
    assert (node.vm_status, node.ip_address, node.exports) == ("POWERED_OFF", None, ())
    assert not clusters.guests.scripts


@pytest.mark.parametrize("password", ["something else", None])
def test_a_guest_that_does_not_let_us_in_costs_the_exports_only(
    clusters: ClustersInMemory, password: str | None
) -> None:
    clusters.vcd.add_vapp(clusters.dev, "demo", metadata=OLD, nodes=["nfsd-aaaa"])
    if password:
        clusters.guests.passwords["nfsd-aaaa"] = password
    else:
        clusters.vcd.fail("guests", UnavailableError("vCD does not answer"))
    assert read(clusters, "nfsd-aaaa").exports == ()


def test_a_guest_whose_tools_fail_costs_the_exports_only(clusters: ClustersInMemory) -> None:
    clusters.vcd.add_vapp(clusters.dev, "demo", metadata=OLD, nodes=["nfsd-aaaa"])
    failed = ScriptResult(exit_code=127, stdout="/never", stderr="showmount: not found")
    clusters.guests.on("showmount", lambda *_: failed)
    assert read(clusters, "nfsd-aaaa").exports == ()


def test_a_guest_that_hangs_delays_the_answer_by_a_bounded_time() -> None:
    go_on = threading.Event()

    def hang(*_: object) -> ScriptResult:
        assert go_on.wait(LIMIT_S)
        return ScriptResult(exit_code=0, stdout="/home *", stderr="")

    with ClustersInMemory(exports_within_s=0.2) as clusters:
        clusters.vcd.add_vapp(clusters.dev, "demo", metadata=OLD, nodes=["nfsd-aaaa"])
        clusters.guests.on("showmount", hang)
        try:
            assert read(clusters, "nfsd-aaaa").exports == ()
        finally:
            go_on.set()


def test_what_is_no_node_of_the_callers_cluster_is_not_found(clusters: ClustersInMemory) -> None:
    clusters.vcd.add_vapp(clusters.dev, "demo", metadata=OLD, nodes=["node-aaaa"])
    with pytest.raises(NotFoundError, match="no node 'node-bbbb'") as missing:
        read(clusters, "node-bbbb")
    assert missing.value.code == "NODE_NOT_FOUND"
    with pytest.raises(NotFoundError) as hidden:
        read(clusters, "node-aaaa", user="carol")
    assert hidden.value.code == "CLUSTER_NOT_FOUND"


def test_administrators_read_the_nodes_of_tenants(clusters: ClustersInMemory) -> None:
    clusters.vcd.add_vapp(clusters.dev, "demo", metadata=OLD, nodes=["node-aaaa"])
    assert read(clusters, "node-aaaa", user="admin").name == "node-aaaa"


def test_exports_are_lines_that_begin_with_a_path() -> None:
    output = "Export list for localhost:\n/home   *\n\n  /data 10.0.0.0/8,10.1.0.1 \n/bad\x1b[31m *\nnonsense\n"
    assert exports_in(output) == ("/home *", "/data 10.0.0.0/8,10.1.0.1")
    assert exports_in("/" + "x" * 600) == ()
    assert len(exports_in("/home *\n" * 1000)) == 100
