"""Defined entities through cloudapi: types, what becomes of entities, who may do what with them."""

import json
from typing import Any

import pytest

from cse_testing.vcd_cloud import Answer, LabCloud, RestCaller
from vcd_simulator.defined_entities.bundles import TYPE_RIGHTS

ROOT = "/cloudapi/1.0.0"
TYPE_URN = "urn:vcloud:type:cse:nativeCluster:1.0.0"
FAMILY = "cse:nativeCluster"
TYPE: dict[str, Any] = {
    "id": None,
    "name": "nativeClusterEntityType",
    "description": "",
    "vendor": "cse",
    "nss": "nativeCluster",
    "version": "1.0.0",
    "schema": {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"type": "string"}, "workers": {"type": "integer"}},
    },
    "interfaces": ["urn:vcloud:interface:vmware:k8s:1.0.0"],
    "externalId": None,
    "readonly": False,
}
FITS = {"kind": "native", "workers": 2}
READ_ONLY, READ_WRITE, FULL_CONTROL = (
    f"urn:vcloud:accessLevel:{level}" for level in ("ReadOnly", "ReadWrite", "FullControl")
)


def call(
    caller: RestCaller, method: str, path: str, body: Any = None, *, version: str = "35.0", **headers: str
) -> Answer:
    stated = {"accept": f"application/json;version={version}", "content-type": "application/json"}
    stated |= {name.replace("_", "-"): value for name, value in headers.items()}
    return caller.call(method, f"{ROOT}/{path}", "" if body is None else json.dumps(body), headers=stated)


def read(answer: Answer, status: int = 200) -> dict[str, Any]:
    assert answer.status == status, answer.body
    document: dict[str, Any] = json.loads(answer.body)
    return document


def refused(answer: Answer, status: int, minor: str) -> str:
    document = read(answer, status)
    assert document["minorErrorCode"] == minor
    return str(document["message"])


def names(caller: RestCaller, path: str) -> list[str]:
    return [one["name"] for one in read(call(caller, "GET", path))["values"]]


@pytest.fixture
def defined(administrator: RestCaller) -> RestCaller:
    """The provider, who has defined a type."""
    read(call(administrator, "POST", "entityTypes", TYPE), 201)
    return administrator


def bundle(administrator: RestCaller) -> str:
    (found,) = read(call(administrator, "GET", f"rightsBundles?filter=name=={FAMILY} Entitlement"))["values"]
    return str(found["id"])


def publish(administrator: RestCaller, lab: LabCloud, org: str = "acme", *rights: str) -> None:
    """Give an organisation the rights of the type, and its predefined roles some of them."""
    tenants = {"values": [{"id": f"urn:vcloud:org:{lab.org(org).id}"}]}
    read(call(administrator, "POST", f"rightsBundles/{bundle(administrator)}/tenants/publish", tenants))
    for name in rights or TYPE_RIGHTS:
        right = lab.cloud.rights.first("name", f"{FAMILY}: {name}")
        assert right is not None
        for role in lab.cloud.roles.find("org", lab.org(org).id):
            role.rights[right.id] = None


def made(caller: RestCaller, name: str = "c1", content: Any = FITS, **headers: str) -> str:
    """The URN of a new entity."""
    answer = call(caller, "POST", f"entityTypes/{TYPE_URN}", {"name": name, "entity": content}, **headers)
    assert answer.status == 202, answer.body
    task = caller.get(answer.headers["location"].removeprefix("https://vcd.test")).xml
    assert (task.get("status"), task.get("operationName")) == ("running", "createDefinedEntity")
    owner = next(one for one in task if one.tag.endswith("Owner"))
    assert (owner.get("href"), owner.get("name")) == ("", "entity")
    return str(owner.get("id"))


def resolved(caller: RestCaller, name: str = "c1", content: Any = FITS) -> str:
    urn = made(caller, name, content)
    assert read(call(caller, "POST", f"entities/{urn}/resolve"))["state"] == "RESOLVED"
    return urn


def share(caller: RestCaller, urn: str, member: str, level: str, **headers: str) -> Answer:
    body = {"grantType": "MembershipAccessControlGrant", "accessLevelId": level, "memberId": member}
    return call(caller, "POST", f"entities/{urn}/accessControls", body, **headers)


