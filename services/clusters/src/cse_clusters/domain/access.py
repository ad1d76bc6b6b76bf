"""Who asks, and in whose name we act."""

from dataclasses import dataclass
from typing import Final, Literal

from cse_core.secret import Secret

DEPLOY_RIGHT: Final = "{cse}:CSE NATIVE DEPLOY RIGHT"
SYSTEM_ORG: Final = "System"
ADMINISTRATOR_RIGHTS: Final = ("General: Administrator Control", "General: Administrator View")
"""Whose role holds both administrates his org. vCD gives every org such a role, "Organization Administrator", and lets
anybody make others, and rename them."""

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

    def owns(self, owner_id: str) -> bool:
        """Whether this UUID (bare; empty if it is not known) is his."""
        return bool(owner_id) and self.user_id == f"urn:vcloud:user:{owner_id}"
