"""The query service as clients call it."""

from urllib.parse import quote

import pytest
from lxml import etree

from cse_testing.vcd_cloud import LabCloud, RestCaller
from vcd_simulator.extensions.registry import ExtensionRegistry, FilterSpec, LinkSpec, ServiceSpec
from vcd_simulator.model.metadata import MetadataEntry
from vcd_simulator.query.catalogue import TYPES

V = "{http://www.vmware.com/vcloud/v1.5}"


def page(caller: RestCaller, type_name: str, **parameters: str) -> etree._Element:
    """Ask as clients do: the href of the query, and then the parameters."""
    wire = "".join(f"&{name}={quote(value)}" for name, value in parameters.items())
    answer = caller.get(f"/api/query?type={type_name}{wire}")
    assert answer.status == 200, answer.body
    return answer.xml


def rows(found: etree._Element) -> list[etree._Element]:
    return [row for row in found if row.tag != f"{V}Link"]


def names(caller: RestCaller, type_name: str, **parameters: str) -> list[str]:
    return [row.get("name", "") for row in rows(page(caller, type_name, **parameters))]


@pytest.fixture
def vapps(lab: LabCloud) -> LabCloud:
    """Vapps of alice: web-1, web-2 and db; web-1 and db are clusters."""
    for name in ("web-1", "web-2", "db"):
        vapp = lab.vapp(name)
        if name != "web-2":
            lab.cloud.metadata.put(vapp.id, [MetadataEntry(key="cse.cluster.id", value=f"id of {name}")])
    return lab


def test_every_type_answers_in_every_format(administrator: RestCaller, vapps: LabCloud) -> None:
    vapps.vapp("with-vm", vapps.machine("vm-1"), power_on=True)
    for name, kind in TYPES.items():
        records = page(administrator, name)
        assert records.get("name") == name
        plain = rows(records)
        assert {row.tag for row in plain} <= {V + kind.tag}
        ids = rows(page(administrator, name, format="idrecords"))
        references = page(administrator, name, format="references")
        assert references.tag == f"{V}{kind.stem}References"
        pointed = rows(references)
        for row, by_id, pointer in zip(plain, ids, pointed, strict=True):
            assert row.get("href") == pointer.get("href")
            assert by_id.get("id") == pointer.get("id")
            assert (row.get("id"), by_id.get("href")) == (None, None)


def test_entities_of_every_type_are_found_by_their_ids(administrator: RestCaller, vapps: LabCloud) -> None:
    vapps.vapp("with-vm", vapps.machine("vm-1"), power_on=True)
    for name in TYPES:
        first = rows(page(administrator, name))[:2]
        for wanted in (
            [row.get("href", "") for row in first],
            [row.get("href", "").rpartition("/")[2].removeprefix("vapp-").removeprefix("vm-") for row in first],
            [row.get("id", "") for row in rows(page(administrator, name, format="idrecords"))[:2]],
        ):
            either = ",".join(f"id=={each}" for each in wanted)
            found = rows(page(administrator, name, filter=either or "id==nobody"))
            assert {row.get("href") for row in found} >= {row.get("href") for row in first}
            assert int(page(administrator, name, filter=either or "id==nobody").get("total", "")) == len(first)


def test_queries_are_offered_to_whom_they_are_for(
    alice: RestCaller, bob: RestCaller, administrator: RestCaller
) -> None:
    offered = {link.get("name") for link in bob.get("/api/query").xml}
    assert {"vApp", "catalog", "orgVdc", "task", "role", "user", "right"} <= offered
    assert not [name for name in offered if name and name.startswith("admin")]
    assert bob.get("/api/query?type=adminVApp").status == 403
    offered = {link.get("name") for link in alice.get("/api/query").xml}
    assert "organization" in offered, "organisation administrators have a right to that"
    assert not [name for name in offered if name and name.startswith("admin")], "those are for the provider"
    assert not {"virtualCenter", "providerVdc", "resourceClass"} & offered
    for kind in ("virtualCenter", "adminVApp", "adminUser"):
        assert alice.get(f"/api/query?type={kind}").status == 403
    assert names(alice, "organization") == ["acme"]
    for link in administrator.get("/api/query").xml:
        assert "?" in (link.get("href") or "")  # clients append &page=1
        assert administrator.get(link.get("href") or "").status == 200


