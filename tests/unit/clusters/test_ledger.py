"""What operations made and did not remove is in their ledger, and nothing else is."""

from cse_clusters.application.ledger import MACHINES, VAPP, MachinesNote, VappNote
from cse_clusters.application.ports import ScriptResult
from cse_core.errors import FailedPreconditionError, UnavailableError
from cse_testing.clusters.service import ClustersInMemory, a_cluster


def failing_join(clusters: ClustersInMemory) -> None:
    clusters.guests.on("BODY-worker", lambda *_: ScriptResult(exit_code=3, stdout="", stderr="no route to host"))


def test_what_succeeds_and_what_is_taken_back_leaves_nothing(clusters: ClustersInMemory) -> None:
    clusters.created()
    clusters.finished(clusters.add_nodes(2))
    failing_join(clusters)
    clusters.finished(clusters.create(a_cluster("other")))
    clusters.finished(clusters.add_nodes())
    clusters.vcd.fail("compose", FailedPreconditionError("vCD will not"))
    clusters.finished(clusters.create(a_cluster("third")))
    assert clusters.operations.ledger() == []


def test_a_vapp_that_is_left_can_be_found_by_its_note(clusters: ClustersInMemory) -> None:
    failing_join(clusters)
    operation = clusters.finished(clusters.create(a_cluster(rollback_on_failure=False)))
    (entry,) = clusters.operations.ledger(operation.id)
    note = VappNote.read(entry)
    assert (entry.kind, note.org, note.vdc, note.uid) == (VAPP, "acme", "dev", operation.target_uid)
    assert clusters.vcd.vdcs["acme", "dev"].href == note.place.href
    assert [vapp.name for vapp in clusters.vcd.vapps.values()] == [note.name]


def test_machines_that_are_left_can_be_found_by_their_notes(clusters: ClustersInMemory) -> None:
    cluster = clusters.created(a_cluster(workers=0))
    failing_join(clusters)
    clusters.finished(clusters.add_nodes(51, rollback_on_failure=False))
    first, second = clusters.operations.ledger()
    notes = [MachinesNote.read(first), MachinesNote.read(second)]
    assert {first.kind, second.kind} == {MACHINES}
    assert sorted(len(note.names) for note in notes) == [1, 50]
    (vapp,) = clusters.vcd.vapps.values()
    assert {(note.uid, note.vapp_href) for note in notes} == {(cluster.target_uid, vapp.href)}
    assert {name for note in notes for name in note.names} == set(clusters.nodes("node"))


def test_it_is_noted_before_vcd_is_asked(clusters: ClustersInMemory) -> None:
    seen = []
    clusters.vcd.during("compose", lambda: seen.append([entry.kind for entry in clusters.operations.ledger()]))
    clusters.vcd.fail("compose", UnavailableError("no answer"))
    clusters.created(a_cluster(workers=0))
    clusters.vcd.during("add_machines", lambda: seen.append([entry.kind for entry in clusters.operations.ledger()]))
    clusters.finished(clusters.add_nodes())
    assert seen == [[VAPP], [VAPP], [MACHINES]]


def test_a_rollback_that_fails_leaves_its_notes(clusters: ClustersInMemory) -> None:
    clusters.created()
    failing_join(clusters)
    clusters.vcd.fail("delete", FailedPreconditionError("vCD will not"))
    clusters.finished(clusters.create(a_cluster("other")))
    clusters.vcd.fail("delete_machines", FailedPreconditionError("vCD will not"))
    clusters.finished(clusters.add_nodes())
    assert [entry.kind for entry in clusters.operations.ledger()] == [VAPP, MACHINES]
