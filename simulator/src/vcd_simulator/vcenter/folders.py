"""Folders of virtual machines that clients have made, and what is in which."""

import itertools
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vcd_simulator.vcenter.objects import VM_FOLDER
from vcd_simulator.vcenter.record import FolderRecord
from vcd_simulator.vcenter.soap import Ref

_FIRST = 100
_PREFIX = "group-v"
_ID = re.compile(rf"{_PREFIX}\d{{1,9}}")


@dataclass
class _Folder:
    name: str
    parent: Ref


class Folders:
    """The folders below a datacenter's folder of machines. Thread-safe.

    A machine that nobody has moved is in that folder itself, where vCloud Director puts it.
    """

    def __init__(self) -> None:
        self._folders: dict[Ref, _Folder] = {}
        self._places: dict[Ref, Ref] = {}
        self._numbers = itertools.count(_FIRST)
        self._lock = threading.RLock()

    def create(self, parent: Ref, name: str) -> Ref:
        with self._lock:
            ref = Ref("Folder", f"{_PREFIX}{next(self._numbers)}")
            self._folders[ref] = _Folder(name, parent)
        return ref

    def rename(self, folder: Ref, name: str) -> None:
        with self._lock:
            self._folders[folder].name = name

    def remove(self, folder: Ref) -> None:
        """Forget a folder that nothing is in."""
        with self._lock:
            del self._folders[folder]

    def move(self, ref: Ref, parent: Ref) -> None:
        """Put a machine or a folder elsewhere."""
        with self._lock:
            if ref.type == "Folder":
                self._folders[ref].parent = parent
            else:
                self._places[ref] = parent

    def forget(self, machine: Ref) -> None:
        """Note that there is no such machine any more."""
        with self._lock:
            self._places.pop(machine, None)

    def has(self, ref: Ref) -> bool:
        with self._lock:
            return ref in self._folders

    def name(self, folder: Ref) -> str:
        with self._lock:
            return self._folders[folder].name

    def parent(self, ref: Ref) -> Ref:
        """The folder that a machine or a folder is in."""
        with self._lock:
            found = self._folders.get(ref)
            return self._places.get(ref, VM_FOLDER) if found is None else found.parent

    def record(self) -> tuple[list[FolderRecord], dict[str, str]]:
        """The folders as they are to be written down, and the places of machines that have been moved."""
        with self._lock:
            folders = [
                FolderRecord(id=ref.id, name=one.name, parent=one.parent.id) for ref, one in self._folders.items()
            ]
            return folders, {machine.id: folder.id for machine, folder in self._places.items()}

    def restore(self, folders: Iterable[FolderRecord], places: Mapping[str, str]) -> None:
        """Take the place of what there is by what was written down. Raises ValueError: it contradicts itself."""
        made = {_ref(one.id): _Folder(one.name, _ref(one.parent)) for one in folders}
        if VM_FOLDER in made:
            raise ValueError(f"{VM_FOLDER.id} of a vCenter is no folder that somebody made")
        for ref in made:
            _check_way(ref, made)
        moved = {Ref("VirtualMachine", moid): _ref(folder) for moid, folder in places.items()}
        if not {*moved.values()} <= {VM_FOLDER, *made}:
            raise ValueError("a machine is in a folder that is not there")
        numbers = [int(ref.id.removeprefix(_PREFIX)) for ref in made]
        with self._lock:
            self._folders, self._places = made, moved
            self._numbers = itertools.count(max([_FIRST - 1, *numbers]) + 1)

    def folders_in(self, parent: Ref) -> list[Ref]:
        with self._lock:
            return [ref for ref, one in self._folders.items() if one.parent == parent]

    def machines_in(self, folder: Ref, machines: Iterable[Ref]) -> list[Ref]:
        """Those of some machines that are in a folder."""
        with self._lock:
            places = dict(self._places)
        return [ref for ref in machines if places.get(ref, VM_FOLDER) == folder]


def _ref(folder: str) -> Ref:
    if not _ID.fullmatch(folder):
        raise ValueError(f"{folder!r} is no folder of machines")
    return Ref("Folder", folder)


def _check_way(folder: Ref, folders: Mapping[Ref, _Folder]) -> None:
    """Raise ValueError unless a folder leads up to that of all machines."""
    passed: set[Ref] = set()
    while folder != VM_FOLDER:
        if folder in passed or folder not in folders:
            raise ValueError(f"the folder {folder.id} of a vCenter is in nothing")
        passed.add(folder)
        folder = folders[folder].parent