def test_the_kubernetes_interface_is_there_from_the_start(administrator: RestCaller, bob: RestCaller) -> None:
    urn = "urn:vcloud:interface:vmware:k8s:1.0.0"
    found = read(call(bob, "GET", f"interfaces/{urn}"))
    assert {name: found[name] for name in ("name", "vendor", "nss", "version", "id")} == {
        "name": "Kubernetes", "vendor": "vmware", "nss": "k8s", "version": "1.0.0", "id": urn,
    }  # fmt: skip
    assert names(bob, "interfaces") == ["Kubernetes"]
    assert names(bob, "interfaces?page=2") == []
    refused(call(administrator, "DELETE", f"interfaces/{urn}"), 400, "OPERATION_DENIED")


def test_an_interface_comes_is_renamed_and_goes(administrator: RestCaller, alice: RestCaller) -> None:
    body = {"name": "db", "vendor": "acme", "nss": "db", "version": "1.2.3"}
    refused(call(alice, "POST", "interfaces", body), 403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN")
    urn = read(call(administrator, "POST", "interfaces", body), 201)["id"]
    assert urn == "urn:vcloud:interface:acme:db:1.2.3"
    refused(call(administrator, "POST", "interfaces", body), 400, "RDE_INTERFACE_ALREADY_EXISTS")
    assert read(call(administrator, "PUT", f"interfaces/{urn}", body | {"name": "database", "nss": "x"}))["nss"] == "db"
    assert names(alice, "interfaces?sortAsc=name&filter=vendor==acme") == ["database"]
    read(call(administrator, "POST", "entityTypes", TYPE | {"interfaces": [urn]}), 201)
    refused(call(administrator, "DELETE", f"interfaces/{urn}"), 400, "OPERATION_DENIED")
    assert call(administrator, "DELETE", f"entityTypes/{TYPE_URN}").status == 204
    assert call(administrator, "DELETE", f"interfaces/{urn}").status == 204
    refused(call(administrator, "GET", f"interfaces/{urn}"), 403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN")


def test_a_type_has_what_clients_of_its_version_know(defined: RestCaller) -> None:
    older = read(call(defined, "GET", f"entityTypes/{TYPE_URN}"))
    assert older == TYPE | {"id": TYPE_URN}
    newer = read(call(defined, "GET", f"entityTypes/{TYPE_URN}", version="36.0"))
    assert newer == older | {"hooks": None, "inheritedVersion": None, "maxImplicitRight": None}


def test_a_type_changes_its_name_and_its_schema(defined: RestCaller) -> None:
    changed = TYPE | {"name": "cluster", "schema": {"type": "object"}, "vendor": "other"}
    assert read(call(defined, "PUT", f"entityTypes/{TYPE_URN}", changed))["vendor"] == "cse"
    assert names(defined, "entityTypes?filter=vendor==cse;nss==nativeCluster;version==1.0.0") == ["cluster"]
    resolved(defined, content={"anything": "goes"})


@pytest.mark.parametrize(
    ("change", "minor"),
    [
        ({}, "RDE_TYPE_ALREADY_EXISTS"),
        ({"version": "1"}, "BAD_REQUEST"),
        ({"nss": "a:b"}, "BAD_REQUEST"),
        ({"vendor": ""}, "BAD_REQUEST"),
        ({"version": "2.0.0", "name": ""}, "BAD_REQUEST"),
        ({"version": "2.0.0", "schema": {"type": "thing"}}, "RDE_INVALID_SCHEMA"),
        ({"version": "2.0.0", "schema": "x"}, "BAD_REQUEST"),
        ({"version": "2.0.0", "interfaces": ["urn:vcloud:interface:none:none:1.0.0"]}, "BAD_REQUEST"),
        ({"version": "2.0.0", "hooks": {"PostCreate": "urn:vcloud:behavior-interface:x"}}, "BAD_REQUEST"),
        ({"version": "2.0.0", "maxImplicitRight": "all"}, "BAD_REQUEST"),
    ],
    ids=["again", "version", "colon", "no vendor", "no name", "no schema", "text", "interface", "hook", "implied"],
)
def test_a_type_that_makes_no_sense_is_refused(defined: RestCaller, change: dict[str, Any], minor: str) -> None:
    refused(call(defined, "POST", "entityTypes", TYPE | change), 400, minor)
    assert names(defined, "entityTypes") == [TYPE["name"]]


def test_a_type_comes_with_rights_that_go_with_its_last_version(lab: LabCloud, defined: RestCaller) -> None:
    publish(defined, lab)
    read(call(defined, "POST", "entityTypes", TYPE | {"version": "2.0.0"}), 201)
    path = f"rightsBundles/{bundle(defined)}"
    assert names(defined, f"{path}/rights") == [f"{FAMILY}: {right}" for right in TYPE_RIGHTS]
    assert names(defined, f"{path}/tenants") == ["acme"]
    role = lab.cloud.roles.first("name", (lab.org("acme").id, "vApp Author"))
    assert role is not None
    before = len(role.rights)
    assert call(defined, "DELETE", f"entityTypes/{TYPE_URN}").status == 204
    assert len(role.rights) == before
    assert call(defined, "DELETE", f"entityTypes/{TYPE_URN.replace('1.0.0', '2.0.0')}").status == 204
    assert len(role.rights) == before - len(TYPE_RIGHTS)
    assert names(defined, "rightsBundles") == []
    assert lab.cloud.rights.first("name", f"{FAMILY}: View") is None


def test_an_entity_is_resolved_once_it_fits(defined: RestCaller) -> None:
    urn = made(defined, content={"workers": 2})
    assert urn.startswith("urn:vcloud:entity:cse:nativeCluster:")
    first = call(defined, "GET", f"entities/{urn}")
    entity = read(first)
    assert set(entity) == {"id", "entityType", "name", "externalId", "entity", "state", "owner", "org"}
    assert (entity["state"], entity["entityType"], entity["owner"]["name"]) == (
        "PRE_CREATED", TYPE_URN, "administrator",
    )  # fmt: skip
    refused(call(defined, "DELETE", f"entities/{urn}"), 400, "RDE_ENTITY_NOT_RESOLVED")
    wrong = read(call(defined, "POST", f"entities/{urn}/resolve"))
    assert wrong["state"] == "RESOLUTION_ERROR"
    assert "'kind' is a required property" in wrong["message"]
    amended = call(defined, "PUT", f"entities/{urn}", entity | {"entity": FITS, "externalId": "vapp-1"})
    assert (read(amended)["state"], read(amended)["externalId"]) == ("RESOLUTION_ERROR", "vapp-1")
    right = call(defined, "POST", f"entities/{urn}/resolve")
    assert (read(right)["state"], read(right)["message"]) == ("RESOLVED", None)
    assert len({one.headers["etag"] for one in (first, amended, right)}) == 3
    assert call(defined, "DELETE", f"entities/{urn}").status == 204
    refused(call(defined, "GET", f"entities/{urn}"), 403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN")


def test_the_task_of_a_creation_ends_when_the_entity_is_resolved(lab: LabCloud, defined: RestCaller) -> None:
    urn = made(defined)
    (task,) = [one for one in lab.cloud.tasks.tasks if one.operation_name == "createDefinedEntity"]
    assert (task.status.value, task.progress) == ("running", 1)
    assert task.operation.endswith(f"({urn})")
    call(defined, "POST", f"entities/{urn}/resolve")
    assert (task.status.value, task.progress) == ("success", 100)


def test_what_was_resolved_stays_valid(defined: RestCaller) -> None:
    urn = resolved(defined)
    entity = read(call(defined, "GET", f"entities/{urn}"))
    message = refused(
        call(defined, "PUT", f"entities/{urn}", entity | {"entity": {"kind": 7}}), 400, "RDE_ENTITY_VALIDATION_ERROR"
    )
    assert "#/kind" in message
    assert read(call(defined, "GET", f"entities/{urn}")) == entity
    nulls = {"kind": "native", "workers": None}
    assert read(call(defined, "PUT", f"entities/{urn}", entity | {"entity": nulls}))["entity"] == nulls


def test_a_change_of_what_has_changed_meanwhile_is_refused(defined: RestCaller) -> None:
    urn = resolved(defined)
    answer = call(defined, "GET", f"entities/{urn}", version="36.0")
    tag, entity = answer.headers["etag"], read(answer)
    assert call(defined, "PUT", f"entities/{urn}", entity, version="36.0", if_match=tag).status == 200
    late = call(defined, "PUT", f"entities/{urn}?invokeHooks=false", entity, version="36.0", if_match=tag)
    refused(late, 412, "PRECONDITION_FAILED")


def test_entities_are_found_by_what_is_in_them(defined: RestCaller) -> None:
    for number in range(3):
        resolved(defined, f"c{number}", FITS | {"workers": number, "metadata": {"org": "acme", "free": number > 0}})
    made(defined, "c3", {"kind": "TKG"})
    of_type, of_interface = "entities/types/cse/nativeCluster/1.0.0", "entities/interfaces/vmware/k8s/1.0.0"
    assert names(defined, f"{of_type}?page=1&sortAsc=name") == ["c0", "c1", "c2", "c3"]
    assert names(defined, f"{of_type}?page=2&sortAsc=name") == []
    assert names(defined, f"{of_interface}?sortDesc=entity.workers&filter=entity.kind==native") == ["c2", "c1", "c0"]
    assert names(defined, f"{of_type}?filter=entity.metadata.org==acme;entity.metadata.free==false") == ["c0"]
    assert names(defined, f"{of_type}?filter=state==PRE_CREATED,name==c1&sortAsc=name") == ["c1", "c3"]
    assert names(defined, f"{of_type}?filter=entity.nothing.of.it==acme") == []
    assert names(defined, f"{of_type}?filter=org.name==System;entity.workers=gt=1") == ["c2"]
    assert names(defined, f"entities/types/{TYPE_URN}?pageSize=2&page=2&sortAsc=name") == ["c2", "c3"]
    assert names(defined, "entities/types/cse/nativeCluster?pageSize=1&sortAsc=name") == ["c0"]
    assert names(defined, "entities/types/cse/other/1.0.0") == []
    refused(call(defined, "GET", f"{of_type}?filter=nothing==acme"), 400, "BAD_REQUEST")


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"name": "a"},
        {"entity": {}},
        {"name": "", "entity": {}},
        {"name": "a", "entity": []},
        {"name": 1, "entity": {}},
    ],
    ids=["a list", "no entity", "no name", "empty name", "list as entity", "number as name"],
)
def test_an_entity_that_makes_no_sense_is_refused(defined: RestCaller, body: Any) -> None:
    refused(call(defined, "POST", f"entityTypes/{TYPE_URN}", body), 400, "BAD_REQUEST")


