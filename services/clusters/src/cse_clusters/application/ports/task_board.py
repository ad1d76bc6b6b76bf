"""Our tasks in vCD."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class TaskCard:
    """What a vCD task shows for ever: it is repeated in every update because vCD's PUT replaces all of it."""

    operation_name: str
    """`create_cluster`, `delete_cluster`, …"""
    cluster_id: str
    cluster_name: str
    org: str
    org_id: str
    user: str
    user_id: str


class TaskBoard(Protocol):
    """vCD tasks (namespace `vcloud.cse`) by which vCD's users follow our operations. Service account throughout."""

    def create(self, card: TaskCard, text: str) -> str:
        """A running task in the org of the card; returns its href."""
        ...

    def progress(self, href: str, card: TaskCard, text: str, percent: int) -> None:
        """Shows what is being done; returns at once, and a failure is the adapter's to log."""
        ...

    def succeed(self, href: str, card: TaskCard, text: str) -> None:
        """Ends it well."""
        ...

    def fail(self, href: str, card: TaskCard, text: str, *, reason: str, error: str) -> None:
        """Ends it with an error; `error` is what the user reads, `reason` its minor error code."""
        ...

    def unfinished(self) -> Sequence[str]:
        """The hrefs of those that have not ended, whichever process created them."""
        ...

    def read_card(self, href: str) -> TaskCard:
        """What a task shows; raises NotFoundError if vCD has forgotten it."""
        ...
