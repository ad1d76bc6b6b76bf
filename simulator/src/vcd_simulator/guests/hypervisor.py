"""The hypervisor: creates, boots, stops, captures and deletes guests."""

import itertools
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from vcd_simulator.faults import Faults
from vcd_simulator.guests.changes import Changes
from vcd_simulator.guests.commands import CommandDirectories
from vcd_simulator.guests.execution import Execution, execute
from vcd_simulator.guests.guest_table import GuestTable
from vcd_simulator.guests.happenings import Happening
from vcd_simulator.guests.image_store import ImageStore
from vcd_simulator.guests.launcher import Launcher, allow_many_files
from vcd_simulator.guests.limits import Limits
from vcd_simulator.guests.machine import Guest
from vcd_simulator.guests.network import GuestNetworks
from vcd_simulator.guests.notices import HappeningListener, Listener, Notices
from vcd_simulator.guests.platform import Platform
from vcd_simulator.guests.power import PowerButton
from vcd_simulator.guests.processes import GuestLoop
from vcd_simulator.guests.sandbox import Sandbox
from vcd_simulator.guests.snapshot import (
    GuestsRecord,
    restore_cluster,
    restore_inside,
    restore_nodes,
    take_guests,
)
from vcd_simulator.guests.spec import GuestSpec, Latency, PowerState, ToolsState
from vcd_simulator.guests.standins import STANDINS
from vcd_simulator.guests.state_directory import StateDirectory
from vcd_simulator.stats import Stats


