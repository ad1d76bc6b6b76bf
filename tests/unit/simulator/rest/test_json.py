"""Documents as JSON, in both directions."""

import json
from typing import Any

import pytest
from lxml import etree

from cse_testing.vcd_cloud import Answer, LabCloud, RestCaller
from vcd_simulator.model.compute import Vapp
from vcd_simulator.model.task import Reference
from vcd_simulator.rest.json_types import document_types
from vcd_simulator.rest.jsonbody import parse_json
from vcd_simulator.rest.jsonform import type_of

ACCEPT = {"accept": "application/*+json;version=31.0"}
SEND = ACCEPT | {"content-type": "application/*+json"}


def read(caller: RestCaller, path: str) -> Any:
    answer = caller.call("GET", path, headers=ACCEPT)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def send(caller: RestCaller, method: str, path: str, content: object) -> Answer:
    return caller.call(method, path, json.dumps(content), headers=SEND)


@pytest.fixture
def vapp(lab: LabCloud) -> Vapp:
    return lab.vapp("c1", lab.machine("a"), power_on=True)


def test_values_have_types_lists_are_lists_and_what_is_absent_is_null(
    lab: LabCloud, alice: RestCaller, vapp: Vapp
) -> None:
    document = read(alice, f"/api/vApp/vapp-{vapp.id}")
    assert document["name"] == "c1"
    assert (document["deployed"], document["status"], document["inMaintenanceMode"]) == (True, 4, False)
    assert document["operationKey"] is None
    (vm,) = document["children"]["vm"]
    assert vm["nestedHypervisorEnabled"] is False
    assert vm["vmCapabilities"]["cpuHotAddEnabled"] is False
    assert vm["otherAttributes"] == {}
    assert vm["vCloudExtension"] == []


def test_sections_say_which_they_are(alice: RestCaller, vapp: Vapp) -> None:
    document = read(alice, f"/api/vApp/vapp-{vapp.id}")
    kinds = [section["_type"] for section in document["section"]]
    assert kinds == ["LeaseSettingsSectionType", "StartupSectionType", "NetworkSectionType", "NetworkConfigSectionType"]
    (network,) = document["section"][3]["networkConfig"]
    assert network["configuration"]["ipScopes"]["ipScope"][0]["isEnabled"] is True
    vm = document["children"]["vm"][0]
    hardware = next(one for one in vm["section"] if one["_type"] == "VirtualHardwareSectionType")
    cpu = next(item for item in hardware["item"] if item["resourceType"]["value"] == "3")
    assert cpu["virtualQuantity"] == {"otherAttributes": {}, "value": 2}
    connection = next(item["connection"][0] for item in hardware["item"] if item["connection"])
    assert connection["otherAttributes"]["{http://www.vmware.com/vcloud/v1.5}ipAddressingMode"] == "POOL"


def test_a_link_leads_to_both_formats_and_the_document_is_of_its_own(alice: RestCaller, vapp: Vapp) -> None:
    document = read(alice, f"/api/vApp/vapp-{vapp.id}")
    assert document["type"] == "application/vnd.vmware.vcloud.vApp+json"
    types = {link["type"] for link in document["link"] if link["rel"] == "recompose"}
    base = "application/vnd.vmware.vcloud.recomposeVAppParams"
    assert types == {f"{base}+xml", f"{base}+json"}
    assert document["owner"]["user"]["type"] == "application/vnd.vmware.admin.user+xml", "references stay as they are"


def test_a_task_has_its_times_and_flags(lab: LabCloud, alice: RestCaller, vapp: Vapp) -> None:
    task = lab.cloud.tasks.tasks.find("owner", vapp.id)[0]
    document = read(alice, f"/api/task/{task.id}")
    assert document["startTime"].endswith(".000+0000")
    assert (document["cancelRequested"], document["progress"], document["error"]) == (False, 100, None)


