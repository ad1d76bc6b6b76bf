"""Details of documents on which clients depend."""

import pytest
from lxml import etree

from cse_testing.vcd_cloud import Answer, LabCloud, RestCaller
from vcd_simulator.extensions.amqp_settings import amqp_routes
from vcd_simulator.extensions.forward import Forwarder
from vcd_simulator.extensions.registry import ExtensionRegistry
from vcd_simulator.extensions.resources import service_routes
from vcd_simulator.operations import power
from vcd_simulator.rest.resources import all_routes
from vcd_simulator.rest.xml import OVFENV_NS, VCLOUD_NS, VE_NS, VMEXT_NS

ADMIN = "application/vnd.vmware.admin."
VCLOUD = "application/vnd.vmware.vcloud."


def at(lab: LabCloud, version: str, user: str = "alice", org: str = "acme") -> RestCaller:
    return RestCaller(lab, version).login(user, org)


def named_links(answer: Answer) -> set[tuple[str | None, str | None]]:
    return {(link.get("type"), link.get("name")) for link in answer.xml.findall("{*}Link") if link.get("name")}


def test_an_org_names_its_parts_below_33_and_links_to_queries_from_there_on(lab: LabCloud) -> None:
    next(iter(lab.cloud.catalogs)).published = True
    path = f"/api/org/{lab.org('acme').id}"
    old = named_links(at(lab, "32.0").get(path))
    assert (VCLOUD + "vdc+xml", "acme-vdc") in old
    assert (VCLOUD + "catalog+xml", "cse") in old, "published catalogs of others, too"
    assert (VCLOUD + "orgNetwork+xml", "acme-net") in old
    new = at(lab, "33.0").get(path)
    assert named_links(new) == set()
    queries = [link.get("href", "") for link in new.xml.findall("{*}Link") if "query" in (link.get("type") or "")]
    assert "type=orgVdc&" in queries[0]
    assert "type=catalog&" in queries[1]
    admin = at(lab, "36.0", "administrator", "System").get(path)
    hrefs = [link.get("href", "") for link in admin.xml.findall("{*}Link")]
    assert any("type=adminOrgVdc&" in href for href in hrefs)
    assert new.xml.findtext("{*}FullName") == "ACME Corporation"


def test_a_session_says_who_where_and_as_what(lab: LabCloud) -> None:
    tenant, system = at(lab, "31.0").get("/api/session"), at(lab, "31.0", "administrator", "System").get("/api/session")
    assert (tenant.xml.get("org"), tenant.xml.get("user"), tenant.xml.get("roles")) == (
        "acme",
        "alice",
        "Organization Administrator",
    )
    assert tenant.xml.get("userId") == f"urn:vcloud:user:{lab.user('alice').id}"
    assert tenant.links()["down", VCLOUD + "org+xml"].endswith(lab.org("acme").id)
    extension = ("down", ADMIN + "vmwExtension+xml")
    assert extension in system.links()
    assert extension not in tenant.links()


def test_the_administrations_root_ends_with_a_slash_and_the_extensions_does_not(administrator: RestCaller) -> None:
    assert administrator.get("/api/admin").xml.get("href") == "https://vcd.test/api/admin/"
    assert administrator.get("/api/admin/extension").xml.get("href") == "https://vcd.test/api/admin/extension"


def test_links_in_extension_documents_are_of_the_common_namespace(administrator: RestCaller) -> None:
    root = administrator.get("/api/admin/extension").xml
    assert root.tag == f"{{{VMEXT_NS}}}VMWExtension"
    assert {link.tag for link in root} == {f"{{{VCLOUD_NS}}}Link"}
    references = administrator.get("/api/admin/extension/vimServerReferences").xml
    server = administrator.get(references[0].get("href", "")).xml
    assert server.findtext(f"{{{VMEXT_NS}}}Url", "").startswith("https://")


def test_a_created_vapp_shows_its_task_and_a_later_one_only_what_runs(lab: LabCloud, alice: RestCaller) -> None:
    body = f'<ComposeVAppParams xmlns="{VCLOUD_NS}" name="c1"><Description>cluster c1</Description></ComposeVAppParams>'
    created = alice.post(f"/api/vdc/{lab.vdc().id}/action/composeVApp", body)
    assert created.status == 201
    (task,) = created.xml.findall("{*}Tasks/{*}Task")
    assert task.get("operationName") == "vdcComposeVapp"
    assert created.xml.get("status") == "0"
    lab.pass_time()
    later = alice.get(created.xml.get("href", ""))
    assert later.xml.find("{*}Tasks") is None
    assert alice.get(task.get("href", "")).xml.get("status") == "success"
    assert later.xml.findtext("{*}Description") == "cluster c1"


