"""The directories of commands that guests see as /usr/bin and /usr/sbin.

A directory holds one link per command: to the host's program, or to the agent that speaks for a stand-in. There is one
directory per set of commands, shared by all guests with that set; installing a package points the guest's link to
another directory, which programs that are already running see at once.
"""

import hashlib
import shutil
import threading
from collections.abc import Iterable
from pathlib import Path

from vcd_simulator.guests.host_commands import HOST_COMMANDS

HOST_DIRECTORY = "/usr/.host/bin"
"""Where guests see the host's own /usr/bin."""
AGENT = "/usr/.agent/standin.pl"


def find_host_commands(directory: Path = Path("/usr/bin")) -> dict[str, str]:
    """What each command borrowed from the host links to, as seen in a guest."""
    found = {}
    for name in HOST_COMMANDS:
        program = directory / name
        if not program.exists():
            continue
        # Debian chooses awk and others by links through /etc/alternatives, and a guest has an /etc of its own.
        through_etc = program.is_symlink() and str(program.readlink()).startswith("/etc/")
        target = program.resolve() if through_etc else program
        if target.parent == directory:
            found[name] = f"{HOST_DIRECTORY}/{target.name}"
    return found


class CommandDirectories:
    """Makes the directories below one of the simulator's own. Thread-safe."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._host = find_host_commands()
        self._lock = threading.Lock()
        directory.mkdir()

    def name_for(self, standins: Iterable[str]) -> str:
        """Name of the directory that has these stand-ins beside the host's commands; made when first needed."""
        wanted = sorted(set(standins))
        name = hashlib.sha256("\0".join(wanted).encode()).hexdigest()[:16]
        final = self._directory / name
        with self._lock:
            if not final.exists():
                draft = self._directory / f"{name}.draft"
                shutil.rmtree(draft, ignore_errors=True)
                draft.mkdir()
                for command, target in self._host.items():
                    (draft / command).symlink_to(target)
                for command in wanted:
                    (draft / command).unlink(missing_ok=True)
                    (draft / command).symlink_to(AGENT)
                draft.rename(final)
        return name
