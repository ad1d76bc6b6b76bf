"""What travels with a call beside its message: the caller's vCD token, its API version, the request id."""

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cse_core.errors import InvalidArgumentError, UnauthenticatedError
from cse_core.secret import Secret

AUTHORIZATION: Final = "authorization"
SESSION_ID: Final = "x-vcloud-authorization"
API_VERSION: Final = "x-vcloud-api-version"
REQUEST_ID: Final = "x-request-id"

_MAX_TOKEN: Final = 16 * 1024
_TOKEN = re.compile(r"[\x21-\x7e]+")
_VERSION = re.compile(r"[0-9]{2}\.[0-9]")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")

Metadata = Iterable[tuple[str, str | bytes]]


@dataclass(frozen=True)
class Credentials:
    """A caller's vCD token: a JWT (`is_jwt`) or a session id, and the API version to use it at (empty: any)."""

    token: Secret
    is_jwt: bool
    api_version: str = ""

    def to_metadata(self) -> list[tuple[str, str]]:
        """The metadata that carries it."""
        token = self.token.reveal()
        pair = (AUTHORIZATION, f"Bearer {token}") if self.is_jwt else (SESSION_ID, token)
        return [pair, (API_VERSION, self.api_version)] if self.api_version else [pair]


def credentials_from(metadata: Metadata) -> Credentials:
    """Reads the caller's credentials; where both kinds are given, the JWT counts.

    Raises:
        UnauthenticatedError: there are none, or they cannot be a token.
        InvalidArgumentError: the API version is none.
    """
    values = _values(metadata)
    version = values.get(API_VERSION, "")
    if version and not _VERSION.fullmatch(version):
        raise InvalidArgumentError(f"{API_VERSION}: not of the form NN.N", field=API_VERSION)
    scheme, _, bearer = values.get(AUTHORIZATION, "").partition(" ")
    if bearer and scheme.lower() == "bearer":
        return Credentials(_token(bearer.strip()), is_jwt=True, api_version=version)
    if session := values.get(SESSION_ID, ""):
        return Credentials(_token(session), is_jwt=False, api_version=version)
    raise UnauthenticatedError("no vCD token came with the request; log in first", reason="TOKEN_MISSING")


def request_id_from(metadata: Metadata) -> str:
    """Reads the request id, or makes one up where there is none that could go into a log."""
    given = _values(metadata).get(REQUEST_ID, "")
    return given if _REQUEST_ID.fullmatch(given) else str(uuid.uuid4())


def _token(text: str) -> Secret:
    if len(text) > _MAX_TOKEN or not _TOKEN.fullmatch(text):
        raise UnauthenticatedError("the vCD token is malformed; log in again", reason="TOKEN_INVALID")
    return Secret(text)


def _values(metadata: Metadata) -> dict[str, str]:
    return {key: value for key, value in metadata if isinstance(value, str)}
