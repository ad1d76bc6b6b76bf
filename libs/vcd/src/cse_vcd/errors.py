"""What goes wrong with vCD, vCenter and guests, in the words of `cse_core.errors`.

    ConflictError
    └── BusyError                   another task works on the entity; it was tried again for a while
    FailedPreconditionError
    ├── VcdRefusedError             vCD understood and said no; its message says why
    ├── TaskFailedError             a vCD task ended badly
    │   └── TaskAbortedError        … because somebody cancelled or aborted it
    └── UntrustedError              the certificate of vCD or vCenter is not trusted
    UnavailableError
    ├── VcdUnavailableError         vCD does not answer, or not sensibly
    ├── ServiceAccountError         vCD does not let our own account in
    ├── VcenterUnavailableError     the same for a vCenter
    └── GuestUnavailableError       the machine is off, or its tools do not run (yet)
    UnauthenticatedError
    └── GuestLoginError             the guest refuses the password
    NotFoundError
    ├── GuestFileNotFoundError      no such file in the guest
    └── GuestGoneError              vCenter does not know the machine (any more)
    InternalError
    └── GuestError                  the guest refuses for a reason that is none of the above
        └── GuestDiskFullError      … because its disk is full
    DeadlineError
    └── ScriptTimeoutError          a script did not end in time; it has been killed

vCD's own message is kept, for it is what helps. Tokens and passwords are not: nothing of a request goes into an error.
"""

import json
import re
import ssl
from collections.abc import Iterator
from typing import Final

import requests
from lxml import etree

from cse_core.errors import (
    AlreadyExistsError,
    ConflictError,
    CseError,
    DeadlineError,
    ExhaustedError,
    FailedPreconditionError,
    InternalError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
    UnavailableError,
)
from cse_core.logs import redact
from cse_core.tls import why_not_trusted
from cse_vcd.documents import clean


class BusyError(ConflictError):
    """Another task works on the entity. `retryable`: it will end."""

    reason = "VCD_BUSY"
    retryable = True


class VcdRefusedError(FailedPreconditionError):
    """vCD understood the request and will not do it. `details["minor"]` holds its minor error code."""

    reason = "VCD_REFUSED"


class TaskFailedError(FailedPreconditionError):
    """A vCD task ended with an error."""

    reason = "VCD_TASK_FAILED"


class TaskAbortedError(TaskFailedError):
    """A vCD task was cancelled or aborted."""

    reason = "VCD_TASK_ABORTED"


class UntrustedError(FailedPreconditionError):
    """The other side's certificate is not trusted."""

    reason = "CERTIFICATE_NOT_TRUSTED"


class VcdUnavailableError(UnavailableError):
    """vCD does not answer, or not sensibly."""

    reason = "VCD_UNAVAILABLE"


class ServiceAccountError(UnavailableError):
    """vCD refuses the account in the configuration."""

    reason = "SERVICE_ACCOUNT_REFUSED"


class VcenterUnavailableError(UnavailableError):
    """A vCenter does not answer, or does not let us in."""

    reason = "VCENTER_UNAVAILABLE"


class GuestUnavailableError(UnavailableError):
    """The machine is off, or its guest tools do not run (yet)."""

    reason = "GUEST_UNAVAILABLE"


class GuestLoginError(UnauthenticatedError):
    """The guest refuses root's password."""

    reason = "GUEST_LOGIN_REFUSED"


class GuestFileNotFoundError(NotFoundError):
    """The guest has no such file."""

    reason = "GUEST_FILE_NOT_FOUND"


class GuestGoneError(NotFoundError):
    """vCenter does not know the machine (any more)."""

    reason = "GUEST_GONE"


class GuestError(InternalError):
    """The guest refuses; trying again does not help."""

    reason = "GUEST_REFUSED"


class GuestDiskFullError(GuestError):
    """The guest has no space left for what is to be written."""

    reason = "GUEST_DISK_FULL"


class ScriptTimeoutError(DeadlineError):
    """A script in a guest did not end within its time; it has been killed."""

    reason = "SCRIPT_TIMEOUT"


_MAX_MESSAGE: Final = 1000
_REQUEST_ID = re.compile(r"^\s*\[\s*([0-9a-fA-F-]{36})\s*\]\s*")
_MISSING_STATUS: Final = frozenset({403, 404})
_PASSING_STATUS: Final = frozenset({408, 429, 502, 503, 504})
"""A gateway's, or vCD's wish to be asked less often: the same request is fine later."""
_EXHAUSTED = re.compile(r"QUOTA|INSUFFICIENT|LIMIT_EXCEEDED|OUT_OF|NO_FREE")


