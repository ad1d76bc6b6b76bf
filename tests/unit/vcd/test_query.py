"""Typed queries: pages, records, metadata."""

from urllib.parse import parse_qs, urlsplit

from requests.models import PreparedRequest

from cse_testing.scripted_vcd import URL, Answer, ScriptedVcd, a_session, records, session
from cse_vcd.query import Condition, Query, count, run
from cse_vcd.vapps import find_clusters, find_vapps
from cse_vcd.vdcs import find_vdcs


def parameters(request: PreparedRequest) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(str(request.url)).query).items()}


def test_all_pages_are_read_and_nothing_twice(server: ScriptedVcd) -> None:
    def page(request: PreparedRequest) -> Answer:
        number = int(parameters(request)["page"])
        first = (number - 1) * 128 - (number > 2)  # a vApp was made meanwhile: later pages begin with a repetition
        lines = [f'<VAppRecord id="urn:vcloud:vapp:{n}" name="n{n}"/>' for n in range(first, min(first + 128, 300))]
        return Answer(records(*lines, total=300))

    server.on("GET", "/api/query", page)
    found = run(a_session(server), Query("vApp"))
    assert sorted(int(record.id) for record in found) == list(range(300))
    asked = [parameters(request) for request in server.requests if "/api/query" in str(request.url)]
    assert sorted(one["page"] for one in asked) == ["1", "2", "3"]
    assert {(one["pageSize"], one["sortAsc"], one["type"], one["format"]) for one in asked} == {
        ("128", "name", "vApp", "idrecords")
    }


def test_counting_costs_one_line(server: ScriptedVcd) -> None:
    server.answer("GET", "/api/query", records('<VAppRecord id="urn:vcloud:vapp:1"/>', total=5000))
    assert count(a_session(server), Query("vApp", (Condition.metadata("cse.cluster.id"),))) == 5000
    assert parameters(server.requests[-1])["pageSize"] == "1"


CLUSTER = (
    '<AdminVAppRecord id="urn:vcloud:vapp:a1" name="c1" vdc="urn:vcloud:vdc:d1" vdcName="vdc1" org="urn:vcloud:org:o1"'
    ' numberOfVMs="3" status="POWERED_ON" isDeployed="true" ownerName="alice"><Metadata><MetadataEntry>'
    "<Key>cse.cluster.id</Key><TypedValue><Value>5c6b</Value></TypedValue></MetadataEntry></Metadata></AdminVAppRecord>"
)


def test_clusters_are_found_with_one_query(server: ScriptedVcd) -> None:
    server.answer("GET", "/api/session", session("System"))
    server.answer("GET", "/api/query", records(CLUSTER))
    admin = a_session(server, api_version="36.0")
    (found,) = find_clusters(admin, name="c1", org_id="o1", vdc_href=f"{URL}/api/vdc/d1", fields=["cse.version"])
    assert (found.id, found.href, found.vdc_href) == ("a1", f"{URL}/api/vApp/vapp-a1", f"{URL}/api/vdc/d1")
    assert (found.vdc, found.org_id, found.status, found.vm_count) == ("vdc1", "o1", "POWERED_ON", 3)
    assert found.metadata == {"cse.cluster.id": "5c6b"}
    asked = parameters(server.requests[-1])
    assert asked["type"] == "adminVApp"
    assert asked["filter"] == "metadata:cse.cluster.id==STRING:*;name==c1;vdc==d1;org==o1"
    assert asked["fields"] == "metadata:cse.cluster.id,metadata:cse.version"


def test_a_tenant_asks_for_what_tenants_may(server: ScriptedVcd) -> None:
    server.answer("GET", "/api/query", records())
    assert find_clusters(a_session(server), org_id="another") == []
    asked = parameters(server.requests[-1])
    assert asked["type"] == "vApp"
    assert "org" not in asked["filter"].replace("%", "")


def test_a_name_with_a_star_finds_only_itself(server: ScriptedVcd) -> None:
    lines = [f'<VAppRecord id="urn:vcloud:vapp:{n}" name="{name}"/>' for n, name in enumerate(("a*", "ab", "a"))]
    server.answer("GET", "/api/query", records(*lines))
    assert [found.name for found in find_vapps(a_session(server), name="a*")] == ["a*"]


def test_a_tenant_finds_its_vdcs_by_its_own_org_only(server: ScriptedVcd) -> None:
    server.answer("GET", "/api/query", records(f'<OrgVdcRecord name="v" href="{URL}/api/vdc/d1" orgName="acme"/>'))
    tenant = a_session(server)
    assert [vdc.id for vdc in find_vdcs(tenant, name="v", org="ACME")] == ["d1"]
    assert [vdc.id for vdc in find_vdcs(tenant, name="v", org="-")] == ["d1"]
    assert find_vdcs(tenant, name="v", org="globex") == []
