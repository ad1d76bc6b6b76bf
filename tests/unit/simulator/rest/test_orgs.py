"""Organisations: their settings, and what becomes of the people of one that is disabled."""

import json

import pytest

from cse_testing.vcd_cloud import LabCloud, RestCaller
from vcd_simulator.operations import catalogs

V = 'xmlns="http://www.vmware.com/vcloud/v1.5"'
ADMIN = "application/vnd.vmware.admin."


def general(**values: object) -> str:
    content = "".join(f"<{name}>{value}</{name}>" for name, value in values.items())
    return f"<OrgGeneralSettings {V}>{content}</OrgGeneralSettings>"


def made(administrator: RestCaller, settings: str = "") -> str:
    """The href of a new organisation."""
    body = (
        f'<AdminOrg {V} name="new"><FullName>New</FullName><IsEnabled>true</IsEnabled>'
        f"<Settings>{settings}</Settings></AdminOrg>"
    )
    answer = administrator.post("/api/admin/orgs", body)
    assert answer.status == 201, answer.body
    return answer.headers["location"]


def test_it_is_made_with_settings_that_its_administrators_can_read(
    lab: LabCloud, administrator: RestCaller, alice: RestCaller
) -> None:
    href = made(administrator, general(CanPublishCatalogs="false", DeployedVMQuota=3, StoredVmQuota=5))
    shown = administrator.get(href).xml.find("{*}Settings/{*}OrgGeneralSettings")
    assert shown is not None
    assert [shown.findtext(f"{{*}}{one}") for one in ("CanPublishCatalogs", "DeployedVMQuota", "StoredVmQuota")] == [
        "false", "3", "5",
    ]  # fmt: skip
    own = f"/api/admin/org/{lab.org('acme').id}/settings"
    assert alice.get(own).xml.findtext("{*}OrgGeneralSettings/{*}CanPublishCatalogs") == "true"
    assert alice.get(f"{own}/general").xml.findtext("{*}DeployedVMQuota") == "0"
    assert ("edit", f"{ADMIN}orgSettings+xml") not in alice.get(own).links()
    assert alice.put(f"{own}/general", general(DeployedVMQuota=1)).status == 403


def test_settings_change_one_by_one(lab: LabCloud, administrator: RestCaller) -> None:
    href = f"/api/admin/org/{lab.org('acme').id}/settings/general"
    edit = administrator.get(href).links()["edit", f"{ADMIN}organizationGeneralSettings+xml"]
    assert administrator.put(edit, general(StoredVmQuota=7)).status == 200
    assert administrator.put(edit, general(CanPublishCatalogs="false")).status == 200
    org = lab.org("acme")
    assert (org.can_publish_catalogs, org.stored_vm_quota, org.deployed_vm_quota) == (False, 7, 0)
    whole = f"<OrgSettings {V}>{general(DeployedVMQuota=2)}</OrgSettings>"
    assert administrator.put(f"/api/admin/org/{org.id}/settings", whole).status == 200
    document = administrator.get(f"/api/admin/org/{org.id}").body.decode()
    changed = document.replace("<StoredVmQuota>7<", "<StoredVmQuota>8<")
    assert administrator.put(f"/api/admin/org/{org.id}", changed).status == 200
    assert (org.can_publish_catalogs, org.stored_vm_quota, org.deployed_vm_quota) == (False, 8, 2)


@pytest.mark.parametrize("path", ["/api/admin/org/{id}/settings/general", "/api/admin/orgs"])
def test_a_quota_is_not_negative(lab: LabCloud, administrator: RestCaller, path: str) -> None:
    settings = general(StoredVmQuota=-1, CanPublishCatalogs="false")
    if path.endswith("orgs"):
        settings = f'<AdminOrg {V} name="new"><Settings>{settings}</Settings></AdminOrg>'
    method, before = ("POST", len(lab.cloud.orgs)) if path.endswith("orgs") else ("PUT", len(lab.cloud.orgs))
    answer = administrator.call(method, path.replace("{id}", lab.org("acme").id), settings)
    assert (answer.status, "not negative" in answer.xml.get("message", "")) == (400, True), answer.body
    assert (len(lab.cloud.orgs), lab.org("acme").can_publish_catalogs) == (before, True)