class VcdFault:
    """What vCD says in an `Error` document, as far as it can be read."""

    def __init__(self, status: int, content: bytes, request_id: str | None = None) -> None:
        self.status = status
        self.minor, self.message = _read_fault(content)
        match = _REQUEST_ID.match(self.message)
        self.request_id = request_id or (match.group(1) if match else None)
        self.message = tidy(_REQUEST_ID.sub("", self.message))

    def to_error(self, missing: str | None = None) -> CseError:
        """The error for callers.

        Args:
            missing: what was asked for by its id, in words; vCD answers 403 both to who may not see it and when it is
                not there, and then this is what is reported as not found.
        """
        if missing is not None and self.status in _MISSING_STATUS:
            words = f" (vCD says: {self.message})" if self.message else ""
            return NotFoundError(f"{missing} is not there, or you have no access to it{words}")
        details = {"minor": self.minor or None, "vcd_request_id": self.request_id}
        if self.status == 401 and not self.message:  # that is how vCD says that a session is over
            return UnauthenticatedError("vCD does not accept the token (any more); log in again", **details)
        says = self.message or f"no reason (HTTP status {self.status})"
        return _error_class(self.status, self.minor)(f"vCD says: {says}", **details)


def _read_fault(content: bytes) -> tuple[str, str]:
    if not content.lstrip().startswith(b"<"):
        return _read_json_fault(content)
    try:
        root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        return "", ""
    return root.get("minorErrorCode") or "", root.get("message") or ""


def _read_json_fault(content: bytes) -> tuple[str, str]:
    try:
        data = json.loads(content or b"{}")
    except ValueError:
        return "", ""
    if not isinstance(data, dict):
        return "", ""
    return str(data.get("minorErrorCode") or ""), str(data.get("message") or "")


def _error_class(status: int, minor: str) -> type[CseError]:
    if minor == "BUSY_ENTITY":
        return BusyError
    if minor in ("DUPLICATE_NAME", "OBJECT_ALREADY_EXISTS"):
        return AlreadyExistsError
    if status == 401:
        return UnauthenticatedError
    if status == 403:
        return PermissionDeniedError
    if status == 404:
        return NotFoundError
    if status in _PASSING_STATUS or status >= 500:
        return VcdUnavailableError
    if means_exhausted(minor):
        return ExhaustedError
    return ConflictError if status == 409 else VcdRefusedError


def means_exhausted(minor: str) -> bool:
    """Whether a minor error code says that there is no room left: in a quota, among a network's addresses."""
    return bool(_EXHAUSTED.search(minor))


def tidy(message: str) -> str:
    """A foreign message made fit for ours: one line, of bounded length, without what looks like a secret."""
    line = " ".join(clean(redact(message)).split())
    return line if len(line) <= _MAX_MESSAGE else line[: _MAX_MESSAGE - 1] + "…"


def from_transport(exc: Exception, peer: str) -> CseError:
    """The error for a request that got no answer. `peer` names who was asked, for example `vCD at vcd.example.com`."""
    if isinstance(exc, requests.exceptions.SSLError) and (refused := _about_the_certificate(exc)):
        return UntrustedError(
            f"the certificate of {peer} {why_not_trusted(refused)}; "
            "in a lab, `verify: false` in the configuration does without the check",
            peer=peer,
        )
    if isinstance(exc, requests.exceptions.Timeout):
        return VcdUnavailableError(f"{peer} did not answer in time", peer=peer)
    if isinstance(exc, requests.exceptions.TooManyRedirects):
        return VcdUnavailableError(f"{peer} answers with a redirection; is the address right?", peer=peer)
    return VcdUnavailableError(f"{peer} cannot be reached ({_root_cause(exc)})", peer=peer)


def _about_the_certificate(exc: BaseException) -> ssl.SSLCertVerificationError | None:
    """Why TLS failed, if it was because of the certificate and not because the connection broke."""
    return next((each for each in _causes(exc) if isinstance(each, ssl.SSLCertVerificationError)), None)


def _root_cause(exc: BaseException) -> str:
    """The innermost reason in a word or two: `Connection refused`, `Name or service not known`."""
    *_, seen = _causes(exc)
    text = getattr(seen, "strerror", None)
    return tidy(text if isinstance(text, str) else type(seen).__name__)


def _causes(exc: BaseException) -> Iterator[BaseException]:
    """The exception and what is behind it, the innermost last."""
    seen: object = exc
    for _ in range(10):
        if not isinstance(seen, BaseException):
            break
        yield seen
        inner = seen.args[0] if seen.args else None
        seen = getattr(seen, "reason", None) or seen.__cause__ or seen.__context__ or inner
