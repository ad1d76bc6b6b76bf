"""A change of a cluster waits for the one before it, and its vCD task says so."""

import pytest

from cse_core.errors import UnavailableError
from cse_core.operations import Operation, OperationQuery
from cse_testing.clusters.service import ClustersInMemory, a_cluster


def test_the_task_of_a_change_that_waits_says_for_what(clusters: ClustersInMemory) -> None:
    clusters.created(a_cluster(workers=0))
    halt = clusters.guests.halt("BODY-worker")
    first = clusters.add_nodes(1)
    halt.wait_until_reached()
    second, third = clusters.add_nodes(1), clusters.resize(0)
    told = [[*clusters.vcd.tasks[each.task_href].texts] for each in (first, second, third)]
    assert not any("queued" in text for text in told[0])
    assert told[1][1:] == [f"{told[1][0]}: queued behind create_nodes ({first.name})"]
    assert told[2][1:] == [f"{told[2][0]}: queued behind create_nodes ({first.name}) and 1 more"]
    halt.let_go()
    assert [clusters.finished(each).error for each in (first, second, third)] == [None] * 3


def test_the_task_of_a_deletion_says_what_it_waits_for(clusters: ClustersInMemory) -> None:
    halt = clusters.vcd.halt("compose")
    creation = clusters.create()
    halt.wait_until_reached()
    deletion = clusters.delete()
    told = clusters.vcd.tasks[deletion.task_href].texts
    assert told[1] == f"{told[0]}: queued behind create_cluster ({creation.name})"
    halt.let_go()
    assert clusters.finished(deletion).error is None
    assert told[-1].startswith("Deleted cluster demo (")


def test_a_change_is_accepted_though_its_place_in_the_queue_cannot_be_told(
    clusters: ClustersInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    clusters.created(a_cluster(workers=0))
    page, before = clusters.operations.page, len(clusters.vcd.calls)

    def page_until_accepted(query: OperationQuery, *, limit: int, before_id: str = "") -> list[Operation]:
        if "create_task" in clusters.vcd.calls[before:]:
            raise UnavailableError("the store does not answer")
        return page(query, limit=limit, before=before_id)

    monkeypatch.setattr(clusters.operations, "page", page_until_accepted)
    assert clusters.finished(clusters.add_nodes(1)).error is None
