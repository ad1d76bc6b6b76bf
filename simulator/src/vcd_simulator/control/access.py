"""Who may control the simulator."""

import secrets

from starlette.requests import Request

from vcd_simulator.control import TOKEN_HEADER
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.sessions import Sessions


class ControlAccess:
    """Lets in who knows the control token, and system administrators with a session of theirs.

    Both travel in headers that a browser adds to nothing by itself, so no web page can use them.
    """

    def __init__(self, cloud: Cloud, sessions: Sessions, token: str) -> None:
        self._cloud = cloud
        self._sessions = sessions
        self._token = token.encode()

    def refusal(self, request: Request) -> int | None:
        """The status of the answer to a caller who may not: 401 without credentials, 403 with those of a tenant."""
        given = request.headers.get(TOKEN_HEADER)
        if given is not None:
            return None if secrets.compare_digest(given.encode(), self._token) else 401
        with self._cloud.lock.reading():
            session = self._sessions.find(request.headers)
            if session is None:
                return 401
            return None if session.access.is_sysadmin else 403


def new_token() -> str:
    return secrets.token_urlsafe(24)
