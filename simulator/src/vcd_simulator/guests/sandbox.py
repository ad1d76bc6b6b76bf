"""The sandbox around everything that runs in a guest: bubblewrap, with nothing of the host but its programs.

A guest sees its own file tree, the host's /usr read-only without /usr/local, and a private /proc and /dev. It has no
network, no capability, no variable of the simulator's environment, a filter for system calls, and limits on CPU time,
memory, file size and processes.
"""

import platform
import resource
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from vcd_simulator.guests.errors import SandboxUnavailableError
from vcd_simulator.guests.launcher import Lines
from vcd_simulator.guests.limits import Limits, disk_usage
from vcd_simulator.guests.seccomp import guest_filter
from vcd_simulator.guests.shares import SHARES, BoundShare
from vcd_simulator.guests.walk import Mount

_SYSTEM_DIRECTORIES = ("lib", "lib32", "lib64", "libexec", "share")
_SETRLIMIT = {"x86_64": 160, "aarch64": 164}
_AGENT_FILES = ("init.pl", "standin.pl")
SHARED_MEMORY = "/dev/shm"  # noqa: S108  # the guest's own


@dataclass(frozen=True)
class GuestPaths:
    """Directories on the host that make up one guest."""

    directory: Path

    @property
    def root(self) -> Path:
        return self.directory / "root"

    @property
    def local(self) -> Path:
        return self.directory / "local"

    @property
    def covered(self) -> Path:
        """Holds the directories that mounts cover."""
        return self.directory / "covered"

    @property
    def shared_memory(self) -> Path:
        """The guest's /dev/shm, which lasts until it is turned off."""
        return self.directory / "shm"

    @property
    def disk(self) -> tuple[Path, Path, Path]:
        """Everything that is the guest's own and lasts."""
        return self.root, self.local, self.covered

    def used_bytes(self) -> int:
        """What the guest's files take on the host's disk."""
        return sum(disk_usage(directory) for directory in (*self.disk, self.shared_memory))

    @property
    def control(self) -> Path:
        """Holds the link to the guest's command directory, which the guest can read but not change."""
        return self.directory / "control"


