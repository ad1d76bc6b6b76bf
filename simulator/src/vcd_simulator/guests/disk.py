"""The disk of a guest: made when something first needs it, and kept in line with what the simulator knows."""

import hashlib
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vcd_simulator.guests.archive import unpack
from vcd_simulator.guests.removal import remove_tree
from vcd_simulator.guests.sandbox import GuestPaths
from vcd_simulator.guests.shares import COVERED, SHARES, share_mounts
from vcd_simulator.guests.tree import FileTree
from vcd_simulator.guests.tree_copy import copy_tree
from vcd_simulator.guests.walk import Mount

if TYPE_CHECKING:
    from vcd_simulator.guests.machine import Guest

_MACHINE_ID = "/etc/machine-id"


class Disk:
    """Files of one guest. Thread-safe: the guest's lock is held while files are made."""

    def __init__(self, guest: "Guest", directory: Path) -> None:
        self._guest = guest
        self.paths = GuestPaths(directory)
        self.is_laid_out = False
        self._files = FileTree(
            {**guest.platform.sandbox.mounts(self.paths), COVERED: Mount(self.paths.covered, writable=True)},
            partial(share_mounts, guest),
            SHARES,
        )

    @property
    def tree(self) -> FileTree:
        """The files; the first look at them lays them out."""
        self.lay_out()
        return self._files

    def lay_out(self, files: bytes | None = None) -> None:
        """Make the disk out of the image, or out of an archive of its files, unless that has been done."""
        with self._guest.lock:
            if not self.is_laid_out:
                self.paths.directory.mkdir(parents=True)
                self.paths.control.mkdir()
                self.paths.covered.mkdir()
                self._make_shared_memory()
                if files is None:
                    self._guest.image.copy_to(self.paths.root, self.paths.local)
                else:
                    unpack(files, self.paths.directory)
                self.is_laid_out = True
                self.write_identity()
                self.write_accounts()
                self.write_machine_id()
                self.refresh_commands()

    def _make_shared_memory(self) -> None:
        self.paths.shared_memory.mkdir()
        self.paths.shared_memory.chmod(0o1777)

    def clear_shared_memory(self) -> None:
        """Forget what programs have put into /dev/shm. None of them may run."""
        with self._guest.lock:
            if self.is_laid_out:
                remove_tree(self.paths.shared_memory)
                self._make_shared_memory()

    def write_machine_id(self) -> None:
        """Give the machine an id of its own if its disk holds none, as systemd does at every boot."""
        if not self.is_laid_out:
            return
        with suppress(OSError):
            if self._files.exists(_MACHINE_ID) and self._files.resolved_info(_MACHINE_ID).size:
                return
            digest = hashlib.sha256(f"{self._guest.moid} {self._guest.boots}".encode()).hexdigest()
            self._files.write(_MACHINE_ID, f"{digest[:32]}\n")

    def write_identity(self) -> None:
        """Write the files that tell the guest its name and addresses, if there is a disk to write to."""
        if not self.is_laid_out:
            return
        hostname = self._guest.hostname
        lines = ["127.0.0.1 localhost", f"127.0.1.1 {hostname}", "::1 localhost ip6-localhost ip6-loopback"]
        self._files.write("/etc/hostname", f"{hostname}\n")
        self._files.write("/etc/hosts", "\n".join(lines) + "\n")
        for key in self._guest.spec.ssh_keys:
            if not self._files.exists("/root/.ssh"):
                self._files.make_directory("/root/.ssh", mode=0o700)
            self._files.write("/root/.ssh/authorized_keys", f"{key}\n", mode=0o600)

    def write_accounts(self) -> None:
        """Write /etc/passwd, /etc/group and /etc/shadow, if there is a disk to write to."""
        if self.is_laid_out:
            accounts = self._guest.accounts
            self._files.write("/etc/passwd", accounts.passwd())
            self._files.write("/etc/group", accounts.group())
            self._files.write("/etc/shadow", accounts.shadow(), mode=0o640)

    def refresh_commands(self) -> None:
        """Show the guest the commands of its packages."""
        if not self.is_laid_out:
            return
        platform, packages = self._guest.platform, self._guest.packages
        name = platform.commands.name_for(platform.base_standins(packages.family) | packages.commands())
        draft = self.paths.control / "commands.draft"
        draft.unlink(missing_ok=True)
        draft.symlink_to(f"../.commands/{name}")
        draft.rename(self.paths.control / "commands")

    def copy_to(self, directory: Path) -> None:
        """Copy what the guest has written. No program of it may run."""
        copy_tree(self.paths.root, directory / "root")
        copy_tree(self.paths.local, directory / "local")

    def remove(self) -> None:
        """Delete all files."""
        with self._guest.lock:
            self.is_laid_out = False
        remove_tree(self.paths.directory)