def test_tenants_get_what_they_may_see(
    vapps: LabCloud, alice: RestCaller, carol: RestCaller, administrator: RestCaller
) -> None:
    assert names(alice, "vApp") == ["web-1", "web-2", "db"]
    assert names(carol, "vApp") == []
    assert names(administrator, "adminVApp") == ["web-1", "web-2", "db"]
    assert names(carol, "orgVdc") == ["globex-vdc"]
    assert set(names(administrator, "organization")) == {"System", "cse-provider", "acme", "globex"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("name==web-1", ["web-1"]),
        ("name==web*", ["web-1", "web-2"]),
        ("name!=web*", ["db"]),
        ("name==web-1,name==db", ["web-1", "db"]),
        ("name==web*;metadata:cse.cluster.id==STRING:*", ["web-1"]),
        ("metadata:cse.cluster.id==STRING:id of d*", ["db"]),
        ("metadata:cse.cluster.id!=STRING:", ["web-1", "db"]),
        ("metadata:cse.cluster.id!=STRING:id of db", ["web-1"]),
        ("metadata:cse.cluster.id==NUMBER:1", []),
        ("metadata@SYSTEM:cse.cluster.id==STRING:*", []),
        ("metadata:no.such.key==STRING:*", []),
        ("status==resolved", ["web-1", "web-2", "db"]),
        ("numberOfVMs=gt=0", []),
        ("(name==web-1,name==web-2);name!=web-2", ["web-1"]),
    ],
)
def test_a_filter_selects(vapps: LabCloud, alice: RestCaller, text: str, found: list[str]) -> None:
    assert names(alice, "vApp", filter=text) == found
    assert names(alice, "vApp", filterEncoded="true", filter=text) == found


def test_names_that_look_like_filters_are_found_in_both_encodings(lab: LabCloud, alice: RestCaller) -> None:
    name = "a;name==b (50%), c+d"
    lab.vapp(name)
    lab.vapp("b")
    twice = f"name=={quote(name)}"
    assert names(alice, "vApp", filterEncoded="true", filter=twice) == [name]
    escaped = "".join(f"\\{char}" if char in "();," else char for char in name)
    assert names(alice, "vApp", filter=f"name=={escaped}") == [name]


def test_references_are_found_by_whatever_names_the_entity(vapps: LabCloud, alice: RestCaller) -> None:
    vdc = vapps.vdc()
    for reference in (vdc.id, f"urn:vcloud:vdc:{vdc.id}", f"https://vcd.test/api/admin/vdc/{vdc.id}"):
        assert names(alice, "vApp", filter=f"vdc=={reference};name==db") == ["db"]
    assert names(alice, "vApp", filter=f"vdc=={vapps.org('acme').id}") == []


def test_pages_follow_their_links(vapps: LabCloud, alice: RestCaller) -> None:
    first = page(alice, "vApp", pageSize="2", filter="name==*", sortAsc="name")
    assert (first.get("total"), first.get("page"), first.get("pageSize")) == ("3", "1", "2")
    links = {link.get("rel"): link.get("href") or "" for link in first.findall(f"{V}Link")}
    assert set(links) == {"alternate", "nextPage", "lastPage"}
    second = alice.get(links["nextPage"]).xml
    assert [row.get("name") for row in second if row.tag != f"{V}Link"] == ["web-2"]
    assert {link.get("rel") for link in second.findall(f"{V}Link")} == {"alternate", "firstPage", "previousPage"}


def test_records_are_sorted(vapps: LabCloud, alice: RestCaller) -> None:
    assert names(alice, "vApp", sortAsc="name") == ["db", "web-1", "web-2"]
    assert names(alice, "vApp", sortDesc="name") == ["web-2", "web-1", "db"]


def test_a_page_has_at_most_128_records(lab: LabCloud, administrator: RestCaller) -> None:
    assert page(administrator, "right", pageSize="1000").get("pageSize") == "128"
    assert page(administrator, "right").get("pageSize") == "25"


def test_metadata_comes_beside_all_attributes_and_chosen_attributes_alone(vapps: LabCloud, alice: RestCaller) -> None:
    wanted = "metadata:cse.cluster.id,metadata:none"
    (record,) = rows(page(alice, "vApp", format="idrecords", filter="name==db", fields=wanted))
    assert record.get("vdcName") == "acme-vdc"
    (entry,) = record.findall(f"{V}Metadata/{V}MetadataEntry")
    assert entry.findtext(f"{V}Key") == "cse.cluster.id"
    assert entry.findtext(f"{V}TypedValue/{V}Value") == "id of db"
    (record,) = rows(page(alice, "vApp", filter="name==db", fields="name,status"))
    assert set(record.attrib) == {"href", "name", "status"}


