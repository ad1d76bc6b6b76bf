"""A PostgreSQL server of one's own: Debian's package as a private process on loopback, with its own data."""

import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from cse_lab.guard import Guard
from cse_lab.ports import free_port
from cse_lab.processes import LabError, ProcessId, ServerProcess, tail, wait_until
from cse_lab.state import write_private

_HOST = "127.0.0.1"
_USER = "lab"
_START_TIMEOUT_S = 180.0
_DEBIAN_PROGRAMS = Path("/usr/lib/postgresql")
_UNPRIVILEGED = "postgres"
"""PostgreSQL refuses to run as root; Debian's package brings this user."""
_SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
_INSTALL_HINT = "PostgreSQL is not installed: run `make setup` as root, or `apt-get install postgresql`"


@dataclass(frozen=True, kw_only=True)
class _Identity:
    """What stays the same over restarts of one server."""

    port: int
    password: str


class PrivatePostgres:
    """One server with its data in a directory; a context manager that starts it and ends it.

    With a `directory` the server can outlive this program: another `PrivatePostgres` for the same directory finds the
    running server. Without one, everything is temporary and removed at the end, also where this program is killed.

    Args:
        directory: where to keep everything. Root runs the server as another user, who must be able to get there.
        fsync: whether a commit reaches the disk. A server that is killed loses nothing either way, a machine might.
    """

    def __init__(self, directory: Path | None = None, *, fsync: bool = False) -> None:
        self._temporary = directory is None
        self._directory = Path(tempfile.mkdtemp(prefix="cse-postgres-")) if directory is None else directory.absolute()
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._fsync = fsync
        self._state_file = self._directory / "server.json"
        self._server: ServerProcess | None = None
        self._guard: Guard | None = None
        self._identity = self._load() or _Identity(port=free_port(_HOST), password=secrets.token_hex(12))

    @property
    def port(self) -> int:
        """The TCP port on loopback, the same over restarts."""
        return self._identity.port

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._server.pid if self._server is not None and self._server.alive else None

    @property
    def log(self) -> Path:
        """Where the server's output is kept."""
        return self._directory / "server.log"

    def url(self, database: str = "postgres") -> str:
        """A connection URL with credentials."""
        return f"postgresql://{_USER}:{self._identity.password}@{_HOST}:{self.port}/{database}"

    def create_database(self, template: str | None = None) -> str:
        """Make a database, empty or a copy of the one with the URL `template`, and return its URL."""
        name = f"t{secrets.token_hex(6)}"
        self._psql(f"CREATE DATABASE {name}" + (f" TEMPLATE {template.rpartition('/')[2]}" if template else ""))
        return self.url(name)

    def start(self) -> None:
        """Start the server and wait until it accepts connections; a second start of a running one does nothing.

        Raises:
            LabError: PostgreSQL is not installed, or the server did not come up in time (the message has its log).
        """
        if self.pid is not None:
            return
        if self._temporary and self._guard is None:
            self._guard = Guard.over(self._state_file)
        data = self._directory / "data"
        if not (data / "PG_VERSION").exists():
            self._initialize(data)
        settings = {
            "listen_addresses": _HOST,
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "on" if self._fsync else "off",
            "max_connections": "300",
            "logging_collector": "off",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._server = ServerProcess.start(
            _unprivileged([str(_program("postgres")), "-D", str(data), *options]),
            log=self.log,
            environment=_environment(),
            directory=self._directory,
        )
        self._save()
        server = self._server
        wait_until(lambda: self._accepts() or not server.alive, timeout_s=_START_TIMEOUT_S)
        if not self._accepts():
            self.stop()
            raise LabError(
                f"PostgreSQL did not start within {_START_TIMEOUT_S:.0f} s; its log ends with\n{tail(self.log)}"
            )

    def stop(self) -> None:
        """End the server in good order, without waiting for its clients to go."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """End the server at once, as a power failure would; `start` brings it back, after recovery."""
        self._end(signal.SIGQUIT)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self._remove_if_temporary()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._remove_if_temporary()

    def _end(self, number: signal.Signals) -> None:
        if self._server is not None and self._server.alive:
            os.kill(self._server.pid, number)
            server = self._server
            if not wait_until(lambda: not server.alive, timeout_s=15.0):
                server.kill()
        self._server = None
        self._save()

    def _initialize(self, data: Path) -> None:
        data.mkdir(mode=0o700, exist_ok=True)
        password = self._directory / "password"
        password.touch(mode=0o600)
        password.write_text(self._identity.password)
        if os.geteuid() == 0:
            owner = pwd.getpwnam(_UNPRIVILEGED)
            for path in (self._directory, data, password):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        command = [
            *(str(_program("initdb")), "-D", str(data), "-U", _USER, "--pwfile", str(password)),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"),
        ]
        made = subprocess.run(
            _unprivileged(command),
            capture_output=True,
            text=True,
            check=False,
            cwd=self._directory,
            env=_environment(),
        )
        password.unlink()
        if made.returncode != 0:
            raise LabError(f"cannot make a PostgreSQL database directory:\n{made.stderr.strip()}")

    def _psql(self, statement: str) -> None:
        done = subprocess.run(
            [str(_program("psql")), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement, self.url()],
            capture_output=True,
            text=True,
            check=False,
            env=_environment(),
        )
        if done.returncode != 0:
            raise LabError(f"PostgreSQL refused {statement!r}: {done.stderr.strip()}")

    def _accepts(self) -> bool:
        """Whether it answers and is not starting up or recovering any more."""
        try:
            with socket.create_connection((_HOST, self.port), timeout=2) as connection:
                connection.sendall(_SSL_REQUEST)
                if connection.recv(1) not in (b"N", b"S"):
                    return False
            self._psql("SELECT 1")
        except (OSError, LabError):
            return False
        return True

    def _remove_if_temporary(self) -> None:
        if self._temporary:
            shutil.rmtree(self._directory, ignore_errors=True)
        if self._guard is not None:
            self._guard.release()
            self._guard = None

    def _load(self) -> _Identity | None:
        try:
            state = json.loads(self._state_file.read_text())
        except FileNotFoundError:
            return None
        if state["server"] is not None:
            self._server = ServerProcess(id=ProcessId(**state["server"]))
        return _Identity(**state["identity"])

    def _save(self) -> None:
        server = asdict(self._server.id) if self._server else None
        write_private(self._state_file, json.dumps({"identity": asdict(self._identity), "server": server}))


def _program(name: str) -> Path:
    """The newest version of one of the server's programs, which Debian keeps off the PATH."""
    found = sorted(_DEBIAN_PROGRAMS.glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1]
    on_path = shutil.which(name)
    if on_path is None:
        raise LabError(_INSTALL_HINT)
    return Path(on_path)


def _unprivileged(command: list[str]) -> list[str]:
    if os.geteuid() != 0:
        return command
    return ["setpriv", f"--reuid={_UNPRIVILEGED}", f"--regid={_UNPRIVILEGED}", "--clear-groups", *command]


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
