"""Packaged queries: the same records as the typed ones, at paths of their own."""

from urllib.parse import quote

import pytest
from lxml import etree

from cse_testing.vcd_cloud import LabCloud, RestCaller
from vcd_simulator.query.documents import media_type
from vcd_simulator.rest.resources.packaged_queries import PACKAGED

V = "{http://www.vmware.com/vcloud/v1.5}"
OF_ADMINISTRATORS = [path for path in PACKAGED if path.startswith("admin/") and "extension" not in path]
OF_THE_PROVIDER = [path for path in PACKAGED if path.startswith("admin/extension/")]


def get(caller: RestCaller, address: str) -> etree._Element:
    answer = caller.get(address)
    assert answer.status == 200, answer.body
    return answer.xml


def rows(page: etree._Element) -> list[bytes]:
    return [etree.tostring(row) for row in page if row.tag != f"{V}Link"]


def names(page: etree._Element) -> list[str]:
    return [row.get("name", "") for row in page if row.tag != f"{V}Link"]


def links(page: etree._Element) -> list[tuple[str | None, str]]:
    return [
        (link.get("rel"), link.get("href", "").removeprefix("https://vcd.test")) for link in page.findall(f"{V}Link")
    ]


@pytest.fixture
def vapps(lab: LabCloud) -> LabCloud:
    """Vapps of alice: web-1, web-2 and db."""
    for name in ("web-1", "web-2"):
        lab.vapp(name)
    lab.vapp("db", lab.machine("vm-1"))
    return lab


@pytest.mark.parametrize("path", list(PACKAGED))
def test_it_has_the_records_of_the_typed_query(vapps: LabCloud, administrator: RestCaller, path: str) -> None:
    for parameters in ("pageSize=3", "format=references", "format=idrecords&page=2&pageSize=1"):
        packaged = get(administrator, f"/api/{path}/query?{parameters}")
        typed = get(administrator, f"/api/query?type={PACKAGED[path]}&{parameters}")
        assert rows(packaged) == rows(typed)
        for attribute in ("name", "total", "page", "pageSize", "type"):
            assert packaged.get(attribute) == typed.get(attribute)
        assert packaged.tag == typed.tag


@pytest.mark.parametrize("path", OF_ADMINISTRATORS)
def test_those_for_administrators_are_not_for_everybody(alice: RestCaller, bob: RestCaller, path: str) -> None:
    assert alice.get(f"/api/{path}/query").status == 200
    assert bob.get(f"/api/{path}/query").status == 403


@pytest.mark.parametrize("path", OF_THE_PROVIDER)
def test_those_of_the_provider_are_for_nobody_else(alice: RestCaller, path: str) -> None:
    assert alice.get(f"/api/{path}/query").status == 403


def test_they_show_what_the_caller_may_see(vapps: LabCloud, alice: RestCaller, carol: RestCaller) -> None:
    assert names(get(alice, "/api/vApps/query?sortAsc=name")) == ["db", "web-1", "web-2"]
    assert names(get(carol, "/api/vApps/query")) == []
    assert names(get(carol, "/api/admin/vdcs/query")) == ["globex-vdc"]
    assert names(get(carol, "/api/admin/orgs/query")) == ["globex"]


def test_they_filter_and_stay_where_they_were_asked(vapps: LabCloud, alice: RestCaller) -> None:
    wanted = quote("name==web*", safe="=*")
    first = get(alice, f"/api/vApps/query?filter={wanted}&pageSize=1&sortAsc=name&type=user")
    assert names(first) == ["web-1"]
    rest = f"filter={wanted}&sortAsc=name"
    assert first.get("href") == f"https://vcd.test/api/vApps/query?page=1&pageSize=1&format=records&{rest}"
    assert links(first) == [
        ("alternate", f"/api/vApps/query?page=1&pageSize=1&format=idrecords&{rest}"),
        ("alternate", f"/api/vApps/query?page=1&pageSize=1&format=references&{rest}"),
        ("nextPage", f"/api/vApps/query?page=2&pageSize=1&format=records&{rest}"),
        ("lastPage", f"/api/vApps/query?page=2&pageSize=1&format=records&{rest}"),
    ]
    assert names(get(alice, dict(links(first))["nextPage"])) == ["web-2"]


def test_typed_queries_name_their_type_first(vapps: LabCloud, alice: RestCaller) -> None:
    page = get(alice, "/api/query?filter=name==db&format=references&type=vApp")
    own = "https://vcd.test/api/query?type=vApp&page=1&pageSize=25&format=references&filter=name==db"
    assert page.get("href") == own
    assert [rel for rel, _ in links(page)] == ["alternate", "alternate"]


def test_roles_of_one_organisation(
    lab: LabCloud, administrator: RestCaller, alice: RestCaller, bob: RestCaller
) -> None:
    acme, globex = (f"/api/admin/org/{lab.org(name).id}/roles/query" for name in ("acme", "globex"))
    (role,) = [row for row in get(administrator, f"{acme}?filter=name==vApp%20Author") if row.tag != f"{V}Link"]
    assert role.tag == f"{V}RoleRecord"
    assert "vApp Author" in names(get(alice, acme))
    assert alice.get(globex).status == 403
    assert bob.get(acme).status == 403


def test_networks_and_gateways_of_one_vdc(lab: LabCloud, alice: RestCaller, carol: RestCaller) -> None:
    path = f"/api/admin/vdc/{lab.vdc().id}"
    networks = get(alice, f"{path}/networks?fields=name")
    assert names(networks) == ["acme-net"]
    assert networks.get("href") == f"https://vcd.test{path}/networks?page=1&pageSize=25&format=records&fields=name"
    assert names(get(alice, f"{path}/networks?filter=name==other,name==else")) == []
    gateways = get(alice, f"{path}/edgeGateways?format=references")
    assert (gateways.tag, gateways.get("total")) == (f"{V}EdgeGatewayReferences", "0")
    assert carol.get(f"{path}/edgeGateways").status == 403
    followed = alice.get(f"/api/vdc/{lab.vdc().id}").links()[("orgVdcNetworks", media_type("records"))]
    assert names(get(alice, followed)) == ["acme-net"]
