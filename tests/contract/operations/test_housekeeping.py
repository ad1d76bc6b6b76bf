"""What an engine does by the way keeps it from nothing else when it cannot be done."""

import math
import sqlite3
import time
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken

from cse_core.operations.clock import utc_now
from cse_core.secret import Secret
from cse_lab.postgres import PrivatePostgres
from cse_operations import DurableOperations, OperationsSettings
from cse_operations.care import Care
from cse_operations.database import Database
from cse_operations.replicas import Liveness, Watch
from cse_operations.schema import operation_replica
from cse_testing.operations.benches import KEY, QUICK, EngineBench, durable, sqlite_url
from cse_testing.waiting import LIMIT_S, wait_until


@pytest.mark.parametrize("chore", ["forget_old", "redispatch", "end_overdue"])
def test_a_chore_that_fails_for_ever_keeps_nobody_from_being_declared_dead(
    postgres: PrivatePostgres, monkeypatch: pytest.MonkeyPatch, chore: str
) -> None:
    def fail(_: Care) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(Care, chore, fail)
    url = postgres.create_database()
    hasty = replace(QUICK, retention_s=0.1, reconcile_s=0.1)
    bench = EngineBench(durable(url, timing=hasty))
    database = Database(Secret(url))
    Liveness(database, utc_now, QUICK, identity="silent", generation=1, alone=False).announce()
    is_alive = sa.select(operation_replica.c.alive).where(operation_replica.c.id == "silent")
    try:
        wait_until(lambda: database.rows(is_alive)[0].alive == 0, "the silent one to be declared dead")
        assert bench.end_of(bench.submit(lambda _: 1)).result == 1
    finally:
        database.close()
        assert bench.operations.close(LIMIT_S)


def test_what_a_lost_key_has_sealed_keeps_the_rest_from_no_new_key(tmp_path: Path) -> None:
    lost, old, new = (Fernet.generate_key().decode() for _ in range(3))
    url = sqlite_url(tmp_path)
    bench = EngineBench(durable(url, key=old))
    ended = [bench.end_of(bench.submit(lambda _: {"result": 1})) for _ in range(3)]
    bench.operations.close(LIMIT_S)
    database = sqlite3.connect(tmp_path / "operations.db", isolation_level=None)
    damaged = Fernet(lost).encrypt(b"1").decode()
    database.execute("UPDATE operation SET result_sealed = ? WHERE id = ?", (damaged, ended[0].id))

    def is_renewed() -> bool:
        rows = database.execute("SELECT value_sealed FROM operation_seal").fetchall()  # the last that is looked at
        try:
            return all(Fernet(new).decrypt(sealed) for (sealed,) in rows)
        except InvalidToken:
            return False

    bench._make = durable(url, key=f"{new},{old}")
    bench.operations = bench._start()
    wait_until(is_renewed, "all else to be encrypted with the new key")
    for each in ended[1:]:
        (sealed,) = database.execute("SELECT result_sealed FROM operation WHERE id = ?", (each.id,)).fetchone()
        assert Fernet(new).decrypt(sealed) == b'{"result":1}'
    (sealed,) = database.execute("SELECT result_sealed FROM operation WHERE id = ?", (ended[0].id,)).fetchone()
    assert sealed == damaged
    database.close()
    assert bench.operations.close(LIMIT_S)


def test_who_cannot_say_that_he_lives_judges_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """What keeps him from it, such as a database that takes its time, may keep the others from it, too."""
    looks: list[float] = []
    monkeypatch.setattr(Watch, "look", lambda _: looks.append(time.monotonic()))
    monkeypatch.setattr(Care, "take_over", lambda _: None)
    nowhere = Secret("postgresql://nobody@127.0.0.1:1/none")
    engine = DurableOperations([], OperationsSettings(database=nowhere, key=Secret(KEY)))
    engine._look_after()
    assert looks == []
    engine._liveness._last = math.inf
    engine._look_after()
    assert len(looks) == 1
