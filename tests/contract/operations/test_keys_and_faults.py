"""What keys that are gone, a full disk and hostile rows do to a store: little, and it is said."""

import base64
import pickle
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import structlog.testing
from cryptography.fernet import Fernet

from cse_core.errors import InternalError, NotFoundError, UnavailableError
from cse_core.operations import Json, OperationContext, OperationQuery, StartError
from cse_core.secret import Secret
from cse_operations import care, database
from cse_testing.operations.benches import EngineBench, durable, sqlite_url
from cse_testing.waiting import LIMIT_S, Halt, wait_until

LARGE = "x" * 1_000_000
"""For which SQLite needs more of the disk."""


def changed(tmp_path: Path, statement: str, *values: object) -> None:
    """Writes to the store, past the engine."""
    connection = sqlite3.connect(tmp_path / "operations.db", isolation_level=None, timeout=LIMIT_S)
    assert connection.execute(statement, values).rowcount == 1
    connection.close()


def sealed_by_another() -> str:
    return Fernet(Fernet.generate_key()).encrypt(b"{}").decode()


def test_what_has_ended_and_cannot_be_read_says_so_and_hides_no_others(tmp_path: Path) -> None:
    bench = EngineBench(durable(sqlite_url(tmp_path)))
    lost, good = (bench.end_of(bench.submit(lambda _: {"n": 1})) for _ in range(2))
    changed(tmp_path, "UPDATE operation SET result_sealed = ? WHERE id = ?", sealed_by_another(), lost.id)
    found = {each.id: each for each in bench.operations.page(OperationQuery(owner="acme"), limit=10)}
    assert found[good.id] == good
    shown = found[lost.id]
    assert (shown.state, shown.result, shown.end_time) == (lost.state, None, lost.end_time)
    assert shown.input == lost.input
    assert shown.error is not None
    assert shown.error.reason == "OPERATION_UNREADABLE"
    assert "CSE_OPERATIONS_KEY" in shown.error.message
    assert bench.operations.get(lost.id) == shown
    changed(tmp_path, "UPDATE operation SET input_sealed = ? WHERE id = ?", sealed_by_another(), lost.id)
    assert bench.operations.get(lost.id) == replace(shown, input={})
    assert bench.operations.close(LIMIT_S)


def test_what_is_in_progress_and_cannot_be_read_is_not_taken_for_gone(tmp_path: Path) -> None:
    bench, halt = EngineBench(durable(sqlite_url(tmp_path))), Halt("the operation")

    def run(ctx: OperationContext) -> Json:
        halt.stay(ctx.check)
        return "done"

    operation = bench.submit(run)
    halt.wait_until_reached()
    mine = sealed_of(tmp_path, operation.id)
    changed(tmp_path, "UPDATE operation SET input_sealed = ? WHERE id = ?", sealed_by_another(), operation.id)
    with pytest.raises(InternalError) as refused:
        bench.operations.find(active=True)
    assert refused.value.code == "OPERATION_UNREADABLE"
    assert bench.operations.close(LIMIT_S)
    with pytest.raises(StartError, match=rf"1 operation\(s\) in progress, such as {operation.id}, .* keys_renewed"):
        bench._start()
    changed(tmp_path, "UPDATE operation SET input_sealed = ? WHERE id = ?", mine, operation.id)
    halt.let_go()
    bench.operations = bench._start()
    assert bench.end_of(operation).result == "done"
    assert bench.operations.close(LIMIT_S)


def sealed_of(tmp_path: Path, operation_id: str) -> str:
    connection = sqlite3.connect(tmp_path / "operations.db")
    (sealed,) = connection.execute("SELECT input_sealed FROM operation WHERE id = ?", (operation_id,)).fetchone()
    connection.close()
    return str(sealed)


def test_the_log_says_when_an_old_key_can_go(lasting: EngineBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(care, "_RENEWED_AT_ONCE", 2)
    old, new = lasting.operations._settings.key.reveal(), Fernet.generate_key().decode()  # type: ignore[attr-defined]
    url = lasting.operations._settings.database.reveal()  # type: ignore[attr-defined]
    ended = [lasting.end_of(lasting.submit(lambda _, n=n: {"n": n})) for n in range(5)]  # type: ignore[misc]
    lasting._make = durable(url, key=f"{new},{old}")
    with structlog.testing.capture_logs() as logs:
        lasting.restart()
        wait_until(lambda: [each for each in logs if each["event"] == "keys_renewed"], "all to be renewed")
    lasting._make = durable(url, key=new)
    lasting.restart()
    assert [lasting.operations.get(each.id) for each in ended] == ended


def test_what_is_at_work_waits_for_a_disk_that_is_full_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_outages", database.Seldom())
    bench, full, taken = EngineBench(durable(sqlite_url(tmp_path))), threading.Event(), list[str]()

    @sa.event.listens_for(bench.operations._database.engine, "checkout")  # type: ignore[attr-defined]
    def bound(connection: sqlite3.Connection, *_: Any) -> None:
        connection.execute(f"PRAGMA max_page_count={1 if full.is_set() else 1 << 30}")  # never below what is in use

    def large() -> Json:
        taken.append("step")
        full.set()
        return LARGE

    operation = bench.submit(lambda ctx: len(str(ctx.step("large", large))))
    with structlog.testing.capture_logs() as logs:
        wait_until(
            lambda: [each for each in logs if each["event"] == "operation_store_unavailable"],
            "the disk to be full",
        )
    assert {each["error"] for each in logs if "error" in each} == {"database or disk is full"}
    with pytest.raises(UnavailableError) as refused:
        bench.submit(lambda _: None, secrets={"token": Secret(LARGE)})
    assert refused.value.code == "OPERATION_STORE_UNAVAILABLE"
    assert not bench.operations.get(operation.id).state.is_final
    full.clear()
    assert bench.end_of(operation).result == len(LARGE)
    assert taken == ["step"]
    assert bench.operations.close(LIMIT_S)


class Planted:
    """What touches a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __reduce__(self) -> Any:
        return Path.touch, (self._file,)


def test_who_writes_to_the_database_cannot_have_code_of_his_run(tmp_path: Path) -> None:
    bench, halt, trap = EngineBench(durable(sqlite_url(tmp_path))), Halt("the first one"), tmp_path / "trap"
    pickled = base64.b64encode(pickle.dumps({"args": (Planted(trap),), "kwargs": {}})).decode()
    first = bench.submit(lambda ctx: halt.stay(ctx.check), partition="p")
    second = bench.submit(lambda _: "done", partition="p")
    halt.wait_until_reached()
    plant = "UPDATE workflow_status SET inputs = ?, serialization = 'py_pickle' WHERE workflow_uuid = ?"
    changed(tmp_path, plant, pickled, second.id)
    halt.let_go()
    bench.end_of(first)
    assert bench.end_of(second).result == "done"
    assert not trap.exists()
    pickle.loads(base64.b64decode(pickled))
    assert trap.exists(), "the trap itself works"
    assert bench.operations.close(LIMIT_S)


def test_what_others_say_is_stored_whatever_it_holds(lasting: EngineBench) -> None:
    hostile = "vCD says: \0 \ud800 \x1b[2J"

    def run(ctx: OperationContext) -> Json:
        ctx.progress(hostile)
        raise NotFoundError(hostile, name=hostile)

    ended = lasting.end_of(lasting.submit(run))
    told = "vCD says: \ufffd \ufffd \x1b[2J"
    assert ended.error is not None
    assert (ended.message, ended.error.message, ended.error.details) == (told, told, {"name": told})
    assert told in [event.message for event in lasting.events_of(ended)]
