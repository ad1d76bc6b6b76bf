"""Folders of virtual machines that clients have made, and what is in which."""

import itertools
import threading
from collections.abc import Iterable
from dataclasses import dataclass

from vcd_simulator.vcenter.objects import VM_FOLDER
from vcd_simulator.vcenter.soap import Ref

_FIRST = 100


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
            ref = Ref("Folder", f"group-v{next(self._numbers)}")
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

    def folders_in(self, parent: Ref) -> list[Ref]:
        with self._lock:
            return [ref for ref, one in self._folders.items() if one.parent == parent]

    def machines_in(self, folder: Ref, machines: Iterable[Ref]) -> list[Ref]:
        """Those of some machines that are in a folder."""
        with self._lock:
            places = dict(self._places)
        return [ref for ref in machines if places.get(ref, VM_FOLDER) == folder]
