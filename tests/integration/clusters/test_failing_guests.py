"""Creations whose guests fail: templates of the provider's own, with scripts that go wrong."""

from collections.abc import Iterator

import pytest

from cse.clusters.v1 import cluster_pb2
from cse_testing.clusters.landscape import with_script
from cse_testing.clusters.site import VCLOUD, Metadata, Site, site
from cse_testing.operation_ends import metadata_of

SECRET = "abcdef.0123456789abcdef"


@pytest.fixture(scope="module")
def vcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """`photon-v2` has workers that fail, `ubuntu-16.04` a control plane that prints no address and a password."""
    folder = tmp_path_factory.mktemp("templates")
    with_script(folder, "photon-v2", "node.sh", f"echo 'token {SECRET}: \x1b[31mno route to host' >&2; exit 7")
    with_script(folder, "ubuntu-16.04", "mstr.sh", "echo all is well")
    with site(templates_dir=folder, admin_password='root\'s "own" $ecret') as running:
        yield running


def test_a_worker_that_cannot_join_fails_the_creation_and_everything_is_taken_back(vcd: Site, alice: Metadata) -> None:
    operation = vcd.ended(vcd.create(alice, "unlucky", workers=2), alice)
    message = operation.error.message
    assert " failed at step join_worker on node-" in message
    assert ": its script ended with 7: " in message
    assert "no route to host. Everything was taken back." in message
    assert SECRET not in message
    assert message.isprintable()
    assert vcd.vapps(alice) == []
    task = vcd.send("GET", metadata_of(operation).task_href, alice)
    assert task.get("status") == "error"
    (error,) = task.findall("v:Error", VCLOUD)
    assert (error.get("message"), error.get("minorErrorCode")) == (message, "GUEST_SCRIPT_FAILED")


def test_a_worker_that_cannot_join_is_taken_back_and_the_cluster_stays(vcd: Site, alice: Metadata) -> None:
    vcd.succeeded(vcd.create(alice, "steady", workers=0), alice)
    operation = vcd.ended(vcd.add_nodes(alice, "steady", 2), alice)
    assert "no route to host. The new nodes were taken back." in operation.error.message
    left = vcd.cluster(alice, "steady")
    assert [node.role for node in left.nodes] == [cluster_pb2.Node.ROLE_CONTROL_PLANE]
    vcd.succeeded(vcd.delete(alice, "steady"), alice)


def test_a_half_built_cluster_is_shown_as_failed_and_deleted_like_any_other(vcd: Site, alice: Metadata) -> None:
    created = vcd.ended(vcd.create(alice, "half", workers=1, rollback_on_failure=False), alice)
    assert "What was made is left in vApp 'half' for inspection; delete the cluster to remove it." in (
        created.error.message
    )
    left = vcd.cluster(alice, "half")
    assert (left.state, len(left.nodes)) == (cluster_pb2.Cluster.STATE_FAILED, 2)
    vcd.succeeded(vcd.delete(alice, "half"), alice)
    assert vcd.vapps(alice) == []


def test_the_password_of_a_template_opens_its_guests(vcd: Site, alice: Metadata) -> None:
    """The control plane is initialised, so root could log in; but its script does not say where it is."""
    operation = vcd.ended(vcd.create(alice, "mute", workers=0, template="ubuntu-16.04"), alice)
    assert "at step init_control_plane on mstr-" in operation.error.message
    assert "did not print an IPv4 address as its last line" in operation.error.message
    assert vcd.vapps(alice) == []
