"""Sessions, organisations and the cloud as a whole."""

from vcd_simulator.model.kinds import ADMIN, VCLOUD
from vcd_simulator.model.tenancy import Org
from vcd_simulator.rest.context import Context
from vcd_simulator.rest.documents.common import METADATA, link, reference, running_tasks, tasks_element
from vcd_simulator.rest.versions import SUPPORTED, V33, ApiVersion
from vcd_simulator.rest.xml import VERSIONS_NS, Element, build, vcloud
from vcd_simulator.sessions import Session

SESSION = VCLOUD + "session+xml"
ORG_LIST = VCLOUD + "orgList+xml"
QUERY_RECORDS = VCLOUD + "query.records+xml"


def supported_versions(context: Context) -> Element:
    nsmap: dict[str | None, str] = {None: VERSIONS_NS}

    def make(tag: str, *content: object, **attributes: str) -> Element:
        return build(VERSIONS_NS, nsmap, tag, content, attributes)  # type: ignore[arg-type]

    infos = []
    for version in SUPPORTED:
        logins = [make("LoginUrl", context.url("/api/sessions"))]
        if ApiVersion.parse(version) >= V33:
            path = context.url("/cloudapi/1.0.0/sessions")
            logins = [make("LoginUrl", path), make("ProviderLoginUrl", f"{path}/provider")]
        infos.append(make("VersionInfo", make("Version", version), logins, deprecated="false"))
    return make("SupportedVersions", infos)


def session(context: Context, current: Session) -> Element:
    is_sysadmin = current.access.is_sysadmin
    org = current.org
    return vcloud(
        "Session",
        link(context, "down", "/api/org/", ORG_LIST),
        link(context, "remove", "/api/session"),
        link(context, "down", "/api/admin/", ADMIN + "vcloud+xml"),
        link(context, "down", org.kind.href_path(org.id), org.kind.media_type, name=org.name),
        link(context, "down", "/api/query", VCLOUD + "query.queryList+xml"),
        link(context, "down", "/api/admin/extension", ADMIN + "vmwExtension+xml") if is_sysadmin else None,
        link(context, "down:extensibility", "/api/extensibility", VCLOUD + "apiextensibility+xml"),
        org=org.name,
        user=current.user.name,
        userId=context.urn(current.user),
        roles=current.access.role.name,
        locationId=f"{org.id}@{context.cloud.system_org.id}",
        href=context.url("/api/session"),
        type=SESSION,
    )


def org_list(context: Context) -> Element:
    orgs = [reference(context, "Org", org) for org in context.access.orgs()]
    return vcloud("OrgList", orgs, type=ORG_LIST, href=context.url("/api/org/"))


def org(context: Context, entity: Org) -> Element:
    """The user's view: named links to VDCs, catalogs and networks below 33.0, links to queries from there on."""
    path = entity.kind.href_path(entity.id)
    access = context.access
    add_catalog = access.has("Catalog: Create / Delete a Catalog")
    return vcloud(
        "Org",
        _query_links(context, entity) if context.since_33 else _named_links(context, entity),
        link(context, "down", f"/api/tasksList/{entity.id}", VCLOUD + "tasksList+xml"),
        link(context, "add", f"/api/admin/org/{entity.id}/catalogs", ADMIN + "catalog+xml") if add_catalog else None,
        link(context, "down", f"{path}/metadata", METADATA),
        link(context, "alternate", entity.kind.href_path(entity.id, True), entity.kind.admin_media_type)
        if access.has("Organization: View")
        else None,
        tasks_element(context, running_tasks(context, entity.id)),
        vcloud("Description", entity.description),
        vcloud("FullName", entity.full_name),
        name=entity.name,
        id=context.urn(entity),
        href=context.href(entity),
        type=entity.kind.media_type,
    )


