"""Org VDCs: finding them by name, and what vApps may use of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cse_core.errors import InvalidArgumentError, NotFoundError
from cse_vcd.documents import Element, attribute, bare_id, every, first, link, media_type, text_at, user_view
from cse_vcd.query import Condition, Query, run
from cse_vcd.session import VcdSession

ANY_ORG: Final = "-"


@dataclass(frozen=True, kw_only=True)
class OrgRef:
    """An org: its name and bare id. `href` is the users' view."""

    id: str
    name: str
    href: str


@dataclass(frozen=True, kw_only=True)
class VdcRef:
    """An org VDC as the query service shows it. `href` is the users' view."""

    id: str
    name: str
    href: str
    org: str
    org_id: str


@dataclass(frozen=True, kw_only=True)
class Vdc:
    """An org VDC as one GET of it shows it."""

    id: str
    name: str
    href: str
    org: str
    org_id: str
    is_enabled: bool
    networks: Mapping[str, str] = field(default_factory=dict)
    """Href by name of the networks that its vApps may be connected to."""
    storage_profiles: Mapping[str, str] = field(default_factory=dict)
    """Href by name."""


def find_orgs(session: VcdSession, name: str | None = None) -> list[OrgRef]:
    """The orgs that the session sees, all or the one of this name (whose case vCD ignores)."""
    document = session.get(session.link("down", media_type("orgList")))
    return [
        OrgRef(id=bare_id(attribute(org, "href")), name=attribute(org, "name"), href=attribute(org, "href"))
        for org in every(document, "v:Org")
        if name is None or attribute(org, "name").lower() == name.lower()
    ]


def get_org(session: VcdSession, name: str) -> OrgRef:
    """The org of this name.

    Raises:
        NotFoundError: it is not there, or not visible to the session.
    """
    found = find_orgs(session, name)
    if not found:
        raise NotFoundError(f"there is no org {name!r} in vCD, or you have no access to it", org=name)
    return found[0]


def find_vdcs(session: VcdSession, *, name: str | None = None, org: str | None = None) -> list[VdcRef]:
    """Org VDCs that the session sees, of this name and in the org of this name if given (None or `-`: any)."""
    kind = "adminOrgVdc" if session.is_sysadmin else "orgVdc"
    terms = () if name is None else (Condition.equal("name", name),)
    own = session.identity
    found = []
    for record in run(session, Query(kind, terms, style="records")):
        owner = record.get("orgName") or ("" if own.is_sysadmin else own.org)
        if name in (None, record.name) and (org in (None, "", ANY_ORG) or owner.lower() == str(org).lower()):
            found.append(
                VdcRef(
                    id=record.id,
                    name=record.name,
                    href=user_view(record.href),
                    org=owner,
                    org_id=bare_id(record.get("org")) if record.get("org") else own.org_id,
                )
            )
    return found


def get_vdc(session: VcdSession, name: str, org: str = ANY_ORG) -> Vdc:
    """The org VDC of this name with its networks and storage profiles; two requests.

    Args:
        session: a tenant's, who sees the VDCs of its org, or an administrator's.
        name: of the VDC.
        org: of the org; `-` or empty means the session's own, and for an administrator whichever has such a VDC.

    Raises:
        NotFoundError: it is not there, or not visible to the session.
        InvalidArgumentError: several orgs have a VDC of this name.
    """
    found = find_vdcs(session, name=name, org=org)
    if not found:
        where = "" if org in ("", ANY_ORG) else f" in org {org!r}"
        raise NotFoundError(f"there is no org VDC {name!r}{where}, or you have no access to it", vdc=name)
    if len(found) > 1:
        orgs = ", ".join(sorted(vdc.org for vdc in found)[:5])
        raise InvalidArgumentError(f"org: several orgs have an org VDC {name!r} ({orgs}); name one", field="org")
    return read_vdc(session, found[0].href, org=found[0].org)


def read_vdc(session: VcdSession, href: str, *, org: str = "") -> Vdc:
    """The org VDC there. `org` is the name of its org, which the document does not hold.

    Raises:
        NotFoundError: it is not there, or not visible to the session.
    """
    document = session.get(user_view(href), missing="the org VDC")
    return Vdc(
        id=bare_id(attribute(document, "id")),
        name=attribute(document, "name"),
        href=attribute(document, "href", href),
        org=org,
        org_id=bare_id(link(document, "up", media_type("org")) or ""),
        is_enabled=text_at(document, "v:IsEnabled", "true") == "true",
        networks=_references(first(document, "v:AvailableNetworks"), "v:Network"),
        storage_profiles=_references(first(document, "v:VdcStorageProfiles"), "v:VdcStorageProfile"),
    )


def _references(parent: Element | None, path: str) -> dict[str, str]:
    if parent is None:
        return {}
    return {attribute(found, "name"): attribute(found, "href") for found in every(parent, path)}
