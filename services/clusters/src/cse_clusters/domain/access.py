"""Who asks, and in whose name we act."""

from dataclasses import dataclass
from typing import Final, Literal

from cse_core.secret import Secret

DEPLOY_RIGHT: Final = "{cse}:CSE NATIVE DEPLOY RIGHT"
SYSTEM_ORG: Final = "System"
ORG_ADMINISTRATOR: Final = "Organization Administrator"
"""The role that vCD gives every org, and that may do everything in it."""

TokenScheme = Literal["bearer", "session"]


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """The caller's vCD token as it came with the call, and the API version to use it at."""

    token: Secret
    scheme: TokenScheme
    """`bearer`: a JWT for `Authorization`; `session`: a session id for `x-vcloud-authorization`."""
    api_version: str = ""
    """Empty: any."""


@dataclass(frozen=True)
class ServiceAccount:
    """The system administrator of the configuration file."""


SERVICE: Final = ServiceAccount()


Actor = Credentials | ServiceAccount
"""Whose rights decide: the caller's (what a tenant's rights should decide) or the service account's (the rest)."""


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who vCD says the token belongs to."""

    credentials: Credentials
    user: str
    user_id: str
    """`urn:vcloud:user:<uuid>`."""
    org: str
    org_id: str
    """UUID of the org, bare."""
    role: str = ""
    is_system_administrator: bool = False

    def rules(self, owner_id: str) -> bool:
        """Whether he may do what he likes with something that he sees: it is his, or he administrates.

        Args:
            owner_id: the owner's UUID, bare; empty if it is not known.
        """
        is_owner = bool(owner_id) and self.user_id == f"urn:vcloud:user:{owner_id}"
        return is_owner or self.is_system_administrator or self.role == ORG_ADMINISTRATOR
