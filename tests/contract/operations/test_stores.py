"""A store belongs to one key and one process, and tells nothing to those who only have the file."""

import errno
import os
import sqlite3
import stat
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import structlog.testing
from cryptography.fernet import Fernet

from cse_core.errors import NotFoundError, UnavailableError
from cse_core.operations import Json, OperationContext, OperationEngine, OperationQuery, StartError
from cse_core.operations.clock import utc_now
from cse_core.secret import Secret
from cse_lab.ports import free_port
from cse_operations import create_engine
from cse_operations.cipher import Cipher
from cse_operations.database import Database, LockedError
from cse_operations.migrations import migrate
from cse_operations.store import Store
from cse_testing.operations.benches import EngineBench, durable, settings_in, sqlite_url
from cse_testing.waiting import LIMIT_S, wait_until


def test_keys_are_rotated_and_then_the_old_one_is_not_needed(tmp_path: Path) -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    url = sqlite_url(tmp_path)
    bench = EngineBench(durable(url, key=old))
    ended = bench.end_of(bench.submit(lambda _: {"result": 1}))
    bench._make = durable(url, key=f"{new},{old}")
    bench.restart()
    assert bench.operations.get(ended.id) == ended
    database = sqlite3.connect(f"file:{tmp_path / 'operations.db'}?mode=ro", uri=True)
    fernet = Fernet(new)

    def is_renewed() -> bool:
        rows = database.execute("SELECT input_sealed, result_sealed FROM operation").fetchall()
        try:
            return [fernet.decrypt(text) for row in rows for text in row] != []
        except Exception:  # noqa: BLE001
            return False

    wait_until(is_renewed, "all to be encrypted with the new key")
    database.close()
    bench._make = durable(url, key=new)
    bench.restart()
    assert bench.operations.get(ended.id) == ended
    assert bench.operations.close(LIMIT_S)


def test_a_store_is_not_opened_with_another_key(tmp_path: Path) -> None:
    bench = EngineBench(durable(sqlite_url(tmp_path)))
    ended = bench.end_of(bench.submit(lambda _: 1))
    assert bench.operations.close(LIMIT_S)
    with pytest.raises(StartError, match="another key"):
        EngineBench(durable(sqlite_url(tmp_path), key=Fernet.generate_key().decode()))
    again = EngineBench(durable(sqlite_url(tmp_path)))
    assert again.operations.get(ended.id).result == 1
    assert again.operations.close(LIMIT_S)


def test_the_key_beside_a_sqlite_file_is_its_owners_and_not_made_anew(tmp_path: Path) -> None:
    settings = settings_in(tmp_path / "state")

    def engine() -> OperationEngine:
        started = create_engine([], settings)
        started.start()
        return started

    assert engine().close(LIMIT_S)
    key = tmp_path / "state" / "operations.db.key"
    again = engine()
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in key.parent.iterdir()}
    assert modes.keys() >= {"operations.db", "operations.db-wal", "operations.db.key", "operations.db.lock"}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    assert again.close(LIMIT_S)
    key.unlink()
    with pytest.raises(StartError, match=r"operations\.db\.key is missing"):
        create_engine([], settings)


def test_a_directory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match=r"file/state is to hold .* CSE_OPERATIONS_DATABASE"):
        create_engine([], settings_in(tmp_path / "file" / "state"))


def test_a_damaged_file_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    create_engine([], settings).close(0)
    file = tmp_path / "operations.db"
    file.write_bytes(b"no database" * 1000)
    engine = create_engine([], settings)
    with pytest.raises(StartError, match=rf"{file} cannot be used \(file is not a database\): .* move it away"):
        engine.start()
    assert file.read_bytes() == b"no database" * 1000


@pytest.mark.parametrize("form", ["cse:do-not-tell@{}/cse", "cse@{}/cse?password=do-not-tell"], ids=["user", "option"])
def test_a_database_that_does_not_answer_is_named_with_what_its_driver_says(tmp_path: Path, form: str) -> None:
    key = Secret(Fernet.generate_key().decode())
    url = "postgresql://" + form.format(f"127.0.0.1:{free_port()}")
    engine = create_engine([], replace(settings_in(tmp_path), database=Secret(url), key=key))
    with structlog.testing.capture_logs() as logs, pytest.raises(UnavailableError) as refused:
        engine.start()
    for text in (refused.value.message, *(str(each.get("error")) for each in logs)):
        assert "do-not-tell" not in text
    assert "@127.0.0.1" in refused.value.message
    assert "Connection refused" in refused.value.message
    assert "CSE_OPERATIONS_DATABASE" in refused.value.message


