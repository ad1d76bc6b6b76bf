"""One guest: its power, boot, disk, accounts and programs."""

import errno
import os
import re
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import wait
from dataclasses import replace
from functools import partial
from pathlib import Path

from vcd_simulator.faults import DiskFull, GuestHangs, Injection, Place, WrongGuestPassword
from vcd_simulator.guests.accounts import Account, Accounts
from vcd_simulator.guests.archive import unpack
from vcd_simulator.guests.errors import LoginError, PowerStateError, ToolsNotRunningError
from vcd_simulator.guests.images import Image
from vcd_simulator.guests.journal import Journal
from vcd_simulator.guests.kubernetes.cluster import Cluster
from vcd_simulator.guests.launcher import Lines
from vcd_simulator.guests.packages import Packages
from vcd_simulator.guests.platform import Platform
from vcd_simulator.guests.processes import ENDED_PROGRAMS_STAY_S, Program
from vcd_simulator.guests.sandbox import GuestPaths
from vcd_simulator.guests.services import Services
from vcd_simulator.guests.shares import COVERED, SHARES, bound_shares, link_mounts, share_mounts
from vcd_simulator.guests.spec import GuestSpec, PowerState, ToolsState
from vcd_simulator.guests.tree import FileTree, copy_tree, remove_tree
from vcd_simulator.guests.walk import Mount

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_FIRST_PID = 1200
_KILL_TIMEOUT_S = 10.0
_MOST_INFORMATION = 1000
_DEFAULT_NETWORK = "default"
_UNSAFE_IN_HOSTNAME = re.compile(r"[^A-Za-z0-9.-]+")