def test_a_vm_shows_its_address_place_and_password_to_its_tenant(lab: LabCloud, alice: RestCaller) -> None:
    vapp = lab.vapp("c1", lab.machine("a"), power_on=True)
    (vm,) = lab.cloud.vms_of(vapp)
    root = alice.get(f"/api/vApp/vapp-{vapp.id}").xml
    (element,) = root.findall("{*}Children/{*}Vm")
    connection = element.find("{*}VirtualHardwareSection/{*}Item/{*}Connection")
    assert connection is not None
    assert connection.get(f"{{{VCLOUD_NS}}}ipAddress") == "10.10.0.10"
    environment = element.find(f"{{{OVFENV_NS}}}Environment")
    assert environment is not None
    assert environment.get(f"{{{VE_NS}}}vCenterId") == vm.moid
    section = element.find("{*}GuestCustomizationSection")
    assert section is not None
    assert section.findtext("{*}AdminPassword") == vm.customization.admin_password
    assert element.find("{*}VCloudExtension") is None, "the provider's business"
    assert root.find("{*}VirtualHardwareSection") is None


def test_a_vm_that_is_off_has_no_place_and_a_system_administrator_sees_it_all_the_same(
    lab: LabCloud, administrator: RestCaller
) -> None:
    vapp = lab.vapp("c1", lab.machine("a"))
    (vm,) = lab.cloud.vms_of(vapp)
    root = administrator.get(f"/api/vApp/vm-{vm.id}").xml
    assert root.find(f"{{{OVFENV_NS}}}Environment") is None
    reference = root.find(f"{{*}}VCloudExtension/{{{VMEXT_NS}}}VmVimInfo/{{{VMEXT_NS}}}VmVimObjectRef")
    assert reference is not None
    assert reference.findtext(f"{{{VMEXT_NS}}}MoRef") == vm.moid
    assert reference.findtext(f"{{{VMEXT_NS}}}VimObjectType") == "VIRTUAL_MACHINE"


@pytest.mark.parametrize("kind", ["vapp", "vm"])
def test_no_two_links_of_a_document_have_the_same_rel_and_type(
    lab: LabCloud, administrator: RestCaller, kind: str
) -> None:
    vapp = lab.vapp("c1", lab.machine("a"), power_on=True)
    (vm,) = lab.cloud.vms_of(vapp)
    path = f"/api/vApp/vapp-{vapp.id}" if kind == "vapp" else f"/api/vApp/vm-{vm.id}"
    links = administrator.get(path).links()
    assert ("power:powerOff", None) in links
    assert ("undeploy", VCLOUD + "undeployVAppParams+xml") in links
    assert ("power:powerOn", None) not in links


METHODS = {"add": "POST", "edit": "PUT", "remove": "DELETE", "publish": "POST", "down": "GET", "up": "GET"}


def test_every_link_leads_somewhere(lab: LabCloud, alice: RestCaller, administrator: RestCaller) -> None:
    vapp = lab.vapp("c1", lab.machine("a"), lab.machine("b"), power_on=True)
    power.act(lab.cloud, lab.user("alice"), vapp, lab.cloud.vms_of(vapp)[1], "suspend")
    lab.begin_vapp("c2", lab.machine("a"))
    router = all_routes()
    router.include(service_routes(ExtensionRegistry(lab.cloud)))
    router.include(amqp_routes(Forwarder(None)))
    for user in (alice, administrator):
        seen, todo = set(), ["/api/session", "/api/admin", "/api/org", "/api/admin/extension"]
        while todo:
            path = todo.pop()
            answer = user.get(path)
            if path in seen or answer.status != 200:
                continue
            seen.add(path)
            for element in answer.xml.iter():
                href = (element.get("href") or "").removeprefix("https://vcd.test").partition("?")[0]
                if not href.startswith("/"):
                    continue
                if etree.QName(element).localname == "Link" and "extensib" not in (element.get("rel") or ""):
                    posted = href.endswith(("/vdcStorageProfiles", "/storageProfiles")) and element.get("rel") == "edit"
                    method = "POST" if posted else METHODS.get(element.get("rel", ""))
                    methods = router.methods(href)
                    assert method in methods if method else methods, f"{path} offers {element.get('rel')} {href}"
                if "GET" in user.app.router.methods(href) and href not in seen:
                    todo.append(href)
        assert len(seen) > 50


def test_hostile_names_stay_in_their_place(lab: LabCloud, alice: RestCaller) -> None:
    name = '"><Evil/>&amp; ]]> é \U0001f600'
    root = etree.Element(f"{{{VCLOUD_NS}}}ComposeVAppParams", name=name)
    answer = alice.post(f"/api/vdc/{lab.vdc().id}/action/composeVApp", etree.tostring(root).decode())
    assert answer.status == 201
    assert answer.xml.get("name") == name
    assert answer.xml.find("{*}Evil") is None


