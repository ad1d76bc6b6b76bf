"""Settings of the machine: its clock and time zone, its identity, and cloud-init."""

import re
import time
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.standins.options import Options, parse
from vcd_simulator.guests.standins.registry import Commands

command = Commands()

_ZONES = "/usr/share/zoneinfo/"
_LINK = "/etc/localtime"
_TIME_SYNC = "systemd-timesyncd"
_DEFAULT_ZONE = "Etc/UTC"
_ZONE = re.compile(r"[A-Za-z][\w+-]*(?:/[\w+-]+)*")
_CLOUD_STATE = "/var/lib/cloud"
_CLOUD_FINISHED = f"{_CLOUD_STATE}/instance/boot-finished"
_CLOUD_DISABLED = "/etc/cloud/cloud-init.disabled"


@command("timedatectl")
async def timedatectl(call: Call) -> int:
    """The time zone is where /etc/localtime leads; synchronisation is a unit of systemd."""
    options = parse(
        call.arguments,
        values=("property",),
        switches=("value", "all", "no-pager", "adjust-system-clock", "no-ask-password", "monitor"),
        short={"p": "property", "a": "all"},
        unknown="timedatectl: unrecognized option '{}'",
    )
    verb, *words = options.words or ["status"]
    if verb in ("status", "show"):
        facts = await _facts(call)
        await call.out(_shown(facts, options) if verb == "show" else _status(facts))
    elif verb == "set-timezone":
        await _set_zone(call, words)
    elif verb == "set-ntp":
        _set_synchronised(call, words)
    elif verb in ("set-time", "set-local-rtc"):
        raise UsageError(f"timedatectl: the simulator's machines have no clock of their own, so there is no {verb}")
    else:
        raise UsageError(f"Unknown command verb {verb}.")
    return 0


async def _zone(call: Call) -> str:
    _, target = await call.capture("readlink", _LINK)
    return target.strip().partition(_ZONES)[2] or _DEFAULT_ZONE


def _zone_info(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if _ZONE.fullmatch(name) else None
    except (ZoneInfoNotFoundError, OSError, ValueError):
        return None


async def _facts(call: Call) -> dict[str, str]:
    name = await _zone(call)
    now = datetime.fromtimestamp(time.time(), _zone_info(name) or ZoneInfo(_DEFAULT_ZONE))
    synchronised = "yes" if call.guest.services.is_active(_TIME_SYNC) else "no"
    return {
        "Timezone": name,
        "LocalRTC": "no",
        "CanNTP": "yes",
        "NTP": synchronised,
        "NTPSynchronized": synchronised,
        "TimeUSec": now.strftime("%a %Y-%m-%d %H:%M:%S %Z"),
        "Offset": now.strftime("%Z, %z"),
    }


def _shown(facts: dict[str, str], options: Options) -> str:
    wanted = options.every("property") or [name for name in facts if name != "Offset"]
    return "".join(f"{'' if options.has('value') else f'{name}='}{facts.get(name, '')}\n" for name in wanted)


def _status(facts: dict[str, str]) -> str:
    universal = datetime.fromtimestamp(time.time(), ZoneInfo(_DEFAULT_ZONE)).strftime("%a %Y-%m-%d %H:%M:%S UTC")
    rows = {
        "Local time": facts["TimeUSec"],
        "Universal time": universal,
        "RTC time": universal.rpartition(" ")[0],
        "Time zone": f"{facts['Timezone']} ({facts['Offset']})",
        "System clock synchronized": facts["NTPSynchronized"],
        "NTP service": "active" if facts["NTP"] == "yes" else "inactive",
        "RTC in local TZ": facts["LocalRTC"],
    }
    width = max(map(len, rows))
    return "".join(f"{title:>{width}}: {value}\n" for title, value in rows.items())


async def _set_zone(call: Call, words: list[str]) -> None:
    """Raises UsageError: there is no such zone, or the caller may not."""
    if len(words) != 1 or _zone_info(words[0]) is None:
        raise UsageError(f"Failed to set time zone: Invalid or not installed time zone '{' '.join(words)}'")
    if call.account.uid != 0:
        raise UsageError("Failed to set time zone: Interactive authentication required.")
    await call.execute("ln", "-sfn", f"{_ZONES}{words[0]}", _LINK)
    if call.guest.image.distribution.family == "debian":
        await call.write("/etc/timezone", f"{words[0]}\n")


def _set_synchronised(call: Call, words: list[str]) -> None:
    """Raises UsageError: it is neither on nor off, or the caller may not."""
    values = {"true": True, "yes": True, "1": True, "on": True, "false": False, "no": False, "0": False, "off": False}
    if len(words) != 1 or words[0] not in values:
        raise UsageError(f"Failed to parse NTP setting '{' '.join(words)}'.")
    if call.account.uid != 0:
        raise UsageError("Failed to set ntp: Interactive authentication required.")
    call.guest.services.change(_TIME_SYNC, active=values[words[0]], enabled=values[words[0]])


@command("systemd-detect-virt")
async def detect_virtualization(call: Call) -> int:
    """What it runs on: no container, but a virtual machine."""
    if {"-c", "--container"} & set(call.arguments):
        await call.out("none")
        return 1
    if not {"-q", "--quiet"} & set(call.arguments):
        await call.out("vmware")
    return 0


@command("systemd-machine-id-setup")
async def machine_id(call: Call) -> int:
    """Gives the machine an id if it has none."""
    if call.account.uid != 0:
        raise UsageError("Failed to open /etc/machine-id: Permission denied")
    call.guest.disk.write_machine_id()
    if "--print" in call.arguments:
        await call.out(await call.read("/etc/machine-id"))
    return 0


@command("cloud-init", family="debian")
async def cloud_init(call: Call) -> int:
    """`status`, which is over when a script can ask; `clean`; and its version."""
    options = parse(
        call.arguments,
        values=("format",),
        switches=("wait", "long", "logs", "reboot", "seed", "version"),
        short={"w": "wait", "l": "long", "r": "reboot", "v": "version"},
        lenient=True,
    )
    verb = options.words[0] if options.words else ""
    if options.has("version"):
        await call.out("/usr/bin/cloud-init 18.2")
    elif verb == "status":
        await call.out(f"status: {await _cloud_status(call)}")
    elif verb == "clean":
        if call.account.uid != 0:
            raise UsageError(f"ERROR: Could not remove {_CLOUD_STATE}: Permission denied")
        await call.execute("rm", "-rf", f"{_CLOUD_STATE}/instance", f"{_CLOUD_STATE}/instances", f"{_CLOUD_STATE}/data")
        if options.has("logs"):
            await call.execute("rm", "-f", "/var/log/cloud-init.log", "/var/log/cloud-init-output.log")
        if options.has("reboot"):
            call.guest.platform.power_request(call.guest, "reboot")
    else:
        raise UsageError(f"cloud-init: error: the simulator's cloud-init has no {verb!r}", 2)
    return 0


async def _cloud_status(call: Call) -> str:
    if await call.exists(_CLOUD_DISABLED):
        return "disabled"
    return "done" if await call.exists(_CLOUD_FINISHED) else "not run"
