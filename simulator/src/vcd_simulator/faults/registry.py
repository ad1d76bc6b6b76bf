"""The faults that are set, and the decision which calls they hit."""

import itertools
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, ValidationError

from vcd_simulator.faults.effects import Effect
from vcd_simulator.faults.selector import Place, Selector

LONGEST_DELAY_S = 7 * 86_400.0


class FaultError(ValueError):
    """A fault that cannot be; the message says why, and what would be possible."""


class FaultSpec(BaseModel):
    """A fault as it is asked for: which calls, what happens to them, how often."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    at: Place | None = None
    """Where; needed only if neither the conditions nor the effect tell."""
    when: Selector = Selector()
    error: Effect | None = None
    delay_s: Annotated[float, Field(ge=0, le=LONGEST_DELAY_S, allow_inf_nan=False)] = 0.0
    """How long the call is held up, first of all."""
    after: NonNegativeInt = 0
    """How many calls that match are spared first."""
    times: PositiveInt | None = 1
    """How many calls are hit; None: all, until the fault is removed."""
    chance: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Which share of the calls that match is hit, by chance."""
    seed: int = 0
    """Decides the chance: the same seed hits the same calls."""


@dataclass(kw_only=True)
class Fault:
    """A fault that is set."""

    id: str
    place: Place
    spec: FaultSpec
    matched: int = 0
    """Calls that met the conditions."""
    injected: int = 0
    """Calls that were hit."""
    _random: random.Random = field(repr=False)

    @property
    def is_spent(self) -> bool:
        """Whether it has hit as many calls as it was to."""
        return self.spec.times is not None and self.injected >= self.spec.times

    def hits(self) -> bool:
        """Count a call that matches; whether it is hit."""
        self.matched += 1
        if self.is_spent or self.matched <= self.spec.after:
            return False
        if self.spec.chance < 1 and self._random.random() >= self.spec.chance:
            return False
        self.injected += 1
        return True

    def to_json(self) -> dict[str, Any]:
        """As the control API shows it."""
        return {
            "id": self.id,
            "at": self.place,
            "matched": self.matched,
            "injected": self.injected,
            "spent": self.is_spent,
            "fault": self.spec.model_dump(mode="json", exclude_defaults=True, by_alias=True)
            | {"error": None if self.spec.error is None else self.spec.error.model_dump(mode="json")},
        }


@dataclass(frozen=True, kw_only=True)
class Injection:
    """What happens to one call: a delay first, then an effect, if there is one."""

    delay_s: float = 0.0
    error: Any = None
    """One of the effects; which of them depends on the place."""


NOTHING = Injection()
_NOT_DELAYED = (Place.LOGIN, Place.DISK, Place.LISTENER)
"""Where nobody waits: delay the call that logs in or writes instead."""


class Faults:
    """Faults by place, in the order in which they were set. Thread-safe."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}
        self._places: dict[Place, list[Fault]] = {}
        self._numbers = itertools.count(1)
        self._watchers: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def watch(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Have a function called, in the caller's thread, after faults were set or removed; returns how to end that."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def __iter__(self) -> Iterator[Fault]:
        with self._lock:
            return iter(list(self._faults.values()))

    def add(
        self,
        *,
        at: Place | str | None = None,
        error: Effect | None = None,
        delay_s: float = 0.0,
        times: int | None = 1,
        after: int = 0,
        chance: float = 1.0,
        seed: int = 0,
        **when: str | None,
    ) -> Fault:
        """Set a fault; the conditions are those of `Selector`, the rest is described at `FaultSpec`.

        Raises:
            FaultError: such a fault cannot be.
        """
        values = {"error": error, "delay_s": delay_s, "times": times, "after": after, "chance": chance, "seed": seed}
        return self.add_spec(self.spec_of({"at": at, "when": when, **values}))

    @staticmethod
    def spec_of(values: object) -> FaultSpec:
        """A checked specification. Raises FaultError."""
        try:
            return FaultSpec.model_validate(values)
        except ValidationError as exc:
            found = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in exc.errors())
            raise FaultError(f"this is not a fault: {found}") from exc

    def add_spec(self, spec: FaultSpec) -> Fault:
        """Set a fault. Raises FaultError: nothing can go wrong like that where the conditions hold."""
        place = _place_of(spec)
        with self._lock:
            fault = Fault(
                id=f"fault-{next(self._numbers)}",
                place=place,
                spec=spec,
                _random=random.Random(spec.seed),  # noqa: S311  # to be repeatable, not secret
            )
            self._faults[fault.id] = fault
            self._places.setdefault(place, []).append(fault)
        self._tell()
        return fault

    def get(self, fault_id: str) -> Fault | None:
        return self._faults.get(fault_id)

    def remove(self, fault: Fault) -> None:
        """Let everything work again, as far as this fault is concerned; removing it twice is no error."""
        with self._lock:
            if self._faults.pop(fault.id, None) is not None:
                # Others may be reading the list without the lock, so it is replaced rather than changed.
                self._places[fault.place] = [one for one in self._places[fault.place] if one is not fault]
        self._tell()

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._faults.clear()
            self._places.clear()
        self._tell()

    def _tell(self) -> None:
        for watcher in list(self._watchers):
            watcher()

    def hits(self, fault: Fault, **facts: str) -> bool:
        """Whether one fault is for something with these properties, and hits it; counts as a call."""
        with self._lock:
            return fault.spec.when.matches({name: (value,) for name, value in facts.items()}) and fault.hits()

    def decide(self, place: Place, **facts: str | Sequence[str] | None) -> Injection:
        """What happens to a call with these properties; the first fault with an effect wins, delays add up."""
        if not self._places.get(place):
            return NOTHING
        told = {name: (value,) if isinstance(value, str) else tuple(value) for name, value in facts.items() if value}
        delay_s, error = 0.0, None
        with self._lock:
            for fault in self._places.get(place, ()):
                if fault.is_spent or not fault.spec.when.matches(told):
                    continue
                if error is not None and fault.spec.error is not None:
                    fault.matched += 1  # one of its calls, although it is not the one that fails it
                elif fault.hits():
                    delay_s += fault.spec.delay_s
                    error = error or fault.spec.error
        return Injection(delay_s=delay_s, error=error)


def _place_of(spec: FaultSpec) -> Place:
    """Where a fault happens: where its conditions can hold and its effect is possible."""
    if spec.error is None and not spec.delay_s:
        raise FaultError("a fault has an error, a delay_s, or both")
    possible = list(Place) if spec.error is None else list(spec.error.places)
    held = spec.when.places()
    if spec.at is not None:
        held = {spec.at} if held is None else held & {spec.at}
    if held is not None:
        possible = [place for place in possible if place in held]
    if spec.delay_s:
        possible = [place for place in possible if place not in _NOT_DELAYED]
    if spec.error is None and len(possible) > 1 and (held is None or Place.REST not in held):
        raise FaultError(f"say with `at` where the delay is meant: {', '.join(sorted(possible))}")
    if not possible:
        what = "a delay" if spec.error is None else f"the effect {spec.error.kind!r}"
        places = "" if spec.error is None else f"; it happens at {', '.join(spec.error.places)}"
        raise FaultError(f"{what} cannot happen where these conditions hold{places}")
    return possible[0]
