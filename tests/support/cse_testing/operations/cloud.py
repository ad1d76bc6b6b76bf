"""A cloud in a file, shared by processes that are killed: what it holds, and everything that was ever done to it."""

import os
import signal
import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_TABLES = """
CREATE TABLE IF NOT EXISTS object (
    kind TEXT, key TEXT, operation TEXT, PRIMARY KEY (kind, key));
CREATE TABLE IF NOT EXISTS history (
    number INTEGER PRIMARY KEY AUTOINCREMENT, operation TEXT, partition TEXT, process INTEGER, what TEXT, name TEXT,
    asked REAL);
CREATE TABLE IF NOT EXISTS kill (operation TEXT, point TEXT, PRIMARY KEY (operation, point));
"""


@dataclass(frozen=True)
class Happening:
    """One line of the history; `number` is its order over all processes.

    `asked` is when the process last asked whether it may work, in seconds that all processes of the machine share.
    """

    number: int
    operation: str
    partition: str
    process: int
    what: str
    name: str
    asked: float


class Cloud:
    """Thread-safe, and safe to be killed in: each change is one transaction."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, timeout=30, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=OFF")  # it is processes that are killed, not the machine
        self._connection.executescript(_TABLES)
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ensure(self, operation: str, partition: str, kind: str, key: str, asked: float = 0.0) -> None:
        """Makes an object unless it is there, and notes in the same moment that it was `made` or `adopted`."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            made = self._connection.execute("INSERT OR IGNORE INTO object VALUES (?, ?, ?)", (kind, key, operation))
            self._note(operation, partition, "made" if made.rowcount else "adopted", key, asked)
            self._connection.execute("COMMIT")

    def delete(self, kind: str, key: str) -> None:
        with self._lock:
            self._connection.execute("DELETE FROM object WHERE kind = ? AND key = ?", (kind, key))

    def objects(self) -> dict[str, list[str]]:
        """`kind/key` of what there is, by the operation that made it."""
        with self._lock:
            rows = self._connection.execute("SELECT operation, kind, key FROM object ORDER BY kind, key").fetchall()
        found: dict[str, list[str]] = {}
        for operation, kind, key in rows:
            found.setdefault(operation, []).append(f"{kind}/{key}")
        return found

    def note(self, operation: str, partition: str, what: str, name: str, asked: float) -> None:
        with self._lock:
            self._note(operation, partition, what, name, asked)

    def _note(self, operation: str, partition: str, what: str, name: str, asked: float) -> None:
        self._connection.execute(
            "INSERT INTO history (operation, partition, process, what, name, asked) VALUES (?, ?, ?, ?, ?, ?)",
            (operation, partition, os.getpid(), what, name, asked),
        )

    def history(self) -> list[Happening]:
        with self._lock:
            rows = self._connection.execute("SELECT * FROM history ORDER BY number").fetchall()
        return [Happening(*row) for row in rows]

    def die_once(self, operation: str, point: str) -> None:
        """Kills this process here, unless it (or one before it) was for this operation and point."""
        with self._lock:
            first = self._connection.execute("INSERT OR IGNORE INTO kill VALUES (?, ?)", (operation, point)).rowcount
        if first:
            os.kill(os.getpid(), signal.SIGKILL)

    def kills(self) -> set[tuple[str, str]]:
        """Operation and point of each kill so far."""
        with self._lock:
            return set(self._connection.execute("SELECT operation, point FROM kill").fetchall())
