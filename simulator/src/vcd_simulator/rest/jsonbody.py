"""Request documents in JSON, turned into the elements that the same document in XML would have.

Whether a member is an attribute or a child in XML cannot be told from JSON, so what is plain becomes both. Handlers
find it where they look, and `parsing.require_root` gives the root the name that its handler expects.
"""

import json
import re
from typing import Any

from lxml import etree

from vcd_simulator import errors
from vcd_simulator.rest.xml import OVF_NS, RASD_NS, VCLOUD_NS, VMW_NS, XSI_NS, Element

ROOT = "{urn:vcd-simulator:json}object"
"""The tag of a root whose name is not known yet."""
TYPE = f"{{{XSI_NS}}}type"
_DEEPEST = 40
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_QUALIFIED = re.compile(r"\{[^{}\s]{1,200}\}[A-Za-z_][A-Za-z0-9_.-]*")
_SPELLINGS = {"macAddress": "MACAddress", "im": "IM"}
_IGNORED = frozenset({"link", "vCloudExtension", "tasks"})
"""What clients send back as they got it, and nobody reads."""


def parse_json(body: bytes) -> Element:
    """Read a request's document.

    Raises:
        VcdError: 400, the body is empty, is not JSON, or is no object.
    """
    if not body.strip():
        raise errors.bad_request("The request has no body; this operation needs a document.")
    try:
        content = json.loads(body)
        if not isinstance(content, dict):
            raise errors.bad_request("Bad request: validation error, the body is not a JSON object.")
        root = etree.Element(ROOT, nsmap={None: VCLOUD_NS})  # type: ignore[dict-item]  # the stubs forbid None as a prefix
        _fill(root, content, 1)
    except (ValueError, RecursionError) as exc:
        raise errors.bad_request("Bad request: validation error, the body is not well-formed JSON.") from exc
    return root


def _fill(element: Element, members: dict[str, Any], depth: int) -> None:
    """Put an object's members into its element; raises ValueError for what XML cannot hold."""
    if depth > _DEEPEST:
        raise ValueError("the document is nested too deeply")
    for name, value in members.items():
        if name == "_type":
            element.set(TYPE, str(value))
        elif name == "otherAttributes":
            _set_others(element, value)
        elif isinstance(value, list) and name not in _IGNORED:
            for one in value:
                _add(element, name, one, depth)
        elif value is not None and name not in _IGNORED:
            _add(element, name, value, depth)


def _set_others(element: Element, attributes: Any) -> None:
    for name, value in (attributes if isinstance(attributes, dict) else {}).items():
        if isinstance(value, str) and (_NAME.fullmatch(name) or _QUALIFIED.fullmatch(name)):
            element.set(name, value)


def _add(parent: Element, name: str, value: Any, depth: int) -> None:
    child = etree.SubElement(parent, _tag(parent, name, value))
    if isinstance(value, dict):
        _fill(child, value, depth + 1)
        return
    text = _text(value)
    child.text = text
    if name == "value":
        parent.text = text
    parent.set(name, text)
    if etree.QName(parent.tag).localname == "Item":
        parent.set(f"{{{OVF_NS}}}{name}", text)


def _tag(parent: Element, name: str, value: Any) -> str:
    """The name of a member's element; those of virtual hardware have a namespace of their own."""
    stated = value.get("_type") if isinstance(value, dict) and name in ("section", "any") else None
    plain = str(stated).removesuffix("Type") if stated else _SPELLINGS.get(name, name[:1].upper() + name[1:])
    if not _NAME.fullmatch(plain):
        raise ValueError("a member has an impossible name")
    if plain == "CoresPerSocket":
        return f"{{{VMW_NS}}}{plain}"
    in_hardware = etree.QName(parent.tag).localname == "Item" and isinstance(value, dict)
    return f"{{{RASD_NS if in_hardware else VCLOUD_NS}}}{plain}"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise ValueError("a list in a list")
