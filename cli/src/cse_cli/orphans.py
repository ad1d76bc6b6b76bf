"""What operations have left behind in vCD: asked of the running service, through vCD, as its system administrator."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from cse_cli.checks.vcd import administrator
from cse_cli.vcd_plugin.errors import UnreachableError
from cse_cli.vcd_plugin.events import View
from cse_cli.vcd_plugin.following import follow, outcome
from cse_cli.vcd_plugin.session import Session
from cse_core.config import VcdConfig
from cse_vcd.session import VcdSession
from cse_vcd.transport import PooledAdapter

FAILED: Final = "FAILED"


@dataclass(frozen=True)
class Chosen:
    """Which orphans are meant."""

    ids: Sequence[str]
    """Empty: all but those that must be named."""
    org: str | None = None
    with_all: bool = False
    """Whether those that must be named count as named."""

    def of(self, orphans: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Those of them that are meant."""
        named = set(self.ids)
        return [
            each
            for each in orphans
            if (each["id"] in named if named else self.with_all or not each.get("must_be_named"))
            and self.org in (None, each["org"])
        ]


@contextmanager
def service(config: VcdConfig) -> Iterator[Session]:
    """The running service, as the configuration's account reaches it.

    Raises:
        VcdCheckError: vCD does not let us in.
    """
    with administrator(config) as session:
        yield _session(session)


def _session(session: VcdSession) -> Session:
    credentials, endpoint = session.credentials, session.vcd.endpoint
    return Session(
        base=endpoint.url,
        token=credentials.token.reveal(),
        is_jwt=credentials.scheme == "bearer",
        api_version=credentials.api_version,
        verify=endpoint.verify,
        vdc=None,
        transport=PooledAdapter(
            connect_timeout_s=endpoint.connect_timeout_s, read_timeout_s=endpoint.read_timeout_s, pool_size=1
        ),
    )


def listed(session: Session) -> list[dict[str, Any]]:
    """All orphans, each with `id` and `org`; raises PluginError."""
    found = session.fields("GET", "/cse/_orphans").get("orphans")
    if not isinstance(found, list) or not all(
        isinstance(each, dict) and {"id", "org"} <= each.keys() for each in found
    ):
        raise UnreachableError("the answer is no list of orphans; is it this version of CSE that serves /api/cse?")
    return found


def reclaim(session: Session, ids: Sequence[str], view: View, *, execute: bool) -> list[dict[str, Any]]:
    """Deletes orphans, or finds out which would be; returns what became of each.

    Raises:
        PluginError: the service refuses, or the operation failed or was cancelled.
    """
    begun = session.fields("POST", "/cse/_orphans/reclaim", {"orphans": list(ids), "execute": execute})
    result = outcome(follow(session, str(begun.get("id")), view)).sent.get("result") or {}
    return list(result.get("results") or [])
