"""The managed objects of a vCenter and their properties."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from vcd_simulator.guests.errors import UnknownGuestError
from vcd_simulator.guests.hypervisor import Hypervisor
from vcd_simulator.guests.machine import Guest
from vcd_simulator.vcenter.capacity import (
    cluster_configuration,
    cluster_summary,
    datastore_hosts,
    datastore_info,
    datastore_summary,
    mounted_volumes,
    pool_properties,
)
from vcd_simulator.vcenter.content import MANAGERS, service_content
from vcd_simulator.vcenter.folders import Folders
from vcd_simulator.vcenter.hosts import (
    host_config,
    host_hardware,
    host_managers,
    host_runtime,
    host_summary,
)
from vcd_simulator.vcenter.machines import vm_properties, vm_summary
from vcd_simulator.vcenter.objects import (
    CLUSTER,
    DATACENTER,
    DATASTORE,
    DATASTORE_FOLDER,
    HOST,
    HOST_FOLDER,
    HOST_STORAGE,
    NAMES,
    NETWORK_FOLDER,
    PARENTS,
    RESOURCE_POOL,
    ROOT_FOLDER,
    SERVICE_INSTANCE,
    VM_FOLDER,
    Properties,
    network_ref,
)
from vcd_simulator.vcenter.schema import unset_properties
from vcd_simulator.vcenter.soap import Array, Data, Enum, Ref, SoapFaultError, Value, missing_object
from vcd_simulator.vcenter.tasks import VcenterTasks

_UUIDS = uuid.UUID("5d0cf0e5-6d05-4f3e-8f4c-6d9a1c1a52a1")
_CHILD_TYPES = {
    ROOT_FOLDER: ["Folder", "Datacenter"],
    VM_FOLDER: ["Folder", "VirtualMachine", "VirtualApp"],
    HOST_FOLDER: ["Folder", "ComputeResource"],
    DATASTORE_FOLDER: ["Folder", "Datastore", "StoragePod"],
    NETWORK_FOLDER: ["Folder", "Network", "DistributedVirtualSwitch"],
}
CustomFieldsOf = Callable[[Ref], Properties]
"""What a managed entity shows of the attributes that clients define."""


class Inventory:
    """Objects of one vCenter. What belongs to one session (views, filters) is kept elsewhere."""

    def __init__(self, hypervisor: Hypervisor, name: str, tasks: VcenterTasks) -> None:
        self.hypervisor = hypervisor
        self.name = name
        self.instance_uuid = str(uuid.uuid5(_UUIDS, f"vcenter {name}"))
        self.folders = Folders()
        self._tasks = tasks
        self._managers: dict[Ref, Callable[[], Properties]] = {}
        self._custom_fields: CustomFieldsOf = lambda _ref: {}

    def add_manager(self, ref: Ref, properties: Callable[[], Properties]) -> None:
        """Make an object known that the service content names."""
        self._managers[ref] = properties

    def _custom_values(self, ref: Ref) -> Value:
        """The attributes of a managed entity that have a value."""
        reader = self._custom_fields(ref).get("customValue")
        values = None if reader is None else reader()
        return values.items if isinstance(values, Array) else None

    def show_custom_fields(self, properties_of: CustomFieldsOf) -> None:
        """Say what managed entities show of the attributes that clients define."""
        self._custom_fields = properties_of

    def content(self) -> Data:
        """The ServiceContent."""
        return service_content(self.instance_uuid)

    def guest(self, ref: Ref) -> Guest:
        """The guest of a VirtualMachine. Raises SoapFaultError (ManagedObjectNotFound)."""
        try:
            guest = self.hypervisor.guest(ref.id)
        except UnknownGuestError:
            raise missing_object(ref) from None
        if ref.type != "VirtualMachine" or guest.vcenter != self.name:
            raise missing_object(ref)
        return guest

    def guests(self) -> list[Guest]:
        """All guests of this vCenter."""
        return self.hypervisor.guests_of(self.name)

    def has(self, ref: Ref) -> bool:
        """Whether there is such an object."""
        try:
            self.properties(ref)
        except SoapFaultError:
            return False
        return True

    def name_of(self, ref: Ref) -> str:
        """The name of a managed entity. Raises SoapFaultError (ManagedObjectNotFound)."""
        if ref.type == "VirtualMachine":
            return self.guest(ref).spec.name
        name = self.properties(ref).get("name")
        return str(name()) if name is not None else ref.id

    def parent(self, ref: Ref) -> Ref | None:
        """What an object is in; None for the root folder and for what is in nothing."""
        if ref.type == "VirtualMachine" or self.folders.has(ref):
            return self.folders.parent(ref)
        return NETWORK_FOLDER if ref.type == "Network" else PARENTS.get(ref)

    def lineage(self, ref: Ref) -> list[Ref]:
        """Everything that an object is in, the nearest first; a machine is on its host and in its pool, too."""
        found = []
        above = self.parent(ref)
        while above is not None:
            found.append(above)
            above = self.parent(above)
        return [*found, HOST, RESOURCE_POOL, CLUSTER, HOST_FOLDER] if ref.type == "VirtualMachine" else found

    def children(self, container: Ref, *, recursive: bool) -> list[Ref]:
        """Managed entities inside a container, each before what is inside of it."""
        found: list[Ref] = []
        pending = self._below(container, recursive=recursive)[::-1]
        while pending:
            found.append(pending.pop())
            if recursive:
                pending += self._below(found[-1], recursive=True)[::-1]
        # Machines are in folders as well as on a host and in a pool; whoever looks from there sees them, too.
        by_host = container in (HOST, RESOURCE_POOL) or (recursive and container in (HOST_FOLDER, CLUSTER))
        return [*found, *self._all_machines()] if by_host else found

    def _all_machines(self) -> list[Ref]:
        return [Ref("VirtualMachine", guest.moid) for guest in self.guests()]

    def _below(self, container: Ref, *, recursive: bool) -> list[Ref]:
        if container.type == "VirtualMachine":
            return []
        if container == VM_FOLDER or self.folders.has(container):
            every = (Ref("VirtualMachine", guest.moid) for guest in self.guests())
            return [*self.folders.folders_in(container), *self.folders.machines_in(container, every)]
        if container == NETWORK_FOLDER:
            return [network_ref(one) for one in sorted({one for guest in self.guests() for one, _ in guest.cards})]
        if container == CLUSTER and not recursive:
            return []
        return [child for child, parent in PARENTS.items() if parent == container]

    def properties(self, ref: Ref) -> Properties:
        """How to read each property of an object. Raises SoapFaultError (ManagedObjectNotFound)."""
        return {**unset_properties(ref), **self._known(ref)}

    def _known(self, ref: Ref) -> Properties:
        """The properties that have values."""
        if ref.type == "VirtualMachine":
            guest = self.guest(ref)
            return {
                **vm_properties(guest),
                **self._custom_fields(ref),
                "parent": lambda: self.folders.parent(ref),
                "summary": lambda: vm_summary(guest, ref, self._custom_values(ref)),
                "recentTask": lambda: Array("ManagedObjectReference", self._tasks.recent(ref)),
            }
        if ref.type == "Task":
            return self._task(ref)
        if ref.type == "Network":
            return self._network(ref)
        if ref in self._managers:
            return self._managers[ref]()
        if self.folders.has(ref):
            return {**self._folder(ref), "childType": lambda: Array("String", _CHILD_TYPES[VM_FOLDER])}
        try:
            return self._fixed()[ref]
        except KeyError:
            raise missing_object(ref) from None

    def _fixed(self) -> dict[Ref, Properties]:
        """The objects that every vCenter has."""
        return {
            SERVICE_INSTANCE: {"content": self.content, "serverClock": _now, "capability": lambda: None},
            **MANAGERS,
            **{ref: {**self._folder(ref), "childType": _child_types(ref)} for ref in _CHILD_TYPES},
            DATACENTER: {
                **self._entity(DATACENTER),
                "vmFolder": lambda: VM_FOLDER,
                "hostFolder": lambda: HOST_FOLDER,
                "datastoreFolder": lambda: DATASTORE_FOLDER,
                "networkFolder": lambda: NETWORK_FOLDER,
                "datastore": lambda: _refs(DATASTORE),
                "network": self._networks,
            },
            CLUSTER: {
                **self._entity(CLUSTER),
                "host": lambda: _refs(HOST),
                "resourcePool": lambda: RESOURCE_POOL,
                "datastore": lambda: _refs(DATASTORE),
                "network": self._networks,
                "summary": cluster_summary,
                "configurationEx": cluster_configuration,
            },
            HOST: {
                **self._entity(HOST),
                "vm": self._machines,
                "datastore": lambda: _refs(DATASTORE),
                "network": self._networks,
                "runtime": host_runtime,
                "config": host_config,
                "configManager": host_managers,
                "hardware": lambda: host_hardware(self.name),
                "summary": lambda: host_summary(self.name, self.guests()),
            },
            HOST_STORAGE: {"fileSystemVolumeInfo": lambda: mounted_volumes(self.name)},
            RESOURCE_POOL: {
                **self._entity(RESOURCE_POOL),
                **pool_properties(self.guests),
                "owner": lambda: CLUSTER,
                "vm": self._machines,
            },
            DATASTORE: {
                **self._entity(DATASTORE),
                "summary": datastore_summary,
                "info": lambda: datastore_info(self.name),
                "host": datastore_hosts,
                "vm": self._machines,
            },
        }

    def _machines(self) -> Value:
        return _refs(*self._all_machines())

    def _networks(self) -> Value:
        return _refs(*self.children(NETWORK_FOLDER, recursive=False))

    def _folder(self, ref: Ref) -> Properties:
        return {**self._entity(ref), "childEntity": lambda: _refs(*self.children(ref, recursive=False))}

    def _entity(self, ref: Ref) -> Properties:
        """What all managed entities have."""
        return {
            **self._custom_fields(ref),
            "name": lambda: self.folders.name(ref) if self.folders.has(ref) else NAMES[ref],
            "parent": lambda: self.parent(ref),
            "overallStatus": _green,
            "configStatus": _green,
        }

    def _network(self, ref: Ref) -> Properties:
        connected = [guest for guest in self.guests() if any(network_ref(network) == ref for network, _ in guest.cards)]
        if not connected:
            raise missing_object(ref)
        name = next(network for network, _ in connected[0].cards if network_ref(network) == ref)
        return {
            "name": lambda: name,
            "parent": lambda: NETWORK_FOLDER,
            "overallStatus": _green,
            "vm": lambda: _refs(*(Ref("VirtualMachine", guest.moid) for guest in connected)),
        }

    def _task(self, ref: Ref) -> Properties:
        task = self._tasks.find(ref)
        if task is None:
            raise missing_object(ref)
        return {"info": task.to_data}


def _green() -> Value:
    return Enum("ManagedEntityStatus", "green")


def _child_types(ref: Ref) -> Callable[[], Value]:
    return lambda: Array("String", _CHILD_TYPES[ref])


def _refs(*refs: Ref) -> Array:
    return Array("ManagedObjectReference", refs)


def _now() -> Value:
    return datetime.now(UTC)
