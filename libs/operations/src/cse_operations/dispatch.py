"""DBOS: which operation is run next, and by whom. The only module that knows it.

A DBOS workflow is here no more than the right to run one operation: it is enqueued in our own transactions, handed out
one at a time per partition over all replicas, and handed out again when its replica has died. What its code has done
is in our journal, by the names of steps: branches that share memory do not fit DBOS's, which numbers the steps of a
workflow in the order in which they happen, and would hand out each branch on its own.

DBOS has one instance per process, so has this.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, cast

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, EnqueueOptions, Serializer
from dbos._serialization import DefaultSerializer

from cse_core.operations import Json
from cse_operations import rows
from cse_operations.cipher import Cipher
from cse_operations.database import Database, Seldom, answering
from cse_operations.settings import OperationsSettings

OPERATIONS_QUEUE: Final = "cse-operations"
ENDINGS_QUEUE: Final = "cse-endings"
"""Cancelled operations that had not begun; they need not wait for their turn."""

_WORKFLOW: Final = "cse.operation"
_ENDINGS_AT_ONCE: Final = 8
_ENDINGS_LESS_OFTEN: Final = 5
"""Looking into an empty queue costs 3 ms of CPU, and hardly anybody cancels what has not begun."""
_SPARE_THREADS: Final = 4
_in_use: Final = threading.Lock()
"""Held by the one that has launched DBOS."""
_UNFINISHED: Final = ["ENQUEUED", "PENDING", "DELAYED"]
_DELETED_AT_ONCE: Final = 500
_MANY_ATTEMPTS: Final = 1_000_000
"""We count runs that get nowhere ourselves."""


@dataclass(frozen=True)
class Handed:
    """A workflow that was handed out and has not come back."""

    workflow_id: str
    executor: str
    queue: str
    generation: int


class Dispatcher:
    """Args: the store that DBOS shares with us, our cipher and settings, this process's id, and what runs a workflow.

    `run` gets the ids of an operation and of the workflow. It returns when the operation has ended or is not this
    workflow's, and raises AbandonedError to leave the workflow to somebody else.
    """

    def __init__(
        self,
        database: Database,
        cipher: Cipher,
        settings: OperationsSettings,
        *,
        executor: str,
        run: Callable[[str, str], None],
    ) -> None:
        self._database = database
        self._serializer = SealedSerializer(cipher)
        self._settings = settings
        self._executor = executor
        self._run = run
        self._client: DBOSClient | None = None
        self._dbos: DBOS | None = None
        self._launched = False
        self._table = "workflow_status" if database.is_sqlite else "dbos.workflow_status"

    def launch(self) -> None:
        """Begins to hand out work to this process."""
        if not _in_use.acquire(blocking=False):
            raise RuntimeError("this process has a durable engine already; give it all kinds of operations")
        self._launched = True
        settings = self._settings
        _use_our_logging()
        _refuse_pickle()
        self._dbos = DBOS(
            config={
                "name": settings.name,
                "system_database_engine": self._database.engine,
                "executor_id": self._executor,
                "application_version": str(settings.generation),
                "serializer": self._serializer,
                "max_executor_threads": settings.running + _ENDINGS_AT_ONCE + _SPARE_THREADS,
                "use_listen_notify": False,
                "notification_listener_polling_interval_sec": settings.timing.signal_poll_s,  # its end waits for it
                "log_level": "WARNING",
            }
        )
        run = self._run

        @DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=_MANY_ATTEMPTS)
        def work(operation_id: str) -> None:
            run(operation_id, cast(str, DBOS.workflow_id))

        DBOS.launch()
        self._client = DBOSClient(
            system_database_engine=self._database.engine,
            serializer=self._serializer,
            application_name=settings.name,
            retry_connection_errors=False,  # its patience grows to a minute; ours is to be asked again soon
        )
        poll_s = settings.timing.queue_poll_s
        DBOS.register_queue(
            OPERATIONS_QUEUE,
            worker_concurrency=settings.running,
            partition_concurrency=1,
            polling_interval_sec=poll_s,
        )
        DBOS.register_queue(
            ENDINGS_QUEUE, worker_concurrency=_ENDINGS_AT_ONCE, polling_interval_sec=_ENDINGS_LESS_OFTEN * poll_s
        )

    def retire(self) -> None:
        """Takes nothing more from the queues, which other replicas go on with; what runs goes on."""
        if self._dbos is not None:
            for event in self._dbos.background_thread_stop_events:
                event.set()

    def destroy(self) -> None:
        """Hands out nothing more; does not wait for what runs."""
        if self._client is not None:
            self._client.destroy()
            self._client = None
        if self._launched:
            DBOS.destroy(destroy_registry=True)
            self._dbos = None
            self._launched = False
            _in_use.release()

    @contextmanager
    def _asking(self) -> Iterator[DBOSClient]:
        """Raises UnavailableError when the database does not answer."""
        assert self._client is not None  # noqa: S101  # nobody asks before `launch`
        with answering():
            yield self._client

    def enqueue(self, connection: sa.Connection, operation_id: str, workflow_id: str, partition: str | None) -> None:
        """Within the caller's transaction. Without a partition it need not wait for its turn."""
        options: EnqueueOptions = {
            "workflow_name": _WORKFLOW,
            "queue_name": ENDINGS_QUEUE if partition is None else OPERATIONS_QUEUE,
            "workflow_id": workflow_id,
            "app_version": str(self._settings.generation),
        }
        if partition is not None:
            options["queue_partition_key"] = partition
        with self._asking() as client:
            client.enqueue_in_transaction(connection, options, operation_id)

    def handed_out(self) -> list[Handed]:
        """To all replicas, of all generations."""
        with self._asking() as client:
            found = client.list_workflows(status="PENDING", name=_WORKFLOW, load_input=False, load_output=False)
        return [
            Handed(
                workflow_id=status.workflow_id,
                executor=status.executor_id or "",
                queue=status.queue_name or OPERATIONS_QUEUE,
                generation=int(status.app_version or 0),
            )
            for status in found
        ]

    def hand_back(self, handed: Handed) -> None:
        """Puts it into its queue again, where it is before all that came later. It must run nowhere any more."""
        with self._asking() as client:
            client.resume_workflow(handed.workflow_id, queue_name=handed.queue)

    def unfinished(self, workflow_ids: Iterable[str]) -> set[str]:
        """Those of the given workflows that are queued or handed out."""
        with self._asking() as client:
            return {
                status.workflow_id
                for part in rows.chunks(list(workflow_ids))
                for status in client.list_workflows(
                    workflow_ids=part, status=_UNFINISHED, load_input=False, load_output=False
                )
            }

    def adopt(self, generations: Iterable[int]) -> int:
        """Makes what code of these generations has not finished ours to run; returns how many workflows it was.

        DBOS offers that to paying users only; for us it is one statement.
        """
        versions = [str(generation) for generation in generations]
        statement = sa.text(
            f"UPDATE {self._table} SET application_version = :ours"  # noqa: S608  # one of two constants
            " WHERE name = :name AND status IN :unfinished AND application_version IN :versions"
        ).bindparams(sa.bindparam("unfinished", expanding=True), sa.bindparam("versions", expanding=True))
        values = {
            "ours": str(self._settings.generation),
            "name": _WORKFLOW,
            "unfinished": _UNFINISHED,
            "versions": versions,
        }
        return self._database.write(lambda connection: connection.execute(statement, values).rowcount)

    def generations(self) -> set[int]:
        """Those that have something unfinished."""
        statement = sa.text(
            f"SELECT DISTINCT application_version FROM {self._table}"  # noqa: S608  # one of two constants
            " WHERE name = :name AND status IN :unfinished"
        ).bindparams(sa.bindparam("unfinished", expanding=True))
        values = {"name": _WORKFLOW, "unfinished": _UNFINISHED}
        found = self._database.read(lambda connection: connection.execute(statement, values).scalars().all())
        return {int(version) for version in found if version}

    def forget_ended(self, before: datetime) -> None:
        """Deletes workflows that ended before then; what they were about stays with us."""
        with self._asking() as client:
            while ended := client.list_workflows(
                completed_before=before.astimezone(UTC).isoformat(),
                limit=_DELETED_AT_ONCE,
                load_input=False,
                load_output=False,
            ):
                client.delete_workflows([status.workflow_id for status in ended])


