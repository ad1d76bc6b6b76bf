"""What operations have left behind is found, and nothing else ever is taken for it."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from cse_clusters.application.ports import Check, GuestLogin, ScriptResult
from cse_clusters.domain.cluster import CLUSTER_ID, CONTROL_PLANE_IP, OPERATION_ID
from cse_clusters.domain.marks import as_metadata, machine_mark, unsettled
from cse_clusters.domain.orphans import Cause, Kind, Outcome
from cse_core.operations import OperationState
from cse_testing.clusters.orphans import (
    WILL_NOT,
    every,
    failing_join,
    found,
    held_guests,
    id_from,
    left,
    names,
    reclaimed,
    vapp,
)
from cse_testing.clusters.service import UNKNOWN_AFTER, ClustersInMemory, a_cluster
from cse_testing.waiting import LIMIT_S


def test_what_lives_and_what_others_made_is_no_orphan(clusters: ClustersInMemory) -> None:
    clusters.created(a_cluster("alive"))
    clusters.finished(clusters.add_nodes(name="alive"))
    clusters.vcd.add_vapp(clusters.dev, "mine", nodes=("web",))
    clusters.vcd.add_vapp(clusters.dev, "like-ours").description = "cluster like-ours"
    clusters.vcd.add_vapp(clusters.dev, "of-1-2", metadata={CLUSTER_ID: "a"}, nodes=("mstr-a",))
    clusters.vcd.add_vapp(clusters.dev, "empty-of-1-2", metadata={CLUSTER_ID: "b"})
    assert found(clusters) == []
    assert reclaimed(clusters) == []
    assert len(clusters.vcd.vapps) == 5


def test_what_an_operation_is_making_changing_or_deleting_is_no_orphan(clusters: ClustersInMemory) -> None:
    release = threading.Event()
    begun = held_guests(clusters, release)
    creation = clusters.create(a_cluster("coming"))
    assert begun.wait(LIMIT_S)
    assert CONTROL_PLANE_IP not in vapp(clusters, "coming").metadata
    assert found(clusters) == []
    assert reclaimed(clusters, f"orphans/vapp-{vapp(clusters, 'coming').id}")[0].outcome is Outcome.SKIPPED
    release.set()
    assert clusters.finished(creation).error is None
    going = left(clusters, "going")
    deleting = threading.Event()
    clusters.vcd.during("delete", lambda: deleting.wait(LIMIT_S))
    deletion = clusters.delete("going")
    assert found(clusters) == []
    deleting.set()
    clusters.finished(deletion)
    assert going.href not in clusters.vcd.vapps


def test_a_creation_that_composes_just_now_under_the_name_of_one_that_left_a_note_is_no_orphan(
    clusters: ClustersInMemory,
) -> None:
    """The note of the first fits the vApp of the second, which is not marked yet."""
    clusters.vcd.fail("set_metadata", WILL_NOT)
    clusters.vcd.fail("delete", WILL_NOT)
    clusters.finished(clusters.create(a_cluster("again")))
    clusters.vcd.vapps.clear()
    halt = clusters.vcd.halt("set_metadata")
    second = clusters.create(a_cluster("again"))
    halt.wait_until_reached()
    assert vapp(clusters, "again").metadata == {}
    assert found(clusters) == []
    halt.let_go()
    assert clusters.finished(second).error is None
    assert found(clusters) == []


# What is one


def test_a_vapp_that_could_not_be_taken_back_is_found_and_reclaimed(clusters: ClustersInMemory) -> None:
    gone = left(clusters)
    clusters.created(a_cluster("alive", workers=0))
    (orphan,) = clusters.sweep.orphans()
    assert (orphan.id, orphan.kind, orphan.cause) == (f"vapp-{gone.id}", Kind.VAPP, Cause.ROLLBACK_FAILED)
    assert (orphan.org, orphan.vdc, orphan.cluster_uid) == ("acme", "dev", gone.metadata[CLUSTER_ID])
    assert (orphan.operation_id, orphan.vm_count) == (gone.metadata[OPERATION_ID], 2)
    assert "no route to host" in orphan.explanation
    assert len(clusters.operations.ledger()) == 1
    (result,) = reclaimed(clusters)
    assert (result.outcome, result.orphan) == (Outcome.RECLAIMED, orphan)
    assert names(clusters) == ["alive"]
    assert clusters.operations.ledger() == []
    assert ("delete", "service") in clusters.vcd.actors
    assert reclaimed(clusters) == []


def test_without_execute_nothing_changes(clusters: ClustersInMemory) -> None:
    left(clusters)
    ledger, calls = clusters.operations.ledger(), len(clusters.vcd.calls)
    (result,) = reclaimed(clusters, execute=False)
    assert (result.outcome, "no route to host" in result.message) == (Outcome.WOULD_BE_RECLAIMED, True)
    assert set(clusters.vcd.calls[calls:]) <= {"clusters", "vapp", "find_vapp"}
    assert clusters.operations.ledger() == ledger
    assert names(clusters) == ["left"]


def test_what_was_left_for_inspection_is_reclaimed_only_if_it_is_named(clusters: ClustersInMemory) -> None:
    kept = left(clusters, "kept", for_inspection=True)
    assert found(clusters) == [("kept", Cause.LEFT_FOR_INSPECTION)]
    assert reclaimed(clusters) == []
    (result,) = reclaimed(clusters, f"orphans/vapp-{kept.id}")
    assert result.outcome is Outcome.RECLAIMED
    assert names(clusters) == []


def test_a_cancelled_creation_leaves_nothing_for_inspection(clusters: ClustersInMemory) -> None:
    begun = held_guests(clusters, threading.Event())
    operation = clusters.create(a_cluster("cancelled", rollback_on_failure=False))
    assert begun.wait(LIMIT_S)
    clusters.vcd.fail("delete", WILL_NOT)
    clusters.operations.cancel(operation.id)
    assert clusters.finished(operation).state is OperationState.CANCELLED
    assert found(clusters) == [("cancelled", Cause.ROLLBACK_FAILED)]


def test_a_vapp_that_was_never_marked_is_known_by_the_ledger(clusters: ClustersInMemory) -> None:
    clusters.vcd.fail("set_metadata", WILL_NOT)
    clusters.vcd.fail("delete", WILL_NOT)
    ended = clusters.finished(clusters.create(a_cluster("bare")))
    assert vapp(clusters, "bare").metadata == {}
    (orphan,) = clusters.sweep.orphans()
    assert (orphan.operation_id, orphan.cluster_uid, orphan.org) == (ended.id, ended.target_uid, "acme")
    assert [each.outcome for each in reclaimed(clusters)] == [Outcome.RECLAIMED]
    assert (names(clusters), clusters.operations.ledger()) == ([], [])


def test_a_vapp_that_has_taken_the_name_of_one_in_the_ledger_is_its_owners(clusters: ClustersInMemory) -> None:
    clusters.vcd.fail("set_metadata", WILL_NOT)
    clusters.vcd.fail("delete", WILL_NOT)
    clusters.finished(clusters.create(a_cluster("reused")))
    clusters.vcd.vapps.clear()
    clusters.vcd.add_vapp(clusters.dev, "reused", nodes=("web",)).description = "cluster reused"
    assert found(clusters) == []
    assert len(clusters.operations.ledger()) == 1
    assert reclaimed(clusters) == []
    assert (names(clusters), clusters.operations.ledger()) == (["reused"], [])


def test_machines_of_a_cluster_that_lives_are_reclaimed_and_its_nodes_are_not(clusters: ClustersInMemory) -> None:
    clusters.created(a_cluster("home", workers=1))
    before = set(vapp(clusters, "home").machines)
    failing_join(clusters)
    clusters.vcd.fail("delete_machines", WILL_NOT)
    ended = clusters.finished(clusters.add_nodes(2, name="home"))
    added = set(vapp(clusters, "home").machines) - before
    orphans = clusters.sweep.orphans()
    assert {(each.kind, each.cause, each.operation_id) for each in orphans} == {
        (Kind.VM, Cause.ROLLBACK_FAILED, ended.id)
    }
    assert {each.name for each in orphans} == added
    clusters.guests.order.clear()
    assert {each.outcome for each in reclaimed(clusters)} == {Outcome.RECLAIMED}
    assert {node for word, node in clusters.guests.order if word == "delete"} == added
    assert set(vapp(clusters, "home").machines) == before
    assert clusters.operations.ledger() == []


@pytest.mark.parametrize("created", ["2100-01-01T00:00:00.000Z", "2020-01-01T00:00:00", "", "yesterday"])
def test_a_node_that_was_given_the_name_of_a_machine_that_is_gone_is_no_orphan(
    clusters: ClustersInMemory, created: str
) -> None:
    """It was made later, or nothing is known of when."""
    clusters.created(a_cluster("home", workers=1))
    failing_join(clusters)
    clusters.vcd.fail("delete_machines", WILL_NOT)
    clusters.finished(clusters.add_nodes(1, name="home"))
    (orphan,) = clusters.sweep.orphans()
    machines = vapp(clusters, "home").machines
    machines[orphan.name] = replace(machines[orphan.name], created=created)
    assert found(clusters) == []
    assert reclaimed(clusters) == []
    assert (orphan.name in vapp(clusters, "home").machines, clusters.operations.ledger()) == (True, [])


def test_machines_of_an_orphaned_vapp_go_with_it(clusters: ClustersInMemory) -> None:
    clusters.created(a_cluster("home", workers=0))
    failing_join(clusters)
    clusters.vcd.fail("delete_machines", WILL_NOT)
    clusters.finished(clusters.add_nodes(1, name="home"))
    home = vapp(clusters, "home")
    clusters.vcd.fail("delete", WILL_NOT)
    clusters.finished(clusters.delete("home"))
    home.machines = {name: each for name, each in home.machines.items() if not name.startswith("mstr-")}
    assert found(clusters) == [("home", Cause.HALF_DELETED)]


@pytest.mark.parametrize(
    ("age", "is_found"), [(timedelta(), False), (UNKNOWN_AFTER * 0.9, False), (UNKNOWN_AFTER * 1.1, True)], ids=str
)
def test_a_mark_that_the_store_does_not_know_counts_when_no_operation_can_be_that_old(
    clusters: ClustersInMemory, age: timedelta, is_found: bool
) -> None:
    mark = id_from(age)
    clusters.vcd.add_vapp(clusters.dev, "lost", metadata={CLUSTER_ID: "x", OPERATION_ID: mark}, nodes=("mstr-a",))
    alive = {CLUSTER_ID: "y", OPERATION_ID: mark, CONTROL_PLANE_IP: "10.0.0.1"}
    clusters.vcd.add_vapp(clusters.dev, "alive", metadata=alive, nodes=("mstr-b",))
    strange = {CLUSTER_ID: "z", OPERATION_ID: "another software's"}
    clusters.vcd.add_vapp(clusters.dev, "strange", metadata=strange, nodes=("mstr-c",))
    assert found(clusters) == ([("lost", Cause.OPERATION_UNKNOWN)] if is_found else [])
    assert reclaimed(clusters) == []  # somebody may have put it to use: it has to be named
    reclaimed(clusters, *every(clusters))
    assert names(clusters) == (["alive", "strange"] if is_found else ["alive", "lost", "strange"])


@pytest.mark.parametrize(
    ("age", "is_found"), [(timedelta(), False), (UNKNOWN_AFTER * 0.9, False), (UNKNOWN_AFTER * 1.1, True)], ids=str
)
def test_machines_bear_marks_that_are_found_when_the_store_is_lost(
    clusters: ClustersInMemory, age: timedelta, is_found: bool
) -> None:
    clusters.created(a_cluster("home", workers=1))
    home = vapp(clusters, "home")
    lost, others = id_from(age), "another software's"
    home.metadata |= as_metadata([id_from(UNKNOWN_AFTER * 2), lost, others, "ffffffff-ffff-7fff-bfff-ffffffffffff"])
    before = set(home.machines)
    for name, mark in (("node-lost", machine_mark(lost)), ("node-mine", ""), ("node-theirs", machine_mark(others))):
        clusters.vcd.add_machine(home, name, description=mark)
    assert found(clusters) == ([("node-lost", Cause.OPERATION_UNKNOWN)] if is_found else [])
    for orphan in clusters.sweep.orphans():
        assert (orphan.kind, orphan.operation_id, orphan.cluster_uid) == (Kind.VM, lost, home.metadata[CLUSTER_ID])
    assert reclaimed(clusters) == []  # it has to be named
    reclaimed(clusters, *every(clusters))
    assert set(home.machines) == before | {"node-mine", "node-theirs"} | (set() if is_found else {"node-lost"})
    assert found(clusters) == []


def test_an_operation_is_named_at_the_vapp_for_as_long_as_it_makes_nodes(clusters: ClustersInMemory) -> None:
    clusters.created(a_cluster("home", workers=1))
    home, seen = vapp(clusters, "home"), list[tuple[str, ...]]()
    clusters.vcd.during("add_machines", lambda: seen.append(unsettled(home.metadata)))
    added = clusters.finished(clusters.add_nodes(2, name="home"))
    assert seen == [(added.id,)]
    assert unsettled(home.metadata) == ()
    assert [each.description for each in home.machines.values()].count(machine_mark(added.id)) == 2


def test_one_that_left_machines_stays_named_until_they_are_gone(clusters: ClustersInMemory) -> None:
    clusters.created(a_cluster("home", workers=0))
    home = vapp(clusters, "home")
    failing_join(clusters)
    clusters.vcd.fail("delete_machines", WILL_NOT)
    failed = clusters.finished(clusters.add_nodes(1, name="home"))
    clusters.guests.on("BODY-worker", lambda login, script, _: clusters.guests.run_by_default(login, script))
    assert clusters.finished(clusters.add_nodes(1, name="home")).error is None
    assert unsettled(home.metadata) == (failed.id,)
    assert {each.outcome for each in reclaimed(clusters)} == {Outcome.RECLAIMED}
    assert clusters.finished(clusters.add_nodes(1, name="home")).error is None
    assert unsettled(home.metadata) == ()


def test_nodes_are_not_taken_back_because_their_operations_name_stays(clusters: ClustersInMemory) -> None:
    clusters.created(a_cluster("home", workers=0))
    home = vapp(clusters, "home")

    def refuse_then_answer(login: GuestLogin, script: str, _: Check) -> ScriptResult:
        clusters.vcd.fail("remove_metadata", WILL_NOT)
        return clusters.guests.run_by_default(login, script)

    clusters.guests.on("CSE_WITHIN_S", refuse_then_answer)
    added = clusters.finished(clusters.add_nodes(1, name="home"))
    assert added.error is None
    assert unsettled(home.metadata) == (added.id,)
    assert found(clusters) == []


@pytest.mark.parametrize("is_ours", [True, False], ids=["ours", "of CSE 1.2"])
def test_a_cluster_is_half_deleted_when_it_has_lost_its_control_plane(
    clusters: ClustersInMemory, is_ours: bool
) -> None:
    clusters.created(a_cluster("half", workers=1))
    half = vapp(clusters, "half")
    if not is_ours:
        del half.metadata[OPERATION_ID]
    clusters.vcd.fail("delete", WILL_NOT)
    clusters.finished(clusters.delete("half"))
    assert found(clusters) == []  # nothing has happened to it: it lives
    half.machines = {name: each for name, each in half.machines.items() if not name.startswith("mstr-")}
    assert found(clusters) == [("half", Cause.HALF_DELETED)]
    half.machines = {}
    assert found(clusters) == [("half", Cause.HALF_DELETED)]
    reclaimed(clusters)
    assert names(clusters) == []


def test_a_cluster_of_ours_without_machines_is_half_deleted_even_if_nothing_is_known_of_it(
    clusters: ClustersInMemory,
) -> None:
    mark = id_from(UNKNOWN_AFTER * 2)
    clusters.vcd.add_vapp(
        clusters.dev, "empty", metadata={CLUSTER_ID: "x", OPERATION_ID: mark, CONTROL_PLANE_IP: "10.0.0.1"}
    )
    assert found(clusters) == [("empty", Cause.HALF_DELETED)]


# Reclaiming
