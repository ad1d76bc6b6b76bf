"""Our errors as `google.rpc.Status` with one `ErrorInfo`, and back."""

from typing import Any, Final

import grpc
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from cse_core import errors
from cse_core.operations import OperationError

DOMAIN: Final = "cse"

_CODES: Final[dict[type[errors.CseError], int]] = {
    errors.InvalidArgumentError: code_pb2.INVALID_ARGUMENT,
    errors.UnauthenticatedError: code_pb2.UNAUTHENTICATED,
    errors.PermissionDeniedError: code_pb2.PERMISSION_DENIED,
    errors.NotFoundError: code_pb2.NOT_FOUND,
    errors.AlreadyExistsError: code_pb2.ALREADY_EXISTS,
    errors.ConflictError: code_pb2.ABORTED,
    errors.FailedPreconditionError: code_pb2.FAILED_PRECONDITION,
    errors.NotSupportedError: code_pb2.UNIMPLEMENTED,
    errors.UnavailableError: code_pb2.UNAVAILABLE,
    errors.ExhaustedError: code_pb2.RESOURCE_EXHAUSTED,
    errors.DeadlineError: code_pb2.DEADLINE_EXCEEDED,
    errors.CancelledError: code_pb2.CANCELLED,
}
_CLASSES: Final = {code: cls for cls, code in _CODES.items()}
_BY_NAME: Final = {cls.__name__: cls for cls in _CODES}

CODE_BY_NUMBER: Final = {int(code.value[0]): code for code in grpc.StatusCode}

_MOST_MESSAGE: Final = 2400
_MOST_DETAIL: Final = 400
"""A failed call's status travels in HTTP/2 headers, percent-encoded and again as base64. Clients take 8 KiB of
them: what is longer they throw away, and say that the call asks for too much."""


def status_of(error: errors.CseError) -> status_pb2.Status:
    """The status that callers get for an error of ours; texts too long to arrive are cut."""
    code = next((_CODES[base] for base in type(error).__mro__ if base in _CODES), code_pb2.INTERNAL)
    details = {key: _cut(value, _MOST_DETAIL) for key, value in error.details.items()}
    return _status(code, _cut(error.message, _MOST_MESSAGE), error.code, details)


def status_of_operation(error: OperationError) -> status_pb2.Status:
    """The status in a failed operation."""
    cls = _BY_NAME.get(error.error_type)
    return _status(_CODES[cls] if cls else code_pb2.INTERNAL, error.message, error.reason, dict(error.details))


def error_of(error: Any) -> errors.CseError:
    """What a failed call to a service of ours means, from its status; understands foreign errors too.

    Args:
        error: a `grpc.RpcError` as calls raise it (which is a `grpc.Call` as well), or a `grpc.aio.AioRpcError`.
    """
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    for detail in status.details if status is not None else ():
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            detail.Unpack(info)
    return _error(error.code().value[0], error.details() or error.code().name, info)


def _error(code: int, message: str, info: error_details_pb2.ErrorInfo) -> errors.CseError:
    details = {_snake(key): value for key, value in info.metadata.items()}
    return errors.rebuilt(
        _CLASSES.get(code, errors.InternalError), message, reason=info.reason or None, details=details
    )


def _status(code: int, message: str, reason: str, details: dict[str, str]) -> status_pb2.Status:
    info = error_details_pb2.ErrorInfo(
        reason=reason, domain=DOMAIN, metadata={_camel(key): value for key, value in details.items()}
    )
    packed = any_pb2.Any()
    packed.Pack(info)
    return status_pb2.Status(code=code, message=message, details=[packed])


def _cut(text: str, most: int) -> str:
    """As much of a text as takes `most` bytes when it is percent-encoded."""
    size = 0
    for index, char in enumerate(text[: most + 1]):
        size += 1 if " " <= char <= "~" and char != "%" else 3 * len(char.encode(errors="replace"))
        if size > most:
            return f"{text[:index]}…"
    return text


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def _snake(name: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name)
