"""What an engine is told by its environment, and by the service that it works for."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final, Self

import sqlalchemy as sa

from cse_core.secret import Secret
from cse_core.settings import Environment, SettingsError

DATABASE_VARIABLE: Final = "CSE_OPERATIONS_DATABASE"
KEY_VARIABLE: Final = "CSE_OPERATIONS_KEY"
KEY_FILE_VARIABLE: Final = "CSE_OPERATIONS_KEY_FILE"
_SCHEMES: Final = ("sqlite:///", "postgresql://")


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How often the engine looks, and for how long it believes; seconds. Tests are in more of a hurry."""

    queue_poll_s: float = 0.2
    """How long a queued operation waits for its start at most, when it is its turn."""
    signal_poll_s: float = 0.5
    """How long it takes at most until another replica's cancellation is noticed, or its event seen by a watcher."""
    beat_s: float = 2.0
    """How often a replica says that it lives, and looks after the others."""
    doubt_s: float = 8.0
    """A replica that could not say so for this long begins nothing new until it could."""
    dead_after_s: float = 14.0
    """A replica that was silent this long, while the database could be read, is declared dead."""
    reconcile_s: float = 30.0
    """How often operations are looked for that nobody would ever run again."""
    retention_s: float = 3600.0
    """How often ended operations are looked through for those too old."""


@dataclass(frozen=True, kw_only=True)
class OperationsSettings:
    """Read once, at start; a bad value names its variable."""

    database: Secret
    """`CSE_OPERATIONS_DATABASE`: `sqlite:///path` for one process, `postgresql://…` for several replicas, with options
    of libpq such as `?sslmode=verify-full`. Each service has a database of its own, not behind a transaction pooler."""
    key: Secret | None = None
    """`CSE_OPERATIONS_KEY`: Fernet keys, separated by commas; the first encrypts, all decrypt. A key that is taken out
    of use stays at the end of the list until the log says `keys_renewed`."""
    key_file: Path | None = None
    """`CSE_OPERATIONS_KEY_FILE`: the same in a file, one key a line. SQLite has one made beside it unless told."""
    retention: timedelta = timedelta(days=30)
    """`CSE_OPERATIONS_RETENTION` (seconds): how long an operation that has ended is remembered."""
    running: int = 64
    """Operations at work at once in this process; more are queued."""
    branches: int = 128
    """Parallel branches at work at once in this process, over all operations."""
    generation: int = 1
    """Raised when the code of an operation changes so that an older replica could not go on with what a newer one has
    begun. What an older generation began is taken on by a newer one as soon as no older replica is left."""
    most_stalled_runs: int = 20
    """How many runs of an operation in a row may be cut off, without one step ended, before that is thought to be its
    fault and it is rolled back. Not few: what ends the process cuts off all that run in it, not only who did it."""
    name: str = "cse"
    """The service whose operations these are."""
    timing: Timing = field(default_factory=Timing)

    @classmethod
    def read(cls, default_database: str, values: Mapping[str, str] | None = None) -> Self:
        """Reads the settings; raises SettingsError. The service replaces what is its own business."""
        environment = Environment(os.environ if values is None else values)
        database = environment.text(DATABASE_VARIABLE, default_database)
        _check_url(database)
        key = environment.text(KEY_VARIABLE, "")
        key_file = environment.text(KEY_FILE_VARIABLE, "")
        if key and key_file:
            raise SettingsError(f"{KEY_VARIABLE} and {KEY_FILE_VARIABLE} are both given; choose one")
        return cls(
            database=Secret(database),
            key=Secret(key) if key else None,
            key_file=Path(key_file) if key_file else None,
            retention=environment.seconds("CSE_OPERATIONS_RETENTION", cls.retention),
        )


def _check_url(url: str) -> None:
    """Raises SettingsError unless it can be that of a store; shows nothing of it, for it may hold a password."""
    if not url.startswith(_SCHEMES):
        raise SettingsError(f"{DATABASE_VARIABLE}: begins with neither of {', '.join(_SCHEMES)}")
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):  # whose texts quote what they stumble over
        parsed = None
    if parsed is None or "@" in (parsed.host or ""):
        raise SettingsError(
            f"{DATABASE_VARIABLE}: is not of the form postgresql://user:password@host:port/database; write what is "
            "special in a password, as @, / or :, percent-encoded, as %40"
        )
    if url.startswith("sqlite") and (parsed.query or parsed.database in (None, "", ":memory:")):
        raise SettingsError(f"{DATABASE_VARIABLE}: sqlite:/// is followed by the path of a file, and nothing else")
