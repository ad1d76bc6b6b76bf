"""Who a token belongs to, asked of vCD and remembered for seconds."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from cse_core.errors import NotFoundError, UnauthenticatedError
from cse_vcd.credentials import Credentials
from cse_vcd.documents import admin_view, every
from cse_vcd.identity import Identity
from cse_vcd.query import Condition, Query, run
from cse_vcd.session import Vcd, VcdSession
from cse_vcd.turns import in_turn

_KEPT: Final = 4096
_IDLE_S: Final = 60.0
"""How long a token that nobody uses stays in memory, at least until the next one comes."""


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Whose token it is. `session` acts in their name, at the API version of their `Accept`."""

    user: str
    user_urn: str
    org: str
    org_href: str
    org_id: str
    role: str
    is_sysadmin: bool
    api_version: str
    session: VcdSession = field(repr=False, compare=False)

    @classmethod
    def of(cls, session: VcdSession) -> "Caller":
        who: Identity = session.identity
        return cls(
            user=who.user,
            user_urn=who.user_urn,
            org=who.org,
            org_href=who.org_href,
            org_id=who.org_id,
            role=who.role,
            is_sysadmin=who.is_sysadmin,
            api_version=session.api_version,
            session=session,
        )


class _Entry:
    """One token's answer; the lock lets one thread ask while others with the same token wait."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.caller: Caller | None = None
        self.until = 0.0
        self.used = 0.0


class TokenVerifier:
    """Checks tokens with vCD. A good answer holds for `ttl_s` seconds; a refusal is never remembered.

    Memory is bounded: what nobody has used for a minute goes, and the least recently used of some thousand answers.
    Tokens are kept as hashes (the sessions, which need them, go with the answers).
    """

    def __init__(self, vcd: Vcd, *, ttl_s: float = 5.0, kept: int = _KEPT) -> None:
        self._vcd = vcd
        self._ttl_s = ttl_s
        self._kept = kept
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    def verify(self, credentials: Credentials) -> Caller:
        """Who the caller is.

        Raises:
            UnauthenticatedError: vCD does not accept the token (any more).
            UnavailableError: vCD does not answer, or did not while others with the same token asked.
        """
        entry = self._entry(credentials.fingerprint)
        with in_turn(entry.lock):
            if entry.caller is None or self._vcd.clock.monotonic() >= entry.until:
                entry.caller = None
                try:
                    entry.caller = Caller.of(self._vcd.rehydrate(credentials))
                except UnauthenticatedError:
                    self.forget(credentials)  # so that wrong tokens do not push out good ones
                    raise
                entry.until = self._vcd.clock.monotonic() + self._ttl_s
            return entry.caller

    def forget(self, credentials: Credentials) -> None:
        """Makes the next `verify` ask vCD; for when vCD has just refused this token."""
        with self._lock:
            self._entries.pop(credentials.fingerprint, None)

    def _entry(self, fingerprint: str) -> _Entry:
        now = self._vcd.clock.monotonic()
        with self._lock:
            entry = self._entries.setdefault(fingerprint, _Entry())
            entry.used = now
            self._entries.move_to_end(fingerprint)
            while len(self._entries) > self._kept or next(iter(self._entries.values())).used + _IDLE_S < now:
                self._entries.popitem(last=False)
            return entry


class RoleRights:
    """The rights that roles hold, read as a system administrator and remembered for `ttl_s` seconds."""

    def __init__(self, account: VcdSession, *, ttl_s: float = 30.0) -> None:
        self._account = account
        self._ttl_s = ttl_s
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], tuple[float, frozenset[str]]] = {}

    def of(self, org_id: str, role: str) -> frozenset[str]:
        """Names of the rights of the role in the org of this bare id.

        Raises:
            NotFoundError: the org has no such role.
        """
        now = self._account.vcd.clock.monotonic()
        with self._lock:
            until, rights = self._known.get((org_id, role), (0.0, frozenset()))
        if now < until:
            return rights
        rights = self._read(org_id, role)
        with self._lock:
            self._known = {key: value for key, value in self._known.items() if value[0] > now}
            self._known[org_id, role] = (now + self._ttl_s, rights)
        return rights

    def has(self, org_id: str, role: str, right: str) -> bool:
        """Whether the role holds the right; a role that is not there holds none."""
        try:
            return right in self.of(org_id, role)
        except NotFoundError:
            return False

    def _read(self, org_id: str, role: str) -> frozenset[str]:
        query = Query("adminRole", (Condition.equal("org", org_id), Condition.equal("name", role)), style="records")
        found = [record for record in run(self._account, query) if record.name == role]
        if not found:
            raise NotFoundError(f"the org has no role {role!r}", role=role)
        document = self._account.get(admin_view(found[0].href), missing=f"role {role!r}")
        return frozenset(right.get("name") or "" for right in every(document, "v:RightReferences/v:RightReference"))