def _named_links(context: Context, entity: Org) -> list[Element]:
    """VDCs and networks of the organisation, and every catalog that the caller can use from it."""
    access = context.access
    cloud = context.cloud
    found = [
        link(context, "down", vdc.kind.href_path(vdc.id), vdc.kind.media_type, name=vdc.name)
        for vdc in cloud.vdcs.find("org", entity.id)
        if access.sees_vdc(vdc)
    ]
    for catalog in access.catalogs():
        if catalog.org_id == entity.id or catalog.published or catalog.access.level("", entity.id):
            path = catalog.kind.href_path(catalog.id)
            found.append(link(context, "down", path, catalog.kind.media_type, name=catalog.name))
            found.append(
                link(
                    context, "controlAccess", f"/api/org/{catalog.org_id}/catalog/{catalog.id}/action/controlAccess",
                    VCLOUD + "controlAccess+xml", name=catalog.name,
                )
            )  # fmt: skip
    found += [
        link(context, "down", network.kind.href_path(network.id), network.kind.media_type, name=network.name)
        for network in cloud.networks.find("org", entity.id)
    ]
    return found


def _query_links(context: Context, entity: Org) -> list[Element]:
    prefix = "admin" if context.access.is_sysadmin else ""
    vdc, catalog = (f"{prefix}OrgVdc", f"{prefix}Catalog") if prefix else ("orgVdc", "catalog")
    by_org = f"org%3D%3D{entity.id}"
    return [
        link(context, "down", f"/api/query?type={vdc}&filter={by_org}", QUERY_RECORDS),
        link(context, "down", f"/api/query?type={catalog}&filter={by_org},isShared%3D%3Dtrue", QUERY_RECORDS),
    ]


def admin_org(context: Context, entity: Org) -> Element:
    """The administrator's view: who is in the organisation, with which rights."""
    cloud, access = context.cloud, context.access
    path = entity.kind.href_path(entity.id, True)
    sysadmin = access.is_sysadmin
    may_edit_roles = access.has("Role: Create, Edit, Delete, or Copy")
    return vcloud(
        "AdminOrg",
        link(context, "down", f"/api/tasksList/{entity.id}", VCLOUD + "tasksList+xml"),
        link(context, "down", f"{path}/metadata", METADATA),
        link(context, "add", f"{path}/catalogs", ADMIN + "catalog+xml")
        if access.has("Catalog: Create / Delete a Catalog")
        else None,
        link(context, "add", f"{path}/users", ADMIN + "user+xml") if access.manages_users else None,
        link(context, "add", f"{path}/roles", ADMIN + "role+xml") if may_edit_roles else None,
        link(context, "add", f"{path}/vdcsparams", ADMIN + "createVdcParams+xml") if sysadmin else None,
        link(context, "edit", path, entity.kind.admin_media_type)
        if access.has("Organization: Edit Properties")
        else None,
        link(context, "remove", path) if sysadmin and not entity.enabled and not entity.is_system else None,
        _switch_link(context, entity, path) if sysadmin else None,
        link(context, "alternate", entity.kind.href_path(entity.id), entity.kind.media_type),
        tasks_element(context, running_tasks(context, entity.id)),
        vcloud("Description", entity.description),
        vcloud("FullName", entity.full_name),
        vcloud("IsEnabled", entity.enabled),
        settings(context, entity, "Settings"),
        vcloud("Users", [reference(context, "UserReference", user) for user in cloud.users.find("org", entity.id)]),
        vcloud("Groups"),
        vcloud(
            "Catalogs",
            [
                reference(context, "CatalogReference", catalog, admin=True)
                for catalog in cloud.catalogs.find("org", entity.id)
                if access.sees_catalog(catalog)
            ],
        ),
        vcloud(
            "Vdcs",
            [
                reference(context, "Vdc", vdc, admin=True)
                for vdc in cloud.vdcs.find("org", entity.id)
                if access.sees_vdc(vdc)
            ],
        ),
        vcloud(
            "Networks",
            [reference(context, "Network", net, admin=True) for net in cloud.networks.find("org", entity.id)],
        ),
        rights_of_org(context, entity, "RightReferences"),
        vcloud(
            "RoleReferences", [reference(context, "RoleReference", role) for role in cloud.roles.find("org", entity.id)]
        ),
        name=entity.name,
        id=context.urn(entity),
        href=context.href(entity, admin=True),
        type=entity.kind.admin_media_type,
    )


