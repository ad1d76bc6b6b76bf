"""Finds the stand-in for a command and runs it."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Awaitable, Callable, Iterable
from types import ModuleType
from typing import TYPE_CHECKING

from vcd_simulator.faults import GuestHangs, Place, ProgramFails, ProgramHangs
from vcd_simulator.guests.channel import Call, CallerGoneError, UsageError, read_invocation
from vcd_simulator.guests.processes import Program

if TYPE_CHECKING:
    from vcd_simulator.guests.accounts import Account
    from vcd_simulator.guests.machine import Guest

log = logging.getLogger(__name__)

_FOR_EVER_S = 10**9

StandIn = Callable[[Call], Awaitable[int | None]]
"""Does what the command does; returns its exit code, None for 0."""


class Commands:
    """The stand-ins of one module, collected by decorator."""

    def __init__(self, *, family: str | None = None) -> None:
        self.found: dict[str, tuple[StandIn, str | None, bool]] = {}
        self._family = family

    def __call__(self, *names: str, family: str | None = None, packaged: bool = False) -> Callable[[StandIn], StandIn]:
        """Register a stand-in by the names of its command.

        `family` limits it to `debian` or `rpm`; a `packaged` one is there only in guests with a package that brings it.
        """

        def register(standin: StandIn) -> StandIn:
            self.found.update(dict.fromkeys(names, (standin, family or self._family, packaged)))
            return standin

        return register


class Registry:
    """All stand-ins of the simulator."""

    def __init__(self, modules: Iterable[ModuleType]) -> None:
        self._commands: dict[str, tuple[StandIn, str | None, bool]] = {}
        for module in modules:
            self._commands.update(module.command.found)

    def base_names(self, family: str) -> frozenset[str]:
        """Commands that every guest of a family has."""
        entries = self._commands.items()
        return frozenset(name for name, (_, only, packaged) in entries if only in (None, family) and not packaged)

    async def serve(
        self,
        guest: "Guest",
        account: "Account",
        program: Program,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        """Answer one stand-in that a program of a guest has called."""
        try:
            invocation = await read_invocation(reader, program.reading)
        except CallerGoneError:
            return
        call = Call(guest, account, program, invocation, reader, writer)
        began, code = time.perf_counter(), None
        try:
            with contextlib.suppress(CallerGoneError):
                code = await self._disturb(call)
                code = await self._run(call) if code is None else code
                await call.finish(code)
        finally:
            seconds = time.perf_counter() - began
            guest.platform.stats.count("program", call.name, account.name, failed=code != 0, seconds=seconds)
            ended = "was interrupted" if code is None else f"ended with {code}"
            guest.journal.note(f"{' '.join((call.name, *call.arguments))} {ended}")

    @staticmethod
    async def _disturb(call: Call) -> int | None:
        """Let happen what faults have in store for a stand-in; its exit code, if it goes no further."""
        line = " ".join((call.name, *call.arguments))
        injection = call.guest.decide(Place.PROGRAM, program=(call.name, line), user=call.account.name)
        await call.wait(injection.delay_s)
        match injection.error:
            case ProgramFails(exit_code=code, stderr=text):
                await call.error(text)
                return code
            case ProgramHangs():
                await call.wait(_FOR_EVER_S)
            case GuestHangs():
                await asyncio.get_running_loop().run_in_executor(None, call.guest.hang)
        return None

    async def _run(self, call: Call) -> int:
        entry = self._commands.get(call.name)
        if entry is None:
            await call.error(f"{call.name}: the simulator has no stand-in for this program")
            return 127
        try:
            return await entry[0](call) or 0
        except UsageError as exc:
            await call.error(str(exc))
            return exc.code
        except OSError as exc:
            await call.error(f"{call.name}: {os.strerror(exc.errno or 0)}")
            return 1
        except CallerGoneError:
            raise
        except Exception:
            log.exception("stand-in %s of guest %s failed", call.name, call.guest.moid)
            await call.error(f"{call.name}: internal error of the simulator")
            return 70
