"""What a fault does to a call. Each effect names the places where it can happen, the usual one first."""

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt

from vcd_simulator.faults.selector import Place


class _Effect(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    places: ClassVar[tuple[Place, ...]] = ()


class BusyEntity(_Effect):
    """Refused with BUSY_ENTITY, as if another task were at work."""

    places = (Place.REST, Place.TASK)
    kind: Literal["busy"] = "busy"
    entity: str = "entity"
    operation: str = "vdcUpdateVapp"


class HttpError(_Effect):
    """Refused with an HTTP status; from vCloud Director with an Error document of these codes."""

    places = (Place.REST, Place.VCENTER, Place.SOAP, Place.TRANSFER)
    kind: Literal["http"] = "http"
    status: Annotated[int, Field(ge=400, le=599)] = 503
    minor: str = "INTERNAL_SERVER_ERROR"
    message: str = "The simulator was told to fail this request."


class ConnectionReset(_Effect):
    """The connection is reset: before anything is done, or, with `after`, when all is done but the answer."""

    places = (Place.REST, Place.VCENTER, Place.SOAP, Place.TRANSFER)
    kind: Literal["reset"] = "reset"
    after: bool = False


class ConnectionRefused(_Effect):
    """Nothing listens at the vCenter's address, from the moment the fault is set until it is removed."""

    places = (Place.LISTENER,)
    kind: Literal["refused"] = "refused"


class TruncatedBody(_Effect):
    """The connection ends amid the answer, after this share of its body."""

    places = (Place.REST, Place.VCENTER, Place.SOAP, Place.TRANSFER)
    kind: Literal["truncated"] = "truncated"
    share: Annotated[float, Field(ge=0, lt=1)] = 0.5


class SessionExpired(_Effect):
    """The caller's session ends before the call is looked at."""

    places = (Place.REST, Place.SOAP)
    kind: Literal["session-expired"] = "session-expired"


class TaskFails(_Effect):
    """The task takes its time and fails, without an effect on the cloud."""

    places = (Place.TASK,)
    kind: Literal["task-fails"] = "task-fails"
    minor: str = "INTERNAL_SERVER_ERROR"
    message: str = "The simulator was told to fail this task."


class SoapFault(_Effect):
    """The call ends with a fault of the vSphere API that has no fields of its own."""

    places = (Place.SOAP,)
    kind: Literal["soap-fault"] = "soap-fault"
    fault: Annotated[str, Field(pattern=r"^[A-Za-z]+$")] = "RuntimeFault"
    message: str = "The simulator was told to fail this call."


class WrongGuestPassword(_Effect):
    """The guest does not accept the credentials."""

    places = (Place.LOGIN,)
    kind: Literal["wrong-guest-password"] = "wrong-guest-password"


class ToolsNeverStart(_Effect):
    """The guest boots and is customized, but its tools never answer; the next boot is another matter."""

    places = (Place.BOOT,)
    kind: Literal["tools-never-start"] = "tools-never-start"


class GuestHangs(_Effect):
    """The guest stops: tools, programs and network are gone until it is reset, though it is still powered on."""

    places = (Place.PROGRAM, Place.LOGIN, Place.BOOT)
    kind: Literal["guest-hangs"] = "guest-hangs"


class ProgramFails(_Effect):
    """The program does nothing but print to stderr and end with an exit code."""

    places = (Place.PROGRAM,)
    kind: Literal["program-fails"] = "program-fails"
    exit_code: Annotated[int, Field(ge=1, le=255)] = 1
    stderr: str = "the simulator was told to fail this program"


class ProgramHangs(_Effect):
    """The program never gets anywhere, and never ends."""

    places = (Place.PROGRAM,)
    kind: Literal["program-hangs"] = "program-hangs"


class DiskFull(_Effect):
    """There is no space left for what is about to be written; a program that is started may write no byte."""

    places = (Place.DISK,)
    kind: Literal["disk-full"] = "disk-full"


class Drop(_Effect):
    """The message is lost."""

    places = (Place.MESSAGE,)
    kind: Literal["drop"] = "drop"


class Duplicate(_Effect):
    """The message comes more than once, with the same ids."""

    places = (Place.MESSAGE,)
    kind: Literal["duplicate"] = "duplicate"
    copies: Annotated[NonNegativeInt, Field(le=10)] = 1


Effect = Annotated[
    BusyEntity
    | HttpError
    | ConnectionReset
    | ConnectionRefused
    | TruncatedBody
    | SessionExpired
    | TaskFails
    | SoapFault
    | WrongGuestPassword
    | ToolsNeverStart
    | GuestHangs
    | ProgramFails
    | ProgramHangs
    | DiskFull
    | Drop
    | Duplicate,
    Field(discriminator="kind"),
]
