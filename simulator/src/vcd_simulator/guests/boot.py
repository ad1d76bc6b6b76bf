"""What happens in a guest between power-on and the moment its tools answer."""

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from vcd_simulator.faults import GuestHangs, Place, ToolsNeverStart
from vcd_simulator.guests.kubernetes import kubelet
from vcd_simulator.guests.machine import Guest
from vcd_simulator.guests.shares import unmount_all
from vcd_simulator.guests.spec import GuestSpec, PowerState, ToolsState

log = logging.getLogger(__name__)

_CUSTOMIZATION_SCRIPT = "/root/.customization/post-customize-guest.sh"
_CUSTOMIZATION_LOG = "/var/log/customization.log"


async def boot(guest: Guest, spec: GuestSpec, *, customize: bool) -> None:
    """Boot a guest. With `customize` it gets its name, password and script first, as vCD's customization does.

    Tools count as running only when all of that is done, so that the first guest call finds the new password.
    """
    injection = guest.decide(Place.BOOT)
    await asyncio.sleep(guest.platform.latency.delay("guest.boot") + injection.delay_s)
    with guest.lock:
        if guest.power is not PowerState.ON or not guest.image.distribution.boots:
            return
        guest.boots += 1
        guest.booted_at = time.time()
        guest.services.boot()
        kubelet.report(guest)
        guest.system.modules.clear()
        unmount_all(guest)
        guest.system.swap_on = False
        if guest.has_disk:
            guest.disk.write_machine_id()
    guest.platform.networks.connect(guest)
    if customize:
        await _customize(guest, spec)
    if isinstance(injection.error, ToolsNeverStart):
        guest.tools = ToolsState.NOT_RUNNING
        return
    if isinstance(injection.error, GuestHangs):
        await asyncio.get_running_loop().run_in_executor(None, guest.hang)
        return
    with guest.lock:
        if guest.power is PowerState.ON:
            guest.tools = ToolsState.RUNNING
            if guest.customized:
                guest.platform.customized(guest)


async def _customize(guest: Guest, spec: GuestSpec) -> None:
    guest.tools, guest.customized = ToolsState.STARTING, False
    if spec.customization_script is not None:
        await _run_script(guest, spec.customization_script, "precustomization")
    with _tolerated(guest):
        guest.set_hostname(spec.computer_name)
    _set_password(guest, spec)
    if spec.customization_script is not None:
        await _run_script(guest, spec.customization_script, "postcustomization")
        _set_password(guest, spec)  # the cloud's password is the one that counts, whatever the script did
    guest.customized = True


def _set_password(guest: Guest, spec: GuestSpec) -> None:
    with _tolerated(guest), guest.lock:
        if spec.admin_password is not None:
            guest.accounts.set_password("root", spec.admin_password)
            guest.disk.write_accounts()


@contextmanager
def _tolerated(guest: Guest) -> Iterator[None]:
    """Boot all the same where the guest has put something into the place of a file that is to be written."""
    try:
        yield
    except OSError as exc:
        log.warning("guest customization of %s could not write a file: %s", guest.moid, exc)


async def _run_script(guest: Guest, script: str, phase: str) -> None:
    """Run the customization script; its failure is noted in the guest's log, and the boot goes on."""
    loop = asyncio.get_running_loop()
    root = guest.accounts.find("root")
    if root is None:
        return

    def start() -> "asyncio.Future[int]":
        tree = guest.tree
        if not tree.exists("/root/.customization"):
            tree.make_directory("/root/.customization", mode=0o700)
        tree.write(_CUSTOMIZATION_SCRIPT, script.replace("\r\n", "\n"), mode=0o700)
        tree.change(_CUSTOMIZATION_SCRIPT, mode=0o700)
        line = f"{_CUSTOMIZATION_SCRIPT} {phase} >> {_CUSTOMIZATION_LOG} 2>&1"
        program = guest.programs.start(root, ["/bin/bash", "-c", line], command_line=line)
        return asyncio.wrap_future(program.finished, loop=loop)

    try:
        code = await (await loop.run_in_executor(None, start))
    except OSError as exc:
        log.warning("guest customization of %s could not run its script: %s", guest.moid, exc)
        return
    if code:
        log.warning("the customization script of %s ended with exit code %d at %s", guest.moid, code, phase)
