"""Logins and the tokens that come of them."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from vcd_simulator import errors
from vcd_simulator.access import Access
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.tenancy import Org, User

LEGACY_HEADER = "x-vcloud-authorization"
ACCESS_TOKEN_HEADER = "x-vmware-vcloud-access-token"  # noqa: S105  # a name
SESSION_COOKIE = "vcloud_session_id"
"""Holds what `x-vcloud-authorization` does, for browsers."""
IDLE_TIMEOUT_S = 30 * 60
LIFETIME_S = 24 * 60 * 60


@dataclass(slots=True, kw_only=True)
class Session:
    """A login. Both of its tokens open it, at any API version."""

    id: str
    token: str = field(repr=False)
    """The session id that goes in `x-vcloud-authorization`."""
    jwt: str = field(repr=False)
    access: Access
    created: float
    last_used: float

    @property
    def user(self) -> User:
        return self.access.user

    @property
    def org(self) -> Org:
        return self.access.org


@dataclass(kw_only=True)
class SessionRecord:
    """A session as it is written down."""

    id: str
    token: str = field(repr=False)
    jwt: str = field(repr=False)
    user_id: str
    created: float
    last_used: float


@dataclass(kw_only=True)
class SessionsRecord:
    """All sessions, and the key that their JWTs are signed with."""

    key: str = field(repr=False)
    sessions: list[SessionRecord]


class Sessions:
    """Makes, finds and ends sessions. Used under the cloud's lock; a user may have any number of them."""

    def __init__(self, cloud: Cloud, *, idle_timeout_s: float = IDLE_TIMEOUT_S, lifetime_s: float = LIFETIME_S) -> None:
        self._cloud = cloud
        self._key = secrets.token_bytes(32)
        self._by_token: dict[str, Session] = {}
        self.idle_timeout_s = idle_timeout_s
        self.lifetime_s = lifetime_s
        self._next_sweep = 0.0

    def __len__(self) -> int:
        return len(self._by_token)

    def login(self, authorization: str | None) -> Session:
        """Open a session from a Basic header: `user@org` and password.

        Raises:
            VcdError: 401, for whatever is wrong.
        """
        login, password = basic_credentials(authorization)
        user_name, at, org_name = login.rpartition("@")
        org = self._cloud.orgs.first("name", org_name.lower()) if at else None
        user = self._cloud.users.first("name", (org.id, user_name.lower())) if org is not None else None
        expected = user.password if user is not None else ""
        matches = hmac.compare_digest(password.encode(), expected.encode())
        if user is None or org is None or not matches or not user.enabled or not org.enabled or user.is_external:
            raise errors.unauthorized()
        return self._open(user)

    def find(self, headers: Mapping[str, str]) -> Session | None:
        """The session that a request's token opens, and a use of it.

        Either header will do, or the cookie that a login set. None when there is no valid token.
        """
        token = headers.get(LEGACY_HEADER) or _cookie(headers.get("cookie", ""), SESSION_COOKIE)
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            token = self._session_token(bearer.strip())
        if token is None:
            return None
        session = self._by_token.get(token) or self._by_token.get(self._session_token(token) or "")
        if session is None:
            return None
        now = self._cloud.clock.now()
        if self._is_over(session, now):
            self.end(session)
            return None
        session.last_used = now
        return session

    def end(self, session: Session) -> None:
        self._by_token.pop(session.token, None)

    def end_of_user(self, user_id: str) -> None:
        """Throw a user out."""
        for session in [one for one in self._by_token.values() if one.user.id == user_id]:
            self.end(session)

    def end_of_org(self, org_id: str) -> None:
        """Throw everybody of an organisation out."""
        for session in [one for one in self._by_token.values() if one.org.id == org_id]:
            self.end(session)

    def expire_all(self) -> int:
        """End every session, as if its time were over; returns how many there were."""
        count = len(self._by_token)
        self._by_token.clear()
        return count

    def record(self) -> "SessionsRecord":
        """All sessions, to be kept in a saved state; whoever has it can use them."""
        return SessionsRecord(
            key=self._key.hex(),
            sessions=[
                SessionRecord(
                    id=one.id,
                    token=one.token,
                    jwt=one.jwt,
                    user_id=one.user.id,
                    created=one.created,
                    last_used=one.last_used,
                )
                for one in self._by_token.values()
            ],
        )

    def resume(self, record: "SessionsRecord") -> None:
        """Go on with sessions of another run; those of users who are not there any more are left out."""
        self._key = bytes.fromhex(record.key)
        for one in record.sessions:
            user = self._cloud.users.get(one.user_id)
            if user is not None:
                self._by_token[one.token] = Session(
                    id=one.id,
                    token=one.token,
                    jwt=one.jwt,
                    access=Access(self._cloud, user),
                    created=one.created,
                    last_used=one.last_used,
                )

    def _open(self, user: User) -> Session:
        now = self._cloud.clock.now()
        self._sweep(now)
        session_id = self._cloud.new_id()
        token = secrets.token_hex(16)
        session = Session(
            id=session_id,
            token=token,
            jwt=self._sign({"sub": user.name, "iss": "vcd-simulator", "exp": int(now + self.lifetime_s), "jti": token}),
            access=Access(self._cloud, user),
            created=now,
            last_used=now,
        )
        self._by_token[token] = session
        return session

    def _is_over(self, session: Session, now: float) -> bool:
        gone = session.user.id not in self._cloud.users or not session.user.enabled or not session.org.enabled
        return gone or now - session.last_used > self.idle_timeout_s or now - session.created > self.lifetime_s

    def _sweep(self, now: float) -> None:
        """Forget what nobody will use again; at most once a minute, because it looks at every session."""
        if now >= self._next_sweep:
            self._next_sweep = now + 60
            for session in [one for one in self._by_token.values() if self._is_over(one, now)]:
                self.end(session)

    def _sign(self, claims: dict[str, str | int]) -> str:
        head = _encode(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
        payload = _encode(json.dumps(claims).encode())
        return f"{head}.{payload}.{self._signature(f'{head}.{payload}')}"

    def _signature(self, text: str) -> str:
        return _encode(hmac.digest(self._key, text.encode(), hashlib.sha256))

    def _session_token(self, jwt: str) -> str | None:
        """The session that a JWT names, if we signed it."""
        signed, _, signature = jwt.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(signed).encode()):
            return None
        payload = signed.partition(".")[2]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims["jti"])


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _cookie(header: str, wanted: str) -> str | None:
    pairs = (part.strip().partition("=") for part in header.split(";"))
    return next((value for name, _, value in pairs if name == wanted), None)


def basic_credentials(authorization: str | None) -> tuple[str, str]:
    """Login and password of a Basic header. Raises VcdError: 401, it is none."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        raise errors.unauthorized()
    try:
        login, colon, password = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")
    except ValueError:  # not base64, not even ASCII, or no UTF-8 inside
        raise errors.unauthorized() from None
    if not colon:
        raise errors.unauthorized()
    return login, password
