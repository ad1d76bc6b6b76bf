"""From a running cloud to a record of it, and back."""

from collections.abc import Mapping
from dataclasses import fields

from vcd_simulator.bulk import without_garbage_collection
from vcd_simulator.clock import timestamp
from vcd_simulator.defined_entities import definitions
from vcd_simulator.guests.archive import ArchiveError
from vcd_simulator.guests.errors import GuestError
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Status, Vapp
from vcd_simulator.model.datacenter import OrgVdcNetwork
from vcd_simulator.model.task import TaskError, TaskStatus
from vcd_simulator.model.tenancy import SYSTEM_ORG
from vcd_simulator.operations import datacenter, machines, provider
from vcd_simulator.sessions import Sessions
from vcd_simulator.state.record import FORMAT, VERSION, StateError, StateRecord, Tables
from vcd_simulator.vcenter.record import VcenterRecord

_INTERRUPTED = TaskError(
    major="500", minor="TASK_ABORTED", message="The task was aborted: the cell stopped before the task was done."
)

_REFERENCES = (
    ("roles", "org_id", "orgs", False),
    ("users", "org_id", "orgs", False),
    ("users", "role_id", "roles", False),
    ("provider_vdcs", "vim_server_id", "vim_servers", False),
    ("port_groups", "vim_server_id", "vim_servers", False),
    ("port_groups", "external_network_id", "external_networks", True),
    ("resource_pools", "vim_server_id", "vim_servers", False),
    ("datastores", "vim_server_id", "vim_servers", False),
    ("hosts", "vim_server_id", "vim_servers", False),
    ("resource_pools", "provider_vdc_id", "provider_vdcs", True),
    ("provider_profiles", "provider_vdc_id", "provider_vdcs", False),
    ("vdcs", "org_id", "orgs", False),
    ("vdcs", "provider_vdc_id", "provider_vdcs", False),
    ("profiles", "vdc_id", "vdcs", False),
    ("networks", "org_id", "orgs", False),
    ("networks", "vdc_id", "vdcs", False),
    ("catalogs", "org_id", "orgs", False),
    ("items", "catalog_id", "catalogs", False),
    ("items", "template_id", "templates", False),
    ("templates", "vdc_id", "vdcs", False),
    ("vapps", "vdc_id", "vdcs", False),
    ("vms", "vapp_id", "vapps", True),
    ("vms", "template_id", "templates", True),
    ("vms", "vim_server_id", "vim_servers", False),
    ("api_filters", "service_id", "services", False),
    ("service_links", "service_id", "services", False),
    ("resource_classes", "service_id", "services", False),
    ("service_resources", "class_id", "resource_classes", False),
    ("service_resources", "org_id", "orgs", False),
    ("resource_class_actions", "class_id", "resource_classes", False),
    ("acl_rules", "action_id", "resource_class_actions", False),
    ("defined_entities", "type_id", "entity_types", False),
    ("defined_entities", "org_id", "orgs", False),
    ("access_grants", "tenant_id", "orgs", False),
)
"""Table, attribute, table that it refers to, and whether it may be absent."""


def take(
    cloud: Cloud,
    sessions: Sessions,
    vcenters: Mapping[str, VcenterRecord] | None = None,
    *,
    include_sessions: bool = False,
    include_files: bool = True,
) -> StateRecord:
    """Write a cloud down. Nothing in the record may be changed: it shares entities with the cloud.

    Whoever calls this holds the cloud's lock until the record has been rendered.

    Args:
        cloud: what to write down.
        sessions: of its users.
        vcenters: what vCenters themselves keep, by name.
        include_sessions: keep the sessions; whoever reads the record can use their tokens.
        include_files: keep the files of guests; otherwise those begin with the disks of their images.
    """
    return StateRecord(
        format=FORMAT,
        version=VERSION,
        saved=timestamp(cloud.clock.now()),
        sequences=cloud.sequences(),
        tables=Tables(**{one.name: list(getattr(cloud, one.name)) for one in fields(Tables)}),
        metadata=cloud.metadata.all(),
        tasks=list(cloud.tasks.tasks),
        guests=cloud.hypervisor.record(files=include_files),
        shared_pools=[one.id for one in cloud.networks if _has_pool_of_parent(cloud, one)],
        vcenters=dict(vcenters or {}),
        sessions=sessions.record() if include_sessions else None,
    )


def _has_pool_of_parent(cloud: Cloud, network: OrgVdcNetwork) -> bool:
    parent = cloud.external_networks.get(network.parent_id)
    return parent is not None and network.pool is parent.pool


