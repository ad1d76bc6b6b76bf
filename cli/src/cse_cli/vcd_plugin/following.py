"""Following an operation to its end, over REST."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self
from urllib.parse import quote, unquote

from cse_cli.vcd_plugin.errors import PluginError, ServerError, TaskError, UnreachableError
from cse_cli.vcd_plugin.events import ROLLING_BACK, Event, View, printable

_WAIT_S: Final = 30
"""How long the server may keep a question; it answers earlier where vCD has less patience."""
_QUICK_S: Final = 1.0
"""An empty answer that came sooner means that the server does not keep questions now."""
_FORGIVE_S: Final = 120.0
"""How long the server may be away while we follow; the work itself goes on without us."""
_TOO_MANY: Final = 429
_MOST_ACTIVE: Final = 200
"""So many operations in progress are asked for, which is as many as the server tells at once."""
_DOING: Final = {
    "CREATE_CLUSTER": "being created",
    "DELETE_CLUSTER": "being deleted",
    "ADD_NODES": "being extended",
    "REMOVE_NODES": "being shrunk",
    "RESIZE_CLUSTER": "being resized",
}


class Server(Protocol):
    """Where operations are read."""

    def fields(self, method: str, path: str, body: object = None) -> dict[str, Any]: ...


@dataclass(frozen=True, kw_only=True)
class Operation:
    """An operation as the server describes it."""

    id: str
    kind: str
    target: str
    state: str
    message: str
    error: str
    sent: Mapping[str, Any]

    @classmethod
    def parse(cls, sent: Mapping[str, Any]) -> Self:
        return cls(
            id=printable(sent.get("id")),
            kind=printable(sent.get("kind")),
            target=printable(sent.get("target")),
            state=printable(sent.get("state")),
            message=printable(sent.get("message")),
            error=printable(sent.get("error")),
            sent=sent,
        )

    @property
    def is_done(self) -> bool:
        return bool(self.sent.get("done"))

    @property
    def org(self) -> str:
        """Name of the organisation whose cluster it works on, if it works on one."""
        return printable(unquote(self.target.split("/")[1])) if self.target.startswith("orgs/") else ""

    @property
    def cluster(self) -> str:
        """The cluster's name, if it works on one."""
        return printable(unquote(self.target.rpartition("/")[2])) if "/clusters/" in self.target else ""

    @property
    def title(self) -> str:
        """For people, for example `create cluster demo`."""
        return f"{self.kind.replace('_', ' ').lower()} {self.cluster}".strip()

    @property
    def doing(self) -> str:
        """What happens to the cluster while it works on it."""
        return "being taken back" if self.state == ROLLING_BACK else _DOING.get(self.kind, "being changed")


def operation_path(operation_id: str, *parts: str) -> str:
    """The path of an operation, below `/api`; every part stays one segment."""
    return "/".join(["/cse/_operations", *(quote(part, safe="") for part in (operation_id, *parts))])


def read(server: Server, operation_id: str) -> Operation:
    """The operation as it is now; raises PluginError."""
    return Operation.parse(server.fields("GET", operation_path(operation_id)))


def being_done(server: Server) -> dict[str, str]:
    """What is being done with clusters at the moment, by their ids; nothing where the server does not tell."""
    try:
        found = server.fields("GET", f"/cse/_operations?done=false&page_size={_MOST_ACTIVE}").get("operations")
    except PluginError:  # one of CSE 1.2.x has no such list
        return {}
    doing: dict[str, str] = {}
    for sent in found if isinstance(found, list) else ():  # the latest first, which is what the cluster comes to
        if isinstance(sent, dict):
            percent = sent.get("progress_percent")
            text = f"{Operation.parse(sent).doing} ({percent if isinstance(percent, int) else 0} %)"
            doing.setdefault(printable(sent.get("target_uid")), text)
    return doing


def follow(
    server: Server,
    operation_id: str,
    view: View,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Operation:
    """Shows what has happened and what happens until the operation has ended; returns it as it is then.

    Raises:
        PluginError: it is not there, the session has expired, or the server stays away; the operation goes on.
    """
    since, forgiven = 0, clock() + _FORGIVE_S
    try:
        while True:
            asked = clock()
            try:
                events, is_done = _events(server, operation_id, since)
                for event in events:
                    view.show(event)
                    since = event.sequence
                if is_done:
                    return read(server, operation_id)
            except (UnreachableError, ServerError) as exc:
                if clock() >= forgiven or not _passes(exc):
                    raise
                sleep(_QUICK_S)
                continue
            forgiven = clock() + _FORGIVE_S
            if not events and clock() - asked < _QUICK_S:
                sleep(_QUICK_S)
    finally:
        view.end()


def outcome(operation: Operation) -> Operation:
    """The operation, if it has succeeded; raises TaskError with why it has not."""
    if operation.state == "SUCCEEDED":
        return operation
    raise TaskError(operation.error or operation.message or f"operation {operation.id} ended as {operation.state}")


def _passes(exc: PluginError) -> bool:
    return not isinstance(exc, ServerError) or exc.status >= 500 or exc.status == _TOO_MANY


def _events(server: Server, operation_id: str, since: int) -> tuple[list[Event], bool]:
    answer = server.fields("GET", f"{operation_path(operation_id, 'events')}?since={since}&wait={_WAIT_S}")
    try:
        return [Event.parse(each) for each in answer["events"]], bool(answer["done"])
    except (AttributeError, KeyError, TypeError, ValueError):
        raise UnreachableError("the answer is no list of events; is it CSE that serves /api/cse?") from None
