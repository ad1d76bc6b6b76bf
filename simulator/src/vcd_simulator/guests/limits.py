"""What programs of guests may use, and who looks whether they keep to it."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vcd_simulator.guests.processes import Program
from vcd_simulator.guests.survey import survey

_LOOK_S = 0.5
_REST_S = 2.0
"""Between looks at a program in which nothing happens: most of thousands wait for something."""
_DISK_LOOK_S = 5.0
_BYTES_PER_FILE = 16384
"""A file system has room for one file per so many bytes."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one program of a guest may use, with whatever it starts.

    The system sees to the limits of single processes and files at once. The number of processes, with their threads,
    and their memory together are looked at twice a second while they change, and the guest's disk every few seconds;
    who is over is ended.
    """

    wall_s: float = 7200.0
    cpu_s: int = 600
    memory_bytes: int = 2 << 30
    file_bytes: int = 1 << 30
    processes: int = 512
    open_files: int = 65536
    disk_bytes: int = 16 << 30


async def guard(program: Program, limits: Limits, disk_used: Callable[[], int]) -> None:
    """End a program that uses more than it may; returns when it has."""
    loop = asyncio.get_running_loop()
    before, pause_s, disk_due = (0, 0), _LOOK_S, loop.time() + _DISK_LOOK_S
    while True:
        await asyncio.sleep(pause_s)
        usage = processes, memory = program.usage()
        pause_s = min(_REST_S, 2 * pause_s) if usage == before else _LOOK_S
        before = usage
        is_over = processes > limits.processes or memory > limits.memory_bytes
        if not is_over and loop.time() >= disk_due:
            is_over = await loop.run_in_executor(None, disk_used) > limits.disk_bytes
            disk_due = loop.time() + _DISK_LOOK_S
        if is_over:
            program.kill()
            return


def disk_usage(directory: Path) -> int:
    """Bytes that files below a directory take, or, if that is more, that a file system has for so many of them.

    What a guest changes meanwhile may be missed.
    """
    taken, files = 0, 0
    linked: set[int] = set()
    for listing in survey(directory):
        files += 1 + len(listing.others)
        taken += os.fstat(listing.descriptor).st_blocks * 512
        for name in listing.others:
            try:
                status = os.stat(name, dir_fd=listing.descriptor, follow_symlinks=False)
            except OSError:
                continue
            if status.st_nlink > 1:
                if status.st_ino in linked:
                    continue
                linked.add(status.st_ino)
            taken += status.st_blocks * 512
    return max(taken, files * _BYTES_PER_FILE)
