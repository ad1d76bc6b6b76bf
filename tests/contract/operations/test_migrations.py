"""The store's tables: made, brought up to date with what is in them, and left alone when they are newer."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from cse_core.operations import OperationState
from cse_core.operations.clock import utc_now
from cse_core.secret import Secret
from cse_lab.postgres import PrivatePostgres
from cse_operations import database as store_database
from cse_operations import migrations
from cse_operations.cipher import Cipher
from cse_operations.database import Database
from cse_operations.migrations import MIGRATIONS, NewerSchemaError, migrate
from cse_operations.schema import metadata
from cse_operations.store import Store
from cse_testing.operations.benches import KEY, EngineBench, durable, sqlite_url
from cse_testing.waiting import LIMIT_S

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of a store without any table."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path)
    postgres: PrivatePostgres = request.getfixturevalue("postgres")
    return postgres.create_database()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    made = Database(Secret(url))
    yield made
    made.close()


def test_the_migrations_make_the_tables_that_the_code_expects(database: Database) -> None:
    migrate(database)
    migrate(database)  # nothing is left to do
    inspector = sa.inspect(database.engine)
    for table in metadata.sorted_tables:
        columns = {column["name"]: column["nullable"] for column in inspector.get_columns(table.name)}
        primary = set(inspector.get_pk_constraint(table.name)["constrained_columns"])
        assert columns.keys() == set(table.columns.keys())
        assert primary == {column.name for column in table.primary_key.columns}
        for column in table.columns:
            if column.name not in primary:
                assert columns[column.name] == column.nullable, f"{table.name}.{column.name}"
        found = inspector.get_indexes(table.name)
        indexes = {(each["name"], bool(each["unique"])) for each in found if "duplicates_constraint" not in each}
        assert indexes == {(index.name, bool(index.unique)) for index in table.indexes}


def test_a_store_of_newer_software_is_left_alone(database: Database) -> None:
    migrate(database)
    newer = sa.text(f"INSERT INTO operation_schema VALUES ({len(MIGRATIONS) + 1})")
    database.write(lambda connection: connection.execute(newer))
    with pytest.raises(NewerSchemaError, match="upgrade"):
        migrate(database)


def test_what_the_first_version_has_stored_is_there_and_is_run_by_this_one(
    url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "MIGRATIONS", MIGRATIONS[:1])
    migrate(database)
    values = {
        "id": "old",
        "kind": "TEST",
        "target": "t",
        "target_uid": "",
        "partition": "p",
        "request_id": "r",
        "owner": "acme",
        "task_href": "",
        "input_sealed": Cipher([KEY]).seal({"run": "0"}),
        "state": "QUEUED",
        "step": "",
        "message": "queued",
        "progress_percent": 0,
        "last_sequence": 0,
        "cancel_requested": 0,
        "create_time": _stored(BEGAN),
        "deadline": _stored(BEGAN + timedelta(days=900)),
        "generation": 1,
        "workflow_id": "old",
        "epoch": 0,
        "stalled_runs": 0,
        "replica": "",
    }
    columns = ", ".join(values)
    insert = sa.text(f"INSERT INTO operation ({columns}) VALUES ({', '.join(f':{name}' for name in values)})")
    database.write(lambda connection: connection.execute(insert, values))
    monkeypatch.undo()
    migrate(database)
    known = Store(database, Cipher([KEY]), utc_now).get("old")
    assert (known.create_time, known.input, known.state) == (BEGAN, {"run": "0"}, OperationState.QUEUED)
    bench = EngineBench(durable(url), runs={"0": lambda _: "done"})
    assert bench.end_of(known).result == "done"
    assert bench.operations.close(LIMIT_S)


def _stored(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000


def test_replicas_that_begin_at_once_migrate_once(postgres: PrivatePostgres) -> None:
    url = postgres.create_database()
    databases = [Database(Secret(url)) for _ in range(4)]
    with ThreadPoolExecutor(len(databases)) as pool:
        list(pool.map(migrate, databases))
    versions = databases[0].rows(sa.select(sa.text("version FROM operation_schema ORDER BY version")))
    assert [row[0] for row in versions] == list(range(1, len(MIGRATIONS) + 1))
    for each in databases:
        each.close()


def test_a_migration_of_a_large_store_may_take_long_but_waits_not_long_for_a_table(
    postgres: PrivatePostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = "-c statement_timeout=30000 -c lock_timeout=10000"
    monkeypatch.setitem(store_database._POSTGRES_OPTIONS, "options", options)
    seen = "CREATE TABLE seen AS SELECT current_setting('statement_timeout') AS a, current_setting('lock_timeout') AS b"
    monkeypatch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, (seen,)))
    database = Database(Secret(postgres.create_database()))
    migrate(database)
    assert tuple(database.rows(sa.select(sa.text("a, b FROM seen")))[0]) == ("0", "10s")
    after = database.rows(sa.select(sa.text("current_setting('statement_timeout')")))
    assert after[0][0] == "30s"
    database.close()
