"""Building and reading documents.

`vcloud("Vdc", link, text, name="x")` makes an element of vCloud Director's namespace; `vmext`, `ovf` and `rasd` those
of the others. Content may be text, elements, and lists of elements; `None` is left out, both as content and as an
attribute.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from lxml import etree

from vcd_simulator import errors

VCLOUD_NS = "http://www.vmware.com/vcloud/v1.5"
VMEXT_NS = "http://www.vmware.com/vcloud/extension/v1.5"
VERSIONS_NS = "http://www.vmware.com/vcloud/versions"
OVF_NS = "http://schemas.dmtf.org/ovf/envelope/1"
RASD_NS = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
VSSD_NS = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData"
VMW_NS = "http://www.vmware.com/schema/ovf"
OVFENV_NS = "http://schemas.dmtf.org/ovf/environment/1"
VE_NS = "http://www.vmware.com/schema/ovfenv"
XSI_NS = "http://www.w3.org/2001/XMLSchema-instance"

_PLAIN: dict[str | None, str] = {None: VCLOUD_NS}
"""Most elements need their own namespace only; lxml drops what a parent has declared already."""
_EXTENSION: dict[str | None, str] = {"vmext": VMEXT_NS, "vcloud": VCLOUD_NS}
ALL_NAMESPACES: dict[str | None, str] = {
    None: VCLOUD_NS,
    "vcloud": VCLOUD_NS,
    "vmext": VMEXT_NS,
    "ovf": OVF_NS,
    "rasd": RASD_NS,
    "vssd": VSSD_NS,
    "vmw": VMW_NS,
    "ovfenv": OVFENV_NS,
    "ve": VE_NS,
    "xsi": XSI_NS,
}

Element = etree._Element  # noqa: SLF001  # the only name that lxml has for its type
Value = str | int | bool | None
Content = str | int | bool | Element | Mapping[str, Value] | Iterable[Element | None] | None
Builder = Callable[..., Element]


def _text(value: str | int | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return xml_text(value) if isinstance(value, str) else str(value)


def xml_text(text: str) -> str:
    """Text without the characters that XML cannot carry."""
    if text.isprintable():
        return text
    return "".join(
        char
        if char in "\t\n\r" or (char >= " " and not "\ud800" <= char <= "\udfff" and char not in "\ufffe\uffff")
        else "?"
        for char in text
    )


def build(
    namespace: str,
    nsmap: dict[str | None, str],
    tag: str,
    content: tuple[Content, ...],
    attributes: Mapping[str, Value],
) -> Element:
    """Make one element; mappings among the content are attributes whose names are not Python's."""
    element = etree.Element(f"{{{namespace}}}{tag}", nsmap=nsmap)  # type: ignore[arg-type]  # the stubs forbid None as a prefix
    for name, value in attributes.items():
        if value is not None:
            element.set(name, _text(value))
    for part in content:
        if part is None:
            continue
        if isinstance(part, str | int):
            element.text = _text(part)
        elif isinstance(part, Element):
            element.append(part)
        elif isinstance(part, Mapping):
            for name, value in part.items():
                if value is not None:
                    element.set(name, _text(value))
        else:
            element.extend([child for child in part if child is not None])
    return element


def vcloud(tag: str, *content: Content, **attributes: Value) -> Element:
    return build(VCLOUD_NS, _PLAIN, tag, content, attributes)


def document(tag: str, *content: Content, **attributes: Value) -> Element:
    """A root element that declares every prefix, for documents that hold OVF sections."""
    return build(VCLOUD_NS, ALL_NAMESPACES, tag, content, attributes)


def vmext(tag: str, *content: Content, **attributes: Value) -> Element:
    return build(VMEXT_NS, _EXTENSION, tag, content, attributes)


def vcloud_in_vmext(tag: str, *content: Content, **attributes: Value) -> Element:
    """An element of the common namespace inside of an extension document, such as its links."""
    return build(VCLOUD_NS, _EXTENSION, tag, content, attributes)


def _bound(namespace: str, prefix: str) -> Builder:
    nsmap: dict[str | None, str] = {prefix: namespace}

    def make(tag: str, *content: Content, **attributes: Value) -> Element:
        return build(namespace, nsmap, tag, content, attributes)

    return make


