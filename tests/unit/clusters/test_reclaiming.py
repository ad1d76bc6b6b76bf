"""Orphans are taken away: looked at right before, one by one, whatever vCD and the store do meanwhile."""

import itertools
import threading
import uuid
from collections.abc import Callable

import pytest

from cse_clusters.application.accepting import Submission
from cse_clusters.application.reclaiming import AT_ONCE, results_from_json
from cse_clusters.domain.cluster import CLUSTER_ID, CONTROL_PLANE_IP, OPERATION_ID
from cse_clusters.domain.orphans import Outcome
from cse_core.errors import (
    ConflictError,
    DeadlineError,
    InvalidArgumentError,
    PermissionDeniedError,
    UnavailableError,
)
from cse_core.operations import LedgerEntry, OperationRequest, OperationState
from cse_testing.clusters.orphans import WILL_NOT, every, failing_join, id_from, left, names, reclaimed, vapp
from cse_testing.clusters.replay import Crash, Journal
from cse_testing.clusters.service import UNKNOWN_AFTER, ClustersInMemory, a_cluster
from cse_testing.waiting import LIMIT_S


def at_second_look(clusters: ClustersInMemory, happens: Callable[[], object]) -> None:
    """The first look finds orphans, the second comes right before one is deleted."""
    looks = itertools.count(1)

    def look() -> None:
        if next(looks) == 2:
            happens()

    clusters.vcd.during("clusters", look)


def test_each_is_looked_at_again_right_before_it_is_deleted(clusters: ClustersInMemory) -> None:
    saved = left(clusters)
    at_second_look(clusters, lambda: saved.metadata.update({CONTROL_PLANE_IP: "10.0.0.9"}))
    (result,) = reclaimed(clusters)
    assert result.outcome is Outcome.SKIPPED
    assert names(clusters) == ["left"]


def test_what_is_gone_meanwhile_is_reclaimed(clusters: ClustersInMemory) -> None:
    left(clusters)
    at_second_look(clusters, clusters.vcd.vapps.clear)
    assert [(each.outcome, each.message) for each in reclaimed(clusters)] == [(Outcome.RECLAIMED, "It is gone.")]


def test_what_vcd_does_not_delete_is_told_and_keeps_nothing_else(clusters: ClustersInMemory) -> None:
    left(clusters, "first")
    left(clusters, "second")
    clusters.vcd.fail("delete", WILL_NOT)
    results = reclaimed(clusters)
    assert sorted((each.outcome, each.message) for each in results) == [
        (Outcome.FAILED, "vCD will not"),
        (Outcome.RECLAIMED, "It was deleted."),
    ]
    assert len(clusters.vcd.vapps) == 1
    assert [each.outcome for each in reclaimed(clusters)] == [Outcome.RECLAIMED]


def test_a_vcd_that_is_busy_or_away_for_a_moment_is_waited_for(clusters: ClustersInMemory) -> None:
    left(clusters)
    clusters.vcd.fail("delete", ConflictError("BUSY_ENTITY"), UnavailableError("no answer"))
    assert [each.outcome for each in reclaimed(clusters)] == [Outcome.RECLAIMED]