def test_new_users_have_the_quotas_of_their_organisation(lab: LabCloud, administrator: RestCaller) -> None:
    org = lab.org("acme")
    org.stored_vm_quota, org.deployed_vm_quota = 4, 2
    role = lab.cloud.roles.first("name", (org.id, "vApp User"))
    assert role is not None
    body = (
        f'<User {V} name="{{name}}"><IsEnabled>true</IsEnabled>{{quota}}'
        f'<Role href="https://vcd.test/api/admin/role/{role.id}"/><Password>secret-12</Password></User>'
    )
    users = f"/api/admin/org/{org.id}/users"
    assert administrator.post(users, body.format(name="u1", quota="")).status == 201
    assert administrator.post(users, body.format(name="u2", quota="<StoredVmQuota>9</StoredVmQuota>")).status == 201
    first, second = lab.user("u1"), lab.user("u2")
    assert (first.stored_vm_quota, first.deployed_vm_quota) == (4, 2)
    assert (second.stored_vm_quota, second.deployed_vm_quota) == (9, 2)
    record = administrator.get("/api/query?type=organization&filter=name==acme").xml.find("{*}OrgRecord")
    assert record is not None
    assert (record.get("storedVMQuota"), record.get("deployedVMQuota")) == ("4", "2")


def test_an_organisation_that_may_not_publish_sees_no_way_to_do_it(
    lab: LabCloud, administrator: RestCaller, alice: RestCaller
) -> None:
    org = lab.org("acme")
    tools, known = [catalogs.add_catalog(lab.cloud, org, lab.user("alice"), name) for name in ("tools", "known")]
    known.published = True
    path = f"/api/admin/catalog/{tools.id}"
    publish = alice.get(path).links()["publish", f"{ADMIN}publishCatalogParams+xml"]
    administrator.put(f"/api/admin/org/{org.id}/settings/general", general(CanPublishCatalogs="false"))
    assert ("publish", f"{ADMIN}publishCatalogParams+xml") not in alice.get(path).links()
    params = f"<PublishCatalogParams {V}><IsPublished>{{}}</IsPublished></PublishCatalogParams>"
    assert alice.post(publish, params.format("true")).status == 400
    takes_back = alice.get(f"/api/catalog/{known.id}").links()["publish", f"{ADMIN}publishCatalogParams+xml"]
    assert alice.post(takes_back, params.format("false")).status == 204
    assert (tools.published, known.published) == (False, False)


@pytest.mark.parametrize("how", ["action", "document"])
def test_disabling_throws_its_people_out_for_good(lab: LabCloud, administrator: RestCaller, how: str) -> None:
    """A session does not come back with the organisation."""
    org = lab.org("acme")
    sessions = administrator.sessions
    alice = RestCaller(lab)
    alice.sessions = alice.app.sessions = sessions
    alice.login("alice", "acme")
    path = f"/api/admin/org/{org.id}"
    if how == "action":
        assert administrator.post(administrator.get(path).links()["disable", None]).status == 204
        assert administrator.post(administrator.get(path).links()["enable", None]).status == 204
    else:
        document = administrator.get(path).body.decode()
        assert administrator.put(path, document.replace("<IsEnabled>true", "<IsEnabled>false")).status == 200
        assert administrator.put(path, document).status == 200
    assert org.enabled
    assert alice.get("/api/session").status == 401
    assert administrator.get("/api/session").status == 200
    assert alice.login("alice", "acme").get("/api/session").status == 200


def test_settings_come_as_json_too(lab: LabCloud, administrator: RestCaller) -> None:
    path = f"/api/admin/org/{lab.org('acme').id}/settings"
    answer = administrator.get(path, accept="application/*+json;version=36.0")
    assert json.loads(answer.body)["orgGeneralSettings"]["canPublishCatalogs"] is True
