"""SOAP as the vSphere API speaks it: requests in, typed values and faults out.

Replies are built from a few kinds of values: `Data` (an object with a type), `Ref` (a managed object), `Array` (where a
property's type is one), lists (repeated elements), and Python's own scalars.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from lxml import etree

VIM = "urn:vim25"
_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_XSD = "http://www.w3.org/2001/XMLSchema"
_XSI_TYPE = f"{{{_XSI}}}type"
_DEFAULT = cast(dict[str, str], {None: VIM})  # lxml's stubs know no default namespace
_ANY_TYPE = {("DynamicProperty", "val"), ("PropertyChange", "val"), ("TaskInfo", "result"), ("OptionValue", "value")}
"""Properties whose values state their types."""
_PREFIXES = {"soapenv": _SOAP, "xsi": _XSI, "xsd": _XSD}


@dataclass(frozen=True)
class Ref:
    """A reference to a managed object."""

    type: str
    id: str


@dataclass(frozen=True)
class Data:
    """A data object: the name of its type and its properties in the order of the schema; None leaves one out."""

    type: str
    fields: Mapping[str, "Value"] = field(default_factory=dict)


@dataclass(frozen=True)
class Array:
    """A property that holds many: `of` is the element type, e.g. `ManagedObjectReference` or `String`."""

    of: str
    items: Sequence["Value"]


@dataclass(frozen=True)
class Long:
    """A 64-bit integer."""

    value: int


@dataclass(frozen=True)
class Enum:
    """One word of an enumeration; `type` is needed only where a client cannot know it."""

    type: str
    value: str


Scalar = Long | Enum | str | bool | int | datetime
Value = Ref | Data | Array | Scalar | Sequence["Value"] | None


class SoapFaultError(Exception):
    """A fault of the vSphere API; `fault` names its type, e.g. `InvalidLogin`."""

    def __init__(self, fault: str, message: str, **fields: Value) -> None:
        super().__init__(message)
        self.fault = Data(fault, fields)
        self.message = message


class Arguments:
    """The children of one request element, read by name."""

    def __init__(self, element: etree._Element) -> None:
        self._element = element

    @property
    def type(self) -> str:
        """The type that the client states, without its prefix; empty if it states none."""
        return (self._element.get(_XSI_TYPE) or "").rpartition(":")[2]

    def has(self, name: str) -> bool:
        return self._find(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        """Text of a child. Raises SoapFaultError where it is missing and has no default."""
        child = self._find(name)
        if child is not None:
            return child.text or ""
        if default is None:
            raise invalid_request(f"missing argument {name}", name)
        return default

    def optional_text(self, name: str) -> str | None:
        child = self._find(name)
        return None if child is None else child.text or ""

    def texts(self, name: str) -> list[str]:
        return [child.text or "" for child in self._children(name)]

    def boolean(self, name: str, *, default: bool = False) -> bool:
        return self.text(name, "true" if default else "false").strip() in ("true", "1")

    def integer(self, name: str, default: int | None = None) -> int:
        text = self.text(name, None if default is None else str(default))
        try:
            return int(text)
        except ValueError:
            raise invalid_request(f"argument {name} is not a number", name) from None

    def integers(self, name: str) -> list[int]:
        try:
            return [int(text) for text in self.texts(name)]
        except ValueError:
            raise invalid_request(f"argument {name} is not a number", name) from None

    def time(self, name: str) -> float | None:
        """A time in seconds since the epoch; None where it is missing. Without a zone it is in UTC."""
        text = self.optional_text(name)
        if not text:
            return None
        try:
            found = datetime.fromisoformat(text.strip())
        except ValueError:
            raise invalid_request(f"argument {name} is not a time in ISO 8601", name) from None
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()

    def names(self) -> list[str]:
        """The names of all children, each once."""
        return list(dict.fromkeys(etree.QName(child).localname for child in self._element))

    def ref(self, name: str) -> Ref:
        """A managed object reference. Raises SoapFaultError where it is missing."""
        found = self.optional_ref(name)
        if found is None:
            raise invalid_request(f"missing argument {name}", name)
        return found

    def optional_ref(self, name: str) -> Ref | None:
        child = self._find(name)
        return None if child is None else Ref(child.get("type") or "", (child.text or "").strip())

    def refs(self, name: str) -> list[Ref]:
        return [Ref(child.get("type") or "", (child.text or "").strip()) for child in self._children(name)]

    def children(self, name: str) -> list["Arguments"]:
        return [Arguments(child) for child in self._children(name)]

    def child(self, name: str) -> "Arguments":
        """Raises SoapFaultError where it is missing."""
        found = self._find(name)
        if found is None:
            raise invalid_request(f"missing argument {name}", name)
        return Arguments(found)

    def _find(self, name: str) -> etree._Element | None:
        return next(self._children(name), None)

    def _children(self, name: str) -> Iterator[etree._Element]:
        for child in self._element:
            if etree.QName(child).localname == name:
                yield child


@dataclass(frozen=True)
class Request:
    """One method call."""

    method: str
    this: Ref
    arguments: Arguments


def invalid_request(message: str, name: str = "") -> SoapFaultError:
    """The fault for a call that does not fit the schema."""
    return SoapFaultError("InvalidArgument", message, invalidProperty=name or None)


def missing_object(ref: Ref) -> SoapFaultError:
    """The fault for a managed object that is not there."""
    message = f"The object '{ref.type}:{ref.id}' has already been deleted or has not been completely created"
    return SoapFaultError("ManagedObjectNotFound", message, obj=ref)


def parse_request(body: bytes) -> Request:
    """Read an envelope. Raises SoapFaultError: it is none; entities and document types are refused."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as exc:
        raise SoapFaultError("InvalidRequest", "the request is not well-formed XML") from exc
    if root.getroottree().docinfo.doctype:  # type: ignore[union-attr]  # the stubs leave it out
        raise SoapFaultError("InvalidRequest", "a document type declaration is not allowed")
    call = root.find(f"{{{_SOAP}}}Body/*")
    if root.tag != f"{{{_SOAP}}}Envelope" or call is None:
        raise SoapFaultError("InvalidRequest", "the request has no SOAP body with a method")
    arguments = Arguments(call)
    return Request(etree.QName(call).localname, arguments.ref("_this"), arguments)