class Sandbox:
    """Builds the command lines that start programs in guests."""

    def __init__(self, state: Path, limits: Limits) -> None:
        """Prepare the parts that all guests share below `state`."""
        self.limits = limits
        self._bwrap = _find_bwrap()
        self._setrlimit = _SETRLIMIT.get(platform.machine())
        if self._setrlimit is None:
            raise SandboxUnavailableError(f"guests run on x86_64 and aarch64 only, not on {platform.machine()}")
        self._empty = state / "empty"
        self._usr = state / "usr"
        self.commands = self._usr / ".commands"
        self.filter = state / "filter" / "calls"
        """A file with the filter for system calls, in the form that `Lines.filter` hands on."""
        self.filter.parent.mkdir()
        self.filter.write_bytes(guest_filter())
        self._empty.mkdir()
        self._make_usr()

    def mounts(self, guest: GuestPaths) -> dict[str, Mount]:
        """What a guest sees where; the same table serves the sandbox and `FileTree`."""
        nothing = Mount(self._empty, writable=False)
        return {
            "/": Mount(guest.root, writable=True),
            "/proc": nothing,
            "/dev": nothing,
            SHARED_MEMORY: Mount(guest.shared_memory, writable=True),
            "/usr": Mount(self._usr, writable=False),
            "/usr/.host": Mount(Path("/usr"), writable=False),
            "/usr/.host/local": nothing,
            "/usr/.control": Mount(guest.control, writable=False),
            "/usr/local": Mount(guest.local, writable=True),
        }

    def command_line(
        self,
        guest: GuestPaths,
        program: Sequence[str],
        lines: Lines,
        *,
        hostname: str,
        directory: str,
        uid: int = 0,
        file_bytes: int | None = None,
        shares: Sequence[BoundShare] = (),
    ) -> list[str]:
        """Arguments that run a program in a guest; `file_bytes` takes the place of the usual limit."""
        line = [self._bwrap, "--unshare-all", "--die-with-parent", "--as-pid-1", "--cap-drop", "ALL"]
        line += ["--info-fd", str(lines.info), "--seccomp", str(lines.filter)]
        line += ["--uid", str(uid), "--gid", str(uid), "--hostname", hostname]
        for path, mount in self.mounts(guest).items():
            if path.startswith(("/proc", "/dev")):
                continue
            line += ["--bind" if mount.writable else "--ro-bind", str(mount.source), path]
        # What is written to /dev would be memory that nobody counts, so there is one place in it for that. And settings
        # of the host's kernel are files in /proc that belong to root, whom a guest's programs may be.
        line += ["--proc", "/proc", "--dev", "/dev", "--bind", str(guest.shared_memory), SHARED_MEMORY]
        line += ["--remount-ro", "/dev", "--remount-ro", "/proc"]
        if shares:
            line += ["--tmpfs", SHARES]
            for share in shares:  # whose server may be deleted before they are mounted
                line += ["--bind-try" if share.writable else "--ro-bind-try", share.source, f"{SHARES}/{share.name}"]
            line += ["--remount-ro", SHARES]
        line += ["--ro-bind", str(lines.channel), "/usr/.channel", "--chdir", directory]
        line += [
            "--",
            "/usr/.host/bin/perl",
            "/usr/.agent/init.pl",
            str(lines.report),
            str(self._setrlimit),
            self._rlimits(self.limits.file_bytes if file_bytes is None else file_bytes),
            ",".join(f"{SHARES}/{share.name}={share.identity}" for share in shares),
        ]
        return [*line, *program]

    def check(self) -> None:
        """Start a program in an empty sandbox. Raises SandboxUnavailableError, whose message says what to do."""
        line = [
            self._bwrap,
            "--unshare-all",
            "--die-with-parent",
            "--ro-bind",
            "/",
            "/",
            "--proc",
            "/proc",
            "--remount-ro",
            "/proc",
        ]
        try:
            with self.filter.open("rb") as calls:
                line += ["--seccomp", str(calls.fileno()), "/usr/bin/true"]
                done = subprocess.run(
                    line, capture_output=True, text=True, timeout=10, check=False, pass_fds=(calls.fileno(),)
                )
        except subprocess.TimeoutExpired as exc:
            raise SandboxUnavailableError("bubblewrap did not start a program within 10 s") from exc
        if done.returncode:
            raise SandboxUnavailableError(
                f"bubblewrap cannot make a sandbox here ({done.stderr.strip()}); in a container, start it with "
                "`--security-opt seccomp=unconfined --security-opt systempaths=unconfined` (and, where AppArmor is in "
                "use, `--security-opt apparmor=unconfined`); on a host, allow unprivileged user namespaces "
                "(`sysctl kernel.unprivileged_userns_clone=1`)"
            )

    def _make_usr(self) -> None:
        """A /usr of mount points, of links into the host's, and of the parts that are the simulator's own."""
        self._usr.mkdir()
        for name in (".host", ".control", ".agent", ".nfs", "local", "src", "games"):
            (self._usr / name).mkdir()
        (self._usr / ".channel").touch()
        for name in _SYSTEM_DIRECTORIES:
            if Path("/usr", name).is_dir():
                (self._usr / name).symlink_to(f".host/{name}")
        for name in ("bin", "sbin"):
            (self._usr / name).symlink_to(".control/commands")
        # An installed package keeps no permissions, and the agent has to be executable.
        for name in _AGENT_FILES:
            target = self._usr / ".agent" / name
            target.write_bytes(resources.files("vcd_simulator.guests").joinpath("agent", name).read_bytes())
            target.chmod(0o755)

    def _rlimits(self, file_bytes: int) -> str:
        wanted = {
            resource.RLIMIT_CPU: self.limits.cpu_s,
            resource.RLIMIT_AS: self.limits.memory_bytes,
            resource.RLIMIT_FSIZE: file_bytes,
            resource.RLIMIT_NPROC: self.limits.processes,
            resource.RLIMIT_NOFILE: self.limits.open_files,
            resource.RLIMIT_CORE: 0,
        }
        return ",".join(f"{name}={value}" for name, value in wanted.items())


def _find_bwrap() -> str:
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise SandboxUnavailableError("guests run in bubblewrap, and there is no `bwrap`; apt-get install bubblewrap")
    if not Path("/usr/bin/perl").exists():
        raise SandboxUnavailableError("guests need /usr/bin/perl; apt-get install perl-base")
    return bwrap
