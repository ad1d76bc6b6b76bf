"""Replies in the forms that old clients read: JSON, and for 401 and 504 vCD's XML `Error`."""

import json
import re
from typing import Final
from xml.sax.saxutils import quoteattr

from cse_core.errors import (
    AlreadyExistsError,
    CancelledError,
    ConflictError,
    CseError,
    DeadlineError,
    ExhaustedError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    NotSupportedError,
    PermissionDeniedError,
    UnauthenticatedError,
    UnavailableError,
)
from cse_gateway.domain.http import JSON, Reply, Request

UNAUTHORIZED: Final = "Unauthorized"
DISABLED: Final = "CSE service is disabled. Contact the System Administrator."
UPDATED: Final = "Updated"
STOP_STARTED: Final = "CSE graceful shutdown started."
STOP_WAITS_FOR: Final = " CSE will finish processing {count} requests."
STOP_IS_FOR: Final = " All {count} replicas of the cluster manager will end."
STILL_ENABLED: Final = "Cannot stop CSE while is enabled. Disable the service first."

SERVICE_DISABLED: Final = "SERVICE_DISABLED"
SYSTEM_ADMINISTRATOR_ONLY: Final = "SYSTEM_ADMINISTRATOR_ONLY"
_KNOWN_MESSAGES: Final = {
    SERVICE_DISABLED: (503, DISABLED),
    "SERVICE_ENABLED": (422, STILL_ENABLED),
    SYSTEM_ADMINISTRATOR_ONLY: (403, UNAUTHORIZED),
}
"""Reasons whose text users know word for word; they are sent as plain text, with this status."""
_SERVICE_STOPPING: Final = "SERVICE_STOPPING"

_STATUS: Final[dict[type[CseError], int]] = {
    InvalidArgumentError: 400,
    UnauthenticatedError: 401,
    PermissionDeniedError: 403,
    NotFoundError: 404,
    AlreadyExistsError: 409,
    ConflictError: 409,
    FailedPreconditionError: 422,
    ExhaustedError: 429,
    NotSupportedError: 501,
    CancelledError: 503,
    UnavailableError: 503,
    DeadlineError: 504,
}
_VCD_CODES: Final = {401: "NOT_AUTHENTICATED", 504: "GATEWAY_TIMEOUT"}
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class HttpError(CseError):
    """A refusal that only HTTP knows, with its status: no such path (404), wrong method (405), body too large (413)."""

    def __init__(self, status: int, message: str, *, reason: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message, reason=reason)
        self.status = status
        self.headers = headers or {}


class ServiceDisabledError(FailedPreconditionError):
    """An administrator has disabled the service, or stops it."""

    reason = SERVICE_DISABLED

    def __init__(self) -> None:
        super().__init__(DISABLED)


def json_reply(status: int, value: object, *, content_type: str = JSON) -> Reply:
    """A reply whose body is `value` as JSON, in UTF-8."""
    text = json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
    return Reply(status=status, content_type=content_type, body=text.encode(errors="replace"))


def message_reply(status: int, text: str) -> Reply:
    """A reply of one sentence, as `{"message": "…"}`."""
    return json_reply(status, {"message": text})


def error_reply(error: CseError, request: Request | None) -> Reply:
    """The reply that tells a client of `error`, in the form that this client reads."""
    if error.code in _KNOWN_MESSAGES:
        return message_reply(*_KNOWN_MESSAGES[error.code])
    status = _status(error)
    if error.code == _SERVICE_STOPPING and isinstance(error, FailedPreconditionError):
        return message_reply(status, error.message)  # to who switches the service: these words, too, users know
    if status in _VCD_CODES and not (request is not None and request.accepts(JSON)):
        return _xml_reply(status, _shown(status, error.message), request)
    reply = json_reply(status, {"message": _explanation(status, error, request)})
    if isinstance(error, HttpError) and error.headers:
        return Reply(status=status, content_type=reply.content_type, body=reply.body, headers=error.headers)
    return reply


def _status(error: CseError) -> int:
    if isinstance(error, HttpError):
        return error.status
    return next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), 500)


def _shown(status: int, message: str) -> str:
    """What the user is shown; a 401 begins with the word that users know."""
    return f"{UNAUTHORIZED}: {message}" if status == 401 and not message.startswith(UNAUTHORIZED) else message


def _explanation(status: int, error: CseError, request: Request | None) -> dict[str, object]:
    quote = f" (request {request.id})" if request is not None else ""
    return {"reason": _shown(status, error.message), "description": f"{error.code}{quote}", "stacktrace": []}


def _xml_reply(status: int, message: str, request: Request | None) -> Reply:
    text = quoteattr(_NOT_XML.sub("\ufffd", message))
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Error xmlns="http://www.vmware.com/vcloud/v1.5" majorErrorCode="{status}" '
        f'minorErrorCode="{_VCD_CODES[status]}" message={text}/>\n'
    )
    version = request.api_version if request is not None else None
    content_type = "application/vnd.vmware.vcloud.error+xml" + (f";version={version}" if version else "")
    return Reply(status=status, content_type=content_type, body=body.encode())
