"""What programs of guests may use, and who looks whether they keep to it."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vcd_simulator.guests.processes import Program

_LOOK_S = 0.5
_DISK_LOOKS = 10
"""At every which look the disk is measured."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one program of a guest may use, with whatever it starts.

    The system sees to the limits of single processes and files at once. The number of processes, their memory together
    and the guest's disk are looked at twice a second and every few seconds; who is over is ended.
    """

    wall_s: float = 7200.0
    cpu_s: int = 600
    memory_bytes: int = 2 << 30
    file_bytes: int = 1 << 30
    processes: int = 512
    disk_bytes: int = 16 << 30


async def guard(program: Program, limits: Limits, disk_used: Callable[[], int]) -> None:
    """End a program that uses more than it may; returns when it has."""
    loop = asyncio.get_running_loop()
    looks = 0
    while True:
        await asyncio.sleep(_LOOK_S)
        looks += 1
        processes, memory = program.usage()
        is_over = processes > limits.processes or memory > limits.memory_bytes
        if not is_over and looks % _DISK_LOOKS == 0:
            is_over = await loop.run_in_executor(None, disk_used) > limits.disk_bytes
        if is_over:
            program.kill()
            return


def disk_usage(directory: Path) -> int:
    """Bytes that files below a directory take; what a guest changes meanwhile may be missed."""
    total = 0
    for _, _, files, descriptor in os.fwalk(directory, onerror=None):
        for name in files:
            try:
                total += os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_blocks * 512
            except OSError:
                continue
    return total
