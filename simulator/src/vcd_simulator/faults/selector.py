"""Which calls a fault is for."""

from collections.abc import Mapping
from enum import StrEnum
from fnmatch import fnmatchcase

from pydantic import BaseModel, ConfigDict


class Place(StrEnum):
    """Where in the simulator something can go wrong."""

    REST = "rest"
    """A request to vCloud Director that carries a valid session, or needs none."""
    TASK = "task"
    """A task of the cloud's own, when it is about to start."""
    VCENTER = "vcenter"
    """An HTTP request to a vCenter, before anybody looks into it."""
    LISTENER = "listener"
    """The address of a vCenter. A fault there is not about one call: it lasts until it is removed."""
    SOAP = "soap"
    """A call of the vSphere API."""
    TRANSFER = "transfer"
    """The content of a file on its way to or from a guest."""
    LOGIN = "login"
    """A login to a guest."""
    BOOT = "boot"
    """A guest that boots."""
    PROGRAM = "program"
    """A program that a guest starts through vCenter, or one that has a stand-in, such as kubeadm."""
    DISK = "disk"
    """Something is about to be written in a guest."""
    MESSAGE = "message"
    """A message to an extension service, or its reply."""


class Selector(BaseModel):
    """Conditions that a call has to meet, all of them; what is None does not matter.

    Values are patterns as of file names (`*`, `?`, `[abc]`), with regard to case.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    action: str | None = None
    """Last part of a REST path below `/action/`, such as `powerOn` or `recomposeVApp`."""
    method: str | None = None
    """HTTP method, of REST requests and file transfers."""
    route: str | None = None
    """The request's path, or its template, such as `/api/vApp/vapp-{vapp_id}`."""
    task: str | None = None
    """Name of the operation, such as `vdcComposeVapp`."""
    entity: str | None = None
    """Name of what a task is about."""
    soap: str | None = None
    """Name of a method of the vSphere API, such as `StartProgramInGuest`."""
    vcenter: str | None = None
    guest: str | None = None
    """Name of a virtual machine, or its moid."""
    program: str | None = None
    """Name of a program, or the line that it was called with, such as `kubeadm join*`."""
    service: str | None = None
    """Name of an extension service."""
    message: str | None = None
    """`request` or `reply`."""
    user: str | None = None
    org: str | None = None

    def places(self) -> set[Place] | None:
        """Where calls with all these properties occur; None if the conditions leave that open."""
        found: set[Place] | None = None
        for name in self.model_fields_set:
            if getattr(self, name) is not None and name in _PLACES:
                found = set(_PLACES[name]) if found is None else found & _PLACES[name]
        return found

    def matches(self, facts: Mapping[str, tuple[str, ...]]) -> bool:
        """Whether a call fits; each of its facts may be told in several ways, and one of them has to fit."""
        return all(
            any(fnmatchcase(told, pattern) for told in facts.get(name, ()))
            for name, pattern in self
            if pattern is not None
        )


_HTTP = {Place.REST, Place.TRANSFER}
_IN_GUESTS = {Place.SOAP, Place.TRANSFER, Place.LOGIN, Place.BOOT, Place.PROGRAM, Place.DISK}
_PLACES: Mapping[str, set[Place]] = {
    "action": {Place.REST},
    "method": _HTTP,
    "route": {Place.REST, Place.MESSAGE},
    "task": {Place.TASK},
    "entity": {Place.TASK},
    "soap": {Place.SOAP},
    "vcenter": {Place.VCENTER, Place.LISTENER, *_IN_GUESTS},
    "guest": _IN_GUESTS,
    "program": {Place.PROGRAM},
    "service": {Place.MESSAGE},
    "message": {Place.MESSAGE},
    "user": {Place.REST, Place.TASK, Place.SOAP, Place.LOGIN, Place.PROGRAM},
    "org": {Place.REST, Place.TASK},
}
