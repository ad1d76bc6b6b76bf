"""Requests that no client of ours sends: odd values, odd formats, odd queries. Each is answered as vCD refuses."""

import copy
import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from lxml import etree

from cse_testing.vcd_cloud import Answer, LabCloud, RestCaller

ODD = (
    "",
    "²",
    "-1",
    "9" * 5000,
    "NaN",
    "\uff11\uff12",
    "x" * 3000,
    "a'b\"c<d>",
    "../..",
    "http://[",
    "urn:vcloud:vm:",
    "::1",
    "%00",
)
"""Values that fit nowhere; digits that are not ours among them."""
AS_JSON = {"accept": "application/*+json;version=36.0"}
PROVIDER = "/api/admin/extension"


def refused_well(answer: Answer) -> bool:
    """Whether an answer is a success, or a refusal in the right form; never a failure of the simulator."""
    if answer.status < 400:
        return True
    if "json" in answer.headers["content-type"]:
        fields = json.loads(answer.body)
        return bool(answer.status < 500 and fields["message"] and fields["majorErrorCode"] == answer.status)
    error = answer.xml
    return bool(
        answer.status < 500
        and error.tag == "{http://www.vmware.com/vcloud/v1.5}Error"
        and error.get("majorErrorCode") == str(answer.status)
        and error.get("minorErrorCode")
        and error.get("message")
    )


def mutants(document: str | bytes) -> Iterator[str]:
    """The document with each value in turn replaced by odd ones, and each element in turn left out or there twice."""
    root = etree.fromstring(document)
    for place, original in enumerate(list(root.iter())):
        for odd in ODD:
            if not len(original):
                changed = copy.deepcopy(root)
                list(changed.iter())[place].text = odd
                yield etree.tostring(changed, encoding="unicode")
            for name in original.attrib:
                changed = copy.deepcopy(root)
                list(changed.iter())[place].set(name, odd)
                yield etree.tostring(changed, encoding="unicode")
        if place:
            for again in (False, True):
                changed = copy.deepcopy(root)
                element = list(changed.iter())[place]
                parent = element.getparent()
                assert parent is not None
                if again:
                    parent.append(copy.deepcopy(element))
                else:
                    parent.remove(element)
                yield etree.tostring(changed, encoding="unicode")


DOCUMENTS = {
    "org": (
        "/api/admin/orgs",
        """<AdminOrg name="o"><FullName>f</FullName><IsEnabled>true</IsEnabled>
        <Settings><OrgGeneralSettings><DeployedVMQuota>1</DeployedVMQuota></OrgGeneralSettings></Settings></AdminOrg>""",
    ),
    "user": (
        "/api/admin/org/{org}/users",
        """<User name="u"><IsEnabled>true</IsEnabled><StoredVmQuota>3</StoredVmQuota>
        <Role href="/api/admin/role/{role}"/><Password>secret12</Password></User>""",
    ),
    "role": (
        "/api/admin/org/{org}/roles",
        """<Role name="r"><RightReferences>
        <RightReference href="/api/admin/right/{right}"/></RightReferences></Role>""",
    ),
    "vdc": (
        "/api/admin/org/{org}/vdcsparams",
        """<CreateVdcParams name="v"><AllocationModel>AllocationVApp</AllocationModel>
        <ComputeCapacity><Cpu><Units>MHz</Units><Allocated>0</Allocated><Limit>9</Limit></Cpu></ComputeCapacity>
        <NetworkQuota>3</NetworkQuota>
        <VdcStorageProfile><Enabled>true</Enabled><Units>MB</Units><Limit>0</Limit><Default>true</Default>
        <ProviderVdcStorageProfile href="/api/admin/pvdcStorageProfile/{profile}"/></VdcStorageProfile>
        <ResourceGuaranteedCpu>1</ResourceGuaranteedCpu><VCpuInMhz>1000</VCpuInMhz>
        <ProviderVdcReference href="/api/admin/providervdc/{pvdc}"/></CreateVdcParams>""",
    ),
    "metadata": (
        "/api/vApp/vapp-{vapp}/metadata",
        """<Metadata><MetadataEntry><Domain visibility="READWRITE">GENERAL</Domain><Key>k</Key>
        <TypedValue xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="MetadataNumberValue">
        <Value>5</Value></TypedValue></MetadataEntry></Metadata>""",
    ),
    "task": (
        "/api/tasksList/{org}",
        """<Task name="t" status="running" operation="o" operationName="n"><Owner href="urn:x:y:z" name="n" type="t"/>
        <Progress>5</Progress></Task>""",
    ),
    "vcenter": (
        f"{PROVIDER}/action/registervimserver",
        """<RegisterVimServerParams><VimServer name="n"><Username>u</Username><Password>p</Password>
        <Url>https://h:443</Url></VimServer></RegisterVimServerParams>""",
    ),
    "external network": (
        f"{PROVIDER}/externalnets",
        """<VMWExternalNetwork name="e"><Configuration><IpScopes><IpScope><Gateway>10.77.0.1</Gateway>
        <Netmask>255.255.255.0</Netmask><IsEnabled>true</IsEnabled><IpRanges><IpRange>
        <StartAddress>10.77.0.5</StartAddress><EndAddress>10.77.0.9</EndAddress></IpRange></IpRanges></IpScope></IpScopes>
        </Configuration><VimPortGroupRef><VimServerRef href="/api/admin/extension/vimServer/{server}"/>
        <MoRef>{moref}</MoRef></VimPortGroupRef></VMWExternalNetwork>""",
    ),
}
"""Paths and documents, by what they make."""


