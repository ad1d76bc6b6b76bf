"""Operations and their events as messages of the contracts, and what callers say about them as words of ours."""

import base64
import binascii
import re
from collections.abc import Callable
from datetime import datetime
from typing import Final

from google.longrunning import operations_pb2
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from cse.operations.v1 import operation_pb2
from cse_core.errors import InvalidArgumentError
from cse_core.grpc.status import status_of_operation
from cse_core.operations import Operation, OperationEvent, OperationQuery, OperationState

ResultOf = Callable[[Operation], Message]
"""Makes the contract's response of an operation that succeeded from its JSON result."""

_PREFIX: Final = "operations/"
_TERM: Final = re.compile(r'\s*(\w+)\s*=\s*(?:"([^"]*)"|([^\s"]+))(?:\s+AND\s+(?=\S)|\s*$)')
_TEXTS: Final = ("kind", "target", "target_id", "target_uid")
_ID: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_MOST_FILTER: Final = 4096


def to_proto(operation: Operation, result_of: ResultOf) -> operations_pb2.Operation:
    """The standard form of an operation."""
    message = operations_pb2.Operation(name=operation.name, done=operation.state.is_final)
    message.metadata.Pack(_metadata(operation))
    if operation.error is not None:
        message.error.CopyFrom(status_of_operation(operation.error))
    elif operation.state.is_final:
        response = any_pb2.Any()
        response.Pack(result_of(operation))
        message.response.CopyFrom(response)
    return message


def _metadata(operation: Operation) -> operation_pb2.OperationMetadata:
    return operation_pb2.OperationMetadata(
        kind=operation.kind,
        target=operation.target,
        target_uid=operation.target_uid,
        state=_state(operation.state.value),
        step=operation.step,
        message=operation.message,
        progress_percent=operation.progress_percent,
        request_id=operation.request_id,
        task_href=operation.task_href,
        create_time=_time(operation.create_time),
        start_time=_time(operation.start_time),
        end_time=_time(operation.end_time),
        deadline=_time(operation.deadline),
        cancel_requested=operation.cancel_requested,
        last_sequence=operation.last_sequence,
    )


def event_message(event: OperationEvent) -> operation_pb2.OperationEvent:
    return operation_pb2.OperationEvent(
        sequence=event.sequence,
        time=_time(event.time),
        state=_state(event.state.value),
        step=event.step,
        node=event.node,
        message=event.message,
        progress_percent=event.progress_percent,
    )


def _state(name: str) -> operation_pb2.OperationState.ValueType:
    return operation_pb2.OperationState.Value(f"OPERATION_STATE_{name}")


def _time(moment: datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def parse_filter(text: str, owner: str | None) -> OperationQuery:
    """The operations of `owner` (None: of everybody) that a filter means.

    A filter is empty, or one of `done=true`, `done=false`, `state=RUNNING`, `kind="…"`, `target="…"` (the resource
    name), `target_id="…"` (its last part) and `target_uid="…"`, or several of them joined by ` AND `.

    Raises:
        InvalidArgumentError: it is none of that.
    """
    if len(text) > _MOST_FILTER or not text.isprintable():
        message = f"filter: at most {_MOST_FILTER} printable characters are possible"
        raise InvalidArgumentError(message, field="filter")
    values: dict[str, str] = {}
    position = 0
    while position < len(text):
        term = _TERM.match(text, position)
        if term is None or term[1] in values or term[1] not in (*_TEXTS, "done", "state"):
            raise _no_filter(text[position:])
        values[term[1]] = term[3] if term[2] is None else term[2]
        position = term.end()
    if values.get("done", "true") not in ("true", "false"):
        raise _no_filter(f"done={values['done']}")
    try:
        state = OperationState(values["state"]) if "state" in values else None
    except ValueError:
        raise _no_filter(f"state={values['state']}") from None
    return OperationQuery(
        owner=owner,
        kind=values.get("kind"),
        target=values.get("target"),
        target_id=values.get("target_id"),
        target_uid=values.get("target_uid"),
        state=state,
        active=values["done"] == "false" if "done" in values else None,
    )


def _no_filter(term: str) -> InvalidArgumentError:
    states, texts = ", ".join(OperationState), ", ".join(f'{name}="…"' for name in _TEXTS)
    return InvalidArgumentError(
        f"filter: {term[:200]!r} is none of done=true, done=false, state=… ({states}), {texts}, each at most once and "
        "joined by AND",
        field="filter",
    )


def operation_id_in(name: str) -> str:
    """The id in an operation's name, `operations/{id}`; raises InvalidArgumentError if it cannot be one."""
    operation_id = name.removeprefix(_PREFIX)
    if not name.startswith(_PREFIX) or not _ID.fullmatch(operation_id):
        raise InvalidArgumentError(f"name: {name[:200]!r} is not of the form operations/{{id}}", field="name")
    return operation_id


def page_token_of(operation: Operation) -> str:
    """The token of the page that follows this operation."""
    return base64.urlsafe_b64encode(operation.id.encode()).decode()


def parse_page_token(token: str) -> str:
    """The id of the operation that the page follows; empty for the first page."""
    try:
        found = base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        found = "?"
    if token and not _ID.fullmatch(found):
        raise InvalidArgumentError("page_token: not one that this service gave", field="page_token")
    return found