ovf = _bound(OVF_NS, "ovf")
rasd = _bound(RASD_NS, "rasd")
vssd = _bound(VSSD_NS, "vssd")
vmw = _bound(VMW_NS, "vmw")
ovfenv = _bound(OVFENV_NS, "ovfenv")


def qualified(namespace: str, **attributes: Value) -> dict[str, Value]:
    """Attributes of another namespace, to be given to a builder as content."""
    return {f"{{{namespace}}}{name}": value for name, value in attributes.items()}


_EMBEDDED = "embedded"
_PLACE = re.compile(rb"<\?embedded (\d+)\?>")
_DECLARATIONS = [f' xmlns:{prefix}="{uri}"' if prefix else f' xmlns="{uri}"' for prefix, uri in ALL_NAMESPACES.items()]


def fragment(element: Element) -> bytes:
    """An element that `document` made, as it stands inside of another such document."""
    text = etree.tostring(element, encoding="unicode")
    for declaration in _DECLARATIONS:
        text = text.replace(declaration, "", 1)
    return text.encode()


def embed(fragments: list[bytes], one: bytes) -> Element:
    """Add a fragment to those of a document; the element says where it goes. JSON has no such thing."""
    fragments.append(one)
    return etree.ProcessingInstruction(_EMBEDDED, str(len(fragments) - 1))


def render(root: Element, fragments: Sequence[bytes] = ()) -> bytes:
    """A document as bytes, with its fragments in their places."""
    rendered = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    if not fragments:
        return rendered
    # No text of a document looks like a place: its angle brackets are escaped.
    parts: list[bytes] = _PLACE.split(rendered)
    parts[1::2] = [fragments[int(number)] for number in parts[1::2]]
    return b"".join(parts)


_NUMBER = re.compile(r"[+-]?[0-9]{1,19}")
_PARSER_OPTIONS = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "remove_comments": True,
    "remove_pis": True,
}


def parse(body: bytes) -> Element:
    """Read a request's document.

    Raises:
        VcdError: 400, the body is empty or is not well-formed XML.
    """
    if not body.strip():
        raise errors.bad_request("The request has no body; this operation needs an XML document.")
    try:
        root = etree.fromstring(body, etree.XMLParser(**_PARSER_OPTIONS))  # type: ignore[arg-type]
    except etree.XMLSyntaxError as exc:
        raise errors.bad_request(f"Bad request: validation error, the body is not well-formed XML: {exc.msg}") from exc
    if root.getroottree().docinfo.internalDTD is not None:
        raise errors.bad_request("Bad request: validation error, a document type declaration is not allowed.")
    return root


def local_name(element: Element) -> str:
    return etree.QName(element.tag).localname


def child(parent: Element | None, path: str) -> Element | None:
    """The first element below `parent` along a path of local names (`a/b`), whatever their namespaces."""
    for name in path.split("/"):
        if parent is None:
            return None
        parent = next((one for one in parent if local_name(one) == name), None)
    return parent


def children(parent: Element | None, name: str) -> list[Element]:
    if parent is None:
        return []
    return [one for one in parent if local_name(one) == name]


def text_of(parent: Element | None, path: str, default: str = "") -> str:
    """The text of the element along a path; the default when there is no such element."""
    found = child(parent, path)
    return default if found is None else (found.text or "").strip()


def flag_of(parent: Element | None, path: str, default: bool = False) -> bool:
    text = text_of(parent, path).lower()
    if text in ("", "true", "1", "false", "0"):
        return default if not text else text in ("true", "1")
    raise errors.bad_request(f"Bad request: validation error, {path} is neither true nor false.")


def int_of(parent: Element | None, path: str, default: int = 0) -> int:
    text = text_of(parent, path)
    if not text:
        return default
    number = whole_number(text)
    if number is None:
        raise errors.bad_request(f"Bad request: validation error, {path} is not a whole number.")
    return number


def whole_number(text: str) -> int | None:
    """What a text in decimal digits says, if it is a number of 64 bits; one in other digits is none."""
    found = _NUMBER.fullmatch(text.strip())
    number = int(found[0]) if found is not None else None
    return None if number is None or not -(2**63) <= number < 2**63 else number


def attribute_flag(element: Element, name: str, default: bool = False) -> bool:
    return (element.get(name) or str(default)).lower() in ("true", "1")
