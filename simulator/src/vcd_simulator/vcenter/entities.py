"""What clients change about machines and folders: names, places, hardware and settings."""

from collections.abc import Callable, Mapping

from vcd_simulator.vcenter.capacity import cluster_usage
from vcd_simulator.vcenter.events import EventLog
from vcd_simulator.vcenter.folders import Folders
from vcd_simulator.vcenter.inventory import Inventory
from vcd_simulator.vcenter.objects import NAMES, VM_FOLDER
from vcd_simulator.vcenter.reconfiguration import reconfigure
from vcd_simulator.vcenter.sessions import Session
from vcd_simulator.vcenter.soap import Ref, Request, SoapFaultError, Value, invalid_request
from vcd_simulator.vcenter.tasks import VcenterTasks

_LONGEST_NAME = 80


class EntityMethods:
    """The methods of VirtualMachine and Folder that change what they are, for one vCenter."""

    def __init__(self, inventory: Inventory, tasks: VcenterTasks, events: EventLog) -> None:
        self._inventory = inventory
        self._folders: Folders = inventory.folders
        self._tasks = tasks
        self._events = events

    def methods(self) -> Mapping[tuple[str, str], Callable[[Request, Session], Value]]:
        """What there is, by type and name."""
        return {
            ("VirtualMachine", "Rename_Task"): self._rename_machine,
            ("VirtualMachine", "ReconfigVM_Task"): self._reconfigure,
            ("Folder", "CreateFolder"): self._create_folder,
            ("Folder", "MoveIntoFolder_Task"): self._move_into,
            ("Folder", "Rename_Task"): self._rename_folder,
            ("Folder", "Destroy_Task"): self._destroy_folder,
            ("Folder", "UnregisterAndDestroy_Task"): self._destroy_folder,
            ("ClusterComputeResource", "GetResourceUsage"): self._cluster_usage,
        }

    def _rename_machine(self, request: Request, session: Session) -> Value:
        name = _name(request.arguments.text("newName"), "newName")
        guest = self._inventory.guest(request.this)

        def act() -> None:
            before = guest.spec.name
            self._check_free(self._folders.parent(request.this), name, request.this)
            guest.change_spec(name=name)
            details: dict[str, Value] = {"oldName": before, "newName": name}
            self._note("VmRenamedEvent", request.this, session, details)

        return self._start(request, session, "VirtualMachine.rename", act)

    def _reconfigure(self, request: Request, session: Session) -> Value:
        """Checks what can be checked at once; a power state that does not allow the change shows in the task."""
        guest = self._inventory.guest(request.this)
        change = reconfigure(request.arguments.child("spec"))

        def act() -> None:
            if change.name is not None and change.name != guest.spec.name:
                self._check_free(self._folders.parent(request.this), _name(change.name, "spec.name"), request.this)
            change.apply(guest)
            details: dict[str, Value] = {"configSpec": change.to_data()}
            self._note("VmReconfiguredEvent", request.this, session, details)

        return self._start(request, session, "VirtualMachine.reconfigure", act)

    def _create_folder(self, request: Request, _session: Session) -> Value:
        parent, name = request.this, _name(request.arguments.text("name"), "name")
        self._check_machine_folder(parent)
        self._check_free(parent, name, None)
        made = self._folders.create(parent, name)
        self._inventory.hypervisor.changes.tell()
        return made

    def _move_into(self, request: Request, session: Session) -> Value:
        target, moved = request.this, request.arguments.refs("list")
        self._check_machine_folder(target)
        for ref in moved:
            self._inventory.properties(ref)
            if ref.type != "VirtualMachine" and not self._folders.has(ref):
                raise SoapFaultError("NotSupported", f"{ref.id} cannot be moved into a folder of machines.")

        def act() -> None:
            for ref in moved:
                if ref in (target, *self._inventory.lineage(target)):
                    raise SoapFaultError("InvalidFolder", "A folder cannot be moved into itself.", target=target)
                self._check_free(target, self._inventory.name_of(ref), ref)
                self._folders.move(ref, target)
            self._inventory.hypervisor.changes.tell()

        return self._start(request, session, "Folder.moveInto", act)

    def _rename_folder(self, request: Request, session: Session) -> Value:
        name = _name(request.arguments.text("newName"), "newName")
        self._check_own_folder(request.this)

        def act() -> None:
            self._check_free(self._folders.parent(request.this), name, request.this)
            self._folders.rename(request.this, name)
            self._inventory.hypervisor.changes.tell()

        return self._start(request, session, "Folder.rename", act)

    def _destroy_folder(self, request: Request, session: Session) -> Value:
        self._check_own_folder(request.this)

        def act() -> None:
            # Machines are vCloud Director's, so none is destroyed behind its back.
            if self._inventory.children(request.this, recursive=False):
                raise SoapFaultError("NotSupported", "Only an empty folder can be destroyed here.")
            self._folders.remove(request.this)
            self._inventory.hypervisor.changes.tell()

        return self._start(request, session, "Folder.destroy", act)

    def _cluster_usage(self, request: Request, _session: Session) -> Value:
        self._inventory.properties(request.this)
        return cluster_usage(self._inventory.guests())

    def _start(self, request: Request, session: Session, description_id: str, act: Callable[[], None]) -> Ref:
        name = self._inventory.name_of(request.this)
        return self._tasks.start(request.this, name, request.method, description_id, session.user, act)

    def _note(self, kind: str, machine: Ref, session: Session, details: Mapping[str, Value]) -> None:
        name = self._inventory.name_of(machine)
        self._events.note(kind, entity=machine, name=name, user=session.user, details=details)

    def _check_machine_folder(self, folder: Ref) -> None:
        """Raises SoapFaultError: it is no folder for machines, or it is gone."""
        self._inventory.properties(folder)
        if folder != VM_FOLDER and not self._folders.has(folder):
            raise SoapFaultError("NotSupported", "Folders can be made for machines only.")

    def _check_own_folder(self, folder: Ref) -> None:
        """Raises SoapFaultError: it is one that every vCenter has, or it is gone."""
        self._inventory.properties(folder)
        if not self._folders.has(folder):
            raise SoapFaultError("NotSupported", f"The folder {NAMES[folder]!r} cannot be changed.")

    def _check_free(self, parent: Ref, name: str, own: Ref | None) -> None:
        """Raises SoapFaultError: something else in a folder has this name."""
        for ref in self._inventory.children(parent, recursive=False):
            if ref != own and self._inventory.name_of(ref).lower() == name.lower():
                raise SoapFaultError("DuplicateName", f"The name '{name}' already exists.", name=name, object=ref)


def _name(text: str, argument: str) -> str:
    """A name as vCenter keeps it, with what its paths cannot have escaped. Raises SoapFaultError."""
    if not text:
        raise invalid_request("the name is empty", argument)
    name = text.replace("/", "%2f").replace("\\", "%5c")
    if len(name) > _LONGEST_NAME:
        raise SoapFaultError("InvalidName", f"The name is longer than {_LONGEST_NAME} characters.", name=name)
    return name
