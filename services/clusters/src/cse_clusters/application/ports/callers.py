"""Those who ask, as vCD knows them."""

from typing import Protocol

from cse_clusters.domain.access import Caller, Credentials


class Callers(Protocol):
    """Who a token belongs to."""

    def identify(self, credentials: Credentials) -> Caller:
        """Asks vCD; answers may be some seconds old, refusals are always fresh.

        Raises:
            UnauthenticatedError: vCD does not accept the token (any more).
        """
        ...

    def has_right(self, caller: Caller, right: str) -> bool:
        """Whether the caller's role holds the right of this name, for example `{cse}:CSE NATIVE DEPLOY RIGHT`."""
        ...