def test_the_log_says_why_the_database_does_not_answer_and_says_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cse_operations.database._TOLD_EVERY_S", 1e9)
    database = Database(Secret(sqlite_url(tmp_path)))
    said = f"database or disk is full: {tmp_path}"  # what nobody else in this process has said

    def fail(_: object) -> None:
        raise sa.exc.OperationalError("INSERT a secret", {}, sqlite3.OperationalError(said))

    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            with pytest.raises(UnavailableError):
                database.write(fail)
    database.close()
    assert [each.get("error") for each in logs].count(said) == 1


def test_no_secret_and_no_input_is_in_the_clear(tmp_path: Path) -> None:
    canary = "canary-4711"
    bench = EngineBench(durable(sqlite_url(tmp_path)))

    def fail() -> Json:
        raise NotFoundError("x", hidden=canary)

    def run(ctx: OperationContext) -> Json:
        ctx.step("result", lambda: canary)
        ctx.publish("key", canary)
        try:
            return ctx.step("fail", fail)
        except NotFoundError:
            at_work.set()
            assert release.wait(LIMIT_S)
            return canary

    at_work, release = threading.Event(), threading.Event()
    operation = bench.submit(run, secrets={"token": Secret(canary)})
    assert at_work.wait(LIMIT_S)

    def stored() -> bytes:
        return b"".join(file.read_bytes() for file in sorted(tmp_path.iterdir()))

    assert operation.id.encode() in stored()
    assert canary.encode() not in stored()
    release.set()
    assert bench.end_of(operation).result == canary
    assert bench.operations.close(LIMIT_S)
    assert canary.encode() not in stored()
    database = sqlite3.connect(tmp_path / "operations.db")
    for table in ("operation_secret", "operation_journal"):
        assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    database.close()


def test_a_second_process_is_kept_away_from_a_sqlite_file(tmp_path: Path) -> None:
    bench = EngineBench(durable(sqlite_url(tmp_path)))
    with pytest.raises(LockedError, match="PostgreSQL"):
        EngineBench(durable(sqlite_url(tmp_path)))
    assert bench.end_of(bench.submit(lambda _: 1)).result == 1
    assert bench.operations.close(LIMIT_S)


def test_a_file_system_without_locks_is_named_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(
        StartError, match=r"operations\.db\.lock cannot be locked \(No locks available\); .* local disk"
    ):
        EngineBench(durable(sqlite_url(tmp_path)))


def test_a_process_has_one_durable_engine_and_a_failed_start_leaves_nothing(tmp_path: Path) -> None:
    bench = EngineBench(durable(sqlite_url(tmp_path)))
    other = durable(f"sqlite:///{tmp_path / 'other.db'}")
    with pytest.raises(RuntimeError, match="all kinds"):
        EngineBench(other)
    assert bench.end_of(bench.submit(lambda _: 1)).result == 1
    assert bench.operations.close(LIMIT_S)
    second = EngineBench(other)
    assert second.end_of(second.submit(lambda _: 2)).result == 2
    assert second.operations.close(LIMIT_S)


@pytest.mark.parametrize(
    "ask",
    [
        lambda store: store.find(owner=None, target=None, active=True),
        lambda store: store.page(OperationQuery(target_uid="u", active=True), limit=10, before=""),
        lambda store: store.page(OperationQuery(kind="K", target_id="c", active=True), limit=10, before=""),
        lambda store: store.active_count(),
        lambda store: store.page(OperationQuery(owner="acme"), limit=10, before="x"),
    ],
    ids=["all", "a cluster's", "a name's", "their number", "a page of an org's"],
)
def test_what_is_in_progress_is_found_without_a_look_at_all_that_was_ever_done(
    tmp_path: Path, ask: Callable[[Store], object]
) -> None:
    database = Database(Secret(sqlite_url(tmp_path)))
    migrate(database)
    asked: list[tuple[str, Any]] = []

    @sa.event.listens_for(database.engine, "before_cursor_execute")
    def remember(*call: Any) -> None:
        asked.append((call[2], call[3]))

    ask(Store(database, Cipher([Fernet.generate_key().decode()]), utc_now))
    with database.engine.connect() as connection:
        ((statement, parameters),) = asked
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    database.close()
    assert plan
    assert not [row for row in plan if str(row[-1]).startswith("SCAN")], plan
