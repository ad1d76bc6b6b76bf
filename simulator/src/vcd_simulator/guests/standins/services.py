"""systemd, and shutting the machine down."""

from typing import TYPE_CHECKING

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.kubernetes import kubelet
from vcd_simulator.guests.services import Unit, full_name
from vcd_simulator.guests.standins.options import Options, parse
from vcd_simulator.guests.standins.registry import Commands

if TYPE_CHECKING:
    from vcd_simulator.guests.machine import Guest

command = Commands()

_SWITCHES = (
    "now",
    "quiet",
    "force",
    "no-block",
    "no-pager",
    "all",
    "full",
    "system",
    "runtime",
    "no-legend",
    "no-reload",
    "plain",
    "failed",
    "value",
)
_VALUES = ("type", "property", "state", "output", "lines", "signal", "root", "job-mode")
_SHORT = {
    "q": "quiet",
    "f": "force",
    "a": "all",
    "l": "full",
    "t": "type",
    "p": "property",
    "n": "lines",
    "o": "output",
    "s": "signal",
}
_NOT_FOUND = 5


@command("systemctl")
async def systemctl(call: Call) -> int:
    """Units that packages or files in /etc/systemd/system bring can be started, stopped, enabled and looked at."""
    options = parse(
        call.arguments, values=_VALUES, switches=_SWITCHES, short=_SHORT, unknown="systemctl: unrecognized option '{}'"
    )
    verb = options.words.pop(0) if options.words else "list-units"
    if verb in ("daemon-reload", "daemon-reexec", "reset-failed", "preset", "set-default", "isolate"):
        return 0
    if verb in ("reboot", "poweroff", "halt"):
        return await _power(call, verb)
    if verb in ("list-units", "list-unit-files"):
        return await _list(call, verb, options)
    if verb not in _VERBS:
        raise UsageError(f"Unknown operation {verb}.")
    if not options.words:
        raise UsageError("Too few arguments.")
    code = 0
    for name in options.words:
        unit = await _find(call, name)
        code = await _VERBS[verb](call, unit, name, options) or code
    return code


async def _find(call: Call, name: str) -> Unit | None:
    """A unit, be it known or only written down in a file."""
    unit = call.guest.services.find(name)
    if unit is None:
        for directory in ("/etc/systemd/system", "/usr/local/lib/systemd/system"):
            if await call.exists(f"{directory}/{full_name(name)}"):
                return Unit(name=full_name(name))
    return unit


async def _start(call: Call, unit: Unit | None, name: str, _options: Options, *, verb: str = "start") -> int:
    if unit is None:
        await call.error(f"Failed to {verb} {full_name(name)}: Unit {full_name(name)} not found.")
        return _NOT_FOUND
    if unit.masked:
        await call.error(f"Failed to {verb} {unit.name}: Unit {unit.name} is masked.")
        return 1
    with call.guest.lock:
        call.guest.services.change(unit.name, active=True)
        started(call.guest, unit.name)
    return 0


async def _restart(call: Call, unit: Unit | None, name: str, options: Options) -> int:
    return await _start(call, unit, name, options, verb="restart")


def started(guest: "Guest", name: str) -> None:
    """What a service changes in the machine when it starts."""
    if name == "kubelet.service":
        kubelet.report(guest)
    if name == "docker.service":
        guest.system.modules.update(("br_netfilter", "overlay"))
        guest.system.sysctls.update({"net.ipv4.ip_forward": "1", "net.bridge.bridge-nf-call-iptables": "1"})


async def _stop(call: Call, unit: Unit | None, name: str, _options: Options) -> int:
    if unit is None:
        await call.error(f"Failed to stop {full_name(name)}: Unit {full_name(name)} not loaded.")
        return _NOT_FOUND
    call.guest.services.change(unit.name, active=False)
    return 0


async def _enable(call: Call, unit: Unit | None, name: str, options: Options) -> int:
    if unit is None:
        await call.error(f"Failed to enable unit: Unit file {full_name(name)} does not exist.")
        return 1
    if unit.masked:
        await call.error(f"Failed to enable unit: Unit file {unit.name} is masked.")
        return 1
    if not unit.enabled and not options.has("quiet"):
        await call.error(
            f"Created symlink /etc/systemd/system/multi-user.target.wants/{unit.name} "
            f"→ /lib/systemd/system/{unit.name}."
        )
    call.guest.services.change(unit.name, enabled=True)
    return await _start(call, unit, name, options) if options.has("now") else 0


async def _disable(call: Call, unit: Unit | None, name: str, options: Options) -> int:
    if unit is None:
        await call.error(f"Failed to disable unit: Unit file {full_name(name)} does not exist.")
        return 1
    call.guest.services.change(unit.name, enabled=False, active=False if options.has("now") else None)
    return 0


async def _mask(call: Call, _unit: Unit | None, name: str, options: Options) -> int:
    call.guest.services.change(name, masked=True, active=False if options.has("now") else None)
    return 0


