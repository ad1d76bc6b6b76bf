"""What is noted about every request, and what faults do to it."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from vcd_simulator import errors
from vcd_simulator.errors import VcdError
from vcd_simulator.faults import BusyEntity, Faults, HttpError, Injection, Place, SessionExpired
from vcd_simulator.faults.connections import held_up
from vcd_simulator.faults.registry import NOTHING
from vcd_simulator.rest.context import Context
from vcd_simulator.sessions import Session, basic_credentials
from vcd_simulator.stats import NOBODY

NO_ROUTE = "(no route)"
EXTENSION = "(extension)"


@dataclass(slots=True, kw_only=True)
class Exchange:
    """A request under way: what counters and faults need to know."""

    method: str
    route: str = NO_ROUTE
    """The template of the path, or whose extension answers."""
    caller: str = NOBODY
    injection: Injection = NOTHING
    began: float = field(default_factory=time.perf_counter)

    @property
    def name(self) -> str:
        return f"{self.method} {self.route}"

    @property
    def seconds(self) -> float:
        """How long it takes so far."""
        return time.perf_counter() - self.began

    def note_caller(self, session: Session | None) -> None:
        if session is not None:
            self.caller = f"{session.user.name}@{session.org.name}"


async def disturb(faults: Faults, exchange: Exchange, context: Context) -> None:
    """Let happen to a request what faults have in store for it.

    What they do to the connection is left to whoever sends the answer, who finds it in `exchange.injection`.

    Raises:
        VcdError: the request is refused.
    """
    await asyncio.sleep(context.cloud.latency.delay(_kind(exchange)))
    user, org = _caller(context)
    exchange.injection = injection = faults.decide(
        Place.REST,
        action=_action(context.path),
        method=context.method,
        route=(exchange.route, context.path),
        user=user,
        org=org,
    )
    await held_up(injection)
    error = injection.error
    if isinstance(error, BusyEntity):
        raise errors.busy(error.entity, error.operation)
    if isinstance(error, HttpError):
        raise VcdError(error.status, error.minor, error.message)
    if isinstance(error, SessionExpired):
        if context.current is not None:
            with context.cloud.lock:
                context.sessions.end(context.current)
        raise errors.unauthorized()


def _kind(exchange: Exchange) -> str:
    """What the latency profile calls a request."""
    if exchange.method == "POST" and "/sessions" in exchange.route:
        return "rest.login"
    return "rest.query" if exchange.route == "/api/query" else f"rest.{exchange.method}"


def _action(path: str) -> str | None:
    head, slash, action = path.rstrip("/").rpartition("/")
    return action if slash and head.endswith("/action") else None


def _caller(context: Context) -> tuple[str | None, str | None]:
    """User and organisation; of a login, those who it claims to be."""
    if context.current is not None:
        return context.current.user.name, context.current.org.name
    return _claimed(context.headers)


def _claimed(headers: Mapping[str, str]) -> tuple[str | None, str | None]:
    try:
        login, _ = basic_credentials(headers.get("authorization"))
    except VcdError:
        return None, None
    user, _, org = login.rpartition("@")
    return user, org
