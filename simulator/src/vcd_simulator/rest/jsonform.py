"""Documents as JSON.

vCloud Director renders the same objects in both formats. The JSON of a document is made from its XML: attributes and
child elements are members, in camel case with a lower first letter; elements that may repeat are lists.
"""

import json
from typing import Any

from lxml import etree

from vcd_simulator.rest.xml import Element

_LISTS = frozenset(
    {
        "Link",
        "Org",
        "MetadataEntry",
        "NetworkConfig",
        "NetworkConnection",
        "AccessSetting",
        "RightReference",
        "RoleReference",
    }
)


def to_json(root: Element) -> bytes:
    """Render a document."""
    return json.dumps(_value(root), separators=(",", ":")).encode()


def _value(element: Element) -> Any:
    members: dict[str, Any] = {"otherAttributes": {}}
    for name, value in element.attrib.items():
        members[_member(etree.QName(name).localname)] = value
    for child in element:
        tag = etree.QName(child.tag).localname
        name = _member(tag)
        value = _value(child)
        if name in members and isinstance(members[name], list):
            members[name].append(value)
        elif name in members:
            members[name] = [members[name], value]
        else:
            members[name] = [value] if tag in _LISTS or tag.endswith("Record") else value
    if len(members) == 1 and not len(element):
        return element.text or ""
    return members


def _member(name: str) -> str:
    return name[:1].lower() + name[1:]
