"""What can go wrong in a guest, from the simulator's own list of faults, and how an operation has to end then."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import Enum
from typing import Any, Final, get_args

from cse_clusters.application.guest_work import Limits
from vcd_simulator.faults import (
    ConnectionReset,
    DiskFull,
    Effect,
    GuestHangs,
    HttpError,
    Place,
    ProgramFails,
    ProgramHangs,
    SessionExpired,
    SoapFault,
    ToolsNeverStart,
    TruncatedBody,
    WrongGuestPassword,
)

IN_GUESTS: Final = (Place.BOOT, Place.LOGIN, Place.PROGRAM, Place.DISK, Place.SOAP, Place.TRANSFER)
DELAY: Final = "delay"
FOR_EVER_S: Final = 300.0
LANES: Final = 12
"""VDCs, each with a vCenter, in which cases run side by side."""
LIMITS: Final = Limits(
    placing=timedelta(seconds=40),
    boot=timedelta(seconds=20),
    script=timedelta(seconds=25),
    mint=timedelta(seconds=20),
    drain=timedelta(seconds=20),
    ready=timedelta(seconds=12),
    busy=timedelta(seconds=40),
    outage=timedelta(seconds=8),
)
"""Long enough for a guest in which nothing goes wrong on a machine that is busy, short enough to wait for."""


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


def _meets_removals(case: Case) -> bool:
    """Whether it hits any script on the control plane of a cluster that has long been there; none prints anything."""
    if case.when.get("method") == "GET":
        return False
    gets_over_it = not case.reason and case.at is not Place.BOOT
    return (case.on_old is not None or gets_over_it) and case.when.get("program") in (None, _SCRIPT["program"])


SET_UP: Final = "*"
_START: Final = {"soap": "StartProgramInGuest"}
_SCRIPT: Final = {"program": "bash"}
_AWAY: Final = "VCENTER_UNAVAILABLE"

CASES: Final = (
    Case(name="hangs-at-boot", at=Place.BOOT, error=GuestHangs(), reason="GUEST_UNAVAILABLE", says="tools"),
    Case(name="tools-never-start", at=Place.BOOT, error=ToolsNeverStart(), reason="GUEST_UNAVAILABLE", says="tools"),
    Case(name="boots-for-ever", at=Place.BOOT, delay_s=FOR_EVER_S, reason="GUEST_UNAVAILABLE", says="tools"),
    Case(
        name="refuses-the-password",
        at=Place.LOGIN,
        error=WrongGuestPassword(),
        reason="GUEST_LOGIN_REFUSED",
        says="password",
        on_old="GUEST_LOGIN_REFUSED",
    ),
    Case(
        name="refuses-the-password-once",
        at=Place.LOGIN,
        error=WrongGuestPassword(),
        times=1,
        reason="",
        says="password",
        on_old="GUEST_LOGIN_REFUSED",
    ),
    Case(
        name="hangs-at-login",
        at=Place.LOGIN,
        error=GuestHangs(),
        times=1,
        reason="GUEST_UNAVAILABLE",
        says="tools",
        on_old="GUEST_UNAVAILABLE",
    ),
    Case(
        name="hangs-amid-its-script",
        at=Place.PROGRAM,
        error=GuestHangs(),
        when={"program": SET_UP},
        times=1,
        reason="GUEST_UNAVAILABLE",
        says="tools",
    ),
    Case(
        name="script-fails",
        at=Place.PROGRAM,
        error=ProgramFails(exit_code=3, stderr="no luck today"),
        when=_SCRIPT,
        reason="GUEST_SCRIPT_FAILED",
        says="its script ended with 3: no luck today",
        on_old="GUEST_SCRIPT_FAILED",
    ),
    Case(
        name="set-up-fails",
        at=Place.PROGRAM,
        error=ProgramFails(exit_code=2, stderr="preflight: port 10250 is in use"),
        when={"program": SET_UP},
        reason="GUEST_SCRIPT_FAILED",
        says="port 10250 is in use",
    ),
    Case(
        name="services-fail",
        at=Place.PROGRAM,
        error=ProgramFails(exit_code=5, stderr="Failed to connect to bus"),
        when={"program": "systemctl*"},
        reason="GUEST_SCRIPT_FAILED",
        says="Failed to connect to bus",
    ),
    Case(
        name="mints-no-token",
        at=Place.PROGRAM,
        error=ProgramFails(exit_code=1, stderr="timed out waiting for etcd"),
        when={"program": "kubeadm token*"},
        reason="GUEST_SCRIPT_FAILED",
        says="timed out waiting for etcd",
        roles=(Role.CONTROL_PLANE,),
        on_old="GUEST_SCRIPT_FAILED",
    ),
    Case(
        name="kubectl-fails",
        at=Place.PROGRAM,
        error=ProgramFails(exit_code=1, stderr="connection to the server refused"),
        when={"program": "kubectl get nodes -o json"},
        reason="NODES_NOT_READY",
        says="connection to the server refused",
        roles=(Role.CONTROL_PLANE,),
        on_old="NODES_NOT_READY",
    ),
    Case(
        name="set-up-never-ends",
        at=Place.PROGRAM,
        error=ProgramHangs(),
        when={"program": SET_UP},
        reason="SCRIPT_TIMEOUT",
        says="and was killed",
    ),
    Case(
        name="script-never-ends",
        at=Place.PROGRAM,
        error=ProgramHangs(),
        when=_SCRIPT,
        reason="SCRIPT_TIMEOUT",
        says="did not end within",
        on_old="SCRIPT_TIMEOUT",
    ),
    Case(
        name="set-up-takes-for-ever",
        at=Place.PROGRAM,
        delay_s=FOR_EVER_S,
        when={"program": SET_UP},
        reason="SCRIPT_TIMEOUT",
        says="did not end within",
    ),
    Case(
        name="disk-is-full",
        at=Place.DISK,
        error=DiskFull(),
        reason="GUEST_DISK_FULL",
        says="no space left",
        on_old="GUEST_DISK_FULL",
    ),
    Case(name="calls-get-503", at=Place.SOAP, error=HttpError(), when=_START, reason=_AWAY, on_old=_AWAY),
    Case(name="calls-are-reset", at=Place.SOAP, error=ConnectionReset(), when=_START, reason=_AWAY, on_old=_AWAY),
    Case(name="answers-are-lost", at=Place.SOAP, error=ConnectionReset(after=True), when=_START, times=1, reason=""),
    Case(name="answers-are-cut", at=Place.SOAP, error=TruncatedBody(), when=_START, reason=_AWAY, on_old=_AWAY),
    Case(name="sessions-expire", at=Place.SOAP, error=SessionExpired(), when=_START, reason=_AWAY, on_old=_AWAY),
    Case(name="a-session-expires", at=Place.SOAP, error=SessionExpired(), when=_START, times=1, reason=""),
    Case(
        name="calls-fail",
        at=Place.SOAP,
        error=SoapFault(fault="GuestPermissionDenied", message="not today"),
        when=_START,
        reason="GUEST_REFUSED",
        says="not today",
        on_old="GUEST_REFUSED",
    ),
    Case(name="calls-are-slow", at=Place.SOAP, delay_s=0.3, when=_START, reason=""),
    Case(name="transfers-get-503", at=Place.TRANSFER, error=HttpError(), reason=_AWAY, on_old=_AWAY),
    Case(name="transfers-are-reset", at=Place.TRANSFER, error=ConnectionReset(), reason=_AWAY, on_old=_AWAY),
    Case(name="a-transfer-is-reset", at=Place.TRANSFER, error=ConnectionReset(), times=1, reason=""),
    Case(
        name="fetched-files-are-cut",
        at=Place.TRANSFER,
        error=TruncatedBody(),
        when={"method": "GET"},
        reason=_AWAY,
        roles=(Role.CONTROL_PLANE,),
        on_old=_AWAY,
    ),
    Case(name="transfers-are-slow", at=Place.TRANSFER, delay_s=0.3, reason=""),
)

_KUBECTL_FAILS: Final = ProgramFails(exit_code=1, stderr="etcdserver: request timed out")
_OF_KUBECTL: Final = (
    Case(
        name="cordon-fails",
        at=Place.PROGRAM,
        error=_KUBECTL_FAILS,
        when={"program": "kubectl cordon*"},
        reason="GUEST_SCRIPT_FAILED",
        says="request timed out",
        roles=(Role.CONTROL_PLANE,),
    ),
    Case(
        name="drain-fails",
        at=Place.PROGRAM,
        error=_KUBECTL_FAILS,
        when={"program": "kubectl drain*"},
        reason="DRAIN_FAILED",
        says="request timed out",
        roles=(Role.CONTROL_PLANE,),
    ),
    Case(
        name="drain-never-ends",
        at=Place.PROGRAM,
        error=ProgramHangs(),
        when={"program": "kubectl drain*"},
        reason="SCRIPT_TIMEOUT",
        says="did not end within",
        roles=(Role.CONTROL_PLANE,),
    ),
    Case(
        name="node-is-not-deleted",
        at=Place.PROGRAM,
        error=_KUBECTL_FAILS,
        when={"program": "kubectl delete node*"},
        reason="GUEST_SCRIPT_FAILED",
        says="request timed out",
        roles=(Role.CONTROL_PLANE,),
    ),
)
REMOVALS: Final = (
    *(replace(case, reason=case.on_old or "", roles=(Role.CONTROL_PLANE,)) for case in CASES if _meets_removals(case)),
    *_OF_KUBECTL,
)
"""What goes wrong on the control plane of a cluster that loses a node, and how an operation ends that is not forced."""


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
