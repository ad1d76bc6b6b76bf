"""Networks of org VDCs that change."""

import pytest
from lxml import etree

from cse_testing.vcd_cloud import Answer, LabCloud, RestCaller
from vcd_simulator.model.datacenter import OrgVdcNetwork
from vcd_simulator.operations import datacenter
from vcd_simulator.operations.datacenter import NetworkSpec

V = "{http://www.vmware.com/vcloud/v1.5}"


@pytest.fixture
def isolated(lab: LabCloud) -> OrgVdcNetwork:
    spec = NetworkSpec(name="inner", gateway="10.9.0.1", netmask="255.255.255.0", ranges=[("10.9.0.10", "10.9.0.19")])
    return datacenter.add_network(lab.cloud, lab.vdc(), spec)


def document(caller: RestCaller, network: OrgVdcNetwork) -> etree._Element:
    return caller.get(f"/api/network/{network.id}").xml


def put(caller: RestCaller, network: OrgVdcNetwork, root: etree._Element) -> Answer:
    href = caller.get(f"/api/network/{network.id}").links()["edit", "application/vnd.vmware.vcloud.orgVdcNetwork+xml"]
    return caller.put(href, etree.tostring(root).decode())


def set_ranges(root: etree._Element, *ranges: tuple[str, str]) -> etree._Element:
    scope = root.find(f".//{V}IpScope")
    assert scope is not None
    for old in scope.findall(f"{V}IpRanges"):
        scope.remove(old)
    made = etree.SubElement(scope, f"{V}IpRanges")
    for first, last in ranges:
        one = etree.SubElement(made, f"{V}IpRange")
        etree.SubElement(one, f"{V}StartAddress").text = first
        etree.SubElement(one, f"{V}EndAddress").text = last
    return root


def test_a_network_gets_a_name_a_description_and_is_shared(
    lab: LabCloud, alice: RestCaller, isolated: OrgVdcNetwork
) -> None:
    root = document(alice, isolated)
    root.set("name", "outer")
    for tag, text in (("Description", "for all"), ("IsShared", "true")):
        found = root.find(f"{V}{tag}")
        assert found is not None
        found.text = text
    assert put(alice, isolated, root).status == 202
    assert isolated.name == "inner", "not before the task ends"
    lab.pass_time()
    assert (isolated.name, isolated.description, isolated.shared) == ("outer", "for all", True)
    assert lab.cloud.networks.first("name", (isolated.org_id, "outer")) is isolated


def test_ranges_and_name_servers_change_and_holders_keep_their_addresses(
    lab: LabCloud, alice: RestCaller, isolated: OrgVdcNetwork
) -> None:
    taken = isolated.pool.allocate("vm-1/0")
    root = set_ranges(document(alice, isolated), ("10.9.0.10", "10.9.0.11"), ("10.9.0.50", "10.9.0.50"))
    scope = root.find(f".//{V}IpScope")
    assert scope is not None
    etree.SubElement(scope, f"{V}Dns1").text = "10.9.0.2"
    assert put(alice, isolated, root).status == 202
    lab.pass_time()
    pool = isolated.pool
    assert (pool.dns1, pool.used) == ("10.9.0.2", {taken: "vm-1/0"})
    assert [pool.allocate(f"vm-{number}/0") for number in (2, 3)] == ["10.9.0.11", "10.9.0.50"]
    assert document(alice, isolated).findtext(f".//{V}SubnetPrefixLength") == "24"


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ([("10.9.0.30", "10.9.0.40")], "in use"),
        ([("10.9.0.10", "10.9.0.30"), ("10.9.0.20", "10.9.0.40")], "overlap"),
        ([("10.8.0.1", "10.8.0.2")], "does not fit"),
        ([("10.9.0.19", "10.9.0.10")], "does not fit"),
        ([("x", "y")], "wrong"),
    ],
    ids=["used", "overlapping", "elsewhere", "backwards", "nonsense"],
)
def test_ranges_that_cannot_be_are_refused(
    alice: RestCaller, isolated: OrgVdcNetwork, ranges: list[tuple[str, str]], message: str
) -> None:
    isolated.pool.allocate("vm-1/0")
    answer = put(alice, isolated, set_ranges(document(alice, isolated), *ranges))
    assert answer.status == 400
    assert message in answer.xml.get("message", "")


