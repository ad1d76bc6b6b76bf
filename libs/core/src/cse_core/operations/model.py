"""What an operation is, whoever runs it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias, cast

from cse_core.errors import CseError
from cse_core.secret import Secret

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = dict[str, Json]


_NO_TEXT: Final = re.compile("[\x00\ud800-\udfff]")


def as_text(text: str) -> str:
    """The text without what neither databases nor messages take for text: what others say may hold anything."""
    return _NO_TEXT.sub("\N{REPLACEMENT CHARACTER}", text)


def as_stored(value: Json) -> Json:
    """What will be read of it after it was stored; raises TypeError or ValueError for what is no JSON."""
    return cast(Json, json.loads(json.dumps(value, allow_nan=False)))


class OperationState(StrEnum):
    """Where an operation stands; the contract's `OperationState` without its prefix."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    ROLLING_BACK = "ROLLING_BACK"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_final(self) -> bool:
        return self in (OperationState.SUCCEEDED, OperationState.FAILED, OperationState.CANCELLED)


@dataclass(frozen=True, kw_only=True)
class LedgerEntry:
    """An object outside that an operation has made or was about to make. `key` is what it can be found by."""

    operation_id: str
    kind: str
    key: str
    create_time: datetime


@dataclass(frozen=True, kw_only=True)
class OperationRequest:
    """What is to be done.

    Attributes:
        kind: a registered kind, for example `CREATE_CLUSTER`.
        target: resource name of what it works on.
        target_uid: UUID of what it works on, where it has one already.
        partition: operations of one partition run one after the other, in the order of their submission.
        request_id: repeating it yields the first submission's operation.
        owner: id of the org whose users may see it, besides system administrators.
        input: what the kind's code gets; JSON without secrets.
        secrets: what it gets besides; encrypted wherever it is kept, dropped when the operation ends.
        task_href: the vCD task that shows it to vCD's users.
        deadline: how long it may take before it is ended as failed.
        claim: as long as it has not ended, no other operation with the same claim is accepted; empty claims nothing.
        settles: this entry of `Operations.note` leaves the ledger as the operation is accepted.
    """

    kind: str
    target: str
    partition: str
    request_id: str
    owner: str
    input: JsonObject
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    task_href: str = ""
    deadline: timedelta = timedelta(minutes=60)
    target_uid: str = ""
    claim: str = ""
    settles: LedgerEntry | None = None


@dataclass(frozen=True, kw_only=True)
class OperationError:
    """Why an operation failed. `error_type` is the class name in `cse_core.errors` that decides the gRPC status."""

    error_type: str
    reason: str
    message: str
    details: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, error: CseError) -> "OperationError":
        """The class recorded is the one of our tree that `error` is, or is derived from."""
        known = next(base for base in type(error).__mro__ if base.__module__ == CseError.__module__)
        details = {name: as_text(value) for name, value in error.details.items()}
        return cls(error_type=known.__name__, reason=error.code, message=as_text(error.message), details=details)


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A snapshot of an operation. Times are UTC."""

    id: str
    kind: str
    target: str
    request_id: str
    owner: str
    input: JsonObject
    task_href: str
    state: OperationState
    create_time: datetime
    deadline: datetime
    step: str = ""
    message: str = ""
    progress_percent: int = 0
    start_time: datetime | None = None
    end_time: datetime | None = None
    cancel_requested: bool = False
    result: Json = None
    error: OperationError | None = None
    last_sequence: int = 0
    target_uid: str = ""

    @property
    def name(self) -> str:
        return f"operations/{self.id}"


@dataclass(frozen=True, kw_only=True)
class OperationQuery:
    """Which operations are meant; what is None does not matter.

    Attributes:
        target_id: the last part of the target's resource name, for example the cluster's name.
        active: whether it has not ended.
    """

    owner: str | None = None
    kind: str | None = None
    target: str | None = None
    target_id: str | None = None
    target_uid: str | None = None
    state: OperationState | None = None
    active: bool | None = None

    def fits(self, operation: Operation) -> bool:
        """Whether `operation` is one of them."""
        return (
            self.owner in (None, operation.owner)
            and self.kind in (None, operation.kind)
            and self.target in (None, operation.target)
            and (self.target_id is None or operation.target.endswith(f"/{self.target_id}"))
            and self.target_uid in (None, operation.target_uid)
            and self.state in (None, operation.state)
            and self.active in (None, not operation.state.is_final)
        )


@dataclass(frozen=True, kw_only=True)
class OperationEvent:
    """One thing that happened in an operation. `sequence` counts from 1 without gaps."""

    sequence: int
    time: datetime
    state: OperationState
    message: str
    step: str = ""
    node: str = ""
    progress_percent: int = 0
