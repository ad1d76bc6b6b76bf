"""Who sees and may do what, through the REST API."""

import pytest

from cse_testing.vcd_cloud import LabCloud, RestCaller
from vcd_simulator.model.tenancy import AccessControl, AccessSetting
from vcd_simulator.operations import tenancy

ADMIN = "application/vnd.vmware.admin."
VCLOUD = "application/vnd.vmware.vcloud."
METADATA = (
    '<Metadata xmlns="http://www.vmware.com/vcloud/v1.5" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    '<MetadataEntry><Domain visibility="{visibility}">{domain}</Domain><Key>k</Key>'
    '<TypedValue xsi:type="MetadataStringValue"><Value>v</Value></TypedValue></MetadataEntry></Metadata>'
)


def test_nothing_of_another_organisation_exists(lab: LabCloud, carol: RestCaller) -> None:
    vapp = lab.vapp("secret", lab.machine("a"))
    (vm,) = lab.cloud.vms_of(vapp)
    task = next(iter(lab.cloud.tasks.tasks))
    profile = lab.cloud.profiles.find("vdc", lab.vdc().id)[0]
    role = lab.cloud.roles.find("org", lab.org("acme").id)[0]
    paths = [
        f"/api/vApp/vapp-{vapp.id}",
        f"/api/vApp/vapp-{vapp.id}/metadata",
        f"/api/vApp/vapp-{vapp.id}/owner",
        f"/api/vApp/vapp-{vapp.id}/controlAccess",
        f"/api/vApp/vapp-{vapp.id}/networkConfigSection",
        f"/api/vApp/vm-{vm.id}",
        f"/api/vApp/vm-{vm.id}/guestCustomizationSection",
        f"/api/vApp/vm-{vm.id}/virtualHardwareSection/cpu",
        f"/api/vdc/{lab.vdc().id}",
        f"/api/admin/vdc/{lab.vdc().id}",
        f"/api/org/{lab.org('acme').id}",
        f"/api/admin/org/{lab.org('acme').id}",
        f"/api/tasksList/{lab.org('acme').id}",
        f"/api/network/{lab.network().id}",
        f"/api/network/{lab.network().id}/allocatedAddresses",
        f"/api/vdcStorageProfile/{profile.id}",
        f"/api/task/{task.id}",
        f"/api/admin/user/{lab.user('alice').id}",
        f"/api/admin/role/{role.id}",
    ]
    for path in paths:
        answer = carol.get(path)
        assert answer.status == 403, path
        assert answer.xml.get("minorErrorCode") == "ACCESS_TO_RESOURCE_IS_FORBIDDEN"
        unknown = carol.get(path.replace(vapp.id, "00000000-0000-4000-8000-000000000000"))
        assert unknown.status == 403, "what is not there looks alike"
    for method, path in (
        ("POST", f"/api/vApp/vapp-{vapp.id}/power/action/powerOn"),
        ("DELETE", f"/api/vApp/vapp-{vapp.id}?force=True"),
        ("POST", f"/api/task/{task.id}/action/cancel"),
        ("DELETE", f"/api/vApp/vm-{vm.id}"),
    ):
        assert carol.call(method, path).status == 403
    assert b"secret" not in carol.get("/api/query?type=vApp").body
    assert vapp.id in lab.cloud.vapps


def test_a_tenant_is_told_of_his_own_organisation_only(carol: RestCaller, administrator: RestCaller) -> None:
    assert [org.get("name") for org in carol.get("/api/org").xml.findall("{*}Org")] == ["globex"]
    names = [org.get("name") for org in administrator.get("/api/org").xml.findall("{*}Org")]
    assert names == ["System", "cse-provider", "acme", "globex"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/admin/extension",
        "/api/admin/extension/vimServerReferences",
        "/api/admin/extension/externalNetworkReferences",
        "/api/admin/extension/networkPoolReferences",
        "/api/query?type=virtualCenter",
        "/api/query?type=adminService",
    ],
)
def test_the_providers_things_are_for_system_administrators(
    alice: RestCaller, administrator: RestCaller, path: str
) -> None:
    assert alice.get(path).status == 403
    assert administrator.get(path).status == 200


def test_an_author_sees_and_changes_his_own_vapps_and_an_administrator_all(
    lab: LabCloud, alice: RestCaller, bob: RestCaller
) -> None:
    vapp = lab.vapp("of-alice", lab.machine("a"))
    path = f"/api/vApp/vapp-{vapp.id}"
    assert bob.get(path).status == 403
    vapp.owner_id = lab.user("bob").id
    lab.cloud.vapps.reindex(vapp)
    assert bob.get(path).status == 200
    assert bob.post(f"{path}/power/action/powerOn").status == 202
    assert alice.get(path).status == 200


def test_a_shared_vapp_can_be_seen_and_with_the_right_level_changed(lab: LabCloud, bob: RestCaller) -> None:
    vapp = lab.vapp("shared", lab.machine("a"))
    path = f"/api/vApp/vapp-{vapp.id}"
    bob_id = lab.user("bob").id
    for level, status in (("ReadOnly", 403), ("Change", 202)):
        setting = AccessSetting(subject_kind=lab.user("bob").kind, subject_id=bob_id, level=level)
        vapp.access = AccessControl(settings=[setting])
        links = bob.get(path).links()
        assert (("power:powerOn", None) in links) is (status == 202)
        assert bob.post(f"{path}/power/action/powerOn").status == status
    assert bob.call("POST", f"{path}/action/controlAccess", "<ControlAccessParams/>").status == 403


