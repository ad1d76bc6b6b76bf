"""Who a session with vCD belongs to."""

from dataclasses import dataclass
from typing import Final, Self

from cse_vcd.documents import Element, attribute, bare_id, link, media_type

SYSTEM_ORG: Final = "System"
"""The org of vCD's own administrators; nothing else tells them."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who a session belongs to, as vCD's `Session` document says. Ids are bare UUIDs, the URN is as vCD writes it."""

    user: str
    user_urn: str
    org: str
    org_href: str
    org_id: str
    role: str
    is_sysadmin: bool

    @classmethod
    def of(cls, session: Element) -> Self:
        org_href = link(session, "down", media_type("org")) or ""
        org = attribute(session, "org")
        return cls(
            user=attribute(session, "user"),
            user_urn=attribute(session, "userId"),
            org=org,
            org_href=org_href,
            org_id=bare_id(org_href),
            role=attribute(session, "roles"),
            is_sysadmin=org.lower() == SYSTEM_ORG.lower(),
        )
