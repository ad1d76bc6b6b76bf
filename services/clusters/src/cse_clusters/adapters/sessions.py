"""Whose session with vCD a request goes through."""

from cse_clusters.domain.access import Actor, Caller, Credentials, ServiceAccount
from cse_vcd import credentials as vcd_credentials
from cse_vcd.auth import Caller as VcdCaller
from cse_vcd.auth import RoleRights, TokenVerifier
from cse_vcd.session import VcdSession


class Sessions:
    """Sessions of callers, checked every few seconds, and the service account's. Implements `Callers`."""

    def __init__(self, verifier: TokenVerifier, account: VcdSession, rights: RoleRights) -> None:
        self._verifier = verifier
        self._account = account
        self._rights = rights

    @property
    def account(self) -> VcdSession:
        return self._account

    def of(self, who: Actor) -> VcdSession:
        """The session that acts for `who`."""
        return self._account if isinstance(who, ServiceAccount) else self._verify(who).session

    def identify(self, credentials: Credentials) -> Caller:
        found = self._verify(credentials)
        return Caller(
            credentials=credentials,
            user=found.user,
            user_id=found.user_urn,
            org=found.org,
            org_id=found.org_id,
            role=found.role,
            is_system_administrator=found.is_sysadmin,
        )

    def has_right(self, caller: Caller, right: str) -> bool:
        return self._rights.has(caller.org_id, caller.role, right)

    def _verify(self, credentials: Credentials) -> VcdCaller:
        return self._verifier.verify(
            vcd_credentials.Credentials(
                token=credentials.token, scheme=credentials.scheme, api_version=credentials.api_version
            )
        )
