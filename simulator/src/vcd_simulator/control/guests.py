"""Guests seen from outside: which there are, what has happened in them, scripts and files."""

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from vcd_simulator.guests import Hypervisor
from vcd_simulator.guests.errors import UnknownGuestError
from vcd_simulator.guests.execution import Execution
from vcd_simulator.guests.journal import Entry
from vcd_simulator.guests.machine import Guest
from vcd_simulator.model.cloud import Cloud

DEFAULT_TIMEOUT_S = 600.0


class AmbiguousGuestError(Exception):
    """Several guests have this name; the message says how to tell them apart."""

    def __init__(self, name: str, moids: list[str]) -> None:
        super().__init__(f"several guests are called {name!r}; use one of their moids: {', '.join(moids)}")


@dataclass(frozen=True, kw_only=True)
class GuestSummary:
    """A guest, and the virtual machine that vCloud Director shows for it."""

    moid: str
    vm: str
    vapp: str | None
    org: str | None
    vcenter: str
    image: str
    hostname: str
    power: str
    tools: str
    addresses: tuple[str, ...]


class Guests:
    """The guests of a simulator, by moid or by the name of their VM. Thread-safe."""

    def __init__(self, hypervisor: Hypervisor, cloud: Cloud) -> None:
        self._hypervisor = hypervisor
        self._cloud = cloud

    def all(self) -> list[GuestSummary]:
        """All guests, those of one vApp together."""
        with self._cloud.lock:
            found = [self._summary(guest) for guest in self._hypervisor.all_guests()]
        return sorted(found, key=lambda one: (one.org or "", one.vapp or "", one.vm, one.moid))

    def find(self, name: str) -> Guest:
        """The guest with this moid, or else the only one whose VM has this name.

        Raises:
            UnknownGuestError, AmbiguousGuestError
        """
        try:
            return self._hypervisor.guest(name)
        except UnknownGuestError:
            moids = list(self._moids(name))
            if not moids:
                raise
        if len(moids) > 1:
            raise AmbiguousGuestError(name, moids)
        return self._hypervisor.guest(moids[0])

    def execute(self, name: str, script: str, *, user: str = "root", timeout_s: float = DEFAULT_TIMEOUT_S) -> Execution:
        """Run a shell script in a guest that is on; see `Hypervisor.execute` for what it raises."""
        return self._hypervisor.execute(self.find(name).moid, script, user=user, timeout_s=timeout_s)

    def log(self, name: str) -> list[Entry]:
        """What has happened to a guest lately, oldest first."""
        return self.find(name).journal.entries()

    def open(self, name: str, path: str) -> BinaryIO:
        """A file of a guest, on or off, to read from. Raises OSError."""
        return self.find(name).tree.open_read(path)

    def create(self, name: str, path: str, *, mode: int = 0o644) -> BinaryIO:
        """A file of a guest, on or off, to write to; an existing one is replaced. Raises OSError."""
        guest = self.find(name)
        if path.endswith("/"):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        guest.check_space(path)
        return guest.tree.open_write(path, mode=mode)

    def _moids(self, name: str) -> Iterator[str]:
        with self._cloud.lock:
            for vm in self._cloud.vms.find("name", name):
                if vm.guest_exists:
                    yield vm.moid

    def _summary(self, guest: Guest) -> GuestSummary:
        vm = self._cloud.vms.first("guest", guest.moid)
        vapp = self._cloud.vapps.get(vm.vapp_id) if vm is not None else None
        org = self._cloud.orgs[self._cloud.vdcs[vapp.vdc_id].org_id].name if vapp is not None else None
        return GuestSummary(
            moid=guest.moid,
            vm=vm.name if vm is not None else guest.spec.name,
            vapp=vapp.name if vapp is not None else None,
            org=org,
            vcenter=guest.vcenter,
            image=guest.image.name,
            hostname=guest.hostname,
            power=guest.power,
            tools=guest.tools,
            addresses=guest.spec.ip_addresses,
        )
