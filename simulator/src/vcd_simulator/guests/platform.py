"""What all guests of a hypervisor share."""

from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vcd_simulator.faults import Faults
from vcd_simulator.guests.accounts import Account
from vcd_simulator.guests.changes import Changes
from vcd_simulator.guests.commands import CommandDirectories
from vcd_simulator.guests.launcher import Launcher
from vcd_simulator.guests.network import GuestNetworks
from vcd_simulator.guests.processes import Program
from vcd_simulator.guests.sandbox import Sandbox
from vcd_simulator.guests.spec import Latency
from vcd_simulator.stats import Stats

if TYPE_CHECKING:
    from vcd_simulator.guests.machine import Guest


@dataclass(frozen=True)
class Platform:
    """What all guests of a hypervisor share."""

    sandbox: Sandbox
    launcher: Launcher
    commands: CommandDirectories
    networks: GuestNetworks
    latency: Latency
    faults: Faults
    stats: Stats
    serve: Callable[["Guest", Account, Program, StreamReader, StreamWriter], Coroutine[Any, Any, None]]
    """Answers a stand-in that a guest's program has called."""
    power_request: Callable[["Guest", str], None]
    """Called when a guest itself asks for `reboot` or `poweroff`; returns at once."""
    base_standins: Callable[[str], frozenset[str]]
    """Stand-ins that every guest of a family (`debian`, `rpm`) has, whatever packages it has."""
    changes: Changes
    """Told whenever something changes that can be seen from outside a guest."""
    power_changed: Callable[["Guest"], None]
    """Called when a guest's power state is another than before; returns at once."""
    customized: Callable[["Guest"], None]
    """Called when the tools of a guest that has been customized begin to run; returns at once."""