def test_a_service_reports_on_a_task_of_its_own(lab: LabCloud, alice: RestCaller, administrator: RestCaller) -> None:
    def report(status: str, extra: str = "") -> str:
        return (
            f'<Task xmlns="{VCLOUD_NS}" status="{status}" serviceNamespace="vcloud.cse" operation="Creating c1"'
            ' operationName="create_cluster" name="task" type="application/vnd.vmware.vcloud.task+xml">'
            '<Owner href="urn:cse:cluster:5c6b" name="c1" type="application/vcloud.cse.cluster+xml"/>'
            f"{extra}"
            f'<User href="urn:vcloud:user:{lab.user("alice").id}" name="alice" type="{ADMIN}user+xml"/>'
            "<Progress>40</Progress><Details/></Task>"
        )

    tasks = f"/api/tasksList/{lab.org('acme').id}"
    assert alice.post(tasks, report("running")).status == 403
    created = administrator.post(tasks, report("running"))
    assert created.status == 201
    href = created.xml.get("href", "")
    seen = alice.get(href).xml
    assert (seen.get("status"), seen.get("operationName"), seen.findtext("{*}Progress")) == (
        "running",
        "create_cluster",
        "40",
    )
    owner = seen.find("{*}Owner")
    assert owner is not None
    assert owner.get("href") == "urn:cse:cluster:5c6b"
    started = seen.get("startTime")
    lab.clock.advance(5)
    error = '<Error majorErrorCode="500" minorErrorCode="X" message="out of addresses" stackTrace=""/>'
    assert alice.put(href, report("error", error)).status == 403
    assert administrator.put(href, report("error", error)).status == 200
    ended = alice.get(href).xml
    assert (ended.get("status"), ended.get("startTime")) == ("error", started)
    assert ended.get("endTime")
    found = ended.find("{*}Error")
    assert found is not None
    assert found.get("message") == "out of addresses"
    assert administrator.put(href, report("running")).status == 400, "over is over"


def test_canceling_a_services_task_asks_the_service(lab: LabCloud, administrator: RestCaller) -> None:
    body = (
        f'<Task xmlns="{VCLOUD_NS}" status="running" operation="x" operationName="x" name="task">'
        '<Owner href="urn:x:1" name="c1" type="x"/></Task>'
    )
    href = administrator.post(f"/api/tasksList/{lab.org('acme').id}", body).xml.get("href", "")
    assert administrator.post(f"{href}/action/cancel").status == 204
    seen = administrator.get(href).xml
    assert (seen.get("status"), seen.get("cancelRequested")) == ("running", "true")


@pytest.mark.parametrize("status", ["error", "canceled", "ABORTED"])
def test_a_services_task_that_fails_has_an_error_whether_the_service_sends_one_or_not(
    lab: LabCloud, administrator: RestCaller, status: str
) -> None:
    """Clients look into it, and fail themselves where there is none."""
    body = (
        f'<Task xmlns="{VCLOUD_NS}" status="running" operation="x" operationName="x" name="task">'
        '<Owner href="urn:x:1" name="c1" type="x"/></Task>'
    )
    href = administrator.post(f"/api/tasksList/{lab.org('acme').id}", body).xml.get("href", "")
    ended = administrator.put(href, body.replace("running", status))
    assert (ended.status, ended.xml.get("status")) == (200, status.lower())
    error = ended.xml.find("{*}Error")
    assert error is not None
    assert (error.get("majorErrorCode"), error.get("minorErrorCode")) == ("500", "INTERNAL_SERVER_ERROR")
    assert status.lower() in error.get("message", "")


def test_a_document_that_was_read_can_be_sent_back(lab: LabCloud, alice: RestCaller) -> None:
    vapp = lab.vapp("c1", lab.machine("a"))
    (vm,) = lab.cloud.vms_of(vapp)
    for part in ("virtualHardwareSection/cpu", "virtualHardwareSection/memory", "networkConnectionSection"):
        path = f"/api/vApp/vm-{vm.id}/{part}"
        assert alice.put(path, alice.get(path).body.decode()).status == 202
        lab.pass_time()
    path = f"/api/vApp/vapp-{vapp.id}/networkConfigSection/"
    assert alice.put(path, alice.get(path).body.decode()).status == 202
    lab.pass_time()
    assert vm.nics[0].ip_address == "10.10.0.10"
    assert {task.status for task in lab.cloud.tasks.tasks} == {"success"}


def test_deleting_with_the_flags_of_clients(lab: LabCloud, alice: RestCaller) -> None:
    vapp = lab.vapp("c1", lab.machine("a"), power_on=True)
    path = f"/api/vApp/vapp-{vapp.id}"
    refused = alice.delete(f"{path}?force=False&recursive=False")
    assert refused.status == 400
    assert alice.delete(f"{path}?force=True&recursive=False").status == 202


def test_other_peoples_hrefs_in_requests_are_checked(lab: LabCloud, carol: RestCaller) -> None:
    body = (
        f'<ComposeVAppParams xmlns="{VCLOUD_NS}" name="c1"><InstantiationParams><NetworkConfigSection>'
        f'<NetworkConfig networkName="n"><Configuration><ParentNetwork href="https://vcd.test/api/network/{lab.network().id}"/>'
        "<FenceMode>bridged</FenceMode></Configuration></NetworkConfig></NetworkConfigSection></InstantiationParams>"
        "</ComposeVAppParams>"
    )
    assert carol.post(f"/api/vdc/{lab.vdc('globex-vdc', 'globex').id}/action/composeVApp", body).status == 403