def test_a_store_that_is_away_for_a_moment_is_waited_for(
    clusters: ClustersInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    left(clusters)
    ledger, asked = clusters.operations.ledger, itertools.count()

    def every_second_time(operation_id: str | None = None) -> list[LedgerEntry]:
        if next(asked) % 2 == 0:
            raise UnavailableError("the database does not answer")
        return ledger(operation_id)

    monkeypatch.setattr(clusters.operations, "ledger", every_second_time)
    assert [each.outcome for each in reclaimed(clusters)] == [Outcome.RECLAIMED]


def test_cancelling_leaves_alone_what_was_not_begun_and_says_so(clusters: ClustersInMemory) -> None:
    mark = id_from(UNKNOWN_AFTER * 2)
    for number in range(2 * AT_ONCE):
        metadata = {CLUSTER_ID: f"{number}", OPERATION_ID: mark}
        clusters.vcd.add_vapp(clusters.dev, f"lost-{number:02}", metadata=metadata, nodes=("mstr-a",))
    deleting, release = threading.Barrier(AT_ONCE + 1), threading.Event()

    def hold() -> None:
        deleting.wait(LIMIT_S)
        assert release.wait(LIMIT_S)

    clusters.vcd.during("delete", hold)
    operation = clusters.reclaim(*every(clusters))
    deleting.wait(LIMIT_S)
    clusters.operations.cancel(operation.id)
    release.set()
    ended = clusters.finished(operation)
    assert ended.state is OperationState.CANCELLED
    assert ended.error is not None
    assert ended.error.message.startswith("Reclaiming was cancelled; until then: ")
    assert len(clusters.vcd.vapps) == AT_ONCE


def test_what_is_named_and_is_none_is_told(clusters: ClustersInMemory) -> None:
    clusters.created(a_cluster("alive", workers=0))
    alive = f"orphans/vapp-{vapp(clusters, 'alive').id}"
    results = reclaimed(clusters, alive, "orphans/vm-0000", alive)
    assert [(each.id, each.orphan, each.outcome) for each in results] == [
        (alive.removeprefix("orphans/"), None, Outcome.SKIPPED),
        ("vm-0000", None, Outcome.SKIPPED),
    ]
    assert names(clusters) == ["alive"]


# Who may, and what may be named


@pytest.mark.parametrize("user", ["alice", "carol"])
def test_tenants_neither_list_nor_reclaim(clusters: ClustersInMemory, user: str) -> None:
    left(clusters)
    with pytest.raises(PermissionDeniedError):
        clusters.use_cases.orphans.page(clusters.caller(user), limit=10)
    with pytest.raises(PermissionDeniedError):
        clusters.reclaim(user=user)
    assert not [each for each in clusters.operations.find() if each.kind == "RECLAIM"]
    assert names(clusters) == ["left"]


@pytest.mark.parametrize(
    "name", ["", "orphans/", "vapp-1", "orphans/vapp-", "orphans/net-1", "orphans/vapp-../x", "orphans/vapp-1;name==*"]
)
def test_a_name_that_cannot_be_an_orphans_is_refused(clusters: ClustersInMemory, name: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        clusters.reclaim(name)
    assert caught.value.field == "names"


def test_orphans_come_in_pages(clusters: ClustersInMemory) -> None:
    mark = id_from(UNKNOWN_AFTER * 2)
    for name in ("c", "a", "b"):
        clusters.vcd.add_vapp(clusters.dev, name, metadata={CLUSTER_ID: name, OPERATION_ID: mark}, nodes=("mstr-a",))
    admin, orphans = clusters.caller("admin"), clusters.use_cases.orphans
    first = orphans.page(admin, limit=2)
    rest = orphans.page(admin, begin=first.next_page, limit=2)
    assert [each.name for page in (first, rest) for each in page.orphans] == ["a", "b", "c"]
    assert rest.next_page == ""


def test_a_request_that_is_repeated_is_one_operation_and_one_that_nobody_waits_for_is_none(
    clusters: ClustersInMemory,
) -> None:
    admin, request_id = clusters.caller("admin"), str(uuid.uuid4())
    orphans, wanted = clusters.use_cases.orphans, Submission.of(request_id, lambda: True)
    first = orphans.reclaim(admin, [], wanted, execute=False)
    assert orphans.reclaim(admin, [], wanted, execute=False).id == first.id
    clusters.finished(first)
    with pytest.raises(DeadlineError):
        orphans.reclaim(admin, [], Submission.of("", lambda: False), execute=True)
    assert [each.id for each in clusters.operations.find()] == [first.id]


# A process that dies


def test_a_crash_at_any_moment_leaves_nothing_and_deletes_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before, inside and after every step of reclaiming a vApp and two VMs of a cluster that lives on."""
    for crash_at in itertools.count():
        with ClustersInMemory() as clusters:
            clusters.created(a_cluster("home", workers=0))
            before = set(vapp(clusters, "home").machines)
            left(clusters)
            clusters.vcd.fail("delete_machines", WILL_NOT)
            clusters.finished(clusters.add_nodes(2, name="home"))
            request = caught(clusters, monkeypatch)
            journal = Journal(request, crash_at=crash_at)
            results = results_from_json(journal.run_until_ended(clusters.reclaiming))
            assert [each.outcome for each in results] == [Outcome.RECLAIMED] * 3
            assert names(clusters) == ["home"]
            assert set(vapp(clusters, "home").machines) == before
            assert clusters.operations.ledger() == []
            if journal.moments <= crash_at:
                assert crash_at > 10
                return


def test_what_vcd_still_does_for_a_process_that_died_is_waited_for(
    clusters: ClustersInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    clusters.created(a_cluster("home", workers=0))
    failing_join(clusters)
    clusters.vcd.fail("delete_machines", WILL_NOT)
    clusters.finished(clusters.add_nodes(1, name="home"))
    home = vapp(clusters, "home")
    deaths = iter([Crash()])

    def die_while_vcd_is_at_work() -> None:
        for death in deaths:
            clusters.vcd.at_work[home.href] = ("https://vcd.example.com/api/task/1",)
            raise death

    clusters.vcd.during("wait", die_while_vcd_is_at_work)
    (result,) = results_from_json(Journal(caught(clusters, monkeypatch)).run_until_ended(clusters.reclaiming))
    assert result.outcome is Outcome.RECLAIMED
    assert len(home.machines) == 1


class CaughtError(Exception):
    """Ends an acceptance whose operation the test runs itself."""


def caught(clusters: ClustersInMemory, monkeypatch: pytest.MonkeyPatch) -> OperationRequest:
    """What the engine would be asked to run to reclaim everything."""
    requests: list[OperationRequest] = []

    def catch(request: OperationRequest) -> None:
        requests.append(request)
        raise CaughtError

    with monkeypatch.context() as patch:
        patch.setattr(clusters.operations, "submit", catch)
        with pytest.raises(CaughtError):
            clusters.reclaim()
    return requests[0]
