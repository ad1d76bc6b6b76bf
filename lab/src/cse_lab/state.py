"""What a lab has started, on disk from the first process on, so that nothing is lost when its starter dies."""

import fcntl
import json
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cse_lab.processes import LabError, ProcessId, ServerProcess

_STATE = "state.json"
_ENV = "lab.env"
_LOCK = "lock"


@dataclass(kw_only=True)
class LabState:
    """The processes of a lab in the order of their start, and the variables it offers to its users."""

    directory: Path
    processes: dict[str, ServerProcess] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    ready: bool = False

    @classmethod
    def load(cls, directory: Path) -> "LabState | None":
        """The state that was saved in `directory`; None when there is no lab.

        Raises:
            LabError: the file is damaged.
        """
        path = directory / _STATE
        try:
            data = json.loads(path.read_text())
            processes = {name: ServerProcess(id=ProcessId(**entry)) for name, entry in data["processes"].items()}
            return cls(
                directory=directory, processes=processes, variables=dict(data["variables"]), ready=bool(data["ready"])
            )
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as exc:
            raise LabError(f"{path} is damaged; end what still runs by hand and remove {directory}") from exc

    def save(self) -> None:
        """Write the state, readable by its owner only."""
        data = {
            "processes": {name: asdict(process.id) for name, process in self.processes.items()},
            "variables": self.variables,
            "ready": self.ready,
        }
        write_private(self.directory / _STATE, json.dumps(data, indent=1))

    def forget(self) -> None:
        """Remove the state and `lab.env`; logs and data stay for inspection."""
        for name in (_STATE, _ENV):
            (self.directory / name).unlink(missing_ok=True)

    def log(self, name: str) -> Path:
        """Where the output of a process is kept."""
        return self.directory / "logs" / f"{name}.log"

    @property
    def env_file(self) -> Path:
        """The variables in shell syntax."""
        return self.directory / _ENV


def write_env(path: Path, variables: Mapping[str, str]) -> None:
    """Write variables in shell syntax, readable by their owner only: some are passwords."""
    lines = [f"{name}={shlex.quote(value)}\n" for name, value in variables.items()]
    write_private(
        path, "# The running lab, for `. lab.env`; `make down` ends it and removes this file.\n" + "".join(lines)
    )


def write_private(path: Path, text: str) -> None:
    """Replace a file at once, with mode 0600."""
    draft = path.with_name(path.name + ".part")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.replace(path)


@contextmanager
def exclusive(directory: Path) -> Iterator[None]:
    """Keep two programs from starting or ending the same lab at once.

    Raises:
        LabError: another one is at it.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (directory / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LabError(
                f"another program is starting or ending the lab in {directory}; try again when it is done"
            ) from None
        yield
