"""Everything that the simulator can make go wrong in a guest, and how an operation has to end then."""

from dataclasses import replace
from typing import Final

from cse_testing.clusters.guest_faults import SET_UP, Case, Role
from vcd_simulator.faults import (
    ConnectionReset,
    DiskFull,
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

_FOR_EVER_S: Final = 300.0
_START: Final = {"soap": "StartProgramInGuest"}
_SCRIPT: Final = {"program": "bash"}
_AWAY: Final = "VCENTER_UNAVAILABLE"

CASES: Final = (
    Case(name="hangs-at-boot", at=Place.BOOT, error=GuestHangs(), reason="GUEST_UNAVAILABLE", says="tools"),
    Case(name="tools-never-start", at=Place.BOOT, error=ToolsNeverStart(), reason="GUEST_UNAVAILABLE", says="tools"),
    Case(name="boots-for-ever", at=Place.BOOT, delay_s=_FOR_EVER_S, reason="GUEST_UNAVAILABLE", says="tools"),
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
        when={"program": "kubectl get nodes -o jsonpath=*"},
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
        delay_s=_FOR_EVER_S,
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


def _meets_removals(case: Case) -> bool:
    """Whether it hits any script on the control plane of a cluster that has long been there; none prints anything."""
    if case.when.get("method") == "GET":
        return False
    gets_over_it = not case.reason and case.at is not Place.BOOT
    return (case.on_old is not None or gets_over_it) and case.when.get("program") in (None, _SCRIPT["program"])


REMOVALS: Final = (
    *(replace(case, reason=case.on_old or "", roles=(Role.CONTROL_PLANE,)) for case in CASES if _meets_removals(case)),
    *_OF_KUBECTL,
)
"""What goes wrong on the control plane of a cluster that loses a node, and how an operation ends that is not forced."""
