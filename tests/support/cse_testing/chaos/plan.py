"""What is done to the processes of a test, at which points, and what they have come past."""

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final, Self

KILL: Final = "kill"
FALL: Final = "fall"
"""Waits until the test kills the process, with others that have come to a point of theirs; see `Reaper`."""
LOGOUT: Final = "logout"
"""Ends the session in which the request was made."""
HOLD: Final = "hold"
"""Waits for `Plan.let_go`."""
FAILURE: Final = "CHAOS"
"""Reason of the error that a step in `Plan.fails` raises."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is done to whom. Everything is done once, by whichever process comes there first, but for `fails`."""

    directory: str
    control: str
    """Address of the simulator."""
    control_token: str
    actions: dict[str, dict[str, str]] = field(default_factory=dict)
    """By request id and point."""
    fails: dict[str, str] = field(default_factory=dict)
    """By request id, the step that raises an error instead of doing anything."""
    timing: dict[str, float] = field(default_factory=dict)
    """Of the engine; empty: as it is deployed."""
    read_timeout_s: float = 60.0
    """Of a request to vCD."""

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, path: Path) -> Self:
        return cls(**json.loads(path.read_text()))

    @property
    def history_file(self) -> Path:
        return Path(self.directory) / "history"

    @property
    def fallen_file(self) -> Path:
        """A line for each process and request that waits to be killed, as they come."""
        return Path(self.directory) / "fallen"

    def marker(self, request_id: str, point: str) -> Path:
        """There once the action has been taken."""
        digest = hashlib.sha256(f"{request_id} {point}".encode()).hexdigest()[:24]
        return Path(self.directory) / f"done-{digest}"

    def let_go(self, request_id: str, point: str) -> None:
        self.marker(request_id, point).with_suffix(".go").touch()

    def taken(self) -> Counter[str]:
        """How many actions of each request have been taken."""
        return Counter(
            {
                request_id: sum(self.marker(request_id, point).exists() for point in points)
                for request_id, points in self.actions.items()
            }
        )

    def missed(self) -> dict[str, list[str]]:
        """Points of each request that no process came to."""
        found = {
            request_id: [point for point in points if not self.marker(request_id, point).exists()]
            for request_id, points in self.actions.items()
        }
        return {request_id: points for request_id, points in found.items() if points}


@dataclass(frozen=True)
class Passed:
    """A process came to a point."""

    time: float
    """Of the machine's monotonic clock, which all processes share."""
    process: int
    request_id: str
    point: str


def read_history(plan: Plan) -> list[Passed]:
    """In the order in which it happened."""
    if not plan.history_file.exists():
        return []
    rows = (line.split("\t") for line in plan.history_file.read_text().splitlines())
    return [Passed(float(when), int(process), request_id, point) for when, process, request_id, point in rows]
