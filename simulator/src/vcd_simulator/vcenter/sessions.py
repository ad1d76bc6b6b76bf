"""Who may log in to a vCenter, and who has."""

import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from vcd_simulator.vcenter.soap import Data, Long, SoapFaultError

COOKIE = "vmware_soap_session"
_IDLE_S = 1800.0
_TICKET_S = 60.0


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

    def __init__(self, account: VcenterAccount, ended: Callable[[str], None] = lambda _key: None) -> None:
        """`ended` is called with the key of every session that ends, by whatever cause."""
        self.idle_timeout_s = _IDLE_S
        self._account = account
        self._ended = ended
        self._sessions: dict[str, Session] = {}
        self._tickets: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def clone_ticket(self, cookie: str) -> str:
        """A word that makes one more session of the same user, once and soon. Raises SoapFaultError: no session."""
        with self._lock:
            session = self._sessions.get(cookie)
            if session is None:
                raise SoapFaultError("NotAuthenticated", "The session is not authenticated.")
            now = time.time()
            self._tickets = {one: (user, ends) for one, (user, ends) in self._tickets.items() if ends > now}
            ticket = f"cst-VCT-{secrets.token_urlsafe(24)}"
            self._tickets[ticket] = session.user, now + _TICKET_S
        return ticket

    def clone(self, cookie: str, ticket: str, *, address: str, agent: str) -> Session:
        """Turn a cookie into a session by a ticket. Raises SoapFaultError: it is no good any more."""
        with self._lock:
            user, ends = self._tickets.pop(ticket, ("", 0.0))
            if cookie in self._sessions or ends < time.time():
                raise SoapFaultError("InvalidLogin", "The session cannot be cloned: the ticket is not valid.")
            return self._enter(cookie, user, address, agent)

    def _enter(self, cookie: str, user: str, address: str, agent: str) -> Session:
        now = time.time()
        session = Session(secrets.token_hex(20), user, address, agent, now, now)
        self._sessions[cookie] = session
        return session

    def log_in(self, cookie: str, user: str, password: str, *, address: str, agent: str) -> Session:
        """Turn a cookie into a session. Raises SoapFaultError: wrong credentials, or logged in already."""
        with self._lock:
            if cookie in self._sessions:
                raise SoapFaultError("InvalidLogin", "This session has logged in already; log out first.")
            if not self._account.admits(user, password):
                raise SoapFaultError("InvalidLogin", "Cannot complete login due to an incorrect user name or password.")
            self._forget_idle()
            return self._enter(cookie, self._account.user, address, agent)

    def find(self, cookie: str) -> Session | None:
        """The session behind a cookie, which counts as a sign of life."""
        with self._lock:
            session = self._sessions.get(cookie)
            if session is None:
                return None
            if session.last_active < time.time() - self.idle_timeout_s:
                self._end([cookie])
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

    def all(self) -> list[Session]:
        """Every session, oldest first."""
        with self._lock:
            self._forget_idle()
            return list(self._sessions.values())

    def log_out(self, cookie: str) -> None:
        with self._lock:
            self._end([cookie] if cookie in self._sessions else [])

    def terminate(self, keys: Collection[str]) -> None:
        """End sessions by their keys, all or none. Raises SoapFaultError (NotFound)."""
        with self._lock:
            found = [cookie for cookie, session in self._sessions.items() if session.key in keys]
            if len(found) != len(set(keys)):
                raise SoapFaultError("NotFound", "One of the sessions does not exist.")
            self._end(found)

    def expire_all(self) -> int:
        """End every session, as a restart of vCenter does; returns how many there were."""
        with self._lock:
            count = len(self._sessions)
            self._end(list(self._sessions))
            return count

    def _end(self, cookies: Iterable[str]) -> None:
        for cookie in cookies:
            self._ended(self._sessions.pop(cookie).key)

    def _forget_idle(self) -> None:
        limit = time.time() - self.idle_timeout_s
        self._end([cookie for cookie, one in self._sessions.items() if one.last_active < limit])


def new_cookie() -> str:
    """A value for the cookie of a client that has none."""
    return secrets.token_hex(20)
