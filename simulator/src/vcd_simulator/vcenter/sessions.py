"""Who may log in to a vCenter, and who has."""

import secrets
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from vcd_simulator.vcenter.soap import Data, Long, SoapFaultError

COOKIE = "vmware_soap_session"
_IDLE_S = 1800.0


@dataclass(frozen=True, kw_only=True)
class VcenterAccount:
    """A vCenter, by the name under which guests are created for it, and its one account."""

    name: str
    user: str
    password: str = field(repr=False)

    def admits(self, user: str, password: str) -> bool:
        r"""Whether these credentials are good; users are not case-sensitive, and may use `DOMAIN\user`."""
        domain, backslash, name = user.partition("\\")
        given = f"{name}@{domain}" if backslash else user
        same_user = secrets.compare_digest(given.lower().encode(), self.user.lower().encode())
        return secrets.compare_digest(password.encode(), self.password.encode()) and same_user


@dataclass
class Session:
    """A client that has logged in."""

    key: str
    user: str
    address: str
    agent: str
    login_time: float
    last_active: float
    calls: int = 0

    def to_data(self) -> Data:
        """The session as a UserSession."""
        return Data(
            "UserSession",
            {
                "key": self.key,
                "userName": self.user,
                "fullName": self.user,
                "loginTime": datetime.fromtimestamp(self.login_time, UTC),
                "lastActiveTime": datetime.fromtimestamp(self.last_active, UTC),
                "locale": "en",
                "messageLocale": "en",
                "extensionSession": False,
                "ipAddress": self.address,
                "userAgent": self.agent,
                "callCount": Long(self.calls),
            },
        )


class Sessions:
    """Sessions of one vCenter by the value of their cookie. Thread-safe."""

    def __init__(self, account: VcenterAccount) -> None:
        self._account = account
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def log_in(self, cookie: str, user: str, password: str, *, address: str, agent: str) -> Session:
        """Turn a cookie into a session. Raises SoapFaultError: wrong credentials, or logged in already."""
        with self._lock:
            if cookie in self._sessions:
                raise SoapFaultError("InvalidLogin", "This session has logged in already; log out first.")
            if not self._account.admits(user, password):
                raise SoapFaultError("InvalidLogin", "Cannot complete login due to an incorrect user name or password.")
            self._forget_idle()
            now = time.time()
            session = Session(secrets.token_hex(20), self._account.user, address, agent, now, now)
            self._sessions[cookie] = session
            return session

    def find(self, cookie: str) -> Session | None:
        """The session behind a cookie, which counts as a sign of life."""
        with self._lock:
            session = self._sessions.get(cookie)
            if session is None or session.last_active < time.time() - _IDLE_S:
                self._sessions.pop(cookie, None)
                return None
            session.last_active = time.time()
            session.calls += 1
            return session

    def user_of(self, cookie: str) -> str | None:
        """Who has logged in with a cookie; asking is no sign of life."""
        with self._lock:
            session = self._sessions.get(cookie)
            return None if session is None else session.user

    def is_active(self, key: str) -> bool:
        with self._lock:
            return any(session.key == key for session in self._sessions.values())

    def log_out(self, cookie: str) -> None:
        with self._lock:
            self._sessions.pop(cookie, None)

    def expire_all(self) -> None:
        """End every session, as a restart of vCenter does."""
        with self._lock:
            self._sessions.clear()

    def _forget_idle(self) -> None:
        limit = time.time() - _IDLE_S
        self._sessions = {cookie: one for cookie, one in self._sessions.items() if one.last_active >= limit}


def new_cookie() -> str:
    """A value for the cookie of a client that has none."""
    return secrets.token_hex(20)