def _switch_link(context: Context, entity: Org, path: str) -> Element:
    verb = "disable" if entity.enabled else "enable"
    return link(context, verb, f"{path}/action/{verb}")


def settings(context: Context, entity: Org, tag: str = "OrgSettings") -> Element:
    """The settings of an organisation, as far as there are any."""
    path = f"{entity.kind.href_path(entity.id, True)}/settings"
    media = ADMIN + "orgSettings+xml"
    return vcloud(
        tag,
        link(context, "edit", path, media) if context.access.is_sysadmin else None,
        general_settings(context, entity),
        href=context.url(path),
        type=media,
    )


def general_settings(context: Context, entity: Org) -> Element:
    """Whether an organisation may publish catalogs, and how many VMs its users may have."""
    path = f"{entity.kind.href_path(entity.id, True)}/settings/general"
    media = ADMIN + "organizationGeneralSettings+xml"
    return vcloud(
        "OrgGeneralSettings",
        link(context, "edit", path, media) if context.access.is_sysadmin else None,
        vcloud("CanPublishCatalogs", entity.can_publish_catalogs),
        vcloud("DeployedVMQuota", entity.deployed_vm_quota),
        vcloud("StoredVmQuota", entity.stored_vm_quota),
        vcloud("UseServerBootSequence", False),
        vcloud("DelayAfterPowerOnSeconds", 0),
        href=context.url(path),
        type=media,
    )


def rights_of_org(context: Context, entity: Org, tag: str = "OrgRights") -> Element:
    """The rights that an organisation may use. The System organisation has all."""
    cloud = context.cloud
    path = f"{entity.kind.href_path(entity.id, True)}/rights"
    media = ADMIN + "org.rights+xml"
    rights = [right for right in cloud.rights if entity.is_system or right.id in entity.rights]
    sysadmin = context.access.is_sysadmin
    return vcloud(
        tag,
        [link(context, rel, path, media) for rel in ("add", "edit")] if sysadmin else None,
        [reference(context, "RightReference", right) for right in rights],
        href=context.url(path),
        type=media,
    )


def vcloud_document(context: Context) -> Element:
    """`/api/admin/`: clients append to its href, so that ends with a slash."""
    cloud, access = context.cloud, context.access
    sysadmin = access.is_sysadmin
    shown = access.orgs() if access.has("Organization: View") else []
    orgs = [reference(context, "OrganizationReference", org, admin=True) for org in shown]
    return vcloud(
        "VCloud",
        link(context, "add", "/api/admin/orgs", ADMIN + "organization+xml") if sysadmin else None,
        link(context, "down", "/api/admin/extension", ADMIN + "vmwExtension+xml") if sysadmin else None,
        vcloud("Description", "A simulated vCloud Director"),
        vcloud("OrganizationReferences", orgs),
        vcloud(
            "ProviderVdcReferences", [reference(context, "ProviderVdcReference", pvdc) for pvdc in cloud.provider_vdcs]
        )
        if sysadmin
        else None,
        vcloud("RightReferences", [reference(context, "RightReference", right) for right in cloud.rights]),
        vcloud(
            "RoleReferences",
            [reference(context, "RoleReference", role) for role in cloud.roles.find("org", access.org.id)],
        ),
        vcloud("Networks", [reference(context, "Network", net) for net in cloud.external_networks])
        if sysadmin
        else None,
        name="VMware vCloud Director",
        href=context.url("/api/admin/"),
        type=ADMIN + "vcloud+xml",
    )