def test_a_task_says_by_ids_who_does_what_for_whom(lab: LabCloud, alice: RestCaller, vapp: Vapp) -> None:
    task = lab.cloud.tasks.tasks.find("owner", vapp.id)[0]
    document = read(alice, f"/api/task/{task.id}")
    assert document["owner"]["id"] == f"urn:vcloud:vapp:{vapp.id}"
    assert document["user"]["id"] == f"urn:vcloud:user:{lab.user('alice').id}"
    assert document["organization"]["id"] == f"urn:vcloud:org:{lab.org('acme').id}"
    task.owner = Reference(href="urn:cse:cluster:5c6b", name="c1", type="application/vcloud.cse.cluster+xml")
    assert read(alice, f"/api/task/{task.id}")["owner"]["id"] is None, "what belongs to a service has its own name"


def test_records_are_one_list_whatever_their_number(lab: LabCloud, alice: RestCaller) -> None:
    empty = read(alice, "/api/query?type=vApp")
    assert (empty["record"], empty["total"], empty["page"]) == ([], 0, 1)
    lab.vapp("c1")
    document = read(alice, "/api/query?type=vApp&fields=name,isDeployed,numberOfCpus,metadata:k")
    (record,) = document["record"]
    assert record["_type"] == "QueryResultVAppRecordType"
    assert (record["name"], record["isDeployed"], record["numberOfCpus"]) == ("c1", False, 0)
    assert record["metadata"]["metadataEntry"] == []
    references = read(alice, "/api/query?type=vApp&format=references")
    assert [one["name"] for one in references["reference"]] == ["c1"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/session", "/api/org", "/api/org/{org}", "/api/admin/", "/api/admin/org/{org}", "/api/vdc/{vdc}",
        "/api/admin/vdc/{vdc}", "/api/vApp/vapp-{vapp}", "/api/vApp/vm-{vm}", "/api/vApp/vapp-{vapp}/metadata",
        "/api/vApp/vapp-{vapp}/owner", "/api/vApp/vapp-{vapp}/controlAccess", "/api/vApp/vm-{vm}/vmCapabilities",
        "/api/vApp/vm-{vm}/virtualHardwareSection/cpu", "/api/vApp/vm-{vm}/virtualHardwareSection/disks",
        "/api/vApp/vm-{vm}/networkConnectionSection", "/api/vApp/vm-{vm}/guestCustomizationSection",
        "/api/catalog/{catalog}", "/api/admin/catalog/{catalog}", "/api/catalogItem/{item}",
        "/api/vAppTemplate/vappTemplate-{template}", "/api/network/{network}", "/api/vdcStorageProfile/{profile}",
        "/api/network/{network}/allocatedAddresses", "/api/tasksList/{org}", "/api/admin/user/{user}",
        "/api/admin/role/{role}", "/api/admin/right/{right}", "/api/query", "/api/query?type=adminOrgVdc",
        "/api/query?type=adminVM", "/api/query?type=right", "/api/query?type=adminCatalog&format=references",
        "/api/admin/extension", "/api/admin/extension/vimServerReferences", "/api/admin/extension/vimServer/{vc}",
        "/api/admin/providervdc/{pvdc}", "/api/admin/extension/externalnet/{external}", "/api/versions",
    ],
)  # fmt: skip
def test_every_document_is_of_a_published_type(lab: LabCloud, administrator: RestCaller, vapp: Vapp, path: str) -> None:
    cloud = lab.cloud
    names = {
        "org": lab.org("acme").id, "vdc": lab.vdc().id, "vapp": vapp.id, "vm": cloud.vms_of(vapp)[0].id,
        "catalog": next(iter(cloud.catalogs)).id, "item": next(iter(cloud.items)).id,
        "template": next(iter(cloud.templates)).id, "network": lab.network().id,
        "profile": next(iter(cloud.profiles)).id, "user": lab.user("alice").id, "role": next(iter(cloud.roles)).id,
        "right": next(iter(cloud.rights)).id, "vc": next(iter(cloud.vim_servers)).id,
        "pvdc": next(iter(cloud.provider_vdcs)).id, "external": next(iter(cloud.external_networks)).id,
    }  # fmt: skip
    address = path.format(**names)
    root = administrator.get(address).xml
    kind = document_types()[type_of(root) or ""]
    document = read(administrator, address)
    spelled = {member.name for member in kind.members.values()}
    assert set(document) - {"_type"} == spelled, "nothing is left over, nothing is missing"
    for name, member in kind.members.items():
        if member.many:
            assert isinstance(document[member.name], list), name


