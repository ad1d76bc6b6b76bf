"""The database that DBOS and our tables share, set up so that what was committed stays, and writers take turns."""

import errno
import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, Final, TypeVar

import sqlalchemy as sa
import structlog

from cse_core.errors import UnavailableError
from cse_core.operations import StartError
from cse_core.secret import Secret
from cse_operations.settings import DATABASE_VARIABLE

log = structlog.get_logger()

_Result = TypeVar("_Result")

_POOL: Final = 24
_SQLITE_POOL: Final = 8
"""Writers take turns, and readers are quick; each connection keeps statements and pages of its own."""
_PAUSE_S: Final = (0.05, 2.0)
"""First and longest pause between attempts."""
_SUBSECOND_SQLITE: Final = (3, 42, 0)
"""Since this version SQLite's `unixepoch` knows 'subsec'."""
_POSTGRES_OPTIONS: Final = {
    "connect_timeout": "5",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
    # A replica that is frozen within a transaction must not hold its locks against the one that takes over.
    "options": "-c idle_in_transaction_session_timeout=5000 -c lock_timeout=10000 -c statement_timeout=30000",
}

_TOLD_EVERY_S: Final = 10.0
_LOCAL: Final = frozenset({"", "localhost", "127.0.0.1", "::1"})
_CHECKING: Final = frozenset({"verify-ca", "verify-full"})
"""Of libpq's `sslmode`s those that look at the server's certificate."""

STORE_REASON: Final = "OPERATION_STORE_UNAVAILABLE"


class Database:
    """Transactions on one database, SQLite or PostgreSQL.

    Args:
        url: where it is.
        connections: how many it keeps to PostgreSQL, and how many more it may open.
    """

    def __init__(self, url: Secret, *, connections: int = _POOL) -> None:
        self.url = sa.make_url(url.reveal())
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.file = Path(self.url.database).absolute() if self.is_sqlite and self.url.database else None
        self.engine = _sqlite_engine(self.url) if self.is_sqlite else _postgres_engine(self.url, connections)
        # SQLite lets waiting writers starve each other; those of one process can as well queue up.
        self._turn = threading.Lock() if self.is_sqlite else nullcontext()

    @property
    def is_server_known(self) -> bool:
        """Whether nobody else could pass for the database: it is on this machine, or shows a certificate."""
        options = self.url.normalized_query
        hosts = [self.url.host or "", *options.get("host", ())]
        mode = options.get("sslmode", (os.environ.get("PGSSLMODE", ""),))[-1]
        return self.is_sqlite or mode in _CHECKING or all(host in _LOCAL or host.startswith("/") for host in hosts)

    def read(self, work: Callable[[sa.Connection], _Result]) -> _Result:
        """Raises UnavailableError when the database does not answer."""
        with answering(), self.engine.connect() as connection:
            return work(connection)

    def rows(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        """What a query finds. Raises UnavailableError."""
        return self.read(lambda connection: connection.execute(query).all())

    def change(self, statement: sa.Update | sa.Delete) -> int:
        """Executes one statement in a transaction, and returns how many rows it changed. Raises UnavailableError."""
        return self.write(lambda connection: connection.execute(statement).rowcount)

    def write(self, work: Callable[[sa.Connection], _Result]) -> _Result:
        """Runs `work` in a transaction. Raises UnavailableError when the database does not answer.

        Then it is open whether it was committed.
        """
        with answering(), self._turn, self.engine.begin() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            return work(connection)

    def write_for_certain(
        self, work: Callable[[sa.Connection], _Result], *, keep_trying: Callable[[], None]
    ) -> _Result:
        """`write` until the database answers; `work` may run again after a commit that was not confirmed.

        Calls `keep_trying` before every further attempt, which raises to give up.
        """
        pause_s, longest_s = _PAUSE_S
        while True:
            with suppress(UnavailableError):
                return self.write(work)
            time.sleep(pause_s)
            pause_s = min(pause_s * 2, longest_s)
            keep_trying()

    def close(self) -> None:
        self.engine.dispose()


_PASSING: Final = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError, sa.exc.InternalError)