def restore(
    cloud: Cloud, sessions: Sessions, record: StateRecord, vcenter_urls: Mapping[str, str] | None = None
) -> None:
    """Replace everything in a cloud by what a record holds.

    All sessions end, but for those of the record. Tasks of the cloud's own that were under way are aborted, and what
    they were making is dealt with as after a failure.

    Args:
        cloud: whose contents are replaced.
        sessions: of its users.
        record: not to be used again afterwards, since its entities are the cloud's now.
        vcenter_urls: where vCenters are now, by name.

    Raises:
        StateError: the record contradicts itself. The cloud is empty then.
    """
    with cloud.lock, without_garbage_collection():
        sessions.expire_all()
        cloud.clear()
        try:
            _fill(cloud, record)
            definitions.add_predefined(cloud)
            check_references(cloud)
            cloud.hypervisor.restore(record.guests)
            _abort_tasks(cloud)
        except (ArchiveError, GuestError, KeyError, ValueError) as exc:
            cloud.clear()
            raise StateError(f"the saved state contradicts itself: {exc}") from exc
        for server in cloud.vim_servers:
            server.url = (vcenter_urls or {}).get(server.name, server.url)
        if record.sessions is not None:
            sessions.resume(record.sessions)


def _fill(cloud: Cloud, record: StateRecord) -> None:
    for name, table in cloud.tables().items():
        for entity in getattr(record.tables, name, ()):
            table.add(entity)
    for entity_id, entries in record.metadata.items():
        cloud.metadata.put(entity_id, entries)
    for task in record.tasks:
        cloud.tasks.tasks.add(task)
    cloud.continue_sequences(record.sequences)
    for network in cloud.networks:
        parent = cloud.external_networks.get(network.parent_id)
        if parent is not None and network.id in record.shared_pools:
            network.pool = parent.pool


def check_references(cloud: Cloud) -> None:
    """Refuse what later requests would stumble over. Raises ValueError."""
    tables = cloud.tables()
    for name, attribute, target, optional in _REFERENCES:
        for entity in tables[name]:
            wanted = getattr(entity, attribute)
            if wanted not in tables[target] and not (optional and wanted is None):
                raise ValueError(f"{attribute} of {entity.id} in {name} leads nowhere")
    for owner in (*cloud.vapps, *cloud.templates):
        if any(vm_id not in cloud.vms for vm_id in owner.vm_ids):
            raise ValueError(f"{owner.id} has a VM that is not there")
    if cloud.orgs.first("name", SYSTEM_ORG.lower()) is None:
        raise ValueError(f"there is no organisation {SYSTEM_ORG}")


def _abort_tasks(cloud: Cloud) -> None:
    """End what was under way, and clear up what it was making."""
    for task in cloud.tasks.tasks:
        if not task.status.is_final and task.expected_s is not None:
            task.status, task.error, task.end_time = TaskStatus.ABORTED, _INTERRUPTED, cloud.clock.now()
    for vapp in cloud.vapps:
        _clear_up(cloud, vapp)
    for template in [one for one in cloud.templates if one.status in (Status.UNRESOLVED, Status.UPLOADING)]:
        item = cloud.items.get(template.catalog_item_id)
        if item is not None and item.template_id == template.id:
            template.status = Status.FAILED_CREATION
        else:
            cloud.templates.remove(template)
    _drop_unfinished(cloud)


def _drop_unfinished(cloud: Cloud) -> None:
    """Forget the networks and VDCs that were being made, unless somebody uses them already."""
    used = {network.parent_id for vapp in cloud.vapps for network in vapp.networks.values()}
    for network in [one for one in cloud.networks if not one.ready]:
        network.ready = True
        if network.id not in used:
            datacenter.forget_network(cloud, network)
    for vdc in [one for one in cloud.vdcs if not one.ready]:
        vdc.ready = True
        if not any(table.count("vdc", vdc.id) for table in (cloud.vapps, cloud.templates, cloud.networks)):
            datacenter.forget_vdc(cloud, vdc)
    for pvdc in [one for one in cloud.provider_vdcs if not one.ready]:
        pvdc.ready = True
        if not cloud.vdcs.count("pvdc", pvdc.id):
            provider.forget_provider_vdc(cloud, pvdc)


def _clear_up(cloud: Cloud, vapp: Vapp) -> None:
    for vm in cloud.vms_of(vapp):
        if not vm.guest_exists:
            machines.forget(cloud, vapp, vm)
    if vapp.transient is Status.UNRESOLVED:
        vapp.transient = Status.FAILED_CREATION