def render_response(method: str, result: Value, *, dynamic: bool) -> bytes:
    """The envelope of a result; `dynamic` states the type of scalars too, where the schema says `anyType`."""
    envelope, body = _envelope()
    response = etree.SubElement(body, f"{{{VIM}}}{method}Response", nsmap=_DEFAULT)
    if isinstance(result, list | tuple):
        for item in result:
            _append(response, "returnval", item, dynamic=dynamic)
    else:
        _append(response, "returnval", result, dynamic=dynamic)
    return etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")


def render_fault(error: SoapFaultError) -> bytes:
    """The envelope of a fault. Its inner elements have no namespace: clients insist."""
    envelope, body = _envelope()
    fault = etree.SubElement(body, f"{{{_SOAP}}}Fault")
    etree.SubElement(fault, "faultcode").text = "ServerFaultCode"
    etree.SubElement(fault, "faultstring").text = _clean(error.message)
    detail = etree.SubElement(fault, "detail")
    inner = etree.SubElement(detail, f"{{{VIM}}}{error.fault.type}Fault", nsmap=_DEFAULT)
    inner.set(_XSI_TYPE, error.fault.type)
    for name, value in error.fault.fields.items():
        _append(inner, name, value, dynamic=False)
    return etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")


def _envelope() -> tuple[etree._Element, etree._Element]:
    envelope = etree.Element(f"{{{_SOAP}}}Envelope", nsmap=_PREFIXES)
    return envelope, etree.SubElement(envelope, f"{{{_SOAP}}}Body")


def _append(parent: etree._Element, name: str, value: Value, *, dynamic: bool) -> None:
    if value is None:
        return
    if isinstance(value, list | tuple):
        for item in value:
            _append(parent, name, item, dynamic=dynamic)
        return
    element = etree.SubElement(parent, f"{{{VIM}}}{name}")
    if isinstance(value, Data):
        _fill_data(element, value)
    elif isinstance(value, Array):
        element.set(_XSI_TYPE, f"ArrayOf{value.of}")
        for item in value.items:
            _append(element, _array_element(value.of), item, dynamic=False)
    elif isinstance(value, Ref):
        element.set("type", value.type)
        element.text = value.id
        if dynamic:
            element.set(_XSI_TYPE, "ManagedObjectReference")
    else:
        kind, element.text = _scalar(cast(Scalar, value))
        if dynamic:
            element.set(_XSI_TYPE, kind)


def _fill_data(element: etree._Element, value: Data) -> None:
    element.set(_XSI_TYPE, value.type)
    for key, item in value.fields.items():
        _append(element, key, item, dynamic=(value.type, key) in _ANY_TYPE)


def _array_element(of: str) -> str:
    """Elements of an array of a plain type are named in lower case."""
    return {"String": "string", "Int": "int", "Long": "long", "Boolean": "boolean"}.get(of, of)


def _scalar(value: Long | Enum | str | bool | int | datetime) -> tuple[str, str]:  # each its own type
    match value:
        case Enum():
            return value.type, value.value
        case Long():
            return "xsd:long", str(value.value)
        case bool():
            return "xsd:boolean", "true" if value else "false"
        case int():
            return "xsd:int", str(value)
        case datetime():
            return "xsd:dateTime", value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        case _:
            return "xsd:string", _clean(value)


def _clean(text: str) -> str:
    """Replace what XML cannot carry: guests may name a file anything."""
    return "".join(
        char if char in "\t\n\r" or (char >= " " and not "\ud800" <= char <= "\udfff" and char not in "\ufffe\uffff")
        else "�"
        for char in text
    )  # fmt: skip
