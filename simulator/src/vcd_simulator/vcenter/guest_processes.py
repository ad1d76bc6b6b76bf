"""GuestProcessManager: programs in guests."""

import shlex
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import partial

from vcd_simulator.faults import GuestHangs, Injection, Place, ProgramFails, ProgramHangs
from vcd_simulator.guests.machine import Guest
from vcd_simulator.guests.permissions import check_execute
from vcd_simulator.guests.processes import Program
from vcd_simulator.guests.program_table import login_environment
from vcd_simulator.stats import Stats
from vcd_simulator.vcenter.guest_access import guest_faults, log_in
from vcd_simulator.vcenter.inventory import Inventory
from vcd_simulator.vcenter.soap import Arguments, Data, Long, SoapFaultError, Value, invalid_request

_ALWAYS_RUNNING = ((1, "systemd", "/sbin/init"), (412, "systemd-journald", "/lib/systemd/systemd-journald"))


class GuestProcesses:
    """The methods of GuestProcessManager for one vCenter."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    def start(self, arguments: Arguments) -> Value:
        """StartProgramInGuest: through a shell, as VMware Tools do, so that redirections and quotes work."""
        guest, account = log_in(self._inventory, arguments)
        spec = arguments.child("spec")
        path = spec.text("programPath")
        rest = spec.text("arguments", "")
        directory = spec.optional_text("workingDirectory")
        with guest_faults(path):
            check_execute(guest.tree, account, path)
        given = spec.texts("envVariables")
        if any("=" not in pair for pair in given):
            raise invalid_request("an environment variable is not NAME=VALUE", "envVariables")
        name, command_line = path.rpartition("/")[2], f'"{path}" {rest}'.rstrip()
        with guest_faults(directory or path):
            injection = guest.decide(Place.PROGRAM, program=(name, f"{path} {rest}"), user=account.name)
            if isinstance(injection.error, GuestHangs):
                guest.hang()
                guest.check_tools()
            program = guest.programs.start(
                account,
                ["/bin/bash", "-c", _shell_line(path, rest, injection)],
                command_line=command_line,
                directory=directory or None,
                environment=dict(pair.split("=", 1) for pair in given) if given else None,
                name=name,
            )
        program.finished.add_done_callback(partial(_count, guest.platform.stats, program))
        return Long(program.pid)

    def list(self, arguments: Arguments) -> Value:
        """ListProcessesInGuest: those asked for, or all; a pid that nobody has is left out."""
        guest, _account = log_in(self._inventory, arguments)
        wanted = set(arguments.integers("pids"))
        programs = [one for one in guest.programs.all() if not wanted or one.pid in wanted]
        if wanted and len(programs) == len(wanted):
            return [_program_data(one) for one in programs]
        daemons = [data for pid, data in _system_processes(guest) if not wanted or pid in wanted]
        return [*daemons, *map(_program_data, programs)]

    def terminate(self, arguments: Arguments) -> Value:
        """TerminateProcessInGuest: of one's own, or by root."""
        guest, account = log_in(self._inventory, arguments)
        pid = arguments.integer("pid")
        program = next((one for one in guest.programs.all() if one.pid == pid and one.exit_code is None), None)
        if program is None and pid not in [known for known, _ in _system_processes(guest)]:
            raise SoapFaultError("GuestProcessNotFound", f"The guest has no process {pid}.", pid=Long(pid))
        if program is None or (account.uid != 0 and program.owner != account.name):
            raise SoapFaultError("GuestPermissionDenied", "Insufficient permissions in the guest operating system.")
        program.kill()
        return None

    def read_environment(self, arguments: Arguments) -> Value:
        """ReadEnvironmentVariableInGuest: `NAME=VALUE` for each of the names that is set, or for all."""
        _guest, account = log_in(self._inventory, arguments)
        names = arguments.texts("names")
        variables = login_environment(account)
        return [f"{name}={variables[name]}" for name in names or variables if name in variables]


def _shell_line(path: str, rest: str, injection: Injection) -> str:
    """What the shell is given: the program with its arguments, or what a fault puts in its place.

    Arguments may hold redirections, so they stay behind whatever is run.
    """
    wait = f"sleep {injection.delay_s:g}; " if injection.delay_s else ""
    match injection.error:
        case ProgramFails(exit_code=code, stderr=text):
            instead = f"printf '%s\\n' {shlex.quote(text)} >&2; exit {code};"
        case ProgramHangs():
            instead = "while :; do sleep 3600; done;"
        case _:
            return f"{wait}{shlex.quote(path)} {rest}"
    return f"{wait}instead() {{ {instead} }}; instead {rest}"


def _count(stats: Stats, program: Program, finished: "Future[int]") -> None:
    seconds = (program.ended or program.started) - program.started
    stats.count("program", program.name, program.owner, failed=finished.result() != 0, seconds=seconds)


def _program_data(program: Program) -> Data:
    ended = program.ended
    return Data(
        "GuestProcessInfo",
        {
            "name": program.name,
            "pid": Long(program.pid),
            "owner": program.owner,
            "cmdLine": program.command_line,
            "startTime": datetime.fromtimestamp(program.started, UTC),
            "endTime": datetime.fromtimestamp(ended, UTC) if ended is not None else None,
            "exitCode": program.exit_code if ended is not None else None,
        },
    )


def _system_processes(guest: Guest) -> list[tuple[int, Data]]:
    """What systemd and its services look like among the processes."""
    started = datetime.fromtimestamp(guest.booted_at or 0, UTC)
    units = [unit for unit in guest.services.all() if unit.active and unit.name.endswith(".service")]
    daemons = [(500 + number, unit.name.removesuffix(".service")) for number, unit in enumerate(units)]
    entries = [*_ALWAYS_RUNNING, *((pid, name, f"/usr/sbin/{name}") for pid, name in daemons)]
    return [
        (pid, Data("GuestProcessInfo", {**_named(name, line), "pid": Long(pid), "startTime": started}))
        for pid, name, line in entries
    ]


def _named(name: str, line: str) -> dict[str, Value]:
    return {"name": name, "owner": "root", "cmdLine": line}