class Hypervisor:
    """All guests of one simulator, by the moid of their virtual machine. Thread-safe.

    Guests are lazy: creating one costs a few microseconds and no file, so that thousands may exist. Everything a guest
    writes lies below one temporary directory, which `close` removes.
    """

    def __init__(
        self,
        latency: Latency,
        *,
        state_dir: Path | None = None,
        limits: Limits | None = None,
        faults: Faults | None = None,
        stats: Stats | None = None,
    ) -> None:
        """Prepare this host for guests; `state_dir` is where the temporary directory is made.

        Raises:
            SandboxUnavailableError: this host cannot run guests; the message says what to do.
        """
        self._directory = StateDirectory(state_dir)
        state = self._directory.path
        self._guest_directories = state / "guests"
        self._guest_directories.mkdir()
        try:
            sandbox = Sandbox(state, limits or Limits())
            sandbox.check()
        except BaseException:
            self._directory.remove()
            raise
        allow_many_files()
        self._loop = GuestLoop()
        self.changes = Changes()
        """Told whenever something changes that can be seen from outside a guest."""
        self._power = PowerButton(self._loop)
        self._notices = Notices(self._loop, latency)
        self._platform = Platform(
            sandbox=sandbox,
            launcher=Launcher(self._loop, state / "sockets", sandbox.filter, sandbox.limits),
            commands=CommandDirectories(sandbox.commands),
            networks=GuestNetworks(),
            latency=latency,
            faults=faults if faults is not None else Faults(),
            stats=stats if stats is not None else Stats(),
            serve=STANDINS.serve,
            power_request=self._power.press_from_inside,
            base_standins=STANDINS.base_names,
            changes=self.changes,
            power_changed=self._notices.power_changed,
            customized=self._notices.customized,
        )
        self._images = ImageStore(state / "images")
        self._guests = GuestTable()
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()
        """Held while a guest comes to be and while an image goes, which it may have to be made of."""
        self._closed = False

    @property
    def latency(self) -> Latency:
        """How long things take here."""
        return self._platform.latency

    def close(self) -> None:
        """End every process of every guest and remove what they wrote; closing twice is no error."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._notices.close()
            guests = self._guests.clear()
        for guest in guests:
            guest.programs.kill()
        self._loop.close()
        self._platform.launcher.close()
        self._directory.remove()

    def create(self, moid: str, image: str, vcenter: str) -> None:
        """Clone an image as a new virtual machine, powered off. Raises UnknownImageError, ValueError (moid in use)."""
        with self._lock:
            disk, directory = self._images.find(image), self._guest_directories / str(next(self._numbers))
            guest = self._guests.add(moid, lambda: Guest(moid, disk, vcenter, directory, self._platform))
        self._notices.happened(Happening.CREATED, guest)

    def power_on(self, moid: str, spec: GuestSpec) -> None:
        """Start booting and return at once; tools run after the latency profile's `guest.boot`.

        Raises:
            PowerStateError: it is on already.
        """
        self._power.turn_on(self.guest(moid), spec)

    def power_off(self, moid: str) -> None:
        """Pull the plug: every process ends, the files stay. Harmless when it is off."""
        self._power.turn_off(self.guest(moid))

    def shut_down(self, moid: str) -> None:
        """Ask the guest to end; it is off when this returns. Raises PowerStateError, ToolsNotRunningError."""
        self.guest(moid).check_tools()
        self.power_off(moid)

    def reset(self, moid: str) -> None:
        """Cut the power and boot again with the spec of the last power-on, without customization.

        Raises:
            PowerStateError: it is not on.
        """
        self._power.reset(self.guest(moid))

    def suspend(self, moid: str) -> None:
        """Take the guest off its networks and stop what runs in it; the next power-on lets it all go on.

        Raises:
            PowerStateError: it is not on.
        """
        self._power.suspend(self.guest(moid))

    def delete(self, moid: str) -> None:
        """Remove the virtual machine; one that is on is powered off first. Its files go soon; nobody waits for that.

        Raises UnknownGuestError: there is none, also because another thread is just removing it.
        """
        self.power_off(moid)
        guest = self._guests.take(moid)
        self._notices.happened(Happening.DELETED, guest)
        self._loop.elsewhere(partial(self._remove_files, guest))

    def _remove_files(self, guest: Guest) -> None:
        if not self._closed:  # then everything goes at once
            guest.disk.remove()

    def capture(self, moid: str) -> str:
        """Make an image of the virtual machine's present disk and return the image's id.

        Raises:
            PowerStateError: programs are running in it.
        """
        guest = self.guest(moid)
        name, directory = self._images.new_place()
        self._images.add(guest.to_image(name, directory))
        return name

    def delete_image(self, image: str) -> None:
        """Forget a captured image; guests that were cloned from it keep working. Raises UnknownImageError."""
        known = self._images.find_captured(image)
        with self._lock:
            # A guest that has not been used yet still has to copy the image.
            for guest in self._guests.all():
                if guest.image is known:
                    guest.disk.lay_out()
            self._images.delete(image)

    def images(self) -> list[str]:
        """Names of all images, built in and captured."""
        return self._images.names()

    def image_password(self, image: str) -> str:
        """The password of root inside the image. Raises UnknownImageError."""
        return self._images.find(image).password

    def wait_for_tools(self, moid: str, timeout_s: float) -> None:
        """Wait until a boot is over.

        Raises:
            TimeoutError: it takes longer.
            ToolsNotRunningError: the guest was stopped meanwhile, or is not booting at all.
        """
        guest = self.guest(moid)
        self._power.wait_for_boot(guest, timeout_s)
        guest.check_tools()

    def power_state(self, moid: str) -> PowerState:
        """The virtual machine's power state."""
        return self.guest(moid).power

    def information(self, moid: str) -> Mapping[str, str]:
        """What the guest has told through its tools, by names without `guestinfo.`."""
        return dict(self.guest(moid).information)

    def tools_state(self, moid: str) -> ToolsState:
        """Whether the guest's tools answer."""
        return self.guest(moid).tools

    def guest(self, moid: str) -> Guest:
        """The guest inside a virtual machine. Raises UnknownGuestError."""
        return self._guests.find(moid)

    def all_guests(self) -> list[Guest]:
        """All guests of all vCenters."""
        return self._guests.all()

    def guests_of(self, vcenter: str) -> list[Guest]:
        """All guests that a vCenter manages."""
        return [guest for guest in self._guests.all() if guest.vcenter == vcenter]

    def on_power_change(self, listener: Listener) -> None:
        """Have a function called with the moid of every guest whose power state has changed, soon afterwards.

        It runs in a thread of the hypervisor and may wait for locks.
        """
        self._notices.power.append(listener)

    def on_customized(self, listener: Listener) -> None:
        """Have a function called with the moid of every guest whose tools report that it has been customized.

        That takes the latency profile's `guest.report`. It runs in a thread of the hypervisor and may wait for locks.
        """
        self._notices.customization.append(listener)

    def on_happening(self, listener: HappeningListener) -> None:
        """Have a function called with what becomes of every guest, at once; all that it may do is take note."""
        self._notices.happenings.append(listener)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something after so much time, in a thread of the hypervisor; at once and here, if it is no time at all."""
        self._loop.later(seconds, action)

    def execute(
        self,
        moid: str,
        script: str,
        *,
        user: str = "root",
        timeout_s: float | None = None,
        most_bytes: int | None = None,
    ) -> Execution:
        """Run a shell script in a guest, around vCenter and without a password: to look at it, or to arrange it.

        Args:
            moid: which guest; it has to be on, but its tools need not run.
            script: what bash is given.
            user: one of the guest's accounts.
            timeout_s: when to end the script; None leaves that to the sandbox's own limit.
            most_bytes: how much of stdout and of stderr to return; None: all of it.

        Raises:
            UnknownGuestError, PowerStateError: there is no such guest, or it is off.
            LoginError: it has no such account.
            TimeoutError: the script ran longer, and has been ended.
        """
        return execute(self.guest(moid), script, user=user, timeout_s=timeout_s, most_bytes=most_bytes)

    def record(self, *, files: bool) -> GuestsRecord:
        """All guests and captured images, to be kept in a saved state; with `files`, their disks too."""
        return take_guests(self._guests.all(), self._images.captured(), files=files)

    def clear(self) -> None:
        """Delete all guests and captured images."""
        for guest in self._guests.all():
            self.delete(guest.moid)
        for image in self._images.captured():
            self.delete_image(image.name)

    def restore(self, record: GuestsRecord) -> None:
        """Make the guests and images of another run; there must be none now.

        Raises:
            ArchiveError: files in the record are damaged.
            GuestError: the record contradicts itself.
        """
        for image in record.images:
            self._images.restore(image)
        clusters = [restore_cluster(one) for one in record.clusters]
        for one in record.guests:
            self.create(one.moid, one.image, one.vcenter)
            guest = self.guest(one.moid)
            guest.spec, guest.power = one.spec or guest.spec, one.power
            if one.inside is not None:
                restore_inside(guest, one.inside, clusters)
            if guest.is_up:
                self._platform.networks.connect(guest)
                guest.customized = guest.spec.customize
                if guest.customized:
                    self._notices.customized(guest)  # the report may have been under way
            elif guest.power is PowerState.ON:
                self._power.boot(guest, customize=guest.spec.customize)
        for cluster, written in zip(clusters, record.clusters, strict=True):
            restore_nodes(cluster, written, {guest.moid: guest for guest in self._guests.all()})