def test_an_entity_that_would_take_long_is_refused(defined: RestCaller) -> None:
    body = {"name": "a", "entity": {"kind": "x" * 1024 * 1024}}
    assert "larger" in refused(call(defined, "POST", f"entityTypes/{TYPE_URN}", body), 400, "BAD_REQUEST")


def test_tenants_see_a_type_when_they_have_rights_to_it(
    lab: LabCloud, defined: RestCaller, alice: RestCaller, carol: RestCaller
) -> None:
    assert names(alice, "entityTypes") == []
    publish(defined, lab)
    assert names(alice, "entityTypes") == [TYPE["name"]]
    assert names(carol, "entityTypes") == []
    refused(call(carol, "GET", f"entityTypes/{TYPE_URN}"), 403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN")
    body = {"name": "c1", "entity": FITS}
    refused(call(carol, "POST", f"entityTypes/{TYPE_URN}", body), 403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN")


def test_nobody_sees_the_entities_of_another_organisation(
    lab: LabCloud, defined: RestCaller, alice: RestCaller, carol: RestCaller
) -> None:
    for org in ("acme", "globex"):
        publish(defined, lab, org)
    mine, theirs = resolved(alice, "mine"), resolved(carol, "theirs")
    path = "entities/types/cse/nativeCluster/1.0.0"
    assert (names(alice, path), names(carol, path)) == (["mine"], ["theirs"])
    assert sorted(names(defined, path)) == ["mine", "theirs"]
    for method, rest in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/resolve"), ("GET", "/accessControls")):
        answer = call(carol, method, f"entities/{mine}{rest}", {"name": "c", "entity": FITS})
        assert "No access" in refused(answer, 403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN")
    outside = share(alice, mine, f"urn:vcloud:user:{lab.user('carol', 'globex').id}", READ_ONLY)
    refused(outside, 400, "BAD_REQUEST")
    assert read(call(carol, "GET", f"entities/{theirs}"))["org"]["name"] == "globex"


def test_an_entity_is_shared_level_by_level(
    lab: LabCloud, defined: RestCaller, alice: RestCaller, bob: RestCaller
) -> None:
    publish(defined, lab, "acme", "View", "Modify", "Full Access")
    urn = resolved(alice)
    entity = read(call(alice, "GET", f"entities/{urn}"))
    member = f"urn:vcloud:user:{lab.user('bob').id}"
    allowed: list[list[int]] = []
    for level in (None, READ_ONLY, READ_WRITE, FULL_CONTROL):
        if level is not None:
            read(share(alice, urn, member, level), 201)
        requests = (("GET", ""), ("PUT", ""), ("DELETE", ""))
        allowed.append([call(bob, method, f"entities/{urn}{rest}", entity).status for method, rest in requests])
    assert allowed == [[403, 403, 403], [200, 403, 403], [200, 200, 403], [200, 200, 204]]


def test_rights_bound_what_an_access_control_list_allows(
    lab: LabCloud, defined: RestCaller, alice: RestCaller, bob: RestCaller
) -> None:
    publish(defined, lab, "acme", "View")
    urn = made(defined, "given", x_vmware_vcloud_tenant_context=lab.org("acme").id)
    assert read(call(defined, "GET", f"entities/{urn}"))["org"]["name"] == "acme"
    everybody = f"urn:vcloud:org:{lab.org('acme').id}"
    read(share(defined, urn, everybody, FULL_CONTROL, x_vmware_vcloud_tenant_context=everybody), 201)
    assert read(call(bob, "GET", f"entities/{urn}"))["name"] == "given"
    message = refused(call(bob, "POST", f"entities/{urn}/resolve"), 403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN")
    assert f"{FAMILY}: Modify" in message
    refused(call(alice, "DELETE", f"entities/{urn}"), 403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN")


def test_a_type_may_let_its_own_list_stand_for_rights(
    lab: LabCloud, administrator: RestCaller, alice: RestCaller
) -> None:
    read(call(administrator, "POST", "entityTypes", TYPE | {"maxImplicitRight": READ_WRITE}), 201)
    acme = f"urn:vcloud:org:{lab.org('acme').id}"
    read(share(administrator, TYPE_URN, acme, FULL_CONTROL, x_vmware_vcloud_tenant_context=acme), 201)
    urn = resolved(alice)
    refused(call(alice, "DELETE", f"entities/{urn}"), 403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN")


def test_an_access_control_list_is_kept(lab: LabCloud, defined: RestCaller, alice: RestCaller, bob: RestCaller) -> None:
    publish(defined, lab, "acme", "View", "Modify", "Full Access")
    urn = resolved(alice)
    path = f"entities/{urn}/accessControls"
    member = f"urn:vcloud:user:{lab.user('bob').id}"
    (own,) = read(call(alice, "GET", f"{path}?page=1&pageSize=25"))["values"]
    assert own == {
        "id": own["id"],
        "tenant": {"name": "acme", "id": f"urn:vcloud:org:{lab.org('acme').id}"},
        "grantType": "MembershipAccessControlGrant",
        "objectId": urn,
        "accessLevelId": FULL_CONTROL,
        "memberId": f"urn:vcloud:user:{lab.user('alice').id}",
    }
    given = read(share(alice, urn, member, READ_WRITE), 201)
    assert read(call(bob, "GET", f"{path}/{given['id']}")) == given
    assert read(share(alice, urn, member, READ_WRITE), 201)["id"] == given["id"]
    refused(share(bob, urn, member, FULL_CONTROL), 403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN")
    refused(call(bob, "DELETE", f"{path}/{own['id']}"), 403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN")
    changed = given | {"accessLevelId": READ_ONLY}
    assert read(call(alice, "PUT", f"{path}/{given['id']}", changed)) == changed
    found = read(call(alice, "GET", f"{path}?filter=tenant.id=={own['tenant']['id']};memberId=={member}"))["values"]
    assert found == [changed]
    assert call(alice, "DELETE", f"{path}/{given['id']}").status == 204
    refused(call(alice, "GET", f"{path}/{given['id']}"), 403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN")
    assert call(bob, "GET", f"entities/{urn}").status == 403


@pytest.mark.parametrize(
    "change",
    [
        {"grantType": "RightAccessControlGrant"},
        {"accessLevelId": "urn:vcloud:accessLevel:None"},
        {"accessLevelId": "all"},
        {"memberId": None},
        {"memberId": "urn:vcloud:user:none"},
        {"memberId": "bob"},
    ],
    ids=["kind", "no level", "level", "nobody", "unknown", "no URN"],
)
def test_a_grant_that_makes_no_sense_is_refused(lab: LabCloud, defined: RestCaller, change: dict[str, Any]) -> None:
    urn = resolved(defined)
    member = f"urn:vcloud:user:{lab.user('administrator', 'System').id}"
    body = {"grantType": "MembershipAccessControlGrant", "accessLevelId": READ_ONLY, "memberId": member} | change
    refused(call(defined, "POST", f"entities/{urn}/accessControls", body), 400, "BAD_REQUEST")


def test_the_provider_s_organisation_has_the_id_that_clients_have_built_in(defined: RestCaller) -> None:
    """CSE 3 lets everybody of it write, by this id, at the address of entities."""
    system = "urn:vcloud:org:a93c9db9-7471-3192-8d09-a8f7eeda85f9"
    given = read(share(defined, TYPE_URN, system, READ_WRITE), 201)
    assert (given["objectId"], given["tenant"]["name"]) == (TYPE_URN, "System")
    listed = read(call(defined, "GET", f"entityTypes/{TYPE_URN}/accessControls"))["values"]
    assert given in listed


def test_an_entity_is_given_to_somebody_else(
    lab: LabCloud, defined: RestCaller, alice: RestCaller, bob: RestCaller
) -> None:
    publish(defined, lab, "acme", "View", "Modify", "Full Access")
    urn = resolved(alice)
    entity = read(call(alice, "GET", f"entities/{urn}"))
    to_bob, to_carol = (
        entity | {"owner": {"name": user.name, "id": f"urn:vcloud:user:{user.id}"}}
        for user in (lab.user("bob"), lab.user("carol", "globex"))
    )
    refused(call(alice, "PUT", f"entities/{urn}", to_carol), 403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN")
    read(share(alice, urn, to_bob["owner"]["id"], READ_WRITE), 201)
    refused(call(bob, "PUT", f"entities/{urn}", to_bob), 403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN")
    assert read(call(alice, "PUT", f"entities/{urn}", to_bob))["owner"]["name"] == "bob"
    assert call(alice, "GET", f"entities/{urn}").status == 403
    assert call(bob, "DELETE", f"entities/{urn}").status == 204


def test_a_type_with_entities_stays(defined: RestCaller) -> None:
    urn = resolved(defined)
    refused(call(defined, "DELETE", f"entityTypes/{TYPE_URN}"), 400, "OPERATION_DENIED")
    assert call(defined, "DELETE", f"entities/{urn}").status == 204
    assert call(defined, "DELETE", f"entityTypes/{TYPE_URN}").status == 204


def test_a_bundle_is_published_to_all_and_taken_back(lab: LabCloud, defined: RestCaller, alice: RestCaller) -> None:
    path = f"rightsBundles/{bundle(defined)}"
    right = lab.cloud.rights.first("name", f"{FAMILY}: View")
    assert right is not None
    assert call(defined, "POST", f"{path}/tenants/publishAll").status == 204
    document = '<AdminOrg xmlns="http://www.vmware.com/vcloud/v1.5" name="later"><FullName>l</FullName></AdminOrg>'
    assert defined.post("/api/admin/orgs", document).status == 201
    assert all(right.id in lab.org(org).rights for org in ("acme", "globex", "later"))
    assert "later" in names(defined, f"{path}/tenants")
    assert call(defined, "POST", f"{path}/tenants/unpublishAll").status == 204
    assert not any(right.id in lab.org(org).rights for org in ("acme", "globex", "later"))
    assert names(defined, f"{path}/tenants") == []
    tenants = {"values": [{"id": f"urn:vcloud:org:{lab.cloud.system_org.id}"}]}
    refused(call(defined, "POST", f"{path}/tenants/publish", tenants), 400, "BAD_REQUEST")
    refused(call(alice, "GET", path), 403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN")


def test_taking_a_bundle_back_takes_its_rights_from_roles(
    lab: LabCloud, defined: RestCaller, alice: RestCaller
) -> None:
    publish(defined, lab)
    urn = resolved(alice)
    tenants = {"values": [{"id": f"urn:vcloud:org:{lab.org('acme').id}"}]}
    read(call(defined, "POST", f"rightsBundles/{bundle(defined)}/tenants/unpublish", tenants))
    assert call(alice, "GET", f"entities/{urn}").status == 403
    publish(defined, lab, "acme", "View")
    assert call(alice, "GET", f"entities/{urn}").status == 200
