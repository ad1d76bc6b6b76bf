"""External networks of several subnets and port groups: what may change, and what is in use."""

import pytest
from lxml import etree

from cse_testing.vcd_cloud import Answer, LabCloud, RestCaller
from vcd_simulator.model.addresses import PoolExhaustedError
from vcd_simulator.model.infrastructure import ExternalNetwork, PortGroup

VCLOUD = "{http://www.vmware.com/vcloud/v1.5}"


@pytest.fixture
def network(lab: LabCloud) -> ExternalNetwork:
    return next(iter(lab.cloud.external_networks))


@pytest.fixture
def href(network: ExternalNetwork) -> str:
    return f"/api/admin/extension/externalnet/{network.id}"


@pytest.fixture
def free(lab: LabCloud) -> list[PortGroup]:
    return [one for one in lab.cloud.port_groups if one.external_network_id is None]


def subnet(gateway: str, *, enabled: bool = True, netmask: str = "255.255.255.0") -> etree._Element:
    stem = gateway.rpartition(".")[0]
    return etree.fromstring(
        f'<IpScope xmlns="{VCLOUD[1:-1]}"><IsInherited>false</IsInherited><Gateway>{gateway}</Gateway>'
        f"<Netmask>{netmask}</Netmask><IsEnabled>{str(enabled).lower()}</IsEnabled><IpRanges><IpRange>"
        f"<StartAddress>{stem}.10</StartAddress><EndAddress>{stem}.20</EndAddress></IpRange></IpRanges></IpScope>"
    )


def scopes(document: etree._Element) -> etree._Element:
    found = document.find(f".//{VCLOUD}IpScopes")
    assert found is not None
    return found


def put(caller: RestCaller, href: str, document: etree._Element) -> Answer:
    return caller.put(href, etree.tostring(document).decode())


def test_subnets_come_and_go(lab: LabCloud, administrator: RestCaller, network: ExternalNetwork, href: str) -> None:
    first = network.pool
    document = administrator.get(href).xml
    scopes(document).append(subnet("172.16.1.1"))
    assert put(administrator, href, document).status == 202
    assert network.more_pools == [], "not before the task is done"
    lab.pass_time()
    assert [pool.gateway for pool in network.pools] == [first.gateway, "172.16.1.1"]
    assert network.pool is first
    document = administrator.get(href).xml
    scopes(document).remove(scopes(document)[1])
    assert put(administrator, href, document).status == 202
    lab.pass_time()
    assert network.more_pools == []


def test_a_subnet_that_is_in_use_stays(administrator: RestCaller, network: ExternalNetwork, href: str) -> None:
    document = administrator.get(href).xml
    scopes(document).replace(scopes(document)[0], subnet("172.16.1.1"))
    answer = put(administrator, href, document)
    assert (answer.status, answer.xml.get("minorErrorCode")) == (400, "OPERATION_DENIED")
    assert "in use" in answer.xml.get("message", "")
    assert network.pool.gateway != "172.16.1.1"


def test_subnets_do_not_overlap(administrator: RestCaller, href: str, network: ExternalNetwork) -> None:
    document = administrator.get(href).xml
    scopes(document).append(subnet("10.150.7.1"))
    answer = put(administrator, href, document)
    assert (answer.status, "overlap" in answer.xml.get("message", "")) == (400, True)
    assert network.more_pools == []


def test_a_disabled_subnet_gives_no_addresses_out(
    lab: LabCloud, administrator: RestCaller, network: ExternalNetwork, href: str
) -> None:
    sharing = [one for one in lab.cloud.networks if one.pool is network.pool]
    before = network.pool.allocate("somebody")
    document = administrator.get(href).xml
    scopes(document)[0].find(f"{VCLOUD}IsEnabled").text = "false"  # type: ignore[union-attr]
    put(administrator, href, document)
    lab.pass_time()
    assert {one.pool.enabled for one in sharing} == {False}
    with pytest.raises(PoolExhaustedError):
        network.pool.allocate("somebody else")
    assert network.pool.used == {before: "somebody"}
    scopes(document)[0].find(f"{VCLOUD}IsEnabled").text = "true"  # type: ignore[union-attr]
    put(administrator, href, document)
    lab.pass_time()
    assert network.pool.allocate("somebody else") != before


def test_port_groups_are_attached_and_detached(
    lab: LabCloud, administrator: RestCaller, network: ExternalNetwork, href: str, free: list[PortGroup]
) -> None:
    document = administrator.get(href).xml
    (own,) = document.findall("{*}VimPortGroupRef")
    more = etree.fromstring(etree.tostring(own))
    refs = etree.SubElement(document, own.tag.replace("VimPortGroupRef", "VimPortGroupRefs"))
    for one, moref in ((own, None), (more, free[0].moref)):
        one.tag = own.tag.replace("VimPortGroupRef", "VimObjectRef")
        if moref is not None:
            one.find("{*}MoRef").text = moref  # type: ignore[union-attr]
        refs.append(one)
    assert put(administrator, href, document).status == 202
    lab.pass_time()
    assert len(administrator.get(href).xml.findall("{*}VimPortGroupRefs/{*}VimObjectRef")) == 2
    assert free[0] in lab.cloud.port_groups.find("network", network.id)
    refs.remove(more)
    put(administrator, href, document)
    lab.pass_time()
    assert free[0] not in lab.cloud.port_groups.find("network", network.id)
    assert len(administrator.get(href).xml.findall("{*}VimPortGroupRef")) == 1


def test_what_a_document_leaves_out_stays(
    administrator: RestCaller, lab: LabCloud, network: ExternalNetwork, href: str
) -> None:
    document = administrator.get(href).xml
    document.set("name", "renamed")
    for one in document.findall("{*}Configuration"):
        document.remove(one)
    assert put(administrator, href, document).status == 202
    lab.pass_time()
    assert (network.name, len(network.pools)) == ("renamed", 1)