def test_a_role_without_the_right_sees_no_link_and_is_refused(lab: LabCloud, alice: RestCaller) -> None:
    vapp = lab.vapp("c1", lab.machine("a"))
    right = lab.cloud.rights.first("name", "vApp: Power Operations")
    assert right is not None
    del lab.access("alice").role.rights[right.id]
    path = f"/api/vApp/vapp-{vapp.id}"
    assert ("power:powerOn", None) not in alice.get(path).links()
    answer = alice.post(f"{path}/power/action/powerOn")
    assert answer.status == 403
    assert "vApp: Power Operations" in answer.xml.get("message", "")


def test_a_right_that_the_organisation_lost_counts_no_more(lab: LabCloud, alice: RestCaller) -> None:
    right = lab.cloud.rights.first("name", "Catalog: Create / Delete a Catalog")
    assert right is not None
    org = lab.org("acme")
    body = '<AdminCatalog xmlns="http://www.vmware.com/vcloud/v1.5" name="{}"/>'
    assert alice.post(f"/api/admin/org/{org.id}/catalogs", body.format("one")).status == 201
    org.rights.remove(right.id)
    assert alice.post(f"/api/admin/org/{org.id}/catalogs", body.format("two")).status == 403


def test_catalogs_are_seen_by_their_own_and_when_published_by_all(
    lab: LabCloud, carol: RestCaller, bob: RestCaller
) -> None:
    catalog = next(iter(lab.cloud.catalogs))
    item = lab.cloud.items.find("catalog", catalog.id)[0]
    template = f"/api/vAppTemplate/vappTemplate-{item.template_id}"
    vm = f"/api/vAppTemplate/vm-{lab.template_vm().id}"
    paths = [f"/api/catalog/{catalog.id}", f"/api/catalogItem/{item.id}", template, vm]
    assert {carol.get(path).status for path in paths} == {403}
    catalog.published = True
    assert {carol.get(path).status for path in paths} == {200}
    assert not {rel for rel, _ in carol.get(paths[0]).links()} & {"publish", "add", "remove", "edit"}
    assert carol.delete(paths[1]).status == 403
    assert bob.get(paths[0]).status == 403, "a vApp author has no right to published catalogs"
    setting = AccessSetting(subject_kind=lab.org("acme").kind, subject_id=lab.org("acme").id, level="ReadOnly")
    catalog.access = AccessControl(settings=[setting])
    assert bob.get(paths[0]).status == 200


def test_private_system_metadata_is_the_administrators(
    lab: LabCloud, alice: RestCaller, administrator: RestCaller
) -> None:
    path = f"/api/vdc/{lab.vdc().id}/metadata"
    admin_path = f"/api/admin/vdc/{lab.vdc().id}/metadata"
    private = METADATA.format(domain="SYSTEM", visibility="PRIVATE")
    assert alice.post(path, private).status == 403
    assert administrator.post(admin_path, private).status == 202
    lab.pass_time()
    assert b"<Key>k</Key>" in administrator.get(admin_path).body
    assert b"<Key>k</Key>" not in alice.get(path).body
    assert administrator.get(f"{admin_path}/SYSTEM/k").status == 200
    assert alice.get(f"{path}/SYSTEM/k").status == 403
    assert administrator.post(admin_path, METADATA.format(domain="SYSTEM", visibility="READONLY")).status == 202
    lab.pass_time()
    assert alice.get(f"{path}/SYSTEM/k").status == 200
    assert alice.delete(f"{path}/SYSTEM/k").status == 403


@pytest.mark.parametrize(
    ("domain", "visibility"), [("GENERAL", "PRIVATE"), ("SYSTEM", "READWRITE"), ("OTHER", "READWRITE")]
)
def test_impossible_metadata_domains_are_refused(
    lab: LabCloud, administrator: RestCaller, domain: str, visibility: str
) -> None:
    path = f"/api/admin/vdc/{lab.vdc().id}/metadata"
    assert administrator.post(path, METADATA.format(domain=domain, visibility=visibility)).status == 400


def test_a_user_who_is_disabled_is_out(lab: LabCloud, alice: RestCaller, bob: RestCaller) -> None:
    user = alice.get(f"/api/admin/user/{lab.user('bob').id}")
    document = user.body.decode().replace("<IsEnabled>true", "<IsEnabled>false")
    assert alice.put(f"/api/admin/user/{lab.user('bob').id}", document).status == 200
    assert bob.get("/api/session").status == 401


def test_a_password_never_appears_in_a_document(lab: LabCloud, administrator: RestCaller) -> None:
    assert b"alice-secret" not in administrator.get(f"/api/admin/user/{lab.user('alice').id}").body
    assert b"vc-secret" not in administrator.get("/api/query?type=virtualCenter").body


def test_a_role_of_the_provider_s_may_carry_less_than_everything(lab: LabCloud, administrator: RestCaller) -> None:
    system, cloud = lab.org("System"), lab.cloud
    rights = [
        right.id for right in cloud.rights if right.name in ("External Service: View", "General: Administrator View")
    ]
    role = tenancy.create_role(cloud, system, "CSE", "", rights)
    tenancy.create_user(cloud, system, role, "service", "service-secret")
    service = RestCaller(lab).login("service", "System")
    assert service.get("/api/admin/extension").status == 200
    assert len(service.get("/api/org").xml) == len(administrator.get("/api/org").xml), "he sees every tenant"
    server = next(iter(cloud.vim_servers))
    for method, path, lacking in (
        ("POST", "/api/admin/orgs", "Organization: Create / Delete"),
        ("DELETE", f"/api/admin/vdc/{lab.vdc().id}", "Organization vDC: Delete"),
        ("GET", f"/api/admin/extension/vimServer/{server.id}", "vCenter: View"),
    ):
        answer = service.call(method, path, "<AdminOrg/>" if method == "POST" else "")
        assert (answer.status, lacking in answer.xml.get("message", "")) == (403, True), path
