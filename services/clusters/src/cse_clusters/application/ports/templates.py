"""The templates service, and what the configuration says of templates."""

from dataclasses import dataclass
from typing import Protocol

from cse_clusters.domain.access import Credentials
from cse_core.secret import Secret


@dataclass(frozen=True, kw_only=True)
class Template:
    """A template as the templates service describes it."""

    name: str
    catalog: str
    item: str


@dataclass(frozen=True, kw_only=True)
class Scripts:
    """A template's scripts, all of one revision."""

    digest: str
    control_plane: str
    worker: str
    nfs: str
    pod_subnet: str


class Templates(Protocol):
    """What clusters are made from."""

    def get(self, credentials: Credentials, name: str | None) -> Template:
        """The template, or the default one.

        Raises:
            NotFoundError: reason TEMPLATE_NOT_FOUND.
        """
        ...

    def scripts(self, credentials: Credentials, name: str) -> Scripts:
        """Its scripts.

        Raises:
            NotFoundError: reason TEMPLATE_NOT_FOUND.
        """
        ...

    def admin_password(self, name: str) -> Secret | None:
        """What the configuration sets as root's password in place of one of each node's own; asks nobody."""
        ...
