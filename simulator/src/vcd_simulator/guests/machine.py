"""One guest: its power, boot and tools, and what it consists of."""

import errno
import os
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vcd_simulator.faults import DiskFull, GuestHangs, Injection, Place, WrongGuestPassword
from vcd_simulator.guests.accounts import Account, Accounts
from vcd_simulator.guests.disk import Disk
from vcd_simulator.guests.errors import LoginError, PowerStateError, ToolsNotRunningError
from vcd_simulator.guests.images import Image
from vcd_simulator.guests.journal import Journal
from vcd_simulator.guests.kubernetes.cluster import Cluster
from vcd_simulator.guests.operating_system import OperatingSystem
from vcd_simulator.guests.packages import Packages
from vcd_simulator.guests.platform import Platform
from vcd_simulator.guests.program_table import ProgramTable
from vcd_simulator.guests.services import Services
from vcd_simulator.guests.spec import GuestSpec, PowerState, ToolsState
from vcd_simulator.guests.tree import FileTree
from vcd_simulator.guests.virtual_hardware import VirtualHardware

_MOST_INFORMATION = 1000
_UNCHANGED = VirtualHardware()
_DEFAULT_NETWORK = "default"
_UNSAFE_IN_HOSTNAME = re.compile(r"[^A-Za-z0-9.-]+")


