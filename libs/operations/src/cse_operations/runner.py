"""Running operations: from the right to run one to its visible end."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial

import sqlalchemy as sa
import structlog

from cse_core.errors import CancelledError, CseError, InternalError
from cse_core.operations import Operation, OperationError, OperationKind, OperationState, as_stored
from cse_core.operations.clock import Clock
from cse_core.operations.failures import mistake, not_begun
from cse_operations import rows
from cse_operations.cipher import Cipher, UnreadableError
from cse_operations.claims import Claim, claim
from cse_operations.context import DurableContext
from cse_operations.database import Database
from cse_operations.journal import ONLY, AbandonedError, Entry, Journal, Record, Standing, Status
from cse_operations.replicas import Liveness
from cse_operations.run import Run, failed
from cse_operations.schema import operation as table

log = structlog.get_logger()


class Runner:
    """The runs of this process.

    Args:
        kinds: the code, by name of kind.
        database: the store.
        cipher: seals what is stored.
        liveness: says whether this process may work.
        branches: runs branches.
        clock: tells the time, in UTC.
        elapsed: seconds that only go forward.
        wrote: called with the operation's id after each write.
        most_stalled_runs: see OperationsSettings.
    """

    def __init__(  # noqa: PLR0913  # the parts of an engine, by keyword
        self,
        kinds: Mapping[str, OperationKind],
        database: Database,
        cipher: Cipher,
        liveness: Liveness,
        *,
        branches: Executor,
        clock: Clock,
        elapsed: Callable[[], float],
        wrote: Callable[[str], None],
        most_stalled_runs: int,
    ) -> None:
        self._most_stalled_runs = most_stalled_runs
        self._kinds = kinds
        self._database = database
        self._cipher = cipher
        self._liveness = liveness
        self._branches = branches
        self._clock = clock
        self._elapsed = elapsed
        self._wrote = wrote
        self._changed = threading.Condition()
        self._workflows: set[str] = set()
        """At work in this process, also before and after their operation's run."""
        self._runs: dict[str, Run] = {}
        self._stopping = False

    # ---- told from outside

    def workflows(self) -> set[str]:
        with self._changed:
            return set(self._workflows)

    def cancel(self, operation_id: str) -> None:
        """Tells the run of this operation at once, if it is here; elsewhere `read_signals` does."""
        with self._changed:
            run = self._runs.get(operation_id)
        if run is not None:
            run.cancel()

    def read_signals(self) -> None:
        """Tells runs that are to be cancelled, or were superseded. Raises UnavailableError."""
        with self._changed:
            runs = dict(self._runs)
        for part in rows.chunks(list(runs)):
            query = sa.select(table.c.id, table.c.epoch, table.c.cancel_requested).where(table.c.id.in_(part))
            for row in self._database.rows(query):
                if row.epoch != runs[row.id].claim.epoch:
                    runs[row.id].abandon()
                elif row.cancel_requested:
                    runs[row.id].cancel()

    def stop(self) -> None:
        """Begins nothing more, and ends all runs at their next check."""
        with self._changed:
            self._stopping = True
            for run in self._runs.values():
                run.abandon()

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Whether nothing is at work any more; what is after that time writes no more."""
        with self._changed:
            is_idle = self._changed.wait_for(lambda: not self._workflows, timeout_s)
            for run in self._runs.values():
                run.cut_off()
        return is_idle

    def excuse(self, replica: str) -> None:
        """Notes that the runs which this replica leaves did not end for a fault of theirs."""
        mine = (table.c.replica == replica) & table.c.state.in_(rows.ACTIVE_STATES)
        update = sa.update(table).where(mine).values(stalled_runs=0)
        self._database.change(update)

    # ---- running

    def run_workflow(self, operation_id: str, workflow_id: str) -> None:
        """Runs an operation to its end, if it is this workflow's to run; raises AbandonedError."""
        with self._changed:
            self._workflows.add(workflow_id)
        try:
            with structlog.contextvars.bound_contextvars(operation_id=operation_id):
                self._claim_and_run(operation_id, workflow_id)
        except UnreadableError as exc:
            log.error("operation_unreadable", operation_id=operation_id, error=exc.message)  # noqa: TRY400
            raise AbandonedError from exc  # a replica that has the key goes on
        except Exception as exc:
            # DBOS would take it for ended, and let the next of its partition begin. It is handed out again instead.
            log.exception("operation_run_crashed", operation_id=operation_id)
            raise AbandonedError from exc
        finally:
            with self._changed:
                self._workflows.discard(workflow_id)
                self._changed.notify_all()

    def _claim_and_run(self, operation_id: str, workflow_id: str) -> None:
        self._keep_trying()
        claimed = self._database.write_for_certain(
            lambda connection: claim(
                connection,
                self._cipher,
                operation_id=operation_id,
                workflow_id=workflow_id,
                replica=self._liveness.identity,
            ),
            keep_trying=self._keep_trying,
        )
        if claimed is None:
            return
        kind = self._kinds.get(claimed.operation.kind)
        if kind is None:
            log.error("operation_kind_unknown", kind=claimed.operation.kind)
            raise AbandonedError  # another replica may know it
        run = self._begin(claimed)
        try:
            with structlog.contextvars.bound_contextvars(request_id=claimed.operation.request_id):
                self._execute(run, kind)
        finally:
            with self._changed:
                del self._runs[operation_id]

    def _keep_trying(self) -> None:
        if self._stopping:
            raise AbandonedError

    def _begin(self, claimed: Claim) -> Run:
        standing = Standing()
        journal = Journal(
            self._database,
            self._cipher,
            self._clock,
            operation_id=claimed.operation.id,
            epoch=claimed.epoch,
            standing=standing,
            wrote=partial(self._wrote, claimed.operation.id),
        )
        run = Run(
            claimed,
            journal,
            standing,
            self._liveness.assure,
            elapsed=self._elapsed,
            most_stalled_runs=self._most_stalled_runs,
        )
        with self._changed:
            self._keep_trying()
            self._runs[claimed.operation.id] = run
        return run

    def _execute(self, run: Run, kind: OperationKind) -> None:
        outcome = run.claim.records.get((Entry.OUTCOME, *ONLY))
        if outcome is None:
            outcome = self._run_code(run, kind)
            run.journal.decide(outcome)
        ended = _ended(run.journal.present(), outcome, self._clock)
        self._liveness.assure()
        try:
            kind.finish(ended)
        except Exception:
            log.exception("operation_finish_crashed", kind=kind.name)
        run.journal.end(ended)

    def _run_code(self, run: Run, kind: OperationKind) -> Record:
        """How the code ended, with a result or an error."""
        claimed = run.claim
        if claimed.stalled_runs >= 2 * self._most_stalled_runs:  # not even rolling back goes on
            text = f"the service ended {claimed.stalled_runs} times in a row while it worked on this"
            return failed(InternalError(text, reason="OPERATION_KEEPS_CRASHING"))
        try:
            context = DurableContext(run, self._branches)
            if claimed.operation.start_time is not None:
                run.journal.event("taken up again")
            else:
                try:
                    context.check()
                except CseError as exc:
                    return failed(not_begun(exc))
                run.journal.event("started", state=OperationState.RUNNING.value, start_time=self._clock())
            return Record(Status.DONE, as_stored(kind.run(context)))
        except CseError as exc:
            return failed(exc)
        except Exception:
            log.exception("operation_crashed", kind=kind.name)
            return failed(mistake(claimed.operation.id))


def _ended(operation: Operation, outcome: Record, clock: Clock) -> Operation:
    """The operation as it will be seen from its end on."""
    if outcome.status is Status.DONE:
        return replace(
            operation,
            state=OperationState.SUCCEEDED,
            step="",
            end_time=clock(),
            result=outcome.value,
            progress_percent=100,
        )
    error: OperationError = rows.error_from_json(outcome.value)
    cancelled = error.error_type == CancelledError.__name__ and operation.cancel_requested
    return replace(
        operation,
        state=OperationState.CANCELLED if cancelled else OperationState.FAILED,
        step="",
        end_time=clock(),
        message=error.message,
        error=error,
    )
