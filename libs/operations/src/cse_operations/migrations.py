"""How our tables came to be. A migration that was released is never changed; what is new goes behind it."""

from typing import Final

import sqlalchemy as sa

from cse_core.operations import StartError
from cse_operations.database import Database

_LOCK_KEY: Final = 0x6373655F6F7073
"""PostgreSQL's advisory lock under which one replica migrates."""

_FIRST: Final = (
    """
    CREATE TABLE operation (
        id TEXT PRIMARY KEY, kind TEXT NOT NULL, target TEXT NOT NULL, target_uid TEXT NOT NULL,
        partition TEXT NOT NULL, request_id TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, task_href TEXT NOT NULL,
        input_sealed TEXT NOT NULL, state TEXT NOT NULL, step TEXT NOT NULL, message TEXT NOT NULL,
        progress_percent INTEGER NOT NULL, last_sequence INTEGER NOT NULL, cancel_requested INTEGER NOT NULL,
        create_time BIGINT NOT NULL, deadline BIGINT NOT NULL, start_time BIGINT, end_time BIGINT,
        result_sealed TEXT, error_sealed TEXT, generation INTEGER NOT NULL, workflow_id TEXT NOT NULL,
        epoch INTEGER NOT NULL, stalled_runs INTEGER NOT NULL, replica TEXT NOT NULL)
    """,
    "CREATE INDEX operation_by_partition ON operation (partition, state)",
    "CREATE INDEX operation_by_state ON operation (state, end_time)",
    "CREATE INDEX operation_by_target ON operation (target)",
    """
    CREATE TABLE operation_event (
        operation_id TEXT NOT NULL REFERENCES operation (id) ON DELETE CASCADE, sequence INTEGER NOT NULL,
        time BIGINT NOT NULL, state TEXT NOT NULL, step TEXT NOT NULL, node TEXT NOT NULL, message TEXT NOT NULL,
        progress_percent INTEGER NOT NULL, PRIMARY KEY (operation_id, sequence))
    """,
    """
    CREATE TABLE operation_journal (
        operation_id TEXT NOT NULL REFERENCES operation (id) ON DELETE CASCADE, entry TEXT NOT NULL,
        branch TEXT NOT NULL, name TEXT NOT NULL, status TEXT NOT NULL, value_sealed TEXT, time BIGINT NOT NULL,
        PRIMARY KEY (operation_id, entry, branch, name))
    """,
    """
    CREATE TABLE operation_ledger (
        operation_id TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, create_time BIGINT NOT NULL,
        PRIMARY KEY (operation_id, kind, key))
    """,
    """
    CREATE TABLE operation_secret (
        operation_id TEXT NOT NULL REFERENCES operation (id) ON DELETE CASCADE, name TEXT NOT NULL,
        value_sealed TEXT NOT NULL, PRIMARY KEY (operation_id, name))
    """,
    """
    CREATE TABLE operation_replica (
        id TEXT PRIMARY KEY, generation INTEGER NOT NULL, alive INTEGER NOT NULL, beats BIGINT NOT NULL,
        start_time BIGINT NOT NULL, end_time BIGINT)
    """,
)

_SECOND: Final = (
    "ALTER TABLE operation ADD COLUMN claim TEXT",
    "CREATE UNIQUE INDEX operation_by_claim ON operation (claim)",
    "CREATE INDEX operation_by_owner ON operation (owner, id)",
)

_THIRD: Final = ("CREATE TABLE operation_seal (name TEXT PRIMARY KEY, value_sealed TEXT NOT NULL)",)

_FOURTH: Final = ("CREATE TABLE operation_agreement (subject TEXT PRIMARY KEY, value TEXT NOT NULL)",)

MIGRATIONS: Final = (_FIRST, _SECOND, _THIRD, _FOURTH)


class NewerSchemaError(StartError):
    """The database was made by a newer version of this software."""


def migrate(database: Database) -> None:
    """Brings the tables up to date, however long that takes; several replicas may do so at once.

    Raises:
        NewerSchemaError: they are newer than this software knows.
    """
    database.write(_migrate)


def _migrate(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":
        for patient in ("SET LOCAL statement_timeout = 0", "SET LOCAL lock_timeout = 0"):
            connection.execute(sa.text(patient))
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
        # Whoever waits for a table keeps everybody else from it meanwhile: not for long.
        connection.execute(sa.text("SET LOCAL lock_timeout TO DEFAULT"))
    connection.execute(sa.text("CREATE TABLE IF NOT EXISTS operation_schema (version INTEGER PRIMARY KEY)"))
    done = connection.execute(sa.text("SELECT max(version) FROM operation_schema")).scalar() or 0
    if done > len(MIGRATIONS):
        raise NewerSchemaError(
            f"the operation store has version {done}, which newer software has made, and this one knows "
            f"{len(MIGRATIONS)}: upgrade it, or restore the backup from before that upgrade"
        )
    for version, statements in enumerate(MIGRATIONS, start=1):
        if version > done:
            for statement in statements:
                connection.execute(sa.text(statement))
            connection.execute(sa.text("INSERT INTO operation_schema VALUES (:version)"), {"version": version})
