"""vCD tasks that nobody reports on any more."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from cse_clusters.application.ledger import TASK, task_key
from cse_clusters.application.ports import TaskCard
from cse_clusters.application.task_care import TaskCare
from cse_core.errors import NotFoundError, UnavailableError
from cse_core.operations import Operation, OperationRequest
from cse_testing.clusters.service import ClustersInMemory

CARD = TaskCard(
    operation_name="create_cluster",
    cluster_id="c-1",
    cluster_name="demo",
    org="acme",
    org_id="o-1",
    user="alice",
    user_id="urn:vcloud:user:alice",
)


class Cared:
    """A world, and the care for its tasks; time passes when `now` is changed."""

    def __init__(self, clusters: ClustersInMemory) -> None:
        self.clusters = clusters
        self.now = 0.0
        self.care = TaskCare(clusters.board, clusters.operations, after=timedelta(minutes=1), now=lambda: self.now)

    def look_after(self, seconds: float) -> None:
        self.now += seconds
        self.care.look()

    def status(self, href: str) -> str:
        return self.clusters.vcd.tasks[href].status


@pytest.fixture
def cared() -> Iterator[Cared]:
    with ClustersInMemory() as clusters:
        yield Cared(clusters)


def test_a_task_without_an_operation_is_ended_when_it_has_been_so_for_a_while(cared: Cared) -> None:
    cared.clusters.operations.note("r-1", TASK, task_key(CARD.cluster_id))
    stray = cared.clusters.board.create(CARD, "Creating cluster demo (c-1)")
    cared.look_after(0)
    cared.look_after(59)
    assert cared.status(stray) == "running"
    cared.look_after(1)
    task = cared.clusters.vcd.tasks[stray]
    assert (task.status, task.reason) == ("error", "REQUEST_INTERRUPTED")
    assert task.error.endswith("has begun nothing; try again")


def test_a_task_whose_operation_is_stored_meanwhile_is_left_alone(cared: Cared) -> None:
    submit = cared.clusters.operations.submit
    running: list[int] = []

    def slowly(request: OperationRequest) -> Operation:
        cared.look_after(0)
        running.append(len(cared.clusters.board.unfinished()))
        return submit(request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cared.clusters.operations, "submit", slowly)
        ended = cared.clusters.created()
    cared.look_after(61)
    assert (running, cared.status(ended.task_href)) == ([1], "success")


def test_the_task_of_an_operation_in_progress_is_left_alone(cared: Cared) -> None:
    care_looks: list[str] = []

    def look() -> None:
        for _ in range(2):
            cared.look_after(61)
        care_looks.extend(task.status for task in cared.clusters.vcd.tasks.values())

    cared.clusters.vcd.during("set_metadata", look)
    cared.clusters.created()
    assert set(care_looks) == {"running"}


def test_a_task_that_could_not_be_told_the_end_is_told_it_later(cared: Cared) -> None:
    cared.clusters.vcd.fail("succeed", UnavailableError("vCD does not answer"))
    ended = cared.clusters.created()
    assert cared.status(ended.task_href) == "running"
    cared.look_after(0)
    cared.look_after(61)
    task = cared.clusters.vcd.tasks[ended.task_href]
    assert (task.status, task.texts[-1]) == ("success", ended.message)


def test_a_task_that_vcd_has_forgotten_is_nothing_to_care_for(cared: Cared) -> None:
    gone = cared.clusters.board.create(CARD, "Creating cluster demo (c-1)")
    cared.clusters.vcd.fail("read_card", NotFoundError("there is no such task"))
    cared.look_after(0)
    cared.look_after(61)
    assert cared.status(gone) == "running"


def test_the_tasks_of_another_installation_are_left_alone(cared: Cared) -> None:
    cared.clusters.operations.note("r-1", TASK, task_key("of-another-cluster"))
    foreign = cared.clusters.board.create(CARD, "Creating cluster demo (c-1)")
    for _ in range(3):
        cared.look_after(3600)
    assert cared.status(foreign) == "running"
    assert cared.clusters.vcd.calls.count("read_card") == 1


def test_a_note_is_forgotten_when_no_task_of_ours_is_alone_any_more(cared: Cared) -> None:
    operations = cared.clusters.operations
    old = operations.note("old", TASK, task_key("c-2"))
    later = old.create_time + timedelta(hours=1)
    care = TaskCare(cared.clusters.board, operations, after=timedelta(), clock=lambda: later)
    new = operations.note("new", TASK, task_key("c-2"))
    care.look()
    assert operations.ledger() == [new]


def test_an_accepted_operation_leaves_no_note_of_its_task(cared: Cared) -> None:
    cared.clusters.created()
    assert cared.clusters.operations.ledger() == []


def test_a_repeated_request_does_not_hide_the_task_that_its_first_attempt_left(cared: Cared) -> None:
    operations = cared.clusters.operations
    operations.note("r-1", TASK, task_key(CARD.cluster_id))
    stray = cared.clusters.board.create(CARD, "Creating cluster demo (c-1)")
    operations.disown(operations.note("r-1", TASK, task_key(CARD.cluster_id)))
    cared.look_after(0)
    cared.look_after(61)
    assert cared.status(stray) == "error"
