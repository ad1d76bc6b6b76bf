"""Faults: what goes wrong on purpose, where, how often, and how often it has.

vcd.faults.add(action="powerOn", error=BusyEntity(), times=2)      # the third attempt works
vcd.faults.add(soap="StartProgramInGuest", error=WrongGuestPassword(), guest="mstr-*")
vcd.faults.add(route="/api/task/*", delay_s=5, times=None, chance=0.1, seed=7)
"""

from vcd_simulator.faults.effects import (
    BusyEntity,
    ConnectionRefused,
    ConnectionReset,
    DiskFull,
    Drop,
    Duplicate,
    Effect,
    GuestHangs,
    HttpError,
    ProgramFails,
    ProgramHangs,
    SessionExpired,
    SoapFault,
    TaskFails,
    ToolsNeverStart,
    TruncatedBody,
    WrongGuestPassword,
)
from vcd_simulator.faults.registry import Fault, FaultError, Faults, Injection
from vcd_simulator.faults.selector import Place, Selector

__all__ = [
    "BusyEntity",
    "ConnectionRefused",
    "ConnectionReset",
    "DiskFull",
    "Drop",
    "Duplicate",
    "Effect",
    "Fault",
    "FaultError",
    "Faults",
    "GuestHangs",
    "HttpError",
    "Injection",
    "Place",
    "ProgramFails",
    "ProgramHangs",
    "Selector",
    "SessionExpired",
    "SoapFault",
    "TaskFails",
    "ToolsNeverStart",
    "TruncatedBody",
    "WrongGuestPassword",
]
