"""vCD's XML: its namespaces and media types, reading with care, building with lxml (which escapes)."""

import re
from collections.abc import Iterator
from typing import Final

from lxml import etree
from lxml.builder import ElementMaker  # type: ignore[import-not-found]  # lxml-stubs lacks it

Element = etree._Element  # noqa: SLF001 - lxml has no public name for the type of its elements

VCLOUD: Final = "http://www.vmware.com/vcloud/v1.5"
VMEXT: Final = "http://www.vmware.com/vcloud/extension/v1.5"
OVF: Final = "http://schemas.dmtf.org/ovf/envelope/1"
OVFENV: Final = "http://schemas.dmtf.org/ovf/environment/1"
RASD: Final = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
VE: Final = "http://www.vmware.com/schema/ovfenv"
VMW: Final = "http://www.vmware.com/schema/ovf"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"

NAMESPACES: Final = {
    "v": VCLOUD,
    "vmext": VMEXT,
    "ovf": OVF,
    "ovfenv": OVFENV,
    "rasd": RASD,
    "ve": VE,
    "vmw": VMW,
    "xsi": XSI,
}

V: Final = ElementMaker(namespace=VCLOUD, nsmap={None: VCLOUD, "ovf": OVF, "rasd": RASD, "vmw": VMW, "xsi": XSI})
X: Final = ElementMaker(namespace=VMEXT, nsmap={"vmext": VMEXT, "vcloud": VCLOUD})
O: Final = ElementMaker(namespace=OVF, nsmap={"ovf": OVF})  # noqa: E741 - as V and X

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LAST_PART = re.compile(r"[^/:]+(?=/?$)")


def media_type(name: str) -> str:
    """The media type of a document of the user's API, for example `vApp`."""
    return f"application/vnd.vmware.vcloud.{name}+xml"


def admin_type(name: str) -> str:
    """The media type of a document of the administrator's API, for example `catalog`."""
    return f"application/vnd.vmware.admin.{name}+xml"


def clean(text: str) -> str:
    """The text without what XML 1.0 cannot hold (lxml would refuse it)."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def bare_id(reference: str) -> str:
    """The UUID at the end of a URN or href: of `urn:vcloud:task:1f…`, `…/api/vApp/vapp-1f…` or `…/vm-1f…`."""
    match = _LAST_PART.search(reference)
    last = match.group() if match else reference
    for prefix in ("vappTemplate-", "vapp-", "vm-"):
        last = last.removeprefix(prefix)
    return last


def user_view(href: str) -> str:
    """The href of the same entity outside `/api/admin/`; system administrators are given the administrator's."""
    return href.replace("/api/admin/", "/api/", 1)


def admin_view(href: str) -> str:
    """The href of the same entity inside `/api/admin/`."""
    return href if "/api/admin/" in href else href.replace("/api/", "/api/admin/", 1)


def link(document: Element, rel: str, kind: str | None) -> str | None:
    """The href of the one link of this relation and media type; `None` asks for a link without a type.

    vCD shows a link only to who may use it in the entity's present state.
    """
    return next(
        (
            found.get("href")
            for found in document.iterfind(f"{{{VCLOUD}}}Link")
            if found.get("rel") == rel and found.get("type") == kind
        ),
        None,
    )


def first(node: Element, path: str) -> Element | None:
    """The first element at the path, whose prefixes are those of `NAMESPACES`."""
    return node.find(path, NAMESPACES)


def every(node: Element, path: str) -> Iterator[Element]:
    return node.iterfind(path, NAMESPACES)


def text_at(node: Element, path: str, default: str = "") -> str:
    """The text of the first element at the path; `default` if there is none or it is empty."""
    found = first(node, path)
    return found.text.strip() if found is not None and found.text else default


def int_at(node: Element, path: str, default: int = 0) -> int:
    """As `text_at`, for a whole number; `default` if it is none."""
    try:
        return int(text_at(node, path))
    except ValueError:
        return default


def attribute(node: Element, name: str, default: str = "") -> str:
    """The attribute's value; `default` if it is absent."""
    return node.get(name) or default


def qualified(namespace: str, name: str) -> str:
    return f"{{{namespace}}}{name}"


def reference(tag: str, *, href: str, name: str | None = None, kind: str | None = None) -> Element:
    """A reference element such as `<Source href=… name=… type=…/>`; what is None is left out."""
    attributes = {"href": href, "name": name, "type": kind}
    element: Element = V(tag, {key: clean(value) for key, value in attributes.items() if value is not None})
    return element
