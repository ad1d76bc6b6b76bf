"""What vCD did not manage, or did without saying so, is looked at and done again."""

import pytest

from cse_clusters.application import changes
from cse_core.errors import FailedPreconditionError, UnavailableError
from cse_core.operations import OperationState
from cse_testing.clusters.service import ClustersInMemory, a_cluster

AWAY = FailedPreconditionError("the host is away", reason="VCD_TASK_FAILED")


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "REMOVED_AGAIN_AFTER_S", (0.0, 0.0, 0.0))


def fail_deletions(clusters: ClustersInMemory, times: int) -> None:
    """So many of vCD's tasks that delete a vApp fail, and it stays."""
    there = dict(clusters.vcd.vapps)

    def fail() -> None:
        there.update(clusters.vcd.vapps)
        if clusters.vcd.calls.count("delete") <= times:
            clusters.vcd.fail("wait", AWAY)
            clusters.vcd.during("wait", lambda: clusters.vcd.vapps.update(there))
        else:
            clusters.vcd.during("wait", lambda: None)

    clusters.vcd.during("delete", fail)


def test_what_could_not_be_taken_back_is_taken_back_again(clusters: ClustersInMemory) -> None:
    clusters.vcd.fail("add_machines", FailedPreconditionError("no room", reason="VCD_REFUSED"))
    fail_deletions(clusters, 2)
    ended = clusters.finished(clusters.create())
    assert ended.error is not None
    assert ended.error.reason == "VCD_REFUSED"
    assert ended.error.message.endswith("Everything was taken back.")
    assert (clusters.vcd.calls.count("delete"), clusters.vcd.vapps) == (3, {})
    assert clusters.operations.ledger() == []


def test_what_cannot_be_deleted_is_given_up_with_vcds_own_words(clusters: ClustersInMemory) -> None:
    clusters.created(a_cluster(workers=0))
    fail_deletions(clusters, 9)
    ended = clusters.finished(clusters.delete())
    assert ended.error is not None
    assert (ended.error.reason, ended.error.error_type) == ("VCD_TASK_FAILED", "FailedPreconditionError")
    assert "the host is away" in ended.error.message
    assert clusters.vcd.calls.count("delete") == 4
    assert len(clusters.vcd.vapps) == 1


def test_what_fails_to_be_made_is_not_made_again(clusters: ClustersInMemory) -> None:
    clusters.vcd.during("add_machines", lambda: clusters.vcd.fail("wait", AWAY))
    ended = clusters.finished(clusters.create())
    assert ended.error is not None
    assert ended.error.reason == "VCD_TASK_FAILED"
    assert clusters.vcd.calls.count("add_machines") == 1


def test_a_vapp_that_a_lost_request_made_after_the_look_is_taken_for_what_it_is(clusters: ClustersInMemory) -> None:
    def make_what_was_asked_for_first() -> None:
        if clusters.vcd.calls.count("compose") == 2:
            made = clusters.vcd.add_vapp(clusters.dev, "demo")
            made.description, made.network = "cluster demo", "net"

    clusters.vcd.fail("compose", UnavailableError("vCD did not answer in time"))
    clusters.vcd.during("compose", make_what_was_asked_for_first)
    ended = clusters.finished(clusters.create(a_cluster(workers=0)))
    assert ended.state is OperationState.SUCCEEDED, ended.error
    assert clusters.vcd.calls.count("compose") == 2
    assert len(clusters.vcd.vapps) == 1


def test_a_vapp_that_somebody_else_made_after_the_look_is_left_to_him(clusters: ClustersInMemory) -> None:
    clusters.vcd.during("compose", lambda: clusters.vcd.add_vapp(clusters.dev, "demo", nodes=["web"]))
    ended = clusters.finished(clusters.create(a_cluster(workers=0)))
    assert ended.error is not None
    assert ended.error.error_type == "AlreadyExistsError"
    assert ended.error.message.endswith("Nothing was left behind.")
    assert [[*each.machines] for each in clusters.vcd.vapps.values()] == [["web"]]
