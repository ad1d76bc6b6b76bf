"""Creations whose guests fail: templates of the provider's own, with scripts that go wrong."""

from collections.abc import Iterator

import pytest
from lxml import etree

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2
from cse.operations.v1 import operation_pb2
from cse_testing.clusters.site import Metadata, Site, site, with_script
from cse_testing.waiting import LIMIT_S

SECRET = "abcdef.0123456789abcdef"


@pytest.fixture(scope="module")
def vcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """`photon-v2` has workers that fail, `ubuntu-16.04` a control plane that prints no address and a password."""
    folder = tmp_path_factory.mktemp("templates")
    with_script(folder, "photon-v2", "node.sh", f"echo 'token {SECRET}: \x1b[31mno route to host' >&2; exit 7")
    with_script(folder, "ubuntu-16.04", "mstr.sh", "echo all is well")
    with site(templates_dir=folder, admin_password='root\'s "own" $ecret') as running:
        yield running


@pytest.fixture(scope="module")
def alice(vcd: Site) -> Metadata:
    return vcd.login("alice", "acme", "alice-secret")


def vapps(vcd: Site, alice: Metadata) -> list[etree._Element]:
    found = vcd.send("GET", f"{vcd.vcd.url}/api/query?type=vApp&format=records", alice)
    return found.findall("{http://www.vmware.com/vcloud/v1.5}VAppRecord")


def test_a_worker_that_cannot_join_fails_the_creation_and_everything_is_taken_back(vcd: Site, alice: Metadata) -> None:
    operation = vcd.ended(vcd.create(alice, "unlucky", workers=2), alice)
    message = operation.error.message
    assert " failed at step join_worker on node-" in message
    assert ": its script ended with 7: " in message
    assert "no route to host. Everything was taken back." in message
    assert SECRET not in message
    assert message.isprintable()
    assert vapps(vcd, alice) == []
    metadata = operation_pb2.OperationMetadata()
    assert operation.metadata.Unpack(metadata)
    task = vcd.send("GET", metadata.task_href, alice)
    assert task.get("status") == "error"
    (error,) = task.findall("{http://www.vmware.com/vcloud/v1.5}Error")
    assert (error.get("message"), error.get("minorErrorCode")) == (message, "GUEST_SCRIPT_FAILED")


def test_a_worker_that_cannot_join_is_taken_back_and_the_cluster_stays(vcd: Site, alice: Metadata) -> None:
    created = vcd.ended(vcd.create(alice, "steady", workers=0), alice)
    assert not created.HasField("error"), created.error.message
    name = "orgs/-/vdcs/-/clusters/steady"
    pool = cluster_pb2.NodePool(node_count=2)
    request = cluster_service_pb2.AddNodesRequest(name=name, pool=pool, rollback_on_failure=True)
    operation = vcd.ended(vcd.clusters.AddNodes(request, metadata=alice, timeout=LIMIT_S), alice)
    assert "no route to host. The new nodes were taken back." in operation.error.message
    read = cluster_service_pb2.GetClusterRequest(name=name)
    left = vcd.clusters.GetCluster(read, metadata=alice, timeout=LIMIT_S)
    assert [node.role for node in left.nodes] == [cluster_pb2.Node.ROLE_CONTROL_PLANE]
    delete = cluster_service_pb2.DeleteClusterRequest(name=name)
    assert not vcd.ended(vcd.clusters.DeleteCluster(delete, metadata=alice, timeout=LIMIT_S), alice).HasField("error")


def test_a_half_built_cluster_is_shown_as_failed_and_deleted_like_any_other(vcd: Site, alice: Metadata) -> None:
    created = vcd.ended(vcd.create(alice, "half", workers=1, rollback_on_failure=False), alice)
    assert "What was made is left in vApp 'half' for inspection; delete the cluster to remove it." in (
        created.error.message
    )
    name = "orgs/-/vdcs/-/clusters/half"
    left = vcd.clusters.GetCluster(cluster_service_pb2.GetClusterRequest(name=name), metadata=alice, timeout=LIMIT_S)
    assert (left.state, len(left.nodes)) == (cluster_pb2.Cluster.STATE_FAILED, 2)
    delete = cluster_service_pb2.DeleteClusterRequest(name=name)
    assert not vcd.ended(vcd.clusters.DeleteCluster(delete, metadata=alice, timeout=LIMIT_S), alice).HasField("error")
    assert vapps(vcd, alice) == []


def test_the_password_of_a_template_opens_its_guests(vcd: Site, alice: Metadata) -> None:
    """The control plane is initialised, so root could log in; but its script does not say where it is."""
    operation = vcd.ended(vcd.create(alice, "mute", workers=0, template="ubuntu-16.04"), alice)
    assert "at step init_control_plane on mstr-" in operation.error.message
    assert "did not print an IPv4 address as its last line" in operation.error.message
    assert vapps(vcd, alice) == []