async def _unmask(call: Call, unit: Unit | None, name: str, _options: Options) -> int:
    if unit is not None:
        call.guest.services.change(name, masked=False)
    return 0


async def _is_active(call: Call, unit: Unit | None, _name: str, options: Options) -> int:
    if not options.has("quiet"):
        await call.out(unit.state if unit else "inactive")
    return 0 if unit and unit.active else 3


async def _is_enabled(call: Call, unit: Unit | None, name: str, options: Options) -> int:
    if unit is None:
        await call.error(f"Failed to get unit file state for {full_name(name)}: No such file or directory")
        return 1
    if not options.has("quiet"):
        await call.out(unit.enablement)
    return 0 if unit.enabled and not unit.masked else 1


async def _is_failed(call: Call, unit: Unit | None, _name: str, options: Options) -> int:
    if not options.has("quiet"):
        await call.out(unit.state if unit else "inactive")
    return 1


async def _status(call: Call, unit: Unit | None, name: str, _options: Options) -> int:
    if unit is None:
        await call.error(f"Unit {full_name(name)} could not be found.")
        return 4
    state = "active (running)" if unit.active else "inactive (dead)"
    await call.out(
        f"● {unit.name}\n   Loaded: loaded (/lib/systemd/system/{unit.name}; {unit.enablement})\n   Active: {state}"
    )
    return 0 if unit.active else 3


async def _show(call: Call, unit: Unit | None, name: str, options: Options) -> int:
    values = {
        "Id": full_name(name),
        "LoadState": "not-found" if unit is None else "masked" if unit.masked else "loaded",
        "ActiveState": unit.state if unit else "inactive",
        "SubState": "running" if unit and unit.active else "dead",
        "UnitFileState": unit.enablement if unit else "",
    }
    wanted = options.every("property") or list(values)
    await call.out("".join(f"{'' if options.has('value') else f'{key}='}{values.get(key, '')}\n" for key in wanted))
    return 0


async def _cat(call: Call, unit: Unit | None, name: str, _options: Options) -> int:
    if unit is None:
        await call.error(f"No files found for {full_name(name)}.")
        return 1
    await call.out(f"# /lib/systemd/system/{unit.name}")
    return 0


async def _list(call: Call, verb: str, options: Options) -> int:
    units = [
        unit for unit in call.guest.services.all() if unit.active or options.has("all") or verb == "list-unit-files"
    ]
    for unit in units:
        if not options.words or unit.name in map(full_name, options.words):
            shown = (
                unit.enablement
                if verb == "list-unit-files"
                else f"loaded {unit.state} {'running' if unit.active else 'dead'}"
            )
            await call.out(f"{unit.name} {shown}")
    return 0


@command("service")
async def service(call: Call) -> int:
    """`service NAME VERB`, the older way."""
    words = [word for word in call.arguments if not word.startswith("-")]
    if len(words) < 2 or words[1] not in ("start", "stop", "restart", "status", "reload"):
        raise UsageError("Usage: service < option > | --status-all | [ service_name [ command | --full-restart ] ]")
    unit = await _find(call, words[0])
    if unit is None:
        raise UsageError(f"{words[0]}: unrecognized service")
    return await _VERBS[words[1]](call, unit, words[0], Options()) or 0


@command("journalctl")
async def journalctl(call: Call) -> int:
    """There is no journal to show."""
    await call.out("-- No entries --")
    return 0


@command("reboot", "poweroff", "halt", "shutdown")
async def shutdown(call: Call) -> int:
    """Restart or end the machine from inside."""
    words = set(call.arguments)
    if words & {"--help", "-h"} and call.name != "shutdown":
        await call.out(f"{call.name} [OPTIONS...]")
        return 0
    reboot = call.name == "reboot" or (call.name == "shutdown" and words & {"-r", "--reboot"})
    if "-c" in words:
        return 0
    return await _power(call, "reboot" if reboot else "poweroff")


async def _power(call: Call, verb: str) -> int:
    if call.account.uid != 0:
        raise UsageError(f"{verb}: Must be root.")
    call.guest.platform.power_request(call.guest, verb)
    return 0


@command(
    "chronyc",
    "hwclock",
    "localectl",
    "loginctl",
    "ntpdate",
    "systemd-tmpfiles",
    "systemd-resolve",
    "needs-restarting",
    "update-rc.d",
    "chkconfig",
)
async def quiet(_call: Call) -> int:
    """Settings of the machine that have no meaning here: accepted."""
    return 0


_VERBS = {
    "cat": _cat,
    "disable": _disable,
    "enable": _enable,
    "is-active": _is_active,
    "is-enabled": _is_enabled,
    "is-failed": _is_failed,
    "mask": _mask,
    "reenable": _enable,
    "reload": _restart,
    "reload-or-restart": _restart,
    "restart": _restart,
    "show": _show,
    "start": _start,
    "status": _status,
    "stop": _stop,
    "try-restart": _restart,
    "unmask": _unmask,
}
