"""Whoever may change a vApp can write another cluster's UUID to it. In no org does that get him anything."""

from collections.abc import Iterator

import pytest

from cse_clusters.domain.cluster import CLUSTER_ID, CONTROL_PLANE_IP, OPERATION_ID, State
from cse_clusters.domain.orphans import Cause
from cse_core.names import VdcName
from cse_core.operations import OperationState
from cse_testing.clusters.orphans import WILL_NOT, found, left, vapp
from cse_testing.clusters.service import ClustersInMemory, a_cluster
from cse_testing.waiting import Halt

EVERYWHERE = VdcName("-", "-")
PLACES = {"another name": ("acme", "dev"), "another VDC": ("acme", "prod"), "another org": ("globex", "dev")}
"""Where a copy, always called so, is."""
OWNERS = {"acme": "bob", "globex": "carol"}


@pytest.fixture(params=[*PLACES.values()], ids=[*PLACES])
def place(request: pytest.FixtureRequest) -> tuple[str, str]:
    chosen: tuple[str, str] = request.param
    return chosen


@pytest.fixture
def uid(clusters: ClustersInMemory) -> str:
    """Of a cluster `demo` of alice's."""
    return clusters.created(a_cluster(workers=1)).target_uid


def copied(clusters: ClustersInMemory, place: tuple[str, str], uid: str, **metadata: str) -> None:
    written = {CLUSTER_ID: uid, CONTROL_PLANE_IP: "10.0.0.9", **metadata}
    clusters.vcd.add_vapp(clusters.vcd.vdcs[place], "copy", metadata=written, nodes=["mstr-copy"])


@pytest.fixture
def _held_deletion(clusters: ClustersInMemory, uid: str, place: tuple[str, str]) -> Iterator[None]:
    """A copy is being deleted for as long as the test lasts."""
    copied(clusters, place, uid)
    halt = Halt("the deletion of the copy")
    held = [halt.stay]
    clusters.vcd.during("delete", lambda: held.pop()() if held else None)
    deletion = clusters.delete("copy", user=OWNERS[place[0]])
    halt.wait_until_reached()
    yield
    assert not clusters.operations.get(deletion.id).state.is_final
    halt.let_go()
    assert clusters.finished(deletion).error is None


@pytest.mark.usefixtures("_held_deletion")
def test_what_is_done_to_a_copy_holds_up_nothing(clusters: ClustersInMemory) -> None:
    assert clusters.finished(clusters.add_nodes(1)).error is None
    assert clusters.finished(clusters.delete()).error is None


@pytest.mark.usefixtures("_held_deletion")
@pytest.mark.parametrize("user", ["alice", "admin"])
def test_what_is_done_to_a_copy_is_shown_of_the_copy_only(clusters: ClustersInMemory, user: str) -> None:
    page = clusters.use_cases.directory.page(clusters.caller(user), EVERYWHERE, limit=9)
    states = {each.name: each.state for each in page.clusters}
    assert states.pop("demo") is State.READY
    assert states == {"copy": State.DELETING} or (user == "alice" and not states)


def test_deleting_a_copy_ends_nothing_that_is_in_progress(
    clusters: ClustersInMemory, uid: str, place: tuple[str, str]
) -> None:
    copied(clusters, place, uid)
    halt = clusters.guests.halt("BODY-worker")
    addition = clusters.add_nodes(1)
    halt.wait_until_reached()
    assert clusters.finished(clusters.delete("copy", user="admin")).error is None
    assert not clusters.operations.get(addition.id).cancel_requested
    halt.let_go()
    assert clusters.finished(addition).state is OperationState.SUCCEEDED


def test_a_copy_does_not_hide_a_cluster_that_is_coming(clusters: ClustersInMemory, place: tuple[str, str]) -> None:
    halt = clusters.vcd.halt("compose")
    creation = clusters.create()
    halt.wait_until_reached()
    copied(clusters, place, creation.target_uid)
    page = clusters.use_cases.directory.page(clusters.caller("admin"), EVERYWHERE, limit=9)
    assert {each.name: each.state for each in page.clusters} == {"copy": State.READY, "demo": State.CREATING}
    halt.let_go()
    assert clusters.finished(creation).error is None


def test_a_deletion_of_a_copy_that_failed_makes_nothing_reclaimable(
    clusters: ClustersInMemory, place: tuple[str, str]
) -> None:
    kept = left(clusters, "kept", for_inspection=True)
    kept.machines = {name: each for name, each in kept.machines.items() if not name.startswith("mstr-")}
    copied(clusters, place, kept.metadata[CLUSTER_ID])
    clusters.vcd.fail("delete", WILL_NOT)
    assert clusters.finished(clusters.delete("copy", user=OWNERS[place[0]])).error is not None
    assert found(clusters) == [("kept", Cause.LEFT_FOR_INSPECTION)]


def test_a_copied_mark_of_an_operation_hides_nothing_that_it_left(
    clusters: ClustersInMemory, place: tuple[str, str]
) -> None:
    clusters.vcd.fail("set_metadata", WILL_NOT)
    clusters.vcd.fail("delete", WILL_NOT)
    failed = clusters.finished(clusters.create(a_cluster("bare")))
    assert vapp(clusters, "bare").metadata == {}
    copied(clusters, place, failed.target_uid, **{OPERATION_ID: failed.id})
    assert found(clusters) == [("bare", Cause.ROLLBACK_FAILED)]
    assert clusters.sweep.look().settled == []


@pytest.mark.usefixtures("uid")
def test_a_cluster_that_is_renamed_amid_a_change_is_deleted_and_the_change_ends(clusters: ClustersInMemory) -> None:
    """To the deletion the change is another cluster's, so that it does not wait for it; vCD keeps the two apart."""
    halt = clusters.guests.halt("BODY-worker")
    addition = clusters.add_nodes(1)
    halt.wait_until_reached()
    vapp(clusters, "demo").name = "renamed"
    assert clusters.finished(clusters.delete("renamed")).error is None
    halt.let_go()
    ended = clusters.finished(addition)
    assert ended.error is not None
    assert clusters.vcd.vapps == {}
    assert found(clusters) == []