class Guest:
    """One virtual machine, seen from the hypervisor and through its tools. Thread-safe.

    Of thousands of guests most never run, so what is inside of them is made when something first needs it. `lock`
    guards the state below; nothing slow happens under it except making the disk.
    """

    def __init__(self, moid: str, image: Image, vcenter: str, directory: Path, platform: Platform) -> None:
        self.moid = moid
        self.image = image
        self.vcenter = vcenter
        self.platform = platform
        self.lock = threading.RLock()
        self.spec = GuestSpec(name=moid, computer_name=moid)
        self._power = PowerState.OFF
        self._tools = ToolsState.NOT_RUNNING
        self.journal = Journal()
        self.boots = 0
        self.customized = False
        """Whether it has been customized, as its tools report at every boot."""
        self.booted_at: float | None = None
        self.hostname = image.distribution.name
        self.cluster: Cluster | None = None
        """The cluster whose control plane this guest is."""
        self.joined: tuple[Cluster, str] | None = None
        """The cluster that this guest's kubelet belongs to, and its name there."""
        self._directory = directory
        self._system: OperatingSystem | None = None
        self._hardware: VirtualHardware | None = None
        self._disk: Disk | None = None
        self._programs: ProgramTable | None = None

    @property
    def power(self) -> PowerState:
        return self._power

    @power.setter
    def power(self, state: PowerState) -> None:
        before, self._power = self._power, state
        if before is not state:
            self.journal.note(f"power: {state}")
            self.platform.changes.tell()
            self.platform.power_changed(self)

    @property
    def tools(self) -> ToolsState:
        return self._tools

    @tools.setter
    def tools(self, state: ToolsState) -> None:
        before, self._tools = self._tools, state
        if before is not state:
            self.journal.note(f"tools: {state}")
            self.platform.changes.tell()

    @property
    def is_untouched(self) -> bool:
        """Whether it is still exactly what its image is, because nothing has ever happened in it."""
        return not (self.has_disk or self.boots or self._system or self._hardware)

    @property
    def system(self) -> OperatingSystem:
        """What its operating system keeps; what the image brought until somebody asks."""
        with self.lock:
            self._system = self._system or OperatingSystem(self.image)
            return self._system

    @property
    def hardware(self) -> VirtualHardware:
        """What vCenter keeps about it."""
        return self._hardware or _UNCHANGED

    @hardware.setter
    def hardware(self, hardware: VirtualHardware) -> None:
        self._hardware = hardware

    @property
    def change_version(self) -> str:
        """Another one after every change of its settings."""
        return f"{self.boots}.{self.hardware.changes}"

    @property
    def accounts(self) -> Accounts:
        """Who may log in."""
        return self.system.accounts

    @property
    def packages(self) -> Packages:
        return self.system.packages

    @property
    def services(self) -> Services:
        return self.system.services

    @property
    def information(self) -> Mapping[str, str]:
        """What it has told the host through its tools, by names without `guestinfo.`."""
        return {} if self._system is None else self._system.information

    @property
    def exports(self) -> Mapping[tuple[str, str], str]:
        """Which directories it offers to others: options by directory and client."""
        return {} if self._system is None else self._system.exports

    @property
    def disk(self) -> Disk:
        with self.lock:
            self._disk = self._disk or Disk(self, self._directory)
            return self._disk

    @property
    def has_disk(self) -> bool:
        """Whether its files have been laid out."""
        return self._disk is not None and self._disk.is_laid_out

    @property
    def tree(self) -> FileTree:
        """The guest's files; the first look at them lays them out."""
        return self.disk.tree

    @property
    def programs(self) -> ProgramTable:
        with self.lock:
            self._programs = self._programs or ProgramTable(self)
            return self._programs

    @property
    def names(self) -> tuple[str, str]:
        """By which names faults may mean this guest."""
        return self.spec.name, self.moid

    @property
    def cards(self) -> list[tuple[str, str]]:
        """Network id and address of every connected card."""
        addresses = self.spec.ip_addresses
        networks = self.spec.network_ids or (_DEFAULT_NETWORK,) * len(addresses)
        return list(zip(networks, addresses, strict=True))

    @property
    def is_up(self) -> bool:
        """Whether the guest answers on its networks."""
        return self.power is PowerState.ON and self.booted_at is not None

    def check_tools(self) -> None:
        """Raises PowerStateError, ToolsNotRunningError: nobody in the guest would answer."""
        if self.power is not PowerState.ON:
            raise PowerStateError(requested=PowerState.ON, existing=self.power)
        if self.tools is not ToolsState.RUNNING:
            raise ToolsNotRunningError(f"the tools of {self.moid} do not run yet")

    def log_in(self, user: str, password: str) -> Account:
        """Raises PowerStateError, ToolsNotRunningError, LoginError."""
        self.check_tools()
        injection = self.decide(Place.LOGIN, user=user)
        if isinstance(injection.error, GuestHangs):
            self.hang()
            self.check_tools()
        with self.lock:
            account = self.accounts.find(user)
        if isinstance(injection.error, WrongGuestPassword):
            account = None
        if account is None or not account.admits(password):
            raise LoginError("the guest knows no such user with this password")
        return account

    def decide(self, place: Place, **facts: str | Sequence[str]) -> Injection:
        """What faults have in store for something that happens in this guest."""
        return self.platform.faults.decide(place, guest=self.names, vcenter=self.vcenter, **facts)

    def check_space(self, path: str) -> None:
        """Raise OSError if nothing more fits on the disk."""
        if isinstance(self.decide(Place.DISK).error, DiskFull):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

    def hang(self) -> None:
        """Stop as a guest does whose kernel has: still powered on, but nothing in it goes on until it is reset."""
        with self.lock:
            self.tools = ToolsState.NOT_RUNNING
            self.booted_at = None
        self.platform.networks.disconnect(self)
        self.programs.kill()

    def set_hostname(self, name: str) -> None:
        """Give the guest another name, from now on."""
        with self.lock:
            self.hostname = _UNSAFE_IN_HOSTNAME.sub("-", name)[:63].strip("-.") or "localhost"
            self.disk.write_identity()
        self.platform.changes.tell()

    def change_spec(self, **fields: Any) -> None:
        """Change what vCloud Director or vCenter says about it, until one of them says otherwise."""
        with self.lock:
            self.spec = replace(self.spec, **fields)
            self.hardware = replace(self.hardware, changes=self.hardware.changes + 1)
        self.platform.changes.tell()

    def set_information(self, name: str, value: str) -> None:
        """Tell the host something, to be seen in vCenter; what is too long is cut, as by the tools."""
        with self.lock:
            told = self.system.information
            if not value:
                told.pop(name[:255], None)
            elif len(told) < _MOST_INFORMATION or name in told:
                told[name[:255]] = value[:65535]
        self.platform.changes.tell()

    def to_image(self, name: str, directory: Path) -> Image:
        """Copy the present disk, and what the guest is, into a new image.

        Raises:
            PowerStateError: a program runs in the guest, and would change files under our hands.
        """
        with self.lock:
            if self.programs.any_runs():
                raise PowerStateError(requested=PowerState.OFF, existing=self.power)
            if self.image.disk is not None:
                self.disk.lay_out()  # the other image may be deleted before this one
            if self.has_disk:
                self.disk.copy_to(directory)
            root = self.accounts.find("root")
            return replace(
                self.image,
                name=name,
                password=(root.password if root else None) or "",
                packages=self.packages.copy(),
                services=self.services.copy(),
                accounts=self.accounts.copy(),
                sysctls=dict(self.system.sysctls),
                disk=directory if self.has_disk else None,
            )
