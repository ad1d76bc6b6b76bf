"""What is open at the end of a request or an operation, and is not made worse: it may have been done all the same."""

import pytest

from cse_clusters.application.accepting import Submission
from cse_core.errors import CseError, DeadlineError, FailedPreconditionError, UnavailableError
from cse_core.operations import Operation, OperationRequest, OperationState
from cse_testing.clusters.service import ClustersInMemory, a_cluster

REQUEST = "6f1c2a0e-5a7e-4f0e-9a53-0d6a5c1f3b77"


def test_a_task_whose_operation_was_accepted_without_an_answer_is_not_ended(
    clusters: ClustersInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept = clusters.operations.submit
    accepted: list[Operation] = []

    def lose_the_answer(request: OperationRequest) -> Operation:
        accepted.append(accept(request))
        raise UnavailableError("the store does not answer", reason="OPERATION_STORE_UNAVAILABLE")

    monkeypatch.setattr(clusters.operations, "submit", lose_the_answer)
    looks = iter([True])  # nobody waits any more when it would be tried again
    submission = Submission.of(REQUEST, lambda: next(looks, False))
    with pytest.raises(UnavailableError):
        clusters.use_cases.creation.accept(clusters.caller("alice"), a_cluster(workers=0), submission)
    (operation,) = accepted
    assert clusters.vcd.tasks[operation.task_href].status != "error"
    ended = clusters.finished(operation)
    assert ended.state is OperationState.SUCCEEDED
    assert clusters.vcd.tasks[operation.task_href].status == "success"


@pytest.mark.parametrize("error", [FailedPreconditionError("no"), UnavailableError("no", reason="SERVICE_STOPPING")])
def test_a_task_whose_operation_was_refused_is_ended(
    clusters: ClustersInMemory, monkeypatch: pytest.MonkeyPatch, error: CseError
) -> None:
    def refuse(_: OperationRequest) -> Operation:
        raise error

    monkeypatch.setattr(clusters.operations, "submit", refuse)
    with pytest.raises(type(error)):
        clusters.create(a_cluster())
    (task,) = clusters.vcd.tasks.values()
    assert (task.status, task.reason) == ("error", error.code)


@pytest.mark.parametrize("reason", ["ROLLBACK_TIMEOUT", "OPERATION_TIMEOUT"])
def test_vcd_goes_on_deleting_when_nobody_has_the_time_to_wait_for_it(clusters: ClustersInMemory, reason: str) -> None:
    clusters.created(a_cluster(workers=0))
    late = DeadlineError("it took too long", reason=reason)
    clusters.vcd.during("delete", lambda: clusters.vcd.fail("wait", late))
    ended = clusters.finished(clusters.delete())
    assert ended.error is not None
    assert ended.error.reason == reason
    assert clusters.vcd.cancelled == []


def test_vcd_is_told_to_end_what_it_makes_when_the_time_is_over(clusters: ClustersInMemory) -> None:
    late = DeadlineError("it took too long", reason="OPERATION_TIMEOUT")
    clusters.vcd.during("add_machines", lambda: clusters.vcd.fail("wait", late))
    ended = clusters.finished(clusters.create(a_cluster(workers=0)))
    assert ended.error is not None
    assert ended.error.reason == "OPERATION_TIMEOUT"
    assert len(clusters.vcd.cancelled) == 1
    assert not clusters.vcd.vapps


def test_a_vapp_that_has_not_become_a_cluster_is_taken_back_whatever_was_asked_for(clusters: ClustersInMemory) -> None:
    """There is nothing in it to inspect, and nobody could delete it as a cluster."""
    clusters.vcd.fail("set_metadata", FailedPreconditionError("vCD takes no metadata"))
    ended = clusters.finished(clusters.create(a_cluster(rollback_on_failure=False)))
    assert ended.error is not None
    assert ended.error.message.endswith("Everything was taken back.")
    assert not clusters.vcd.vapps
