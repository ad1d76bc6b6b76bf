"""The programs of a guest: starting, listing, ending and stopping them."""

import errno
import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import wait
from functools import partial
from typing import TYPE_CHECKING

from vcd_simulator.faults import DiskFull, Place
from vcd_simulator.guests.errors import PowerStateError, ToolsNotRunningError
from vcd_simulator.guests.launcher import Lines, Streams
from vcd_simulator.guests.processes import ENDED_PROGRAMS_STAY_S, Program
from vcd_simulator.guests.shares import bound_shares, link_mounts
from vcd_simulator.guests.spec import PowerState

if TYPE_CHECKING:
    from vcd_simulator.guests.accounts import Account
    from vcd_simulator.guests.machine import Guest

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_FIRST_PID = 1200
_KILL_TIMEOUT_S = 10.0


def login_environment(account: "Account") -> dict[str, str]:
    """Variables of a program that is started without any of its own."""
    return {
        "PATH": _PATH,
        "HOME": account.home,
        "USER": account.name,
        "LOGNAME": account.name,
        "SHELL": account.login_shell,
        "LANG": "C.UTF-8",
    }


class ProgramTable:
    """Programs that run in one guest, and those that ended in the last minutes. Thread-safe."""

    def __init__(self, guest: "Guest") -> None:
        self._guest = guest
        self._programs: dict[int, Program] = {}
        self._last_pid = _FIRST_PID

    def start(
        self,
        account: "Account",
        arguments: Sequence[str],
        *,
        name: str | None = None,
        command_line: str | None = None,
        directory: str | None = None,
        environment: Mapping[str, str] | None = None,
        streams: Streams | None = None,
    ) -> Program:
        """Start a program as a user, in the user's home unless told otherwise.

        `streams` are its stdin, stdout and stderr, which lead nowhere without them.

        Raises:
            FileNotFoundError, NotADirectoryError: the working directory is not there.
            PowerStateError: the guest is off.
            ToolsNotRunningError: it has no operating system.
        """
        guest = self._guest
        if not guest.image.distribution.boots:
            raise ToolsNotRunningError(f"there is no operating system in {guest.moid}")
        tree = guest.disk.tree
        place = directory if directory is not None else account.home if tree.exists(account.home) else "/"
        if tree.resolved_info(place).kind != "directory":
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), place)
        program = self._enter(
            account.name,
            name or arguments[0].rpartition("/")[2],
            command_line if command_line is not None else " ".join(arguments),
        )
        link_mounts(guest)
        shares = bound_shares(guest)
        file_bytes = 0 if isinstance(guest.decide(Place.DISK).error, DiskFull) else None

        def line(lines: Lines) -> list[str]:
            return guest.platform.sandbox.command_line(
                guest.disk.paths,
                arguments,
                lines,
                hostname=guest.hostname,
                directory=place,
                uid=account.uid,
                file_bytes=file_bytes,
                shares=shares,
            )

        try:
            guest.platform.launcher.launch(
                program,
                line,
                dict(environment) if environment is not None else login_environment(account),
                partial(guest.platform.serve, guest, account, program),
                disk_used=guest.disk.paths.used_bytes,
                streams=streams,
            )
        except OSError:
            with guest.lock:
                self._programs.pop(program.pid, None)
            program.close()
            raise
        return program

    def all(self) -> list[Program]:
        """Those that run, and those that ended in the last minutes; oldest first."""
        with self._guest.lock:
            self._forget_ended()
            return list(self._programs.values())

    def any_runs(self) -> bool:
        return any(program.exit_code is None for program in self.all())

    def kill(self) -> None:
        """End everything that runs, and forget it; nothing of it is left when this returns."""
        with self._guest.lock:
            programs = list(self._programs.values())
            self._programs.clear()
        for program in programs:
            program.kill()
        wait([program.gone for program in programs], timeout=_KILL_TIMEOUT_S)

    def freeze(self) -> None:
        """Let nothing that runs go on until `thaw`."""
        for program in self.all():
            program.freeze()

    def thaw(self) -> None:
        """Let programs go on where they were."""
        for program in self.all():
            program.thaw()

    def _enter(self, owner: str, name: str, command_line: str) -> Program:
        """Note a program that is about to start. Raises PowerStateError."""
        guest = self._guest
        with guest.lock:
            if guest.power is not PowerState.ON:
                raise PowerStateError(requested=PowerState.ON, existing=guest.power)
            self._forget_ended()
            self._last_pid += 1
            who = f"program {self._last_pid} of {owner}"
            program = Program(
                pid=self._last_pid,
                owner=owner,
                name=name,
                command_line=command_line,
                at_end=lambda code: guest.journal.note(f"{who} ended with {code}"),
            )
            self._programs[program.pid] = program
        guest.journal.note(f"{who}: {command_line}")
        return program

    def _forget_ended(self) -> None:
        limit = time.time() - ENDED_PROGRAMS_STAY_S
        ended = [one.pid for one in self._programs.values() if one.ended is not None and one.ended < limit]
        for pid in ended:
            del self._programs[pid]
