"""The replicas that share a store: which of them live, and what becomes of the work of those that do not.

A replica says every few seconds that it lives. One that was silent for long, while the database could be read, is
declared dead for ever: it may no longer begin a run (`claims.claim`), and whoever takes over its work supersedes its
runs, so that it cannot write either if it was only frozen. A replica that could not say that it lives for a while stops
before its next change until it could, and ends when it learns that it was declared dead.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
import structlog

from cse_core.operations.clock import Clock
from cse_operations.database import Database
from cse_operations.journal import AbandonedError
from cse_operations.schema import operation_replica as replica
from cse_operations.settings import Timing

log = structlog.get_logger()

_REMEMBERED_S: Final = 7 * 24 * 3600.0


@dataclass
class _Seen:
    """What an observer has seen of another replica: its last beat, and since when (monotonic) that is unchanged."""

    beats: int
    since: float


class Liveness:
    """This replica's own life. `assure` is called before every change.

    Args:
        database: where it is announced; its own way there, on which it waits for nobody's work.
        clock: tells the time, in UTC.
        timing: how often, and when to doubt.
        identity: this process's, never used again.
        generation: of its code.
        alone: no other process can use the database, so that nobody can declare it dead.
    """

    def __init__(
        self, database: Database, clock: Clock, timing: Timing, *, identity: str, generation: int, alone: bool
    ) -> None:
        self._database = database
        self._clock = clock
        self._timing = timing
        self.identity = identity
        self._generation = generation
        self._alone = alone
        self._sure = threading.Condition()
        self._last = 0.0
        self._dead = False

    def announce(self) -> None:
        began = time.monotonic()
        values = {"id": self.identity, "generation": self._generation, "alive": 1, "beats": 0}
        insert = sa.insert(replica).values(**values, start_time=self._clock())
        self._database.write(lambda connection: connection.execute(insert))
        self._last = began

    def beat(self) -> bool:
        """Says that it lives; returns False if it was declared dead. Raises UnavailableError."""
        if self._alone:
            return True
        began = time.monotonic()  # before it is sent: others may have seen it from then on
        mine = (replica.c.id == self.identity) & (replica.c.alive == 1)
        update = sa.update(replica).where(mine).values(beats=replica.c.beats + 1)
        lives = self._database.change(update) > 0
        with self._sure:
            self._last = began
            self._dead = self._dead or not lives
            self._sure.notify_all()
        return lives

    def leave(self) -> None:
        """Says that it ends: others may take over at once."""
        with self._sure:
            self._dead = True
            self._sure.notify_all()
        mine = sa.update(replica).where(replica.c.id == self.identity).values(alive=0, end_time=self._clock())
        self._database.change(mine)

    @property
    def is_sure(self) -> bool:
        """Whether it could say lately that it lives."""
        return self._alone or time.monotonic() - self._last <= self._timing.doubt_s

    def assure(self) -> None:
        """Returns if this replica may go on, waits while that is in doubt; raises AbandonedError if it may not."""
        with self._sure:
            while not self._dead and not self.is_sure:
                self._sure.wait(self._timing.beat_s)
            if self._dead:
                raise AbandonedError


class Watch:
    """Looks after the other replicas."""

    def __init__(self, database: Database, clock: Clock, timing: Timing, *, identity: str, alone: bool) -> None:
        self._database = database
        self._clock = clock
        self._timing = timing
        self._identity = identity
        self._alone = alone
        self._seen: dict[str, _Seen] = {}

    def forget(self) -> None:
        """The database was away: all that was believed of the others counts from anew."""
        self._seen = {}

    def look(self) -> None:
        """Declares dead what was silent for too long. Raises UnavailableError."""
        now = time.monotonic()
        query = sa.select(replica.c.id, replica.c.beats).where(replica.c.alive == 1, replica.c.id != self._identity)
        others = {row.id: row.beats for row in self._database.rows(query)}
        before = self._seen
        present = {
            identity: known if (known := before.get(identity)) and known.beats == beats else _Seen(beats, now)
            for identity, beats in others.items()
        }
        self._seen = present
        for identity, seen in present.items():
            if self._alone or now - seen.since > self._timing.dead_after_s:
                self._declare_dead(identity, seen.beats)

    def _declare_dead(self, identity: str, beats: int) -> None:
        unchanged = (replica.c.id == identity) & (replica.c.beats == beats) & (replica.c.alive == 1)
        update = sa.update(replica).where(unchanged).values(alive=0, end_time=self._clock())
        if self._database.change(update):
            log.warning("replica_declared_dead", replica=identity)

    def living(self) -> dict[str, int]:
        """The generation of each replica that lives, this one included."""
        query = sa.select(replica.c.id, replica.c.generation).where(replica.c.alive == 1)
        found = self._database.rows(query)
        return {row.id: row.generation for row in found}

    def forget_long_gone(self) -> None:
        cutoff = self._clock().timestamp() - _REMEMBERED_S
        old = (replica.c.alive == 0) & (sa.type_coerce(replica.c.end_time, sa.BigInteger) < int(cutoff * 1_000_000))
        self._database.change(sa.delete(replica).where(old))


class Rounds(threading.Thread):
    """Does something every so often until it is stopped, whatever that raises.

    Args:
        name: of the thread.
        every_s: between two rounds.
        action: one round.
        failed: told of what it raised.
    """

    def __init__(
        self, name: str, every_s: float, action: Callable[[], None], failed: Callable[[Exception], None]
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._every_s = every_s
        self._action = action
        self._failed = failed
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._action()
            except Exception as exc:  # noqa: BLE001  # an outermost loop
                self._failed(exc)
            self._stopping.wait(self._every_s)

    def stop(self) -> None:
        self._stopping.set()
        if self.is_alive() and threading.current_thread() is not self:
            self.join()
