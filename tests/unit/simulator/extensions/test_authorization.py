"""Who may use a service that takes part in vCloud Director's authorization."""

import json

import pytest

from cse_testing.vcd_cloud import LabCloud, RestCaller
from vcd_simulator.extensions.cell import Destination
from vcd_simulator.extensions.gateway import ExtensionGateway
from vcd_simulator.extensions.messages import ForwardedReply, ForwardedRequest
from vcd_simulator.extensions.registry import ExtensionRegistry
from vcd_simulator.extensions.resources import service_routes

ROOT = "/api/admin/extension/service"
NAMESPACES = 'xmlns="http://www.vmware.com/vcloud/extension/v1.5" xmlns:v="http://www.vmware.com/vcloud/v1.5"'
PUBLISHED = "<OrganizationAccess><Access>Published</Access></OrganizationAccess>"
OWNERS = "<OrganizationAccess><Access>Shared</Access></OrganizationAccess>"
EVERYBODY = "<PrincipalAccess><Access>Shared</Access></PrincipalAccess>"


class AnsweringService:
    """A forwarder whose services answer at once."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def forward_async(self, service: Destination, request: ForwardedRequest) -> ForwardedReply:
        self.asked.append(f"{service.name} {request.method} {request.path}")
        return ForwardedReply(status=200, headers=(("content-type", "text/plain"),), body=b"done")


class Backups:
    """A service with one resource class, and callers of all kinds."""

    def __init__(self, lab: LabCloud) -> None:
        self.lab = lab
        self.forwarder = AnsweringService()
        registry = ExtensionRegistry(lab.cloud)
        self.gateway = ExtensionGateway(registry, self.forwarder)
        self.routes = service_routes(registry)
        self.administrator = self.caller("administrator", "System")
        body = (
            f'<Service {NAMESPACES} name="backup"><Namespace>backup</Namespace><Enabled>true</Enabled>'
            "<AuthorizationEnabled>true</AuthorizationEnabled><RoutingKey>b</RoutingKey><Exchange>x</Exchange>"
            "<ApiFilters><ApiFilter><UrlPattern>/api/backup.*</UrlPattern></ApiFilter></ApiFilters></Service>"
        )
        self.service = self.made(ROOT, body)
        self.resource_class = self.made(
            f"{self.service}/resourceclasses",
            f'<ResourceClass {NAMESPACES} name="Backup"><MimeType>application/x</MimeType>'
            "<UrlTemplate>{baseUri}backup/{resourceId}</UrlTemplate></ResourceClass>",
        )

    def caller(self, user: str, org: str) -> RestCaller:
        made = RestCaller(self.lab).login(user, org)
        made.app.router.include(self.routes)
        made.app.extensions = self.gateway
        return made

    def made(self, path: str, body: str) -> str:
        answer = self.administrator.post(path, body)
        assert answer.status == 201, answer.body
        return answer.headers["location"]

    def action(self, pattern: str, method: str = "GET") -> str:
        return self.made(
            f"{self.resource_class}/resourceclassactions",
            f'<ResourceClassAction {NAMESPACES} name="a"><HttpMethod>{method}</HttpMethod>'
            f"<UrlPattern>{pattern.replace('<', '&lt;')}</UrlPattern></ResourceClassAction>",
        )

    def rule(self, action: str, *parts: str) -> str:
        return self.made(f"{action}/aclrules", f'<AclRule {NAMESPACES} name="r">{"".join(parts)}</AclRule>')

    def resource(self, org: str, external_id: str) -> str:
        href = f"https://vcd.test/api/admin/org/{self.lab.org(org).id}"
        return self.made(
            f"{self.resource_class}/serviceresources",
            f'<ServiceResource {NAMESPACES} name="of {org}"><Org href="{href}"/>'
            f"<ExternalObjectId>{external_id}</ExternalObjectId></ServiceResource>",
        )


@pytest.fixture
def backups(lab: LabCloud) -> Backups:
    return Backups(lab)


def entity(tag: str, href: str, media: str = "") -> str:
    return f'<{tag}><Access>Entity</Access><Entity href="{href}" type="{media}"/></{tag}>'


def test_without_a_rule_nobody_may_and_nothing_is_forwarded(backups: Backups) -> None:
    for user, org in (("administrator", "System"), ("alice", "acme")):
        answer = backups.caller(user, org).get("/api/backup/1")
        assert (answer.status, answer.xml.get("minorErrorCode")) == (403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN")
    assert backups.forwarder.asked == []


def test_a_published_action_is_for_all_users_but_only_for_its_method_and_pattern(backups: Backups) -> None:
    backups.rule(backups.action("/backup/[0-9]+"), PUBLISHED, EVERYBODY)
    carol = backups.caller("carol", "globex")
    assert carol.get("/api/backup/12").status == 200
    assert carol.get("/api/backup/x").status == 403
    assert carol.delete("/api/backup/12").status == 403
    assert backups.forwarder.asked == ["backup GET /api/backup/12"]


def test_a_rule_for_an_organisation_is_for_nobody_else(lab: LabCloud, backups: Backups) -> None:
    acme = entity("OrganizationAccess", f"https://vcd.test/api/admin/org/{lab.org('acme').id}")
    backups.rule(backups.action("/api/backup/.*"), acme, EVERYBODY)
    assert backups.caller("bob", "acme").get("/api/backup/1").status == 200
    assert backups.caller("carol", "globex").get("/api/backup/1").status == 403


def test_a_rule_for_a_right_is_for_whoever_has_it_and_one_for_a_user_is_for_him(
    lab: LabCloud, backups: Backups
) -> None:
    right = lab.cloud.rights.first("name", "Catalog: Publish")
    assert right is not None
    of_right = entity("PrincipalAccess", f"https://vcd.test/api/admin/right/{right.id}", right.kind.media_type)
    backups.rule(backups.action("/backup/a"), PUBLISHED, of_right)
    user = lab.user("bob")
    backups.rule(backups.action("/backup/b"), PUBLISHED, entity("PrincipalAccess", f"/api/admin/user/{user.id}"))
    alice, bob = backups.caller("alice", "acme"), backups.caller("bob", "acme")
    assert (alice.get("/api/backup/a").status, bob.get("/api/backup/a").status) == (200, 403)
    assert (alice.get("/api/backup/b").status, bob.get("/api/backup/b").status) == (403, 200)


def test_a_shared_action_is_for_the_organisation_that_owns_the_resource(backups: Backups) -> None:
    backups.resource("acme", "b-1")
    of_globex = backups.resource("globex", "b-2")
    action = backups.action("/backup/(?<id>[-a-z0-9]+)")
    backups.rule(action, OWNERS, EVERYBODY)
    alice, carol = backups.caller("alice", "acme"), backups.caller("carol", "globex")
    assert (alice.get("/api/backup/b-1").status, alice.get("/api/backup/b-2").status) == (200, 403)
    assert (carol.get("/api/backup/b-1").status, carol.get("/api/backup/b-2").status) == (403, 200)
    assert alice.get("/api/backup/b-3").status == 403, "nobody owns it"
    backups.rule(action, entity("ServiceResourceAccess", of_globex), PUBLISHED, EVERYBODY)
    assert alice.get("/api/backup/b-2").status == 200


def test_a_check_says_what_a_user_may(lab: LabCloud, backups: Backups) -> None:
    acme = entity("OrganizationAccess", f"https://vcd.test/api/admin/org/{lab.org('acme').id}")
    backups.rule(backups.action("/backup/.*", "DELETE"), acme, EVERYBODY)
    answers = []
    for user, org, method in (("bob", "acme", "DELETE"), ("bob", "acme", "GET"), ("carol", "globex", "DELETE")):
        body = (
            f'<AuthorizationCheckParams {NAMESPACES}><v:User href="/api/admin/user/{lab.user(user, org).id}"/>'
            f"<HttpMethod>{method}</HttpMethod><URL>/api/backup/1</URL></AuthorizationCheckParams>"
        )
        checks = (f"{ROOT}/authorizationcheck", f"{backups.service}/authorizationcheck")
        answers += [backups.administrator.post(path, body).xml.findtext("{*}IsAuthorized") for path in checks]
    assert answers == ["true", "true", "false", "false", "false", "false"]


def test_all_of_it_can_be_seen_queried_and_taken_away(lab: LabCloud, backups: Backups) -> None:
    action = backups.action("/backup/.*")
    rule = backups.rule(action, PUBLISHED, EVERYBODY)
    resource = backups.resource("acme", "b-1")
    shown = {path: backups.administrator.get(path).xml for path in (backups.resource_class, action, rule, resource)}
    assert shown[rule].findtext("{*}OrganizationAccess/{*}Access") == "Published"
    assert shown[rule].findtext("{*}ServiceResourceAccess/{*}Access") == "Shared"
    assert shown[action].findtext("{*}HttpMethod") == "GET"
    assert shown[resource].findtext("{*}ExternalObjectId") == "b-1"
    for listed, tag in (
        (f"{backups.service}/resourceclasses", "ResourceClassRecord"),
        (f"{backups.resource_class}/resourceclassactions", "ResourceClassActionRecord"),
        (f"{backups.resource_class}/serviceresources", "ServiceResourceRecord"),
        (f"{action}/aclrules", "AclRuleRecord"),
    ):
        records = backups.administrator.get(listed).xml.findall(f"{{*}}{tag}")
        assert len(records) == 1, listed
        assert backups.administrator.get(records[0].get("href", "")).status == 200
    as_json = backups.administrator.get(rule, accept="application/*+json;version=31.0")
    assert json.loads(as_json.body)["principalAccess"]["access"] == "Shared"
    assert backups.administrator.delete(action).status == 204
    assert backups.administrator.get(rule).status == 403
    assert backups.caller("alice", "acme").get("/api/backup/1").status == 403
    assert backups.administrator.delete(f"{backups.service}?force=true").status == 204
    assert [len(table) for table in (lab.cloud.resource_classes, lab.cloud.service_resources)] == [0, 0]


def test_a_class_of_a_known_name_is_the_one_there_is(backups: Backups) -> None:
    body = (
        f'<ResourceClass {NAMESPACES} name="Backup"><MimeType>y</MimeType><UrlTemplate>z</UrlTemplate></ResourceClass>'
    )
    assert backups.made(f"{backups.service}/resourceclasses", body) == backups.resource_class


def test_a_service_is_registered_with_its_rules_at_once_or_not_at_all(lab: LabCloud, backups: Backups) -> None:
    body = (
        f'<Service {NAMESPACES} name="notes"><Namespace>notes</Namespace>'
        "<AuthorizationEnabled>true</AuthorizationEnabled><RoutingKey>n</RoutingKey><Exchange>x</Exchange>"
        "<ApiFilters><ApiFilter><UrlPattern>/api/notes</UrlPattern></ApiFilter></ApiFilters>"
        '<ResourceClasses><ResourceClass name="Note"><MimeType>text/plain</MimeType><UrlTemplate>u</UrlTemplate>'
        '<ResourceClassActions><ResourceClassAction name="read"><HttpMethod>{method}</HttpMethod>'
        f'<UrlPattern>/notes</UrlPattern><AclRules><AclRule name="all">{PUBLISHED}{EVERYBODY}</AclRule></AclRules>'
        "</ResourceClassAction></ResourceClassActions></ResourceClass></ResourceClasses></Service>"
    )
    assert backups.administrator.post(ROOT, body.replace("{method}", "PATCH")).status == 400
    assert lab.cloud.services.first("namespace", "notes") is None
    backups.made(ROOT, body.replace("{method}", "GET"))
    assert backups.caller("bob", "acme").get("/api/notes").status == 200


@pytest.mark.parametrize(
    "rule",
    [
        PUBLISHED,
        PUBLISHED + "<PrincipalAccess><Access>Published</Access></PrincipalAccess>",
        "<OrganizationAccess><Access>Entity</Access></OrganizationAccess>" + EVERYBODY,
        PUBLISHED + EVERYBODY + "<ServiceResourceAccess><Access>Nobody</Access></ServiceResourceAccess>",
    ],
)
def test_rules_that_make_no_sense_are_refused(backups: Backups, rule: str) -> None:
    action = backups.action("/backup/.*")
    answer = backups.administrator.post(f"{action}/aclrules", f'<AclRule {NAMESPACES} name="r">{rule}</AclRule>')
    assert answer.status == 400


def test_tenants_neither_see_nor_make_rules(backups: Backups) -> None:
    alice = backups.caller("alice", "acme")
    assert alice.get(backups.resource_class).status == 403
    assert alice.post(f"{backups.service}/resourceclasses", "<ResourceClass/>").status == 403
    assert alice.get(f"{backups.service}/resourceclasses").status == 403
