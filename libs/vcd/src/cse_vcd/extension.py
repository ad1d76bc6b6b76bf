"""vCD's extension resource, the system administrator's door to what lies below vCD: vCenters, services."""

from dataclasses import dataclass

from cse_core.errors import NotFoundError
from cse_vcd.documents import admin_type, attribute, every, link, text_at
from cse_vcd.session import VcdSession


@dataclass(frozen=True, kw_only=True)
class VcenterRef:
    """A vCenter as it is registered in vCD."""

    name: str
    href: str


def extension_link(session: VcdSession, name: str) -> str:
    """The href of a part of vCD's extension resource."""
    document = session.get(session.link("down", admin_type("vmwExtension")))
    href = link(document, "down", admin_type(name))
    if href is None:
        raise NotFoundError(f"vCD offers no {name} to this account")
    return href


def list_vcenters(session: VcdSession) -> list[VcenterRef]:
    """The vCenters registered in vCD."""
    document = session.get(extension_link(session, "vmwVimServerReferences"))
    return [
        VcenterRef(name=attribute(found, "name"), href=attribute(found, "href"))
        for found in every(document, "vmext:VimServerReference")
    ]


def vcenter_url(session: VcdSession, name: str) -> str | None:
    """The address of the vCenter of this name, for example `https://vc1.example.com:443`; None if vCD has none."""
    for found in list_vcenters(session):
        if found.name == name:
            return text_at(session.get(found.href, missing=f"vCenter {name!r}"), "vmext:Url")
    return None
