"""The processes that share an engine's store, and what they agree on."""

from dataclasses import dataclass
from typing import Protocol

from cse_core.operations.model import JsonObject


@dataclass(frozen=True, kw_only=True)
class Replica:
    """A process that runs operations."""

    id: str
    """Unique per start of a process."""
    is_this: bool
    operations_in_progress: int
    """Those that it was the last to work on, and that have not ended."""
    beats: int = 0
    """How often it has said that it lives; one that was killed says so no more, and is not there for much longer."""


class Replicas(Protocol):
    """Thread-safe. Everything raises UnavailableError when the store does not answer."""

    def replicas(self) -> list[Replica]:
        """Those that live, in the order of their starts; one that was killed may be among them for some seconds."""

    def agreed(self, subject: str) -> JsonObject | None:
        """What was stored last about the subject; None if nothing was."""

    def agree(self, subject: str, value: JsonObject, *, instead_of: JsonObject | None) -> bool:
        """Stores something small for all replicas, those to come included; no secrets.

        Returns:
            False, and nothing is changed, if what is stored is not `instead_of` (any more).
        """