def test_private_metadata_stays_with_the_provider(
    vapps: LabCloud, alice: RestCaller, administrator: RestCaller
) -> None:
    vdc = vapps.vdc()
    secret = MetadataEntry(key="container_provider", value="vcd", domain="SYSTEM", visibility="PRIVATE")
    vapps.cloud.metadata.put(vdc.id, [secret])
    wanted = "metadata@SYSTEM:container_provider==STRING:vcd"
    assert names(alice, "orgVdc", filter=wanted) == []
    assert names(administrator, "adminOrgVdc", filter=wanted) == ["acme-vdc"]
    (record,) = rows(page(alice, "orgVdc", fields="metadata@SYSTEM:container_provider"))
    assert len(record.findall(f"{V}Metadata/{V}MetadataEntry")) == 0


def test_published_catalogs_are_shared(lab: LabCloud, alice: RestCaller, administrator: RestCaller) -> None:
    own = f"org=={lab.org('acme').id},isShared==true"
    assert names(alice, "catalog", filter=own) == []
    catalog = next(iter(lab.cloud.catalogs))
    catalog.published = True
    assert names(alice, "catalog", filter=own) == ["cse"]
    assert names(administrator, "adminCatalog", filter=own) == ["cse"]


@pytest.mark.parametrize(
    "query",
    [
        "type=nonsense",
        "type=vApp&format=yaml",
        "type=vApp&page=0",
        "type=vApp&page=-1",
        "type=vApp&page=99999999999999999999",
        "type=vApp&pageSize=many",
        "type=vApp&filter=name",
        "type=vApp&filter=colour==red",
        "type=vApp&filter=creationDate=gt=yesterday",
        "type=user&filter=metadata:a==STRING:b",
        "type=vApp&sortAsc=colour",
    ],
)
def test_a_query_that_makes_no_sense_is_a_bad_request(vapps: LabCloud, alice: RestCaller, query: str) -> None:
    answer = alice.get(f"/api/query?{query}")
    assert (answer.status, answer.xml.get("minorErrorCode")) == (400, "BAD_REQUEST")


def test_queries_come_as_json_too(vapps: LabCloud, alice: RestCaller) -> None:
    answer = alice.get("/api/query?type=vApp&filter=name==db", accept="application/*+json;version=36.0")
    assert answer.headers["content-type"] == "application/vnd.vmware.vcloud.query.records+json;version=36.0"
    assert b'"name":"db"' in answer.body


def test_the_parts_of_a_service_are_queries_too(lab: LabCloud, administrator: RestCaller, alice: RestCaller) -> None:
    registry = ExtensionRegistry(lab.cloud)
    for name in ("cse", "other"):
        path = FilterSpec(url_pattern=f"/api/{name}")
        link = LinkSpec(href="{baseUri}x", mime_type="text/plain", rel=name, resource_id="urn:vcloud:org:1")
        registry.register(
            ServiceSpec(name=name, namespace=name, exchange="e", routing_key="k", filters=(path,), links=(link,))
        )
    service = lab.cloud.services.first("name", "cse")
    assert service is not None
    root = f"/api/admin/extension/service/{service.id}"
    (found,) = rows(administrator.get(f"{root}/apifilters").xml)
    assert (found.get("urlPattern"), found.get("service")) == ("/api/cse", f"https://vcd.test{root}")
    (link_record,) = rows(administrator.get(f"{root}/links?format=idrecords").xml)
    assert (link_record.get("rel"), link_record.get("service")) == ("cse", f"urn:vcloud:externalService:{service.id}")
    services = administrator.get("/api/admin/extension/service/query?sortDesc=name").xml
    assert [row.get("name") for row in rows(services)] == ["other", "cse"]
    assert alice.get(f"{root}/apifilters").status == 403


def test_an_attribute_may_be_more_than_the_entity_s_own(alice: RestCaller, vapps: LabCloud) -> None:
    vapps.vapp("with-vms", vapps.machine("vm-1"), vapps.machine("vm-2"))
    asked = {"filter": "(containerName==with*,name==nobody);ownerName!=bob", "sortDesc": "containerName"}
    assert names(alice, "vm", **asked) == ["vm-1", "vm-2"]
    assert names(alice, "vApp", filter="numberOfVMs=ge=2;numberOfCpus=gt=1;storageKB=gt=0") == ["with-vms"]