def test_a_vapp_is_composed_recomposed_and_shared_in_json(lab: LabCloud, alice: RestCaller) -> None:
    next(iter(lab.cloud.catalogs)).published = True
    network = {
        "_type": "NetworkConfigSectionType",
        "info": {"value": ""},
        "networkConfig": [
            {
                "networkName": "acme-net",
                "configuration": {
                    "parentNetwork": {"href": f"https://vcd.test/api/network/{lab.network().id}"},
                    "fenceMode": "bridged",
                },
            }
        ],
    }
    path = f"/api/vdc/{lab.vdc().id}/action/composeVApp"
    body = {"name": "in-json", "description": "a & b", "instantiationParams": {"section": [network]}}
    created = send(alice, "POST", path, body)
    assert created.status == 201
    document = json.loads(created.body)
    assert document["tasks"]["task"][0]["operationName"] == "vdcComposeVapp"
    lab.pass_time()
    (vapp,) = lab.cloud.vapps
    assert (vapp.name, vapp.description, list(vapp.networks)) == ("in-json", "a & b", ["acme-net"])

    connection = {
        "network": "acme-net",
        "networkConnectionIndex": 0,
        "isConnected": True,
        "ipAddressAllocationMode": "POOL",
    }
    hardware = {
        "_type": "VirtualHardwareSectionType",
        "item": [
            {
                "resourceType": {"value": "3"},
                "virtualQuantity": {"value": 4},
                "any": [{"_type": "CoresPerSocketType", "required": False, "value": "2"}],
            }
        ],
    }
    sections = [
        {
            "_type": "NetworkConnectionSectionType",
            "primaryNetworkConnectionIndex": 0,
            "networkConnection": [connection],
        },
        {"_type": "GuestCustomizationSectionType", "enabled": True, "computerName": "host-1"},
        hardware,
    ]
    item = {
        "source": {"href": f"https://vcd.test/api/vAppTemplate/vm-{lab.template_vm().id}"},
        "vmGeneralParams": {"name": "one"},
        "instantiationParams": {"section": sections},
    }
    here = f"/api/vApp/vapp-{vapp.id}"
    assert send(alice, "POST", f"{here}/action/recomposeVApp", {"sourcedItem": [item], "deploy": False}).status == 202
    lab.pass_time()
    (vm,) = lab.cloud.vms_of(vapp)
    assert (vm.name, vm.hardware.cpu_count, vm.hardware.cores_per_socket) == ("one", 4, 2)
    assert (vm.nics[0].mode, vm.customization.computer_name) == ("POOL", "host-1")

    subject = {"href": f"https://vcd.test/api/admin/user/{lab.user('bob').id}"}
    settings = {"accessSetting": [{"subject": subject, "accessLevel": "Change"}]}
    shared = send(
        alice, "POST", f"{here}/action/controlAccess", {"isSharedToEveryone": False, "accessSettings": settings}
    )
    assert json.loads(shared.body)["accessSettings"]["accessSetting"][0]["accessLevel"] == "Change"
    entry = {"key": "k", "typedValue": {"_type": "MetadataNumberValue", "value": 7}, "domain": {"value": "GENERAL"}}
    assert send(alice, "POST", f"{here}/metadata", {"metadataEntry": [entry]}).status == 202
    lab.pass_time()
    assert read(alice, f"{here}/metadata")["metadataEntry"][0]["typedValue"] == {
        "_type": "MetadataNumberValue",
        "value": 7,
    }


