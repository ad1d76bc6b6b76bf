"""The three services in one process, on Unix sockets that nobody else can reach."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cse_cli.checks.result import Announce
from cse_clusters import bootstrap as clusters
from cse_clusters.settings import ClustersSettings
from cse_core.config import CONFIG_VARIABLE, Config
from cse_core.runtime import Service, run_until_signal
from cse_gateway import bootstrap as gateway
from cse_gateway.settings import GatewaySettings
from cse_templates import bootstrap as templates
from cse_templates.settings import TemplatesSettings

_LISTEN: Final = {
    "CSE_TEMPLATES_LISTEN": "templates.sock",
    "CSE_CLUSTERS_LISTEN": "clusters.sock",
    "CSE_GATEWAY_LISTEN": "gateway.sock",
}
_TARGETS: Final = {"CSE_TEMPLATES_TARGET": "CSE_TEMPLATES_LISTEN", "CSE_CLUSTERS_TARGET": "CSE_CLUSTERS_LISTEN"}


class Announced:
    """A service that says when it starts, runs and ends."""

    def __init__(self, service: Service, say: Announce) -> None:
        self.name = service.name
        self._service = service
        self._say = say

    def start(self) -> None:
        self._say(f"starting {self.name}")
        self._service.start()

    def stop(self, grace_s: float) -> None:
        self._say(f"ending {self.name}")
        self._service.stop(grace_s)

    def wait(self, timeout_s: float | None = None) -> bool:
        return self._service.wait(timeout_s)


class Welcome:
    """Started after everything else, it says that the service runs."""

    name = "cse"

    def __init__(self, say: Announce) -> None:
        self._say = say

    def start(self) -> None:
        self._say("CSE is running; Ctrl-C ends it")

    def stop(self, grace_s: float) -> None:
        """Nothing is there to be stopped."""

    def wait(self, timeout_s: float | None = None) -> bool:  # noqa: ARG002 - the port's signature
        """It never ends by itself."""
        return False


@dataclass(frozen=True)
class Ended:
    """How the service ended. With threads left, the process does not end by itself."""

    code: int
    has_threads_left: bool


def serve(config: Config, path: Path, variables: Mapping[str, str], say: Announce) -> Ended:
    """Runs until SIGTERM, SIGINT or the end of the service; returns how that was.

    Args:
        config: of the provider.
        path: where it was read.
        variables: the environment; an address that it names for a service is used instead of a socket.
        say: is told how it goes.

    Raises:
        SettingsError, CatalogueError, StartError, CseError, OSError: what keeps it from starting.
    """
    with _runtime_directory() as directory:
        environment = _environment(variables, directory) | {CONFIG_VARIABLE: str(path)}
        front = gateway.create(config, GatewaySettings.read(environment))
        manager = clusters.create(config, ClustersSettings.read(environment))
        parts: list[Service] = [templates.create(config, TemplatesSettings.read(environment)), manager, front]
        code = run_until_signal([*(Announced(part, say) for part in parts), Welcome(say)])
        return Ended(code if front.failure is None else 1, has_threads_left=manager.has_threads_left)


def _environment(variables: Mapping[str, str], directory: Path) -> dict[str, str]:
    environment = dict(variables)
    for variable, socket in _LISTEN.items():
        environment[variable] = variables.get(variable) or f"unix:{directory / socket}"
    for target, listen in _TARGETS.items():
        environment[target] = environment[listen]
    return environment


@contextmanager
def _runtime_directory() -> Iterator[Path]:
    """A directory for the sockets that only we can enter; short, for a socket's path has at most 107 bytes."""
    directory = Path(tempfile.mkdtemp(prefix="cse-", dir="/tmp"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