def test_what_a_network_is_stays(lab: LabCloud, alice: RestCaller, isolated: OrgVdcNetwork) -> None:
    for tag, text in (("Gateway", "10.9.0.2"), ("Netmask", "255.255.0.0"), ("FenceMode", "bridged")):
        root = document(alice, isolated)
        found = root.find(f".//{V}{tag}")
        assert found is not None
        found.text = text
        assert put(alice, isolated, root).status == 400, tag
    root = document(alice, isolated)
    root.set("name", "acme-net")
    assert put(alice, isolated, root).xml.get("minorErrorCode") == "DUPLICATE_NAME"
    direct = lab.network()
    direct.pool = lab.cloud.external_networks[direct.parent_id or ""].pool
    assert put(alice, direct, set_ranges(document(alice, direct), ("10.10.0.9", "10.10.0.9"))).status == 400
    assert put(alice, direct, document(alice, direct)).status == 202, "nothing about its addresses changes"


@pytest.fixture
def of_another_vdc(lab: LabCloud) -> OrgVdcNetwork:
    """A shared network of another VDC, which a vApp uses."""
    pvdc = next(iter(lab.cloud.provider_vdcs))
    profile = datacenter.ProfileSpec(provider_profile=lab.cloud.provider_profiles.find("pvdc", pvdc.id)[0])
    spec = datacenter.VdcSpec(name="other-vdc", provider_vdc=pvdc, profiles=[profile])
    vdc = datacenter.add_vdc(lab.cloud, lab.org("acme"), spec)
    network = datacenter.add_network(
        lab.cloud, vdc, NetworkSpec(name="common", gateway="10.7.0.1", netmask="255.255.255.0", shared=True)
    )
    lab.vapp("c1").networks["acme-net"].parent_id = network.id
    return network


def test_a_network_that_other_vdcs_use_stays_shared_and_there(
    lab: LabCloud, alice: RestCaller, of_another_vdc: OrgVdcNetwork
) -> None:
    root = document(alice, of_another_vdc)
    shared = root.find(f"{V}IsShared")
    assert shared is not None
    shared.text = "false"
    for answer in (put(alice, of_another_vdc, root), alice.delete(f"/api/network/{of_another_vdc.id}")):
        assert "in use by the vApp c1" in answer.xml.get("message", "")


def test_a_network_that_changes_is_busy(alice: RestCaller, isolated: OrgVdcNetwork) -> None:
    root = document(alice, isolated)
    assert put(alice, isolated, root).status == 202
    assert put(alice, isolated, root).xml.get("minorErrorCode") == "BUSY_ENTITY"


def test_editing_needs_the_right(lab: LabCloud, bob: RestCaller, isolated: OrgVdcNetwork) -> None:
    root = document(bob, isolated)
    assert not [link for link in root.findall(f"{V}Link") if link.get("rel") == "edit"]
    assert bob.put(f"/api/network/{isolated.id}", etree.tostring(root).decode()).status == 403


def test_a_network_of_a_vapp_has_an_address_of_its_own_whatever_its_name(lab: LabCloud, alice: RestCaller) -> None:
    vapp = lab.vapp("c1", lab.machine("a"))
    media = "application/vnd.vmware.vcloud.vAppNetwork+xml"
    vapp.networks["a/b ?&"] = vapp.networks["acme-net"].__class__(id="other", name="a/b ?&", fence_mode="isolated")
    links = {
        link.get("name"): link.get("href", "")
        for link in alice.get(f"/api/vApp/vapp-{vapp.id}").xml.findall(f"{V}Link")
        if link.get("type") == media
    }
    assert set(links) == {"acme-net", "a/b ?&"}
    shown = {name: alice.get(href) for name, href in links.items()}
    assert [answer.xml.get("name") for answer in shown.values()] == list(links)
    assert len({answer.xml.get("id") for answer in shown.values()}) == 2
    addresses = alice.get(
        shown["acme-net"].links()["down", "application/vnd.vmware.vcloud.allocatedNetworkAddress+xml"]
    )
    assert [one.findtext(f"{V}IpAddress") for one in addresses.xml] == [lab.cloud.vms_of(vapp)[0].nics[0].ip_address]
    assert alice.get("/api/network/none").status == 403
