"""SOAP: reading requests, writing values and faults."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from vcd_simulator.vcenter.soap import (
    Array,
    Data,
    Enum,
    Long,
    Ref,
    SoapFaultError,
    parse_request,
    render_fault,
    render_response,
)

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
NAMES = {"s": SOAP, "v": "urn:vim25", "i": "http://www.w3.org/2001/XMLSchema-instance"}


def envelope(body: str, prolog: str = "") -> bytes:
    return f'{prolog}<s:Envelope xmlns:s="{SOAP}"><s:Body>{body}</s:Body></s:Envelope>'.encode()


def test_a_request_is_read_with_comments_and_foreign_attributes() -> None:
    request = parse_request(
        envelope(
            '<Do xmlns="urn:vim25"><!-- c --><_this type="VirtualMachine" versionId="6.7">vm-1</_this><n>7</n>'
            "<flag>true</flag><name>é &amp; &lt;</name><many>1</many><many>2</many><empty/></Do>"
        )
    )
    arguments = request.arguments
    assert (request.method, request.this) == ("Do", Ref("VirtualMachine", "vm-1"))
    assert (arguments.integer("n"), arguments.boolean("flag"), arguments.text("name")) == (7, True, "é & <")
    assert (arguments.integers("many"), arguments.text("empty"), arguments.optional_text("none")) == ([1, 2], "", None)
    assert (arguments.integer("none", 5), arguments.boolean("none"), arguments.children("none")) == (5, False, [])
    for read in (
        lambda: arguments.text("none"),
        lambda: arguments.integer("name"),
        lambda: arguments.child("none"),
        lambda: arguments.ref("none"),
    ):
        with pytest.raises(SoapFaultError):
            read()


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<",
        b"<a/>",
        envelope(""),
        envelope("<Do/>"),
        envelope('<Do><_this type="X">&b;</_this></Do>', BOMB),
        envelope('<Do><_this type="X">x</_this></Do>', '<!DOCTYPE x SYSTEM "file:///etc/passwd">'),
    ],
)
def test_what_is_no_request(body: bytes) -> None:
    with pytest.raises(SoapFaultError) as refused:
        parse_request(body)
    assert b"Fault" in render_fault(refused.value)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_a_fault(body: bytes) -> None:
    try:
        parse_request(body)
    except SoapFaultError as error:
        etree.fromstring(render_fault(error))


def result(value: object, *, dynamic: bool = False) -> list[etree._Element]:
    root = etree.fromstring(render_response("Do", value, dynamic=dynamic))  # type: ignore[arg-type]
    return root.findall("s:Body/v:DoResponse/v:returnval", NAMES)


def kind(element: etree._Element) -> str | None:
    return element.get(f"{{{NAMES['i']}}}type")


def test_nothing_and_lists_are_no_element_and_many() -> None:
    assert result(None) == []
    assert [element.text for element in result(["a", "b"])] == ["a", "b"]


@pytest.mark.parametrize(
    ("value", "type_", "text"),
    [
        ("é", "xsd:string", "é"),
        (True, "xsd:boolean", "true"),
        (5, "xsd:int", "5"),
        (Long(5), "xsd:long", "5"),
        (Enum("VirtualMachinePowerState", "poweredOn"), "VirtualMachinePowerState", "poweredOn"),
        (datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), "xsd:dateTime", "2024-01-02T03:04:05.000000Z"),
        (Ref("Folder", "group-1"), "ManagedObjectReference", "group-1"),
    ],
)
def test_types_are_stated_where_the_schema_says_any(value: object, type_: str, text: str) -> None:
    (element,) = result(value, dynamic=True)
    assert (kind(element), element.text) == (type_, text)
    (plain,) = result(value)
    assert (kind(plain), plain.text) == (None, text)


def test_arrays_and_objects() -> None:
    (array,) = result(Array("String", ["a", "b"]), dynamic=True)
    assert (kind(array), [(etree.QName(child).localname, child.text) for child in array]) == (
        "ArrayOfString",
        [("string", "a"), ("string", "b")],
    )
    (data,) = result(Data("X", {"a": 1, "none": None, "inner": Data("Y", {"b": [Ref("F", "1")]})}))
    assert kind(data) == "X"
    assert [etree.QName(child).localname for child in data] == ["a", "inner"]
    (property_,) = result(Data("DynamicProperty", {"name": "n", "val": 5}))
    assert [kind(child) for child in property_] == [None, "xsd:int"]


def test_a_fault_has_no_namespace_inside_but_its_detail_has() -> None:
    text = render_fault(SoapFaultError("FileNotFound", "File <x>\x00 was not found", file="/a\x01&b"))
    fault = etree.fromstring(text).find("s:Body/s:Fault", NAMES)
    assert fault is not None
    assert [child.tag for child in fault] == ["faultcode", "faultstring", "detail"]
    (inner,) = fault[2]
    assert (inner.tag, kind(inner)) == ("{urn:vim25}FileNotFoundFault", "FileNotFound")
    assert fault[1].text == "File <x>� was not found"
    assert inner[0].text == "/a�&b"


@given(st.text())
def test_any_text_can_be_carried(text: str) -> None:
    (element,) = result(text)
    carried = element.text or ""
    assert len(carried.replace("\n", "")) <= len(text)
