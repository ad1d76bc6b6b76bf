"""A vCD of dictionaries, and our tasks in it."""

from cse_clusters.application.ports import TaskCard
from cse_core.errors import FailedPreconditionError
from cse_testing.clusters.fake_cloud import FakeCloud, FakeTask
from cse_testing.clusters.fake_inventory import FakeInventory
from cse_testing.clusters.fake_vapp_host import FakeVappHost


class FakeVcd(FakeInventory, FakeVappHost):
    """Keeps `Callers`, `Inventory` and `VappHost`; `FakeCloud` says how tests arrange what happens in it."""


class FakeBoard:
    """Keeps `TaskBoard` with the tasks of a cloud, whose `fail` and `during` know it by other names.

    They are `create_task`, `succeed`, `unfinished_tasks` and `read_card`.
    """

    def __init__(self, cloud: FakeCloud) -> None:
        self._cloud = cloud

    def create(self, card: TaskCard, text: str) -> str:
        self._cloud.called("create_task")
        href = self._cloud.new_task()
        self._cloud.tasks[href] = FakeTask(card, [text])
        return href

    def progress(self, href: str, card: TaskCard, text: str, percent: int) -> None:
        self._cloud.tasks[href].texts.append(text)

    def succeed(self, href: str, card: TaskCard, text: str) -> None:
        self._cloud.called("succeed")
        self._end(href, "success", text)

    def fail(self, href: str, card: TaskCard, text: str, *, reason: str, error: str) -> None:
        task = self._end(href, "error", text)
        task.error, task.reason = error, reason

    def unfinished(self) -> list[str]:
        self._cloud.called("unfinished_tasks")
        return [href for href, task in self._cloud.tasks.items() if task.status == "running"]

    def read_card(self, href: str) -> TaskCard:
        self._cloud.called("read_card")
        return self._cloud.tasks[href].card

    def _end(self, href: str, status: str, text: str) -> FakeTask:
        task = self._cloud.tasks[href]
        if task.status != "running":
            raise FailedPreconditionError("the task has ended already")
        task.status = status
        task.texts.append(text)
        return task
