"""Ids of operations: random enough to be unguessable, and in the order in which they were made."""

import secrets
import threading
import time
import uuid
from datetime import UTC, datetime
from typing import Final

_RANDOM_BITS: Final = 62
_VERSION: Final = 7
_making = threading.Lock()
_last = 0


def new_operation_id() -> str:
    """A UUID of version 7. Those of one process sort strictly as they were made, those of several by the clock."""
    global _last  # noqa: PLW0603  # the clock of this process: milliseconds, and 12 bits that count within one
    with _making:
        _last = max(_last + 1, time.time_ns() // 1_000_000 << 12)
        stamp = _last
    value = stamp >> 12 << 80 | _VERSION << 76 | (stamp & 0xFFF) << 64 | 0b10 << 62 | secrets.randbits(_RANDOM_BITS)
    return str(uuid.UUID(int=value))


def time_of(operation_id: str) -> datetime | None:
    """When an operation of this id was accepted, to the millisecond; None if it is no id of ours."""
    try:
        value = uuid.UUID(operation_id)
        return datetime.fromtimestamp((value.int >> 80) / 1000, UTC) if value.version == _VERSION else None
    except (
        ValueError,
        OverflowError,
    ):  # none, or beyond the year 9999: others may write where ids are read
        return None