class Guest:
    """One virtual machine, seen from the hypervisor and through its tools. Thread-safe.

    The disk is made when something first needs it. `lock` guards the state below; nothing slow happens under it except
    making the disk.
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
        self._accounts: Accounts | None = None
        self._packages: Packages | None = None
        self._services: Services | None = None
        self.sysctls = dict(image.sysctls)
        self.modules: set[str] = set()
        self.swap_on = False
        self.mounts: dict[str, tuple[str, str, str]] = {}
        """By mount point: what is mounted, its type, its options."""
        self.exports: dict[tuple[str, str], str] = {}
        """What exportfs serves: options by directory and client."""
        self.information: dict[str, str] = {}
        """What the guest has told the host through its tools, by names without `guestinfo.`."""
        self.container_images: set[str] = set()
        self.firewall: list[tuple[str, tuple[str, ...]]] = []
        self.cluster: Cluster | None = None
        """The cluster whose control plane this guest is."""
        self.joined: tuple[Cluster, str] | None = None
        """The cluster that this guest's kubelet belongs to, and its name there."""
        self.paths = GuestPaths(directory)
        self._opened_tree: FileTree | None = None
        self._programs: dict[int, Program] = {}
        self._last_pid = _FIRST_PID
        self._disk_ready = False

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
        return not (self._disk_ready or self.boots or self._accounts or self._packages or self._services)

    @property
    def accounts(self) -> Accounts:
        """Who may log in; the image's accounts until somebody asks."""
        with self.lock:
            self._accounts = self._accounts or self.image.accounts.copy()
            return self._accounts

    @property
    def packages(self) -> Packages:
        with self.lock:
            self._packages = self._packages or self.image.packages.copy()
            return self._packages

    @property
    def services(self) -> Services:
        with self.lock:
            self._services = self._services or self.image.services.copy()
            return self._services

    @property
    def _tree(self) -> FileTree:
        with self.lock:
            self._opened_tree = self._opened_tree or FileTree(
                {**self.platform.sandbox.mounts(self.paths), COVERED: Mount(self.paths.covered, writable=True)},
                partial(share_mounts, self),
                SHARES,
            )
            return self._opened_tree

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
        self.kill_programs()

    @property
    def tree(self) -> FileTree:
        """The guest's files; the first look at them lays them out."""
        self.lay_out_disk()
        return self._tree

    @property
    def has_disk(self) -> bool:
        """Whether its files have been laid out."""
        return self._disk_ready

    def install(self, accounts: Accounts, packages: Packages, services: Services) -> None:
        """Replace what the image brought."""
        with self.lock:
            self._accounts, self._packages, self._services = accounts, packages, services

    def lay_out_disk(self, files: bytes | None = None) -> None:
        """Make the disk out of the image, or out of an archive of its files, unless that has been done."""
        with self.lock:
            if not self._disk_ready:
                self.paths.directory.mkdir(parents=True)
                self.paths.control.mkdir()
                self.paths.covered.mkdir()
                if files is None:
                    self.image.copy_to(self.paths.root, self.paths.local)
                else:
                    unpack(files, self.paths.directory)
                self._disk_ready = True
                self.write_identity()
                self.write_accounts()
                self.refresh_commands()

    def write_identity(self) -> None:
        """Write the files that tell the guest its name and addresses, if there is a disk to write to."""
        if not self._disk_ready:
            return
        lines = ["127.0.0.1 localhost", f"127.0.1.1 {self.hostname}", "::1 localhost ip6-localhost ip6-loopback"]
        self._tree.write("/etc/hostname", f"{self.hostname}\n")
        self._tree.write("/etc/hosts", "\n".join(lines) + "\n")
        for key in self.spec.ssh_keys:
            if not self._tree.exists("/root/.ssh"):
                self._tree.make_directory("/root/.ssh", mode=0o700)
            self._tree.write("/root/.ssh/authorized_keys", f"{key}\n", mode=0o600)

    def write_accounts(self) -> None:
        """Write /etc/passwd, /etc/group and /etc/shadow, if there is a disk to write to."""
        if self._disk_ready:
            self._tree.write("/etc/passwd", self.accounts.passwd())
            self._tree.write("/etc/group", self.accounts.group())
            self._tree.write("/etc/shadow", self.accounts.shadow(), mode=0o640)

    def refresh_commands(self) -> None:
        """Show the guest the commands of its packages."""
        if not self._disk_ready:
            return
        standins = self.platform.base_standins(self.packages.family) | self.packages.commands()
        name = self.platform.commands.name_for(standins)
        draft = self.paths.control / "commands.draft"
        draft.unlink(missing_ok=True)
        draft.symlink_to(f"../.commands/{name}")
        draft.rename(self.paths.control / "commands")

    def set_hostname(self, name: str) -> None:
        """Give the guest another name, from now on."""
        with self.lock:
            self.hostname = _UNSAFE_IN_HOSTNAME.sub("-", name)[:63].strip("-.") or "localhost"
            self.write_identity()
        self.platform.changes.tell()

    def set_information(self, name: str, value: str) -> None:
        """Tell the host something, to be seen in vCenter; what is too long is cut, as by the tools."""
        with self.lock:
            if len(self.information) < _MOST_INFORMATION or name in self.information:
                self.information[name[:255]] = value[:65535]
        self.platform.changes.tell()

    def environment(self, account: Account) -> dict[str, str]:
        """Variables of a program that is started without any of its own."""
        return {
            "PATH": _PATH,
            "HOME": account.home,
            "USER": account.name,
            "LOGNAME": account.name,
            "SHELL": account.login_shell,
            "LANG": "C.UTF-8",
        }

    def start(
        self,
        account: Account,
        arguments: Sequence[str],
        *,
        name: str | None = None,
        command_line: str | None = None,
        directory: str | None = None,
        environment: Mapping[str, str] | None = None,
        capture: tuple[int, int] | None = None,
    ) -> Program:
        """Start a program as a user, in the user's home unless told otherwise.

        Raises:
            FileNotFoundError, NotADirectoryError: the working directory is not there.
            PowerStateError: the guest is off.
            ToolsNotRunningError: it has no operating system.
        """
        if not self.image.distribution.boots:
            raise ToolsNotRunningError(f"there is no operating system in {self.moid}")
        tree = self.tree
        place = directory if directory is not None else account.home if tree.exists(account.home) else "/"
        if tree.resolved_info(place).kind != "directory":
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), place)
        with self.lock:
            if self.power is not PowerState.ON:
                raise PowerStateError(requested=PowerState.ON, existing=self.power)
            self._forget_ended()
            self._last_pid += 1
            program = Program(
                pid=self._last_pid,
                owner=account.name,
                name=name or arguments[0].rpartition("/")[2],
                command_line=command_line if command_line is not None else " ".join(arguments),
            )
            self._programs[program.pid] = program
        self._follow(program)
        link_mounts(self)
        shares = bound_shares(self)
        sandbox = self.platform.sandbox
        file_bytes = 0 if isinstance(self.decide(Place.DISK).error, DiskFull) else None

        def line(lines: Lines) -> list[str]:
            return sandbox.command_line(
                self.paths,
                arguments,
                lines,
                hostname=self.hostname,
                directory=place,
                uid=account.uid,
                file_bytes=file_bytes,
                shares=shares,
            )

        env = dict(environment) if environment is not None else self.environment(account)
        serve = partial(self.platform.serve, self, account)
        try:
            self.platform.launcher.launch(program, line, env, serve, disk_used=self.paths.used_bytes, capture=capture)
        except OSError:
            with self.lock:
                self._programs.pop(program.pid, None)
            program.close()
            raise
        return program

    def _follow(self, program: Program) -> None:
        """Note the beginning and the end of a program."""
        who = f"program {program.pid} of {program.owner}"
        self.journal.note(f"{who}: {program.command_line}")
        program.finished.add_done_callback(lambda done: self.journal.note(f"{who} ended with {done.result()}"))

    def programs(self) -> list[Program]:
        """Programs that run, and those that ended in the last minutes; oldest first."""
        with self.lock:
            self._forget_ended()
            return list(self._programs.values())

    def kill_programs(self) -> None:
        """End everything that runs, and forget it; nothing of it is left when this returns."""
        with self.lock:
            programs = list(self._programs.values())
            self._programs.clear()
        for program in programs:
            program.kill()
        wait([program.gone for program in programs], timeout=_KILL_TIMEOUT_S)

    def freeze_programs(self) -> None:
        """Let nothing that runs go on until `thaw_programs`."""
        for program in self.programs():
            program.freeze()

    def thaw_programs(self) -> None:
        """Let programs go on where they were."""
        for program in self.programs():
            program.thaw()

    def remove_disk(self) -> None:
        """Delete the guest's files."""
        with self.lock:
            self._disk_ready = False
        remove_tree(self.paths.directory)

    def to_image(self, name: str, directory: Path) -> Image:
        """Copy the present disk, and what the guest is, into a new image.

        Raises:
            PowerStateError: a program runs in the guest, and would change files under our hands.
        """
        with self.lock:
            if any(program.exit_code is None for program in self._programs.values()):
                raise PowerStateError(requested=PowerState.OFF, existing=self.power)
            if self.image.disk is not None:
                self.lay_out_disk()  # the other image may be deleted before this one
            if self._disk_ready:
                copy_tree(self.paths.root, directory / "root")
                copy_tree(self.paths.local, directory / "local")
            root = self.accounts.find("root")
            return replace(
                self.image,
                name=name,
                password=(root.password if root else None) or "",
                packages=self.packages.copy(),
                services=self.services.copy(),
                accounts=self.accounts.copy(),
                sysctls=dict(self.sysctls),
                disk=directory if self._disk_ready else None,
            )

    def _forget_ended(self) -> None:
        limit = time.time() - ENDED_PROGRAMS_STAY_S
        for pid in [
            pid for pid, program in self._programs.items() if program.ended is not None and program.ended < limit
        ]:
            del self._programs[pid]
