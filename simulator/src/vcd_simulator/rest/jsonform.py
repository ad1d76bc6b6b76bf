"""Documents as JSON.

vCloud Director renders the same objects in both formats. Here the JSON of a document is made from its XML and from the
published types: numbers and booleans are such, whatever may repeat is a list, and a member without a value is null.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from lxml import etree

from vcd_simulator.rest.json_types import POLYMORPHIC, DocumentType, Member, document_types
from vcd_simulator.rest.xml import RASD_NS, VMEXT_NS, VSSD_NS, XSI_NS, Element

_ROOTS = {
    "Item": "RASDType",
    "OrgRights": "OrganizationRightsType",
    "Rights": "OrganizationRightsType",
    "ApiExtensibility": "ApiExtensibilityType",
}
_EXTENSION_ROOTS = {"Service": "AdminServiceType", "ServiceLink": "AdminServiceLinkType"}
_CIM = frozenset({RASD_NS, VSSD_NS})
_TIMES = ("Time", "Date", "dateCreated", "Expiration")
_PRIMITIVE = frozenset({"str", "int", "bool", "object"})


def to_json(root: Element) -> bytes:
    """Render a document."""
    return json.dumps(_object(root, _root_type(root)), separators=(",", ":")).encode()


def type_of(root: Element) -> str | None:
    """The name of a document's type; None when none is known."""
    found = _root_type(root)
    return found.name if found is not None else None


def _root_type(root: Element) -> DocumentType | None:
    name = etree.QName(root.tag)
    types = document_types()
    if name.namespace == VMEXT_NS and name.localname in _EXTENSION_ROOTS:
        return types[_EXTENSION_ROOTS[name.localname]]
    found = types.get(_ROOTS.get(name.localname, f"{name.localname}Type"))
    if found is None and name.localname.endswith("References"):
        return types["ReferencesType"]
    return found


def _object(element: Element, kind: DocumentType | None) -> Any:
    if kind is None:
        return _untyped(element)
    result: dict[str, Any] = {}
    if kind.bases & POLYMORPHIC:
        result["_type"] = kind.name
    for member in kind.members.values():
        result[member.name] = [] if member.many else {} if member.name == "otherAttributes" else None
    _take_attributes(element, kind, result)
    for child in element:
        _take_child(child, kind, result)
    text = kind.members.get("value") or kind.members.get("content")
    if text is not None and result[text.name] is None and not len(element):
        result[text.name] = _scalar(element.text or "", text)
    if kind.derives_from("ResourceType") or kind.derives_from("SectionType"):
        result["type"] = _as_json(result.get("type"))
    return result


def _take_attributes(element: Element, kind: DocumentType, result: dict[str, Any]) -> None:
    for name, value in element.attrib.items():
        qualified = etree.QName(name)
        member = kind.members.get(qualified.localname.casefold())
        if qualified.namespace == XSI_NS:
            continue
        if member is not None and not member.many:
            result[member.name] = _scalar(str(value), member)
        else:
            result.setdefault("otherAttributes", {})[str(name)] = value


def _take_child(child: Element, kind: DocumentType, result: dict[str, Any]) -> None:
    tag = etree.QName(child.tag).localname
    member = kind.members.get(tag.casefold())
    if member is not None:
        values = _values(child, member)
        if member.many:
            result[member.name] += values
        else:
            result[member.name] = values[0]
        return
    actual = document_types().get(_type_name(tag))
    for name, base in (("section", "SectionType"), ("record", "QueryResultRecordType")):
        if name in kind.members and actual is not None and actual.derives_from(base):
            result[kind.members[name].name].append(_object(child, actual))
            return
    if "reference" in kind.members and tag.endswith("Reference"):
        result["reference"].append(_object(child, document_types()["ReferenceType"]))
    elif "any" in kind.members:
        result["any"] += [{"_type": f"{tag}Type"} | _as_mapping(value) for value in _values(child, _unknown(tag))]
    else:
        result[tag[:1].lower() + tag[1:]] = _untyped(child)


def _type_name(tag: str) -> str:
    return f"QueryResult{tag}Type" if tag.endswith("Record") else f"{tag}Type"


def _unknown(tag: str) -> Member:
    return Member(tag, f"{tag}Type", False)


def _values(child: Element, member: Member) -> list[Any]:
    """What a child is in JSON; a link is there twice, because what it leads to has both formats."""
    name = etree.QName(child.tag)
    if name.namespace in _CIM:
        return [_cim(child, member.kind)]
    if member.kind in _PRIMITIVE:
        return [_scalar(child.text or "", member)]
    types = document_types()
    kind = types.get(child.get(f"{{{XSI_NS}}}type") or "") or types.get(member.kind)
    if kind is None or not kind.members:
        return [_untyped(child)]
    value = _object(child, kind)
    if kind.name == "LinkType" and (child.get("type") or "").endswith("+xml"):
        return [value, value | {"type": _as_json(value["type"])}]
    return [value]


def _cim(element: Element, kind: str) -> dict[str, Any]:
    """A property of virtual hardware: its value, and vCloud Director's own attributes among the others."""
    value: Any = element.text or ""
    if kind.startswith("CimUnsigned") and value.isdecimal():
        value = int(value)
    elif kind == "CimBoolean":
        value = value == "true"
    return {"otherAttributes": {str(name): text for name, text in element.attrib.items()}, "value": value}


def _scalar(text: str, member: Member) -> Any:
    if member.kind == "bool":
        return text.lower() in ("true", "1")
    if member.kind == "int":
        try:
            return int(text)
        except ValueError:
            return _decimal(text)
    if text.endswith("Z") and member.name.endswith(_TIMES):
        return f"{text[:-1]}+0000"
    return text


def _decimal(text: str) -> float | str | None:
    try:
        return float(text)
    except ValueError:
        return text or None


def _as_json(media_type: str | None) -> str | None:
    return f"{media_type[:-4]}+json" if media_type is not None and media_type.endswith("+xml") else media_type


def _untyped(element: Element) -> Any:
    """An element of a type that is not published: everything in it by its own name, values as strings."""
    if not len(element) and not element.attrib:
        return element.text or ""
    result: dict[str, Any] = {etree.QName(name).localname: value for name, value in element.attrib.items()}
    for name, values in _grouped(element).items():
        result[name] = values if len(values) > 1 else values[0]
    if not len(element) and element.text:
        result["value"] = element.text
    return result


def _grouped(children: Iterable[Element]) -> Mapping[str, list[Any]]:
    groups: dict[str, list[Any]] = {}
    types = document_types()
    for child in children:
        tag = etree.QName(child.tag).localname
        kind = types.get(f"{tag}Type")
        groups.setdefault(tag[:1].lower() + tag[1:], []).append(_object(child, kind) if kind else _untyped(child))
    return groups


def _as_mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {"value": value}
