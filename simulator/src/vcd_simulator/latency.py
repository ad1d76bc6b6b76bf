"""How long things take: latency profiles.

A profile maps kinds of work to seconds. Kinds are dotted paths, and the longest known prefix decides:
`guest.process.kubeadm-init` falls back to `guest.process`, then to `guest`. What no prefix names takes no time. The
kinds in use:

* `rest.login`, `rest.query`, `rest.<METHOD>`: a request to vCloud Director; `soap.<Method>`: one to a vCenter
* `task.<operationName>`: a vCD task, such as `task.vdcComposeVapp`; `task.queued`: the time before a task starts to
  run
* `vm.clone`, `vm.power`: added to a task for each VM it clones or powers (VMs are worked on side by side,
  `parallel` of the profile at a time)
* `vcenter.<Method>`: a task of a vCenter, such as `vcenter.PowerOnVM_Task`, or what it asks of a guest
* `guest.boot`, `guest.process.<program>`: what happens inside a VM; `guest.report`: until vCD hears that a guest has
  been customized
"""

import random
import threading
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, NonNegativeFloat, ValidationError

BUILT_IN = ("instant", "lab", "field")
_MOST_KINDS = 1_000
"""How many kinds draw for themselves; what clients make up (names of methods) must not fill the memory."""
_OTHERS = "(others)"


class Delay(BaseModel):
    """Seconds of one kind of work, spread evenly by `jitter` (0.2: between 80 % and 120 %)."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    seconds: NonNegativeFloat
    jitter: Annotated[float, Field(ge=0, le=1)] | None = None


def _as_delay(value: object) -> object:
    return {"seconds": value} if isinstance(value, int | float) else value


class Profile(BaseModel):
    """A latency profile as it is written in YAML."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    description: str = ""
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.0
    parallel: Annotated[int, Field(ge=1)] = 8
    """How many VMs one task clones or powers at the same time."""
    delays: dict[str, Annotated[Delay, BeforeValidator(_as_delay)]] = {}


class Latency:
    """Draws delays from a profile. Thread-safe.

    The same seed draws the same delays for each kind, in the order in which that kind is asked for; what else goes on
    at the same time makes no difference.
    """

    def __init__(self, profile: Profile | None = None, *, seed: int = 0, scale: float = 1.0) -> None:
        if scale < 0:
            raise ValueError("the scale of a latency profile cannot be negative")
        self._profile = profile or Profile()
        self._scale = scale
        self._seed = seed
        self._random: dict[str, random.Random] = {}
        self._lock = threading.Lock()

    @classmethod
    def named(cls, profile: str, *, seed: int = 0, scale: float = 1.0) -> "Latency":
        """The latencies of a built-in profile (`instant`, `lab`, `field`) or of a YAML file.

        Raises:
            ValueError: there is no such profile, or the file does not hold one; the message says what is wrong.
        """
        return cls(load_profile(profile), seed=seed, scale=scale)

    def delay(self, kind: str) -> float:
        """Seconds that one piece of work of this kind takes, this time."""
        delay = self._find(kind)
        if delay is None or delay.seconds == 0:
            return 0.0
        jitter = self._profile.jitter if delay.jitter is None else delay.jitter
        with self._lock:
            spread = 1 + jitter * self._source(kind).uniform(-1, 1)
        return delay.seconds * spread * self._scale

    def together(self, kind: str, count: int) -> float:
        """Seconds until `count` pieces of work are done, `parallel` of them at a time."""
        lanes = [0.0] * min(count, self._profile.parallel)
        for _ in range(count):
            soonest = min(range(len(lanes)), key=lanes.__getitem__)
            lanes[soonest] += self.delay(kind)
        return max(lanes, default=0.0)

    def _source(self, kind: str) -> random.Random:
        if kind not in self._random and len(self._random) >= _MOST_KINDS:
            kind = _OTHERS
        if kind not in self._random:
            self._random[kind] = random.Random(f"{self._seed} {kind}")  # noqa: S311  # repeatable, not secret
        return self._random[kind]

    def _find(self, kind: str) -> Delay | None:
        delays: Mapping[str, Delay] = self._profile.delays
        while True:
            if kind in delays:
                return delays[kind]
            kind, dot, _ = kind.rpartition(".")
            if not dot:
                return None


def load_profile(name_or_path: str) -> Profile:
    """Read a built-in profile or a YAML file.

    Raises:
        ValueError: there is no such profile, or the file does not hold one.
    """
    if name_or_path in BUILT_IN:
        text = resources.files(__package__).joinpath("profiles", f"{name_or_path}.yaml").read_text(encoding="utf-8")
    else:
        path = Path(name_or_path)
        if not path.is_file():
            raise ValueError(f"latency profile {name_or_path!r} is neither a file nor one of {', '.join(BUILT_IN)}")
        text = path.read_text(encoding="utf-8")
    try:
        return Profile.model_validate(yaml.safe_load(text) or {})
    except (yaml.YAMLError, ValidationError) as exc:
        raise ValueError(f"latency profile {name_or_path!r} is not valid: {exc}") from exc
