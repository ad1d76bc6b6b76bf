"""A RabbitMQ server of one's own: Debian's package as a private process on loopback, with its own data and epmd."""

import json
import os
import secrets
import shutil
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
_START_TIMEOUT_S = 180.0
_PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
_METHOD_FRAME = b"\x01"
_INSTALL_HINT = "RabbitMQ is not installed: run `make setup` as root, or `apt-get install rabbitmq-server`"


@dataclass(frozen=True, kw_only=True)
class BrokerCertificate:
    """What a broker shows to those who connect with TLS: files in PEM form, the certificate with those above it."""

    certificate: Path
    key: Path


@dataclass(frozen=True, kw_only=True)
class _Identity:
    """What stays the same over restarts of one broker."""

    port: int
    distribution_port: int
    epmd_port: int
    user: str
    password: str


class PrivateRabbitMQ:
    """One broker with its data in a directory; a context manager that starts it and ends it.

    With a `directory` the broker can outlive this program: another `PrivateRabbitMQ` for the same directory finds the
    running server, its port and its credentials. Without one, everything is temporary and removed at the end, also
    where this program is killed. With a `certificate` it listens on a second port, for TLS, which is chosen anew with
    each of these objects.
    """

    def __init__(self, directory: Path | None = None, *, certificate: BrokerCertificate | None = None) -> None:
        self._certificate = certificate
        self.tls_port = free_port(_HOST) if certificate is not None else None
        """The AMQP port with TLS, if there is one; the same over restarts."""
        self._temporary = directory is None
        self._directory = Path(tempfile.mkdtemp(prefix="cse-rabbitmq-")) if directory is None else directory.absolute()
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._state_file = self._directory / "broker.json"
        self._server: ServerProcess | None = None
        self._epmd: ServerProcess | None = None
        self._guard: Guard | None = None
        self._identity = self._load() or self._invent()

    @property
    def host(self) -> str:
        """The loopback address it listens on."""
        return _HOST

    @property
    def port(self) -> int:
        """The AMQP port, the same over restarts."""
        return self._identity.port

    @property
    def user(self) -> str:
        """A user with all permissions on the virtual host `/`."""
        return self._identity.user

    @property
    def password(self) -> str:
        """That user's password."""
        return self._identity.password

    @property
    def url(self) -> str:
        """An AMQP URL with credentials, for the virtual host `/`."""
        return f"amqp://{self.user}:{self.password}@{_HOST}:{self.port}/%2F"

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._server.pid if self._server is not None and self._server.alive else None

    @property
    def log(self) -> Path:
        """Where the server's output is kept."""
        return self._directory / "server.log"

    def start(self) -> None:
        """Start the server and wait until it speaks AMQP, on both ports; a second start of a running one does nothing.

        Raises:
            LabError: RabbitMQ is not installed, or the server did not come up in time (the message ends with its log).
        """
        if self.pid is not None:
            return
        launcher = _program("rabbitmq-server")
        if self._temporary and self._guard is None:
            self._guard = Guard.over(self._state_file)
        environment = self._environment()
        if self._epmd is None or not self._epmd.alive:
            self._epmd = ServerProcess.start(
                ["epmd", "-address", _HOST, "-port", str(self._identity.epmd_port)],
                log=self._directory / "epmd.log",
                environment=environment,
                directory=self._directory,
            )
        self._server = ServerProcess.start(
            [str(launcher)], log=self.log, environment=environment, directory=self._directory
        )
        self._save()
        server = self._server
        wait_until(lambda: self._listens() or not server.alive, timeout_s=_START_TIMEOUT_S)
        if not self._listens():
            self.stop()
            raise LabError(
                f"RabbitMQ did not start within {_START_TIMEOUT_S:.0f} s; its log ends with\n{tail(self.log)}"
            )

    def stop(self) -> None:
        """End the server in good order, then its epmd."""
        for process in (self._server, self._epmd):  # the server says good-bye to its epmd, so epmd goes last
            if process is not None:
                process.terminate()
        self._server = self._epmd = None
        self._save()

    def kill(self) -> None:
        """End the server as a power failure would (SIGKILL to its process group); `start` brings it back."""
        if self._server is not None:
            self._server.kill()
        self._server = None
        self._save()

    def flush(self) -> None:
        """Have on disk what is declared: Mnesia keeps it in memory for some seconds, even after a message is confirmed.

        Raises:
            LabError: the server does not run or does not answer.
        """
        control = subprocess.run(
            [str(_program("rabbitmqctl")), "-q", "eval", "ok = mnesia:sync_log()."],
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=_START_TIMEOUT_S,
            check=False,
        )
        if control.returncode != 0:
            raise LabError(f"RabbitMQ did not write to disk what is declared: {control.stderr.strip()}")

    def restart(self) -> None:
        """Stop and start again on the same port with the same data."""
        self.stop()
        self.start()

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

    def _remove_if_temporary(self) -> None:
        if self._temporary:
            shutil.rmtree(self._directory, ignore_errors=True)
        if self._guard is not None:
            self._guard.release()
            self._guard = None

    def _invent(self) -> _Identity:
        ports: set[int] = set()
        while len(ports) < 3:  # AMQP, distribution, epmd
            ports.add(free_port(_HOST))
        port, distribution_port, epmd_port = ports
        return _Identity(
            port=port,
            distribution_port=distribution_port,
            epmd_port=epmd_port,
            user="lab",
            password=secrets.token_hex(12),
        )

    def _load(self) -> _Identity | None:
        try:
            state = json.loads(self._state_file.read_text())
        except FileNotFoundError:
            return None
        self._server = _attach(state["server"])
        self._epmd = _attach(state["epmd"])
        return _Identity(**state["identity"])

    def _save(self) -> None:
        state = {
            "identity": asdict(self._identity),
            "server": None if self._server is None else asdict(self._server.id),
            "epmd": None if self._epmd is None else asdict(self._epmd.id),
        }
        write_private(self._state_file, json.dumps(state))

    def _environment(self) -> dict[str, str]:
        """What the server's scripts and the Erlang machine read; nothing leaks in from outside."""
        directory = self._directory
        for name in ("home", "data", "logs"):
            (directory / name).mkdir(exist_ok=True, mode=0o700)
        (directory / "rabbitmq-env.conf").touch()
        (directory / "enabled_plugins").write_text("[].\n")
        configuration = directory / "rabbitmq.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(
            f"listeners.tcp.1 = {_HOST}:{self.port}\n"
            f"default_user = {self.user}\n"
            f"default_pass = {self.password}\n"
            "disk_free_limit.absolute = 10MB\n"
            "vm_memory_high_watermark.absolute = 1GiB\n"
            "log.console = true\n"
            "log.console.level = info\n"
            "log.file = false\n" + self._tls_configuration()
        )
        return {
            "PATH": os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/bin", "/sbin", "/bin"]),
            "LANG": "C.UTF-8",
            "HOME": str(directory / "home"),
            "ERL_EPMD_ADDRESS": _HOST,
            "ERL_EPMD_PORT": str(self._identity.epmd_port),
            "RABBITMQ_NODENAME": f"lab{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": _HOST,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._identity.distribution_port),
            "RABBITMQ_CONF_ENV_FILE": str(directory / "rabbitmq-env.conf"),
            "RABBITMQ_CONFIG_FILE": str(configuration),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(directory / "data"),
            "RABBITMQ_LOG_BASE": str(directory / "logs"),
            # Without busy waiting an idle broker costs no CPU, which others on this machine want.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none"
            ),
            "detached": "1",  # makes the script exec the Erlang machine, so that our pid is the server's
        }

    def _tls_configuration(self) -> str:
        if self._certificate is None:
            return ""
        return (
            f"listeners.ssl.1 = {_HOST}:{self.tls_port}\n"
            f"ssl_options.cacertfile = {self._certificate.certificate}\n"
            f"ssl_options.certfile = {self._certificate.certificate}\n"
            f"ssl_options.keyfile = {self._certificate.key}\n"
            "ssl_options.verify = verify_none\n"
        )

    def _listens(self) -> bool:
        """Whether it takes clients on all of its ports; that for TLS comes last."""
        if not self._speaks_amqp():
            return False
        try:
            if self.tls_port is not None:
                socket.create_connection((_HOST, self.tls_port), timeout=2).close()
        except OSError:
            return False
        return True

    def _speaks_amqp(self) -> bool:
        try:
            with socket.create_connection((_HOST, self.port), timeout=2) as connection:
                connection.sendall(_PROTOCOL_HEADER)
                return connection.recv(1) == _METHOD_FRAME
        except OSError:
            return False


def _attach(state: dict[str, int] | None) -> ServerProcess | None:
    return None if state is None else ServerProcess(id=ProcessId(**state))


def _program(name: str) -> Path:
    """One of RabbitMQ's own scripts: those on the PATH are wrappers that change to the system broker's user."""
    wrapper = shutil.which("rabbitmq-server", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
    if wrapper is None:
        raise LabError(_INSTALL_HINT)
    program = Path(wrapper).resolve().parent / name
    if not program.is_file():
        raise LabError(_INSTALL_HINT)
    return program
