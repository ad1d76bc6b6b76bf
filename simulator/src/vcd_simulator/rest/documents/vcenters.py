"""vCenters, and what they have: resource pools, classes of storage, datastores, hosts."""

from collections.abc import Iterable

from vcd_simulator.model.infrastructure import Datastore, Host, VimServer
from vcd_simulator.model.kinds import ADMIN
from vcd_simulator.rest.context import Context
from vcd_simulator.rest.documents.common import link, reference, running_tasks, tasks_element
from vcd_simulator.rest.xml import Element, vcloud_in_vmext, vmext

PROFILES = ADMIN + "vmwStorageProfiles+xml"
_POOL_LIST = ADMIN + "resourcePoolList+xml"


def switch(context: Context, path: str, *, enabled: bool) -> Element:
    verb = "disable" if enabled else "enable"
    return link(context, verb, f"{path}/action/{verb}", build=vcloud_in_vmext)


def storage_profiles_to_add(context: Context, server: VimServer, path: str, known: Iterable[str]) -> Element:
    """The classes of storage of a vCenter, without those that are known already."""
    offered = set(known)
    names = [name for name in server.storage_profiles if name not in offered]
    return vmext(
        "VMWStorageProfiles",
        [
            vmext(
                "VMWStorageProfile",
                vmext("MoRef", f"policy-{name}"),
                vmext("VimObjectType", "STORAGE_PROFILE"),
                name=name,
            )
            for name in names
        ],
        href=context.url(path),
        type=PROFILES,
    )


def resource_pools(context: Context, entity: VimServer) -> Element:
    """The pools of a vCenter, whether a provider VDC is made of them or not."""
    pools = context.cloud.resource_pools.find("server", entity.id)
    return vmext(
        "ResourcePoolList",
        [
            vmext(
                "ResourcePool",
                vmext("DataStoreRefs"),
                reference(context, "VimServerRef", entity, with_id=True, build=vmext),
                vmext("MoRef", one.moref),
                vmext("VimObjectType", "RESOURCE_POOL"),
                name=one.name,
            )
            for one in pools
        ],
        href=context.url(f"{entity.kind.href_path(entity.id)}/resourcePoolList"),
        type=_POOL_LIST,
    )


def datastore(context: Context, entity: Datastore) -> Element:
    """A datastore; how much of it is used nobody counts."""
    return vmext(
        "Datastore",
        vcloud_in_vmext("Description", ""),
        _in_vcenter(context, entity, "DATASTORE"),
        vmext("Enabled", entity.enabled),
        vmext("Busy", context.cloud.tasks.is_busy(entity.id)),
        vmext("VaaiForFpEnabled", False),
        vmext("DatastoreFsType", "VMFS"),
        vmext("VcDisplayName", entity.name),
        vmext("TotalCapacityMb", entity.capacity_mb),
        vmext("TotalCapacityGb", entity.capacity_mb // 1024),
        name=entity.name,
        id=context.urn(entity),
        href=context.href(entity),
        type=entity.kind.media_type,
    )


def host(context: Context, entity: Host) -> Element:
    """A host, with what can be done with it."""
    edits = context.access.has("vCenter: Attach / Detach / Modify")
    return vmext(
        "Host",
        switch(context, entity.kind.href_path(entity.id), enabled=entity.enabled) if edits else None,
        vcloud_in_vmext("Description", ""),
        tasks_element(context, running_tasks(context, entity.id)),
        _in_vcenter(context, entity, "HOST"),
        vmext("Ready", True),
        vmext("Available", True),
        vmext("Enabled", entity.enabled),
        vmext("Busy", context.cloud.tasks.is_busy(entity.id)),
        name=entity.name,
        id=context.urn(entity),
        href=context.href(entity),
        type=entity.kind.media_type,
    )


def _in_vcenter(context: Context, entity: Datastore | Host, kind: str) -> Element:
    return vmext(
        "VimObjectRef",
        reference(context, "VimServerRef", context.cloud.vim_servers[entity.vim_server_id], with_id=True, build=vmext),
        vmext("MoRef", entity.moref),
        vmext("VimObjectType", kind),
    )


def vim_server(context: Context, entity: VimServer) -> Element:
    """A vCenter; its password stays home."""
    path = entity.kind.href_path(entity.id)
    edits = context.access.has("vCenter: Attach / Detach / Modify")
    return vmext(
        "VimServer",
        link(context, "edit", path, entity.kind.media_type, build=vcloud_in_vmext) if edits else None,
        link(context, "unregister", f"{path}/action/unregister", build=vcloud_in_vmext) if edits else None,
        link(context, "down", f"{path}/resourcePoolList", _POOL_LIST, build=vcloud_in_vmext),
        link(context, "down", f"{path}/storageProfiles", PROFILES, build=vcloud_in_vmext),
        tasks_element(context, running_tasks(context, entity.id)),
        vmext("Username", entity.username),
        vmext("Url", entity.url),
        vmext("IsEnabled", entity.enabled),
        vmext("IsConnected", entity.enabled and entity.connected),
        vmext("VcVersion", "6.7.0"),
        name=entity.name,
        id=context.urn(entity),
        href=context.href(entity),
        type=entity.kind.media_type,
    )
