"""Networks of vApps: changed together and one by one, renamed, reset."""

import pytest
from lxml import etree

from cse_testing.vcd_cloud import LabCloud, RestCaller
from vcd_simulator.model.compute import Nic, Vapp
from vcd_simulator.operations import composition
from vcd_simulator.operations.connections import NicSpec

V = "{http://www.vmware.com/vcloud/v1.5}"
MEDIA = "application/vnd.vmware.vcloud.vAppNetwork+xml"
INNER = (
    '<NetworkConfig xmlns="http://www.vmware.com/vcloud/v1.5" networkName="inner"><Configuration><IpScopes><IpScope>'
    "<Gateway>192.168.0.1</Gateway><Netmask>255.255.255.0</Netmask><IpRanges><IpRange>"
    "<StartAddress>192.168.0.10</StartAddress><EndAddress>192.168.0.19</EndAddress></IpRange></IpRanges></IpScope>"
    "</IpScopes><FenceMode>isolated</FenceMode></Configuration></NetworkConfig>"
)


class Networks:
    """A vApp with an isolated network beside the VDC's, and a VM with a card in each and one in none."""

    def __init__(self, lab: LabCloud, caller: RestCaller) -> None:
        self.lab, self.caller = lab, caller
        self.vapp: Vapp = lab.vapp("c1")
        root = self.section()
        root.append(etree.fromstring(INNER))
        assert self.put(root) == 202
        cards = [NicSpec(index=number, network=name, mode="POOL", connected=True) for number, name in enumerate(
            ("acme-net", "inner", "none")
        )]  # fmt: skip
        change = composition.Recomposition(add=[lab.machine("a", nics=cards)])
        composition.recompose(lab.cloud, lab.user("alice"), self.vapp, change)
        lab.pass_time()

    @property
    def path(self) -> str:
        return f"/api/vApp/vapp-{self.vapp.id}/networkConfigSection/"

    def section(self) -> etree._Element:
        return self.caller.get(self.path).xml

    def config(self, root: etree._Element, name: str) -> etree._Element:
        return next(one for one in root.findall(f"{V}NetworkConfig") if one.get("networkName") == name)

    def put(self, root: etree._Element) -> int:
        status = self.caller.put(self.path, etree.tostring(root).decode()).status
        self.lab.pass_time()
        return status

    def card(self, index: int) -> Nic:
        return self.lab.cloud.vms_of(self.vapp)[0].nics[index]

    def link(self, name: str) -> str:
        links = self.caller.get(f"/api/vApp/vapp-{self.vapp.id}").xml.findall(f"{V}Link")
        return next(one.get("href", "") for one in links if (one.get("type"), one.get("name")) == (MEDIA, name))


@pytest.fixture
def networks(lab: LabCloud, alice: RestCaller) -> Networks:
    return Networks(lab, alice)


def test_a_connection_without_network_is_shown_as_one_that_cannot_be_had(networks: Networks) -> None:
    root = networks.section()
    names = [one.get("networkName") for one in root.findall(f"{V}NetworkConfig")]
    assert names == ["acme-net", "inner", "none"]
    assert networks.put(root) == 202, "what clients read, they may send back"
    assert list(networks.vapp.networks) == ["acme-net", "inner"]
    root.append(etree.fromstring(INNER.replace('"inner"', '"none "')))
    assert networks.put(root) == 400


def test_a_network_with_another_name_is_still_the_same(networks: Networks) -> None:
    before, address = networks.vapp.networks["inner"], networks.card(1).ip_address
    root = networks.section()
    networks.config(root, "inner").set("networkName", "renamed")
    assert networks.put(root) == 202
    assert list(networks.vapp.networks) == ["acme-net", "renamed"]
    assert networks.vapp.networks["renamed"] is before
    assert (networks.card(1).network, networks.card(1).ip_address) == ("renamed", address)