def ids(lab: LabCloud) -> dict[str, str]:
    cloud = lab.cloud
    return {
        "org": lab.org("acme").id,
        "role": lab.user("bob").role_id,
        "right": next(iter(cloud.rights)).id,
        "profile": next(iter(cloud.provider_profiles)).id,
        "pvdc": next(iter(cloud.provider_vdcs)).id,
        "server": next(iter(cloud.vim_servers)).id,
        "moref": next(one.moref for one in cloud.port_groups if one.external_network_id is None),
    }


@pytest.mark.parametrize("what", DOCUMENTS)
def test_odd_values_in_a_document_are_taken_or_refused(lab: LabCloud, administrator: RestCaller, what: str) -> None:
    path, document = DOCUMENTS[what]
    known = ids(lab) | {"vapp": lab.vapp("c1").id if "{vapp}" in path else ""}
    for changed in mutants(document.format(**known)):
        answer = administrator.post(path.format(**known), changed)
        assert refused_well(answer), (changed, answer)


@pytest.mark.parametrize("part", ["cpu", "memory", "disks"])
def test_odd_numbers_in_hardware_are_taken_or_refused(lab: LabCloud, administrator: RestCaller, part: str) -> None:
    (vm_id,) = lab.vapp("c1", lab.machine("a")).vm_ids
    href = f"/api/vApp/vm-{vm_id}/virtualHardwareSection/{part}"
    document = administrator.get(href).body
    for changed in mutants(document):
        answer = administrator.put(href, changed)
        assert refused_well(answer), (changed, answer)
        if answer.status < 300:
            lab.pass_time()


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        pytest.param("<a>" * 5000 + "</a>" * 5000, "application/xml", id="deep XML"),
        pytest.param('{"a":' * 5000 + "1" + "}" * 5000, "application/json", id="deep JSON"),
        pytest.param("[]", "application/json", id="JSON that is a list"),
        pytest.param('{"name":{}}', "application/json", id="JSON object for a text"),
        pytest.param('{"name":"\\ud800"}', "application/json", id="half a character"),
        pytest.param('{"\\u0000":1}', "application/json", id="control character"),
        pytest.param("<x/>", "application/json", id="XML said to be JSON"),
        pytest.param("{}", "application/xml", id="JSON said to be XML"),
        pytest.param("a=1", "application/x-www-form-urlencoded", id="form"),
        pytest.param('<?xml version="1.0" encoding="none"?><x/>', "application/xml", id="unknown encoding"),
    ],
)
@pytest.mark.parametrize("accept", ["xml", "json"])
def test_odd_bodies_are_refused_in_the_format_that_is_asked_for(
    lab: LabCloud, administrator: RestCaller, accept: str, body: str, content_type: str
) -> None:
    headers = {"accept": f"application/*+{accept};version=36.0", "content-type": content_type}
    for path in ("/api/admin/orgs", f"{PROVIDER}/externalnets", f"/api/vdc/{lab.vdc().id}/action/composeVApp"):
        answer = administrator.call("POST", path, body, headers)
        assert answer.status in (400, 415)
        assert accept in answer.headers["content-type"]
        assert refused_well(answer)


@pytest.mark.parametrize(
    "parameters",
    [
        *(f"page={number}" for number in ("0", "-1", "1e3", "²", "99999999999")),
        *(f"pageSize={number}" for number in ("0", "x", "99999999999")),
        *(f"format={name}" for name in ("x", "Records", "records|idrecords")),
        "sortAsc=nothing",
        "filter=" + "(" * 3000,
        "filter=" + quote("(" * 2000 + "name==x" + ")" * 2000),
        "filter=numberOfVMs=gt=x",
        "filter=creationDate=gt=yesterday",
        "filter=nothing==x",
        "filter=metadata:==x",
    ],
    ids=lambda text: text[:24],
)
@pytest.mark.parametrize("headers", [{}, AS_JSON], ids=["xml", "json"])
def test_queries_that_make_no_sense_are_refused(
    lab: LabCloud, administrator: RestCaller, parameters: str, headers: dict[str, str]
) -> None:
    lab.vapp("c1")
    answer = administrator.call("GET", f"/api/query?type=adminVApp&{parameters}", headers=headers)
    assert answer.status == 400
    assert refused_well(answer)


def test_a_page_beyond_the_last_one_is_empty(lab: LabCloud, administrator: RestCaller) -> None:
    lab.vapp("c1")
    page = administrator.get("/api/query?type=adminVApp&page=77&pageSize=1").xml
    assert (page.get("page"), page.get("total"), page.findall("{*}AdminVAppRecord")) == ("77", "1", [])
    assert {link.get("rel") for link in page.findall("{*}Link")} <= {"alternate", "firstPage", "previousPage"}


@pytest.mark.parametrize("number", ["²", "--5", "9" * 30, "five"])
def test_metadata_that_is_no_number_is_refused(lab: LabCloud, administrator: RestCaller, number: str) -> None:
    path, document = DOCUMENTS["metadata"]
    body = document.replace(">5<", f">{number}<")
    assert administrator.post(path.format(vapp=lab.vapp("c1").id), body).status == 400
