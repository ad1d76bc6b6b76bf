"""Logins of guests: where each machine is reached, and with which passwords."""

import threading
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Final, TypeVar

from cse_clusters.application.ports import GuestLogin, Inventory
from cse_clusters.domain.vcd import GuestMachine
from cse_core.errors import DeadlineError, NotFoundError, UnauthenticatedError, UnavailableError
from cse_core.operations import OperationContext
from cse_core.secret import Secret

_Result = TypeVar("_Result")

_POLL_S: Final = 1.0


def logins_for(machine: GuestMachine, template_password: Secret | None) -> tuple[GuestLogin, ...]:
    """What a machine that exists already may accept, most likely first.

    The template's password comes before the machine's own: clusters of 1.2.x have no other. The template may have got
    one, or another one, after the machine was made; then the machine's own is the right one.
    """
    passwords: list[Secret] = []
    for password in (template_password, machine.password):
        if password and password not in passwords:
            passwords.append(password)
    return tuple(GuestLogin(guest=machine, password=password) for password in passwords)


def with_first(logins: Iterable[GuestLogin], use: Callable[[GuestLogin], _Result]) -> _Result:
    """What `use` returns with the first login that the guest accepts.

    Raises:
        UnauthenticatedError: it refuses all of them.
        NotFoundError: there are none.
    """
    problem: Exception = NotFoundError("there is no login for this guest", reason="GUEST_LOGIN_UNKNOWN")
    for login in logins:
        try:
            return use(login)
        except UnauthenticatedError as exc:
            problem = exc
    raise problem


class GuestDirectory:
    """Logins of the guests of one vApp, read together with one GET. Thread-safe; passwords stay in memory.

    Args:
        inventory: vCD.
        vapp_href: of the vApp.
        admin_password: of the machines' template, if it has one.
        adopted: whether the machines were made some time ago, so that either password may be the right one. New ones
            have the template's, or else their own.
    """

    def __init__(
        self, inventory: Inventory, vapp_href: str, admin_password: Secret | None, *, adopted: bool = False
    ) -> None:
        self._inventory = inventory
        self._vapp_href = vapp_href
        self._admin_password = admin_password
        self._adopted = adopted
        self._lock = threading.Lock()
        self._logins: dict[str, tuple[GuestLogin, ...]] = {}

    def logins(self, ctx: OperationContext, name: str, within: timedelta) -> tuple[GuestLogin, ...]:
        """Waits until the machine is placed on its vCenter; at least one.

        Raises:
            DeadlineError: it was not within the time.
        """
        until = time.monotonic() + within.total_seconds()
        while time.monotonic() < until:
            if logins := self._known(name):
                return logins
            ctx.pause(_POLL_S)
        raise DeadlineError(
            f"{name}: vCD does not show on which vCenter it runs, or no password for it, after {within}",
            reason="GUEST_NOT_PLACED",
        )

    def accepted(self, login: GuestLogin) -> None:
        """Notes that the guest accepts this login; the others are forgotten."""
        with self._lock:
            self._logins[login.guest.name] = (login,)

    def _known(self, name: str) -> tuple[GuestLogin, ...]:
        with self._lock:
            if name not in self._logins:
                for guest in self._placed():
                    if guest.moid and guest.name not in self._logins and (logins := self._candidates(guest)):
                        self._logins[guest.name] = logins
            return self._logins.get(name, ())

    def _candidates(self, guest: GuestMachine) -> tuple[GuestLogin, ...]:
        logins = logins_for(guest, self._admin_password)
        return logins if self._adopted else logins[:1]

    def _placed(self) -> Iterable[GuestMachine]:
        try:
            return self._inventory.guests(self._vapp_href).values()
        except UnavailableError:
            return ()  # asked again until the time is over
