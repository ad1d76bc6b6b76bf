"""GuestProcessManager: programs in guests."""

import errno
import os
import shlex
from datetime import UTC, datetime

from vcd_simulator.guests.machine import Guest
from vcd_simulator.guests.processes import Program
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
            info = guest.tree.resolved_info(path)
            if info.kind != "file" or not info.mode & 0o111:
                raise OSError(errno.EACCES, os.strerror(errno.EACCES), path)
        given = spec.texts("envVariables")
        if any("=" not in pair for pair in given):
            raise invalid_request("an environment variable is not NAME=VALUE", "envVariables")
        with guest_faults(directory or path):
            program = guest.start(
                account,
                ["/bin/bash", "-c", f"{shlex.quote(path)} {rest}"],
                command_line=f'"{path}" {rest}'.rstrip(),
                directory=directory or None,
                environment=dict(pair.split("=", 1) for pair in given) if given else None,
                name=path.rpartition("/")[2],
            )
        return Long(program.pid)

    def list(self, arguments: Arguments) -> Value:
        """ListProcessesInGuest: those asked for, or all; a pid that nobody has is left out."""
        guest, _account = log_in(self._inventory, arguments)
        wanted = set(arguments.integers("pids"))
        everything = [*_system_processes(guest), *((one.pid, _program_data(one)) for one in guest.programs())]
        return [data for pid, data in everything if not wanted or pid in wanted]

    def terminate(self, arguments: Arguments) -> Value:
        """TerminateProcessInGuest."""
        guest, _account = log_in(self._inventory, arguments)
        pid = arguments.integer("pid")
        program = next((one for one in guest.programs() if one.pid == pid and one.exit_code is None), None)
        if program is None:
            raise SoapFaultError("GuestProcessNotFound", f"The guest has no process {pid}.", pid=Long(pid))
        program.kill()
        return None

    def read_environment(self, arguments: Arguments) -> Value:
        """ReadEnvironmentVariableInGuest: `NAME=VALUE` for each of the names that is set, or for all."""
        guest, account = log_in(self._inventory, arguments)
        names = arguments.texts("names")
        variables = guest.environment(account)
        return [f"{name}={variables[name]}" for name in names or variables if name in variables]


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
