"""Provider VDCs: made of resource pools, with storage profiles, enabled, disabled, deleted."""

from vcd_simulator import errors
from vcd_simulator.model.infrastructure import ProviderStorageProfile, ProviderVdc, ResourcePool
from vcd_simulator.model.kinds import PROVIDER_STORAGE_PROFILE, PROVIDER_VDC, RESOURCE_POOL, VIM_SERVER
from vcd_simulator.operations import provider
from vcd_simulator.query.fiql import Comparison
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.documents import provider as documents
from vcd_simulator.rest.documents import vcenters as vcenter_documents
from vcd_simulator.rest.parsing import referenced_id, require_root
from vcd_simulator.rest.resources import query
from vcd_simulator.rest.resources.vapps import accepted
from vcd_simulator.rest.routing import Router
from vcd_simulator.rest.xml import Element, child, children, flag_of, text_of

router = Router()
_PVDC = "/api/admin/extension/providervdc/{pvdc_id}"
_POOL = "/api/admin/extension/resourcePool/{pool_id}"
_EDIT = "Provider vDC: Edit"
_CREATE = "Provider vDC: Create / Delete"


@router.get("/api/admin/providervdc/{pvdc_id}")
def get_provider_vdc(context: Context, pvdc_id: str) -> Reply:
    return Reply(content=documents.provider_vdc(context, _pvdc(context, pvdc_id, "Provider vDC: View")))


@router.get("/api/admin/providervdc/{pvdc_id}/vdcReferences")
def get_vdcs(context: Context, pvdc_id: str) -> Reply:
    return Reply(content=documents.vdc_references(context, _pvdc(context, pvdc_id, "Provider vDC: View")))


@router.get(_PVDC)
def get_extended_provider_vdc(context: Context, pvdc_id: str) -> Reply:
    return Reply(content=documents.extended_provider_vdc(context, _pvdc(context, pvdc_id, "Provider vDC: View")))


def _pvdc(context: Context, pvdc_id: str, right: str) -> ProviderVdc:
    return context.access.provided(PROVIDER_VDC, context.cloud.provider_vdcs, pvdc_id, right)


@router.post("/api/admin/extension/providervdcsparams")
def create_provider_vdc(context: Context) -> Reply:
    context.access.require_provider(_CREATE)
    root = require_root(context.xml(), "VMWProviderVdcParams")
    server_id = referenced_id(child(root, "VimServer"), "VimServer")
    server = context.access.existing(VIM_SERVER, context.cloud.vim_servers, server_id)
    spec = provider.ProviderVdcSpec(
        name=root.get("name") or "",
        description=text_of(root, "Description"),
        enabled=flag_of(root, "IsEnabled", True),
        server=server,
        morefs=_morefs(children(child(root, "ResourcePoolRefs"), "VimObjectRef")),
        storage_profiles=_texts(children(root, "StorageProfile")),
    )
    pvdc, _ = provider.create_provider_vdc(context.cloud, context.session.user, spec)
    location = context.url(documents.EXTENSION_PVDC + pvdc.id)
    return Reply(status=201, content=documents.extended_provider_vdc(context, pvdc), headers={"location": location})


def _morefs(references: list[Element]) -> list[str]:
    return [text_of(one, "MoRef") for one in references]


def _texts(elements: list[Element]) -> list[str]:
    return [(one.text or "").strip() for one in elements]


@router.put(_PVDC)
def update_provider_vdc(context: Context, pvdc_id: str) -> Reply:
    pvdc = _pvdc(context, pvdc_id, _EDIT)
    root = require_root(context.xml(), "VMWProviderVdc", "ProviderVdc")
    provider.update_provider_vdc(
        context.cloud, pvdc, root.get("name") or pvdc.name, text_of(root, "Description", pvdc.description)
    )
    return Reply(content=documents.extended_provider_vdc(context, pvdc))


@router.post(f"{_PVDC}/action/enable")
def enable_provider_vdc(context: Context, pvdc_id: str) -> Reply:
    _pvdc(context, pvdc_id, _EDIT).enabled = True
    return Reply(status=204)


@router.post(f"{_PVDC}/action/disable")
def disable_provider_vdc(context: Context, pvdc_id: str) -> Reply:
    _pvdc(context, pvdc_id, _EDIT).enabled = False
    return Reply(status=204)


@router.delete(_PVDC, "/api/admin/providervdc/{pvdc_id}")
def delete_provider_vdc(context: Context, pvdc_id: str) -> Reply:
    pvdc = _pvdc(context, pvdc_id, _CREATE)
    return accepted(context, provider.delete_provider_vdc(context.cloud, context.session.user, pvdc))


@router.get(f"{_PVDC}/resourcePools")
def list_resource_pools(context: Context, pvdc_id: str) -> Reply:
    return Reply(content=documents.pools_of_provider_vdc(context, _pvdc(context, pvdc_id, "Provider vDC: View")))


