"""The hypervisor: creates, boots, stops, captures and deletes guests."""

import asyncio
import contextlib
import itertools
import resource
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from pathlib import Path

from vcd_simulator.faults import Faults
from vcd_simulator.guests.boot import boot
from vcd_simulator.guests.changes import Changes
from vcd_simulator.guests.commands import CommandDirectories
from vcd_simulator.guests.errors import GuestError, PowerStateError, UnknownGuestError, UnknownImageError
from vcd_simulator.guests.execution import Execution, execute
from vcd_simulator.guests.images import Image, built_in_images
from vcd_simulator.guests.launcher import Launcher
from vcd_simulator.guests.limits import Limits
from vcd_simulator.guests.machine import Guest
from vcd_simulator.guests.network import GuestNetworks
from vcd_simulator.guests.platform import Platform
from vcd_simulator.guests.processes import GuestLoop
from vcd_simulator.guests.removal import remove_tree
from vcd_simulator.guests.sandbox import Sandbox
from vcd_simulator.guests.shares import unmount_all
from vcd_simulator.guests.snapshot import (
    GuestsRecord,
    restore_cluster,
    restore_image,
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
        for name in ("guests", "images"):
            (state / name).mkdir()
        self._state = state
        self._guest_directories = state / "guests"
        try:
            sandbox = Sandbox(state, limits or Limits())
            sandbox.check()
        except BaseException:
            self._directory.remove()
            raise
        _allow_many_files()
        self._loop = GuestLoop()
        self.changes = Changes()
        """Told whenever something changes that can be seen from outside a guest."""
        self._power_listeners: list[Callable[[str], None]] = []
        self._customization_listeners: list[Callable[[str], None]] = []
        self._platform = Platform(
            sandbox=sandbox,
            launcher=Launcher(self._loop, state / "sockets", sandbox.limits),
            commands=CommandDirectories(sandbox.commands),
            networks=GuestNetworks(),
            latency=latency,
            faults=faults if faults is not None else Faults(),
            stats=stats if stats is not None else Stats(),
            serve=STANDINS.serve,
            power_request=self._request_power,
            base_standins=STANDINS.base_names,
            changes=self.changes,
            power_changed=self._tell_power,
            customized=self._tell_customized,
        )
        self._built_in = built_in_images()
        self._images = dict(self._built_in)
        self._guests: dict[str, Guest] = {}
        self._boots: dict[str, Future[None]] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()
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
            guests = list(self._guests.values())
            self._guests.clear()
        for guest in guests:
            guest.programs.kill()
        self._loop.close()
        self._platform.launcher.close()
        self._directory.remove()

    def create(self, moid: str, image: str, vcenter: str) -> None:
        """Clone an image as a new virtual machine, powered off. Raises UnknownImageError, ValueError (moid in use)."""
        with self._lock:
            if moid in self._guests:
                raise ValueError(f"there is a virtual machine {moid!r} already")
            directory = self._guest_directories / str(next(self._numbers))
            self._guests[moid] = Guest(moid, self._image(image), vcenter, directory, self._platform)

    def power_on(self, moid: str, spec: GuestSpec) -> None:
        """Start booting and return at once; tools run after the latency profile's `guest.boot`.

        Raises:
            PowerStateError: it is on already.
        """
        guest = self.guest(moid)
        with guest.lock:
            if guest.power is PowerState.ON:
                raise PowerStateError(requested=PowerState.OFF, existing=guest.power)
            resumed = guest.power is PowerState.SUSPENDED and guest.booted_at is not None
            guest.power = PowerState.ON
            guest.spec = spec
            if resumed:
                guest.tools = ToolsState.RUNNING
                self._platform.networks.connect(guest)
            else:
                self._boot(guest, spec)
        if resumed:
            guest.programs.thaw()

    def power_off(self, moid: str) -> None:
        """Pull the plug: every process ends, the files stay. Harmless when it is off."""
        guest = self.guest(moid)
        self._stop_booting(guest)
        with guest.lock:
            guest.power = PowerState.OFF
            guest.tools = ToolsState.NOT_RUNNING
            guest.booted_at = None
        self._platform.networks.disconnect(guest)
        guest.programs.kill()
        unmount_all(guest)

    def shut_down(self, moid: str) -> None:
        """Ask the guest to end; it is off when this returns. Raises PowerStateError, ToolsNotRunningError."""
        self.guest(moid).check_tools()
        self.power_off(moid)

    def reset(self, moid: str) -> None:
        """Cut the power and boot again with the spec of the last power-on, without customization.

        Raises:
            PowerStateError: it is not on.
        """
        guest = self.guest(moid)
        if guest.power is not PowerState.ON:
            raise PowerStateError(requested=PowerState.ON, existing=guest.power)
        self.power_off(moid)
        with guest.lock:
            guest.power = PowerState.ON
            self._boot(guest, guest.spec, customize=False)

    def suspend(self, moid: str) -> None:
        """Take the guest off its networks and stop what runs in it; the next power-on lets it all go on.

        Raises:
            PowerStateError: it is not on.
        """
        guest = self.guest(moid)
        if guest.power is not PowerState.ON:
            raise PowerStateError(requested=PowerState.ON, existing=guest.power)
        self._stop_booting(guest)
        with guest.lock:
            guest.power = PowerState.SUSPENDED
            guest.tools = ToolsState.NOT_RUNNING
        self._platform.networks.disconnect(guest)
        guest.programs.freeze()

    def delete(self, moid: str) -> None:
        """Remove the virtual machine and its files; one that is on is powered off first."""
        self.power_off(moid)
        with self._lock:
            guest = self._guests.pop(moid)
        guest.disk.remove()

    def capture(self, moid: str) -> str:
        """Make an image of the virtual machine's present disk and return the image's id.

        Raises:
            PowerStateError: programs are running in it.
        """
        guest = self.guest(moid)
        name = f"image-{next(self._numbers)}"
        directory = self._state / "images" / name
        directory.mkdir()
        image = guest.to_image(name, directory)
        with self._lock:
            self._images[name] = image
        return name

    def delete_image(self, image: str) -> None:
        """Forget a captured image; guests that were cloned from it keep working."""
        with self._lock:
            known = self._image(image)
            if image in self._built_in:
                raise UnknownImageError(image, self.images())
            # A guest that has not been used yet still has to copy the image.
            for guest in self._guests.values():
                if guest.image is known:
                    guest.disk.lay_out()
            del self._images[image]
            remove_tree(self._state / "images" / image)

    def images(self) -> list[str]:
        """Names of all images, built in and captured."""
        with self._lock:
            return sorted(self._images)

    def image_password(self, image: str) -> str:
        """The password of root inside the image. Raises UnknownImageError."""
        with self._lock:
            return self._image(image).password

    def wait_for_tools(self, moid: str, timeout_s: float) -> None:
        """Wait until a boot is over.

        Raises:
            TimeoutError: it takes longer.
            ToolsNotRunningError: the guest was stopped meanwhile, or is not booting at all.
        """
        booting = self._boots.get(moid)
        if booting is not None:
            with contextlib.suppress(CancelledError):
                booting.result(timeout_s)
        self.guest(moid).check_tools()

    def power_state(self, moid: str) -> PowerState:
        """The virtual machine's power state."""
        return self.guest(moid).power

    def tools_state(self, moid: str) -> ToolsState:
        """Whether the guest's tools answer."""
        return self.guest(moid).tools

    def guest(self, moid: str) -> Guest:
        """The guest inside a virtual machine. Raises UnknownGuestError."""
        try:
            return self._guests[moid]
        except KeyError:
            raise UnknownGuestError(moid) from None

    def all_guests(self) -> list[Guest]:
        """All guests of all vCenters."""
        with self._lock:
            return list(self._guests.values())

    def guests_of(self, vcenter: str) -> list[Guest]:
        """All guests that a vCenter manages."""
        with self._lock:
            return [guest for guest in self._guests.values() if guest.vcenter == vcenter]

    def on_power_change(self, listener: Callable[[str], None]) -> None:
        """Have a function called with the moid of every guest whose power state has changed, soon afterwards.

        It runs in a thread of the hypervisor and may wait for locks.
        """
        self._power_listeners.append(listener)

    def on_customized(self, listener: Callable[[str], None]) -> None:
        """Have a function called with the moid of every guest whose tools report that it has been customized.

        That takes the latency profile's `guest.report`. It runs in a thread of the hypervisor and may wait for locks.
        """
        self._customization_listeners.append(listener)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something after so much time, in a thread of the hypervisor; at once and here, if it is no time at all."""
        if seconds <= 0:
            action()
        else:
            self._loop.start(self._do_later(seconds, action))

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
        with self._lock:
            guests = list(self._guests.values())
            images = [image for name, image in self._images.items() if name not in self._built_in]
        return take_guests(guests, images, files=files)

    def clear(self) -> None:
        """Delete all guests and captured images."""
        for moid in list(self._guests):
            self.delete(moid)
        with self._lock:
            for name in [name for name in self._images if name not in self._built_in]:
                self.delete_image(name)

    def restore(self, record: GuestsRecord) -> None:
        """Make the guests and images of another run; there must be none now.

        Raises:
            ArchiveError: files in the record are damaged.
            GuestError: the record contradicts itself.
        """
        for image in record.images:
            base = self._built_in.get(image.distribution)
            if base is None:
                raise UnknownImageError(image.distribution, list(self._built_in))
            directory = self._state / "images" / f"image-{next(self._numbers)}"
            directory.mkdir()
            self._images[image.name] = restore_image(image, base, directory)
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
                    self._tell_customized(guest)  # the report may have been under way
            elif guest.power is PowerState.ON:
                self._boot(guest, guest.spec)
        for cluster, written in zip(clusters, record.clusters, strict=True):
            restore_nodes(cluster, written, self._guests)

    def _image(self, name: str) -> Image:
        try:
            return self._images[name]
        except KeyError:
            raise UnknownImageError(name, list(self._images)) from None

    def _boot(self, guest: Guest, spec: GuestSpec, *, customize: bool | None = None) -> None:
        customize = spec.customize if customize is None else customize
        self._boots[guest.moid] = self._loop.start(boot(guest, spec, customize=customize))

    async def _do_later(self, seconds: float, action: Callable[[], None]) -> None:
        await asyncio.sleep(seconds)
        await asyncio.get_running_loop().run_in_executor(None, action)

    def _tell_power(self, guest: Guest) -> None:
        """Listeners take locks of their own, so they are not called under the guest's."""
        self._tell(self._power_listeners, guest.moid)

    def _tell_customized(self, guest: Guest) -> None:
        boots, delay_s = guest.boots, self._platform.latency.delay("guest.report")

        def report() -> None:
            if guest.is_up and guest.boots == boots:
                self._tell(self._customization_listeners, guest.moid)

        self.later(delay_s, report)

    def _tell(self, listeners: Sequence[Callable[[str], None]], moid: str) -> None:
        if self._closed:
            return
        for listener in listeners:
            self._loop.loop.call_soon_threadsafe(self._loop.loop.run_in_executor, None, listener, moid)

    def _request_power(self, guest: Guest, verb: str) -> None:
        """Carry out what a guest asked for, without making the guest wait for its own end."""
        action = self.reset if verb == "reboot" else self.power_off
        self._loop.loop.run_in_executor(None, self._act_quietly, action, guest.moid)

    def _act_quietly(self, action: Callable[[str], None], moid: str) -> None:
        with contextlib.suppress(GuestError):
            action(moid)

    def _stop_booting(self, guest: Guest) -> None:
        booting = self._boots.pop(guest.moid, None)
        if booting is not None:
            booting.cancel()


def _allow_many_files() -> None:
    """Every running program takes three descriptors, and the usual soft limit is 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
