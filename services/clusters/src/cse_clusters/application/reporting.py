"""How an operation tells people where it stands: its own events and the vCD task say the same."""

import structlog

from cse_clusters.application.operation_data import card_of
from cse_clusters.application.ports import TaskBoard
from cse_core.errors import CseError
from cse_core.operations import Operation, OperationContext

log = structlog.get_logger()


class Progress:
    """Reports the progress of one operation."""

    def __init__(self, board: TaskBoard, task_href: str, ctx: OperationContext) -> None:
        self._board = board
        self._href = task_href
        self._card = card_of(ctx.input)
        self._percent = 0

    def say(self, ctx: OperationContext, text: str, percent: int) -> None:
        """Args: `ctx` of the branch that speaks, a sentence, and the share of all work that is done."""
        self._percent = max(self._percent, percent)
        ctx.progress(text, percent=self._percent)
        if self._href:
            self._board.progress(self._href, self._card, text, self._percent)


def finish_task(board: TaskBoard, operation: Operation) -> None:
    """Gives the vCD task of an operation that has ended its final status and text."""
    if not operation.task_href:
        return
    card = card_of(operation.input)
    try:
        if operation.error is None:
            board.succeed(operation.task_href, card, operation.message)
        else:
            error = operation.error
            board.fail(operation.task_href, card, operation.message, reason=error.reason, error=error.message)
    except CseError as exc:
        log.exception("task_not_finished", task=operation.task_href, reason=exc.code)
