"""What can go wrong in a guest, from the simulator's own list of faults."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, get_args

from vcd_simulator.faults import Effect, Place

IN_GUESTS: Final = (Place.BOOT, Place.LOGIN, Place.PROGRAM, Place.DISK, Place.SOAP, Place.TRANSFER)
DELAY: Final = "delay"
SET_UP: Final = "*"
"""As a program in the conditions of a case: what sets up a guest of the role that is hit."""


class Role(Enum):
    """Whose guest is hit; the value is what its name begins with."""

    CONTROL_PLANE = "mstr"
    WORKER = "node"
    NFS = "nfsd"


_SETS_UP: Final = {Role.CONTROL_PLANE: "kubeadm init*", Role.WORKER: "kubeadm join*", Role.NFS: "exportfs*"}
"""What a role's script calls, and what nothing else in its guest does."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One thing that goes wrong in the guest of one role, from now on or just once.

    Attributes:
        name: of the fault, as tests show it.
        at: where it happens.
        error: what happens; None for a delay.
        delay_s: how long it is held up.
        when: further conditions; `program` may be `SET_UP`.
        times: how often; None is from now on.
        after: so many calls are spared first.
        reason: what operations that add such a node end with; empty if they get over it.
        says: what their message has to contain.
        roles: whose guests it can happen in.
        on_old: what happens in the control plane of a cluster to which workers are added, if anything.
    """

    name: str
    at: Place
    error: Any = None
    delay_s: float = 0.0
    when: Mapping[str, str] = field(default_factory=dict)
    times: int | None = None
    after: int = 0
    reason: str
    says: str = ""
    roles: tuple[Role, ...] = tuple(Role)
    on_old: str | None = None

    @property
    def kind(self) -> tuple[str, Place]:
        """The fault as the registry has it."""
        return (DELAY if self.error is None else self.error.kind, self.at)

    def fault(self, role: Role, vcenter: str) -> dict[str, Any]:
        """Arguments of `Faults.add`, for all guests of this role in this vCenter."""
        when = {name: _SETS_UP[role] if value == SET_UP else value for name, value in self.when.items()}
        where = {"at": self.at, "vcenter": vcenter, "guest": f"{role.value}-*"}
        how = {"error": self.error, "delay_s": self.delay_s, "times": self.times, "after": self.after}
        return {**where, **when, **how}


def faults_of_guests() -> Iterator[tuple[str, Place]]:
    """Every fault that the simulator can inject into a guest: its kind, and where."""
    effects, _ = get_args(Effect)
    for effect in get_args(effects):
        for place in IN_GUESTS:
            if place in effect.places:
                yield effect.model_fields["kind"].default, place
    for place in IN_GUESTS:
        if place not in (Place.LOGIN, Place.DISK):  # where nobody waits
            yield DELAY, place
