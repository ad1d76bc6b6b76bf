"""Our own session with vCD.

account = ServiceAccount.from_config(vcd, config.vcd)     # logs in when first used
account.get(href)                                         # a VcdSession like any other
account.close()
"""

import threading
from collections.abc import Callable
from typing import Final, TypeVar

import structlog

from cse_core.config import VcdConfig
from cse_core.errors import PermissionDeniedError, UnauthenticatedError
from cse_core.secret import Secret
from cse_vcd.client import VcdClient
from cse_vcd.errors import ServiceAccountError
from cse_vcd.identity import SYSTEM_ORG
from cse_vcd.session import Vcd, VcdSession
from cse_vcd.turns import in_turn

log = structlog.get_logger()

T = TypeVar("T")

_REFUSED_FOR_S: Final = 30.0


class ServiceAccount(VcdSession):
    """Our own session, a system administrator's, shared by all threads.

    It logs in when first used, and again (once) when vCD has forgotten the session. When vCD refuses the account it is
    left alone for half a minute, so that a wrong password does not lock it.
    """

    def __init__(self, vcd: Vcd, *, user: str, password: Secret, org: str = SYSTEM_ORG) -> None:
        self.vcd = vcd
        self._user = user
        self._org = org
        self._password = password
        self._lock = threading.Lock()
        self._current: VcdClient | None = None
        self._refused_until = 0.0

    @classmethod
    def from_config(cls, vcd: Vcd, config: VcdConfig) -> "ServiceAccount":
        return cls(vcd, user=config.username, password=config.password)

    def close(self) -> None:
        """Ends the session in vCD; the account may be used again and then logs in anew."""
        with self._lock:
            client, self._current = self._current, None
        if client is not None:
            VcdSession(self.vcd, client).logout()

    def _call(self, use: Callable[[VcdClient], T]) -> T:
        client = self._logged_in(None)
        try:
            return use(client)
        except UnauthenticatedError:
            log.info("service_account_session_expired")
        try:
            return use(self._logged_in(client))
        except UnauthenticatedError as exc:
            raise ServiceAccountError(f"vCD ends the session of {self._user!r} at once: {exc}") from exc

    def _logged_in(self, stale: VcdClient | None) -> VcdClient:
        """The present client, or a new one if there is none but `stale`; one thread logs in for all."""
        with in_turn(self._lock):
            if self._current is None or self._current is stale:
                self._current = None
                self._current = self._login()
            return self._current

    def _login(self) -> VcdClient:
        refused = ServiceAccountError(
            f"vCD refuses the account {self._user!r} of org {self._org!r}; check `vcd.username` and `vcd.password`"
        )
        if self.vcd.clock.monotonic() < self._refused_until:
            raise refused
        try:
            return self.vcd.logged_in(
                org=self._org, user=self._user, password=self._password, api_version=self.vcd.endpoint.api_version
            )
        except (UnauthenticatedError, PermissionDeniedError) as exc:
            self._refused_until = self.vcd.clock.monotonic() + _REFUSED_FOR_S
            raise refused from exc