def test_what_was_read_can_be_sent_back_changed(lab: LabCloud, alice: RestCaller, vapp: Vapp) -> None:
    path = f"/api/vApp/vapp-{vapp.id}/leaseSettingsSection/"
    section = read(alice, path)
    assert section["_type"] == "LeaseSettingsSectionType"
    assert send(alice, "PUT", path, section | {"deploymentLeaseInSeconds": "172800"}).status == 202
    lab.pass_time()
    assert read(alice, path)["deploymentLeaseInSeconds"] == 172800
    vm = lab.cloud.vms_of(vapp)[0]
    document = read(alice, f"/api/vApp/vm-{vm.id}")
    assert send(alice, "PUT", f"/api/vApp/vm-{vm.id}", document | {"name": "renamed"}).status == 202
    lab.pass_time()
    assert vm.name == "renamed"
    user = f"/api/admin/user/{lab.user('bob').id}"
    assert send(alice, "PUT", user, read(alice, user) | {"im": "bob-im", "deployedVmQuota": 3}).status == 200
    assert (lab.user("bob").im, lab.user("bob").deployed_vm_quota) == ("bob-im", 3)


def test_the_providers_documents_are_sent_as_json_too(lab: LabCloud, administrator: RestCaller) -> None:
    created = send(
        administrator, "POST", "/api/admin/orgs", {"name": "umbrella", "fullName": "Umbrella", "isEnabled": True}
    )
    assert created.status == 201
    assert json.loads(created.body)["isEnabled"] is True
    org = lab.org("umbrella")
    right = lab.cloud.rights.first("name", "vApp: Copy")
    assert right is not None
    references = {"rightReference": [{"href": f"https://vcd.test/api/admin/right/{right.id}"}]}
    role = send(administrator, "POST", f"/api/admin/org/{org.id}/roles", {"name": "r", "rightReferences": references})
    assert [one["name"] for one in json.loads(role.body)["rightReferences"]["rightReference"]] == ["vApp: Copy"]


@pytest.mark.parametrize(
    "body",
    [
        "", "{", "[]", '"text"', "null", '{"name": NaN' , '{"a b": 1}', '{"name": "\\u0000"}', '{"x": [[1]]}',
        '{"x":' * 60 + "1" + "}" * 60, "[" * 100_000, '{"_type": "VAppType", "name": "x"}',
        '{"otherAttributes": {"bad name": "x"}, "section": [{"_type": "<script>"}]}',
    ],
)  # fmt: skip
def test_bodies_that_make_no_sense_are_refused_in_json(lab: LabCloud, alice: RestCaller, body: str) -> None:
    answer = alice.call("POST", f"/api/vdc/{lab.vdc().id}/action/composeVApp", body, headers=SEND)
    assert answer.status == 400, answer.body
    assert json.loads(answer.body)["minorErrorCode"] == "BAD_REQUEST"


def test_a_format_that_nobody_reads_is_not_supported(lab: LabCloud, alice: RestCaller) -> None:
    path = f"/api/vdc/{lab.vdc().id}/action/composeVApp"
    body = '<ComposeVAppParams xmlns="http://www.vmware.com/vcloud/v1.5" name="c1"/>'
    for stated in ("application/x-www-form-urlencoded", "text/plain; charset=utf-8", "multipart/form-data"):
        answer = alice.call("POST", path, body, headers={"content-type": stated})
        assert (answer.status, answer.xml.get("minorErrorCode")) == (415, "UNSUPPORTED_MEDIA_TYPE")
    for stated in ("application/*+xml", "application/vnd.vmware.vcloud.composeVAppParams+xml", "text/xml", ""):
        sent = {"content-type": stated} if stated else {}
        assert alice.call("POST", path, body.replace("c1", f"c-{len(stated)}"), headers=sent).status == 201


def test_hardware_has_its_own_namespace() -> None:
    root = parse_json(b'{"item": [{"resourceType": {"value": "4"}, "virtualQuantity": {"value": 512}}]}')
    assert [etree.QName(child.tag).localname for child in root[0]] == ["ResourceType", "VirtualQuantity"]
    assert root[0].findtext("{*}VirtualQuantity") == "512"
