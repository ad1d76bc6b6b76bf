"""What is known of the products in VMs and vApps."""

from vcd_simulator.model.compute import ProductProperty, ProductSection, Vapp, Vm
from vcd_simulator.model.kinds import VCLOUD
from vcd_simulator.rest.context import Context
from vcd_simulator.rest.documents.common import link
from vcd_simulator.rest.xml import OVF_NS, Element, child, children, document, ovf, qualified, text_of

PRODUCT_SECTIONS = VCLOUD + "productSections+xml"
_TEXTS = (
    ("Product", "product"),
    ("Vendor", "vendor"),
    ("Version", "version"),
    ("FullVersion", "full_version"),
    ("ProductUrl", "product_url"),
    ("VendorUrl", "vendor_url"),
    ("AppUrl", "app_url"),
    ("Category", "category"),
)
"""Elements of a section by the names of our attributes, in the schema's order."""


def product_sections(context: Context, of: Vm | Vapp, *, edits: bool) -> Element:
    """All product sections of a VM or a vApp."""
    path = f"{of.kind.href_path(of.id)}/productSections/"
    return document(
        "ProductSectionList",
        link(context, "edit", path, PRODUCT_SECTIONS) if edits else None,
        sections(of),
        type=PRODUCT_SECTIONS,
        href=context.url(path),
    )


def sections(of: Vm | Vapp) -> list[Element]:
    """The sections by themselves."""
    return [_section(one) for one in of.product_sections]


def _section(one: ProductSection) -> Element:
    texts = [(tag, getattr(one, name)) for tag, name in _TEXTS]
    return ovf(
        "ProductSection",
        {f"{{{OVF_NS}}}class": one.class_name, f"{{{OVF_NS}}}instance": one.instance},
        ovf("Info", one.info),
        [ovf(tag, text) for tag, text in texts if text],
        [_property(each) for each in one.properties],
    )


def _property(one: ProductProperty) -> Element:
    attributes = qualified(
        OVF_NS, key=one.key, type=one.type, value="" if one.password else one.value, password=one.password,
        userConfigurable=one.user_configurable,
    )  # fmt: skip
    return ovf(
        "Property",
        attributes,
        ovf("Label", one.label) if one.label else None,
        ovf("Description", one.description) if one.description else None,
    )


def read_product_sections(root: Element, known: list[ProductSection]) -> list[ProductSection]:
    """The sections of a `ProductSectionList`; passwords that come back empty, as they are shown, stay."""
    secrets = {
        (section.class_name, section.instance, one.key): one.value
        for section in known
        for one in section.properties
        if one.password
    }
    sections = []
    for element in children(root, "ProductSection"):
        section = ProductSection(
            class_name=_attribute(element, "class"),
            instance=_attribute(element, "instance"),
            info=text_of(element, "Info"),
            **{name: text_of(element, tag) for tag, name in _TEXTS},
            properties=[_read_property(one) for one in children(element, "Property")],
        )
        for one in section.properties:
            if one.password:
                one.value = one.value or secrets.get((section.class_name, section.instance, one.key), "")
        sections.append(section)
    return sections


def _read_property(element: Element) -> ProductProperty:
    value = child(element, "Value")
    stated = _attribute(value, "value") if value is not None else ""
    return ProductProperty(
        key=_attribute(element, "key"),
        value=stated or _attribute(element, "value"),
        type=_attribute(element, "type") or "string",
        label=text_of(element, "Label"),
        description=text_of(element, "Description"),
        password=_attribute(element, "password") in ("true", "1"),
        user_configurable=_attribute(element, "userConfigurable") in ("true", "1"),
    )


def _attribute(element: Element, name: str) -> str:
    return element.get(f"{{{OVF_NS}}}{name}") or element.get(name) or ""