class Seldom:
    """Lets the same text pass now and then only, however often it is met. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[str, float] = {}

    def is_due(self, text: str) -> bool:
        now = time.monotonic()
        with self._lock:
            if now < self._until.get(text, now):
                return False
            self._until = {each: until for each, until in self._until.items() if now < until}
            self._until[text] = now + _TOLD_EVERY_S
            return True


_outages: Final = Seldom()


@contextmanager
def answering() -> Iterator[None]:
    """Raises UnavailableError in place of what SQLAlchemy raises when the database does not answer."""
    try:
        yield
    except _PASSING as exc:
        if _outages.is_due(error := _said(exc)):  # many ask in vain
            log.warning("operation_store_unavailable", error=error)
        text = "the operation store does not answer; try again in a minute"
        raise UnavailableError(text, reason=STORE_REASON) from exc


@contextmanager
def starting(database: Database) -> Iterator[None]:
    """Says in errors of the start which database cannot be used, and why: whoever starts it can put it right."""
    options_left_out = database.url.set(query={})  # among them may be a password, too
    place = str(database.file or options_left_out.render_as_string(hide_password=True))
    try:
        yield
    except UnavailableError as exc:
        text = (
            f"the operation store {place} cannot be used ({_said(exc.__cause__)}): correct {DATABASE_VARIABLE}, or it"
        )
        raise UnavailableError(text, reason=STORE_REASON) from exc
    except sa.exc.DatabaseError as exc:
        raise StartError(
            f"the operation store {place} cannot be used ({_said(exc)}): correct {DATABASE_VARIABLE} or it, restore it"
            " from a backup, or move it away to begin without what it knows"
        ) from exc


def _said(error: BaseException | None) -> str:
    """What the driver says, in one line and without the statement."""
    cause = getattr(error, "orig", None) or error
    return next(iter(str(cause).splitlines()), "") or type(cause).__name__


def _postgres_engine(url: sa.URL, connections: int) -> sa.Engine:
    return sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=connections,
        max_overflow=connections,
        pool_pre_ping=True,
        connect_args=dict(_POSTGRES_OPTIONS),
        hide_parameters=True,
    )


def _sqlite_engine(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(url, pool_size=_SQLITE_POOL, max_overflow=0, pool_use_lifo=True, hide_parameters=True)

    @sa.event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        connection.execute("PRAGMA busy_timeout=30000")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA cache_size=-256")  # KiB, for each of many connections; the kernel keeps pages, too
        if sqlite3.sqlite_version_info < _SUBSECOND_SQLITE:
            connection.create_function("unixepoch", -1, _unix_time)

    return engine


def _unix_time(*modifiers: str) -> float | int:
    """What DBOS asks `unixepoch` for: the time of now, to the second or finer."""
    return time.time() if "subsec" in modifiers else int(time.time())


def make_room(database_file: Path) -> None:
    """Makes the directory of a SQLite database, for its owner only, unless there is one; raises StartError."""
    directory = database_file.parent
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        trouble = "" if os.access(directory, os.W_OK | os.X_OK) else os.strerror(errno.EACCES)
    except OSError as exc:
        trouble = exc.strerror or type(exc).__name__
    if trouble:
        raise StartError(
            f"{directory} is to hold the database of operations, but cannot be used ({trouble}): let this user write"
            f" there, or name another place in {DATABASE_VARIABLE}"
        )


class LockedError(StartError):
    """Another process works with this database file."""


def lock_file(database_file: Path) -> int:
    """Keeps other processes away from a SQLite database until the descriptor returned is closed, or the process ends.

    Raises:
        LockedError: somebody else has it.
        StartError: its file system knows no locks.
    """
    path = database_file.with_name(f"{database_file.name}.lock")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        os.close(descriptor)
        raise LockedError(
            f"{database_file} is in use by another process; end that, or use PostgreSQL for several replicas"
        ) from exc
    except OSError as exc:
        os.close(descriptor)
        raise StartError(f"{path} cannot be locked ({exc.strerror}); keep the database on a local disk") from exc
    os.close(os.open(database_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # what SQLite adds is as private
    return descriptor