def test_networks_can_swap_their_names(networks: Networks) -> None:
    root = networks.section()
    first, second = networks.config(root, "acme-net"), networks.config(root, "inner")
    first.set("networkName", "inner")
    second.set("networkName", "acme-net")
    assert networks.put(root) == 202
    assert (networks.card(0).network, networks.card(1).network) == ("inner", "acme-net")
    assert networks.vapp.networks["acme-net"].fence_mode == "isolated"


def test_a_network_that_goes_takes_its_connections_along(networks: Networks) -> None:
    root = networks.section()
    root.remove(networks.config(root, "inner"))
    assert networks.put(root) == 202
    assert (networks.card(1).network, networks.card(1).ip_address) == ("none", None)
    assert networks.card(0).ip_address is not None, "others stay"


def test_ranges_may_lie_outside_of_the_subnet_and_are_shown_in_order(networks: Networks) -> None:
    root = networks.section()
    ranges = networks.config(root, "inner").find(f".//{V}IpRanges")
    assert ranges is not None
    made = etree.SubElement(ranges, f"{V}IpRange")
    etree.SubElement(made, f"{V}StartAddress").text = "10.1.1.5"
    etree.SubElement(made, f"{V}EndAddress").text = "10.1.1.5"
    assert networks.put(root) == 202
    shown = networks.config(networks.section(), "inner")
    assert [one.text for one in shown.iter(f"{V}StartAddress")] == ["10.1.1.5", "192.168.0.10"]
    pool = networks.vapp.networks["inner"].pool
    assert pool is not None
    assert networks.card(1).ip_address in pool.used, "who has an address keeps it"
    assert pool.allocate("next") == "10.1.1.5"


def test_the_subnet_of_a_network_in_use_stays(networks: Networks) -> None:
    root = networks.section()
    gateway = networks.config(root, "inner").find(f".//{V}Gateway")
    assert gateway is not None
    gateway.text = "192.168.0.254"
    assert networks.put(root) == 400
    assert networks.card(1).ip_address is not None


def test_one_network_changes_by_itself(networks: Networks) -> None:
    href = networks.link("inner")
    answer = networks.caller.get(href)
    assert answer.links()["edit", MEDIA] == href
    root = answer.xml
    description = root.find(f"{V}Description")
    assert description is not None
    description.text = "changed"
    root.set("name", "other")
    assert networks.caller.put(href, etree.tostring(root).decode()).status == 202
    networks.lab.pass_time()
    assert networks.caller.get(href).xml.get("name") == "other"
    assert networks.vapp.networks["other"].description == "changed"
    assert "acme-net" in networks.vapp.networks


def test_a_network_can_be_reset_while_its_vapp_is_deployed(networks: Networks) -> None:
    href = networks.caller.get(networks.link("inner")).links()["repair", None]
    assert networks.caller.post(href).status == 400
    networks.caller.post(f"/api/vApp/vapp-{networks.vapp.id}/power/action/powerOn")
    networks.lab.pass_time()
    answer = networks.caller.post(href)
    assert (answer.status, answer.xml.get("operationName")) == (202, "networkReset")
    busy = networks.caller.post(f"/api/vApp/vapp-{networks.vapp.id}/power/action/powerOff")
    assert (busy.status, busy.xml.get("minorErrorCode")) == (400, "BUSY_ENTITY")


def test_a_network_of_a_vdc_has_nothing_to_reset(lab: LabCloud, alice: RestCaller) -> None:
    assert alice.post(f"/api/admin/network/{lab.network().id}/action/reset").status == 400
    assert alice.post("/api/admin/network/none/action/reset").status == 403


def test_networks_of_others_are_not_there(
    lab: LabCloud, networks: Networks, bob: RestCaller, carol: RestCaller
) -> None:
    href = networks.link("inner")
    document = networks.caller.get(href).body.decode()
    for caller in (bob, carol):
        assert caller.get(href).status == 403
        assert caller.put(href, document).status == 403
        assert caller.post(f"{href}/action/reset").status == 403
