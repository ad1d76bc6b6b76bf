"""OVF descriptors: what is read from them, and which are refused."""

import pytest

from cse_testing.ovf import envelope
from vcd_simulator.rest.ovf import OvfError, parse_descriptor


def test_a_package_is_read_whole() -> None:
    package = parse_descriptor(envelope(files={"disk 1.vmdk": 3000}, cpus=4, memory_mb=8192, product="Photon OS"))
    assert [(one.name, one.size) for one in package.files] == [("disk 1.vmdk", 3000)]
    (machine,) = package.machines
    assert (machine.cpu_count, machine.memory_mb, machine.disks_mb) == (4, 8192, (16384,))
    assert [nic.network for nic in machine.nics] == ["VM Network"]
    assert package.networks == {"VM Network": "The network"}
    assert "photon os" in package.words


def test_memory_may_come_in_gigabytes() -> None:
    body = envelope(memory_mb=2).replace(b"byte * 2^20</rasd:AllocationUnits><rasd:ElementName>memory", b"byte * 2^30"
    b"</rasd:AllocationUnits><rasd:ElementName>memory")  # fmt: skip
    assert parse_descriptor(body).machines[0].memory_mb == 2048


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "no body"),
        (b"<not-closed", "well-formed"),
        (b"<Envelope/>", "expected an OVF Envelope"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]>' + envelope(), "document type"),
        (envelope(files={"../../etc/passwd": 1}), "plain file"),
        (envelope(files={"descriptor.ovf": 1}), "twice"),
        (envelope(files={"a.vmdk": -1}), "whole number"),
        (envelope(files={f"{number}.vmdk": 1 for number in range(300)}), "at most"),
        (envelope(machines=0), "virtual systems"),
        (envelope(machines=200), "virtual systems"),
        (envelope(cpus=0), "impossible"),
        (envelope().replace(b'ovf:diskId="vmdisk1"', b'ovf:diskId="other"'), "unknown disk"),
        (envelope().replace(b"byte * 2^20", b"byte * 2^99999"), "unit"),
        (envelope().replace(b"byte * 2^20", "byte * 2^\N{SUPERSCRIPT TWO}".encode()), "unit"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_a_package_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(OvfError, match=why):
        parse_descriptor(body)


SECTIONS = (
    b'<CustomizationSection goldMaster="true"><CustomizeOnInstantiate>false</CustomizeOnInstantiate>'
    b"</CustomizationSection>"
)
CUSTOMIZATION = (
    b"<GuestCustomizationSection><Enabled>false</Enabled><AdminPasswordAuto>false</AdminPasswordAuto>"
    b"<AdminPassword>given</AdminPassword><CustomizationScript>#!/bin/sh\n</CustomizationScript>"
    b"</GuestCustomizationSection>"
)


def test_what_it_says_of_customization_and_products_is_kept() -> None:
    body = envelope(product="studio").replace(b"<DiskSection>", SECTIONS + b"<DiskSection>")
    body = body.replace(b"</VirtualSystem>", CUSTOMIZATION + b"</VirtualSystem>")
    package = parse_descriptor(body)
    assert (package.customize_on_instantiate, package.gold_master) == (False, True)
    (machine,) = package.machines
    assert [one.product for one in machine.products] == ["studio"]
    custom = machine.customization
    assert custom is not None
    assert (custom.enabled, custom.admin_password_auto, custom.admin_password) == (False, False, "given")
    assert custom.script == "#!/bin/sh\n"
    assert parse_descriptor(envelope()).machines[0].customization is None


def test_a_flag_that_is_none_is_refused() -> None:
    body = envelope().replace(b"<DiskSection>", SECTIONS.replace(b"false", b"perhaps") + b"<DiskSection>")
    with pytest.raises(OvfError, match="neither true nor false"):
        parse_descriptor(body)