@router.post(f"{_PVDC}/action/updateResourcePools")
def change_resource_pools(context: Context, pvdc_id: str) -> Reply:
    pvdc = _pvdc(context, pvdc_id, _EDIT)
    root = require_root(context.xml(), "UpdateResourcePoolSetParams")
    remove = [_pool(context, referenced_id(one, "DeleteItem"), _EDIT) for one in children(root, "DeleteItem")]
    add = _morefs(children(root, "AddItem"))
    return accepted(context, provider.change_resource_pools(context.cloud, context.session.user, pvdc, add, remove))


def _pool(context: Context, pool_id: str, right: str) -> ResourcePool:
    return context.access.provided(RESOURCE_POOL, context.cloud.resource_pools, pool_id, right)


@router.post(f"{_POOL}/action/enable")
def enable_resource_pool(context: Context, pool_id: str) -> Reply:
    return _switch_pool(context, pool_id, enabled=True)


@router.post(f"{_POOL}/action/disable")
def disable_resource_pool(context: Context, pool_id: str) -> Reply:
    return _switch_pool(context, pool_id, enabled=False)


def _switch_pool(context: Context, pool_id: str, *, enabled: bool) -> Reply:
    pool = _pool(context, pool_id, _EDIT)
    if pool.provider_vdc_id is None or pool.primary:
        raise errors.not_allowed(f"The resource pool {pool.name} cannot be enabled or disabled.")
    pool.enabled = enabled
    return Reply(status=204)


@router.get(f"{_POOL}/vmList")
def list_vms(context: Context, pool_id: str) -> Reply:
    """The VMs in a resource pool, as the query for them has them."""
    _pool(context, pool_id, "Provider vDC: View")
    given = query.parameters(context.query_string)
    return query.run(context, "resourcePoolVmList", given, only=Comparison("resourcePool", "==", pool_id))


@router.post(f"{_POOL}/action/migrateVms")
def migrate_vms(context: Context, pool_id: str) -> Reply:
    pool = _pool(context, pool_id, _EDIT)
    root = require_root(context.xml(), "MigrateParams")
    vms = [context.access.vm_by_id(referenced_id(one, "VmRef"))[1] for one in children(root, "VmRef")]
    to = child(root, "ResourcePoolRef")
    target = None if to is None else (referenced_id(child(to, "VimServerRef"), "VimServerRef"), text_of(to, "MoRef"))
    return accepted(context, provider.migrate_vms(context.cloud, context.session.user, pool, vms, target))


@router.get(f"{_PVDC}/availableStorageProfiles")
def list_available_profiles(context: Context, pvdc_id: str) -> Reply:
    pvdc = _pvdc(context, pvdc_id, "Provider vDC: View")
    server = context.cloud.vim_servers[pvdc.vim_server_id]
    known = [one.name for one in context.cloud.provider_profiles.find("pvdc", pvdc.id)]
    return Reply(content=vcenter_documents.storage_profiles_to_add(context, server, context.raw_path, known))


@router.post(f"{_PVDC}/storageProfiles")
def change_storage_profiles(context: Context, pvdc_id: str) -> Reply:
    pvdc = _pvdc(context, pvdc_id, _EDIT)
    root = require_root(context.xml(), "UpdateProviderVdcStorageProfiles")
    add = _texts(children(root, "AddStorageProfile"))
    remove = [
        _profile(context, referenced_id(one, "RemoveStorageProfile"), _EDIT)
        for one in children(root, "RemoveStorageProfile")
    ]
    return accepted(context, provider.change_storage_profiles(context.cloud, context.session.user, pvdc, add, remove))


def _profile(context: Context, profile_id: str, right: str) -> ProviderStorageProfile:
    return context.access.provided(PROVIDER_STORAGE_PROFILE, context.cloud.provider_profiles, profile_id, right)


@router.get("/api/admin/pvdcStorageProfile/{profile_id}")
def get_storage_profile(context: Context, profile_id: str) -> Reply:
    """The extended view, which clients of this address expect to be able to change."""
    profile = _profile(context, profile_id, "Provider vDC Storage Profile: View")
    return Reply(content=documents.provider_profile(context, profile, extended=False))


@router.get("/api/admin/extension/pvdcStorageProfile/{profile_id}")
def get_extended_storage_profile(context: Context, profile_id: str) -> Reply:
    profile = _profile(context, profile_id, "Provider vDC Storage Profile: View")
    return Reply(content=documents.provider_profile(context, profile, extended=True))


@router.put("/api/admin/extension/pvdcStorageProfile/{profile_id}")
def update_storage_profile(context: Context, profile_id: str) -> Reply:
    profile = _profile(context, profile_id, _EDIT)
    root = require_root(context.xml(), "VMWProviderVdcStorageProfile")
    profile.enabled = flag_of(root, "Enabled", profile.enabled)
    return Reply(content=documents.provider_profile(context, profile, extended=True))