class SealedSerializer(Serializer):
    """How DBOS keeps what it is given: encrypted JSON, and never pickle, which would run whatever is stored."""

    def __init__(self, cipher: Cipher) -> None:
        self._cipher = cipher

    def name(self) -> str:
        """Stored with every value, so it is the same for ever."""
        return "cse_sealed_json"

    def serialize(self, data: object) -> str:
        if isinstance(data, BaseException):
            return self._cipher.seal({"error": type(data).__name__})  # texts of errors may hold anything
        return self._cipher.seal(cast(Json, data))

    def deserialize(self, serialized_data: str) -> object:
        value = self._cipher.unseal(serialized_data)
        if isinstance(value, dict) and value.keys() == {"error"}:
            return RuntimeError(value["error"])
        return value


def _use_our_logging() -> None:
    """DBOS would print by itself; what it has to say goes where everything goes."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())  # with a handler there, DBOS adds none
    if not any(isinstance(each, _NowAndThen) for each in logger.filters):
        logger.addFilter(_NowAndThen())
    logger.propagate = True


class _NowAndThen(logging.Filter):
    """While the database is away DBOS says so several times a second, for each queue."""

    def __init__(self) -> None:
        super().__init__()
        self._seldom = Seldom()

    def filter(self, record: logging.LogRecord) -> bool:
        return self._seldom.is_due(record.getMessage())


def _refuse_pickle() -> None:
    """DBOS unpickles what is marked as pickled, whatever its serializer: who writes to its tables could run code."""

    def refuse(_self: DefaultSerializer, _data: str) -> None:
        raise TypeError("pickled data is not read")

    DefaultSerializer.deserialize = refuse  # type: ignore[method-assign,assignment]
