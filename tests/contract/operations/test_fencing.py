"""A run that was superseded, or whose replica was declared dead, can no longer write anything."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from cse_core.operations import OperationRequest, OperationState
from cse_core.operations.clock import utc_now
from cse_core.secret import Secret
from cse_lab.postgres import PrivatePostgres
from cse_operations import Timing
from cse_operations.cipher import Cipher
from cse_operations.claims import Claim, claim
from cse_operations.database import Database
from cse_operations.journal import AbandonedError, Entry, Journal, Record, Standing, Status
from cse_operations.migrations import migrate
from cse_operations.replicas import Liveness, Watch
from cse_operations.schema import metadata
from cse_operations.store import Store
from cse_testing.operations.benches import sqlite_url

CIPHER = Cipher([Fernet.generate_key().decode()])
PLACE = (Entry.STEP, "", "compose")


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    postgres: PrivatePostgres | None = request.getfixturevalue("postgres") if request.param == "postgres" else None
    made = Database(Secret(postgres.create_database() if postgres else sqlite_url(tmp_path)))
    migrate(made)
    yield made
    made.close()


def liveness(database: Database, identity: str) -> Liveness:
    made = Liveness(database, utc_now, Timing(), identity=identity, generation=1, alone=False)
    made.announce()
    return made


def submitted(database: Database) -> Store:
    store = Store(database, CIPHER, utc_now)
    request = OperationRequest(
        kind="T", target="t", partition="p", request_id="r", owner="o", input={}, secrets={"token": Secret("s")}
    )
    store.insert(request, "op", generation=1, enqueue=lambda *_: None)
    return store


def claimed(database: Database, replica: str, workflow: str = "op") -> Claim | None:
    return database.write(
        lambda connection: claim(connection, CIPHER, operation_id="op", workflow_id=workflow, replica=replica)
    )


def journal(database: Database, claim: Claim | None) -> Journal:
    assert claim is not None
    return Journal(
        database, CIPHER, utc_now, operation_id="op", epoch=claim.epoch, standing=Standing(), wrote=lambda: None
    )


WRITES: dict[str, Callable[[Journal], object]] = {
    "begin_step": lambda journal: journal.begin_step(PLACE, "message"),
    "begin_step silently": lambda journal: journal.begin_step(PLACE, ""),
    "end_step": lambda journal: journal.end_step(PLACE, Record(Status.DONE, 1)),
    "publish": lambda journal: journal.publish("key", 1),
    "event": lambda journal: journal.event("message"),
    "begin_rollback": lambda journal: journal.begin_rollback(None),
    "decide": lambda journal: journal.decide(Record(Status.DONE, 1)),
    "note_creation": lambda journal: journal.note_creation("vapp", "v"),
    "note_removal": lambda journal: journal.note_removal("vapp", "made before"),
}


def everything(database: Database) -> dict[str, list[tuple[object, ...]]]:
    return {
        table.name: [tuple(row) for row in database.rows(sa.select(table).order_by(*table.primary_key.columns))]
        for table in metadata.sorted_tables
        if table.name != "operation_replica"
    }


@pytest.mark.parametrize("write", WRITES)
def test_a_superseded_run_writes_nothing(database: Database, write: str) -> None:
    submitted(database)
    liveness(database, "a"), liveness(database, "b")
    first = journal(database, claimed(database, "a"))
    first.note_creation("vapp", "made before")
    WRITES[write](journal(database, claimed(database, "b")))
    before = everything(database)
    with pytest.raises(AbandonedError):
        WRITES[write](first)
    assert everything(database) == before


def test_a_superseded_run_cannot_end_the_operation(database: Database) -> None:
    store = submitted(database)
    liveness(database, "a"), liveness(database, "b")
    first = journal(database, claimed(database, "a"))
    claimed(database, "b")
    with pytest.raises(AbandonedError):
        first.end(replace(store.get("op"), state=OperationState.SUCCEEDED))
    assert store.get("op").state is OperationState.QUEUED


def test_a_replica_that_was_declared_dead_begins_nothing(database: Database) -> None:
    submitted(database)
    liveness(database, "other")
    mine = liveness(database, "a")
    watch = Watch(database, utc_now, Timing(dead_after_s=-1), identity="other", alone=False)  # in no mood to wait
    watch.look()
    assert "a" not in watch.living()
    with pytest.raises(AbandonedError):
        claimed(database, "a")
    assert not mine.beat()
    with pytest.raises(AbandonedError):
        mine.assure()
    assert claimed(database, "other") is not None


def test_a_replica_that_beats_is_not_declared_dead(database: Database) -> None:
    mine = liveness(database, "a")
    watch = Watch(database, utc_now, Timing(dead_after_s=0.01), identity="other", alone=False)
    for _ in range(5):
        watch.look()
        assert mine.beat()
    watch.look()
    assert "a" in watch.living()


def test_a_workflow_that_was_replaced_runs_nothing(database: Database) -> None:
    submitted(database)
    liveness(database, "a")
    assert claimed(database, "a", workflow="another") is None
    assert claimed(database, "a") is not None


def test_what_sqlite_has_committed_stays_and_dbos_finds_its_clock(tmp_path: Path) -> None:
    database = Database(Secret(sqlite_url(tmp_path)))

    def ask(query: str) -> object:
        return database.read(lambda connection: connection.execute(sa.text(query)).scalar())

    assert [ask(f"PRAGMA {name}") for name in ("journal_mode", "synchronous", "foreign_keys")] == ["wal", 2, 1]
    before = time.time()
    found = ask("SELECT unixepoch('subsec')")
    assert isinstance(found, float)
    assert before - 0.01 <= found <= time.time() + 0.01
    assert ask("SELECT unixepoch('subsec') * 1000 % 1 IS NOT NULL")
    database.close()
