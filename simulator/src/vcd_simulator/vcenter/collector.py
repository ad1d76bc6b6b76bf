"""PropertyCollector: reading properties in pages, and waiting for changes of them."""

import asyncio
import itertools
import secrets
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool

from vcd_simulator.guests.changes import Changes
from vcd_simulator.vcenter.properties import PropertyReader
from vcd_simulator.vcenter.soap import Arguments, Data, Ref, Request, SoapFaultError, Value
from vcd_simulator.vcenter.updates import Collectors

WAITING_METHODS = ("WaitForUpdates", "WaitForUpdatesEx")
_LONGEST_WAIT_S = 1800.0
_MOST_PAGES = 100
_SETTLE_S = 0.02
"""How long to let changes come together that belong together."""


class PropertyMethods:
    """The methods of PropertyCollector and PropertyFilter for one vCenter. `session` is the caller's key."""

    def __init__(self, reader: PropertyReader, changes: Changes) -> None:
        self.collectors = Collectors(reader)
        self._reader = reader
        self._changes = changes
        self._pages: dict[tuple[str, str], tuple[list[Data], int]] = {}
        self._lock = threading.Lock()

    def methods(self) -> Mapping[tuple[str, str], Callable[[Request, str], Value]]:
        """What there is but for those that wait, by type and name; each is told the session's key."""
        kind, collectors = "PropertyCollector", self.collectors
        return {
            (kind, "RetrieveProperties"): lambda call, key: self.retrieve(call.arguments, key),
            (kind, "RetrievePropertiesEx"): lambda call, key: self.retrieve_page(call.arguments, key),
            (kind, "ContinueRetrievePropertiesEx"): lambda call, key: self.next_page(call.arguments, key),
            (kind, "CancelRetrievePropertiesEx"): lambda call, key: self.forget_pages(call.arguments, key),
            (kind, "CreateFilter"): self.create_filter,
            (kind, "CheckForUpdates"): self.check,
            (kind, "CancelWaitForUpdates"): self.cancel_wait,
            (kind, "CreatePropertyCollector"): lambda _call, key: collectors.create(key),
            (kind, "DestroyPropertyCollector"): lambda call, key: collectors.destroy(key, call.this),
            ("PropertyFilter", "DestroyPropertyFilter"): lambda call, key: collectors.remove_filter(key, call.this),
        }

    def forget(self, session: str) -> None:
        """Drop everything of a session that has ended, and wake it where it waits."""
        self.collectors.forget(session)
        with self._lock:
            self._pages = {key: rest for key, rest in self._pages.items() if key[0] != session}
        self._changes.tell()

    def retrieve(self, arguments: Arguments, session: str) -> list[Data]:
        """RetrieveProperties."""
        return self._reader.retrieve(session, arguments.children("specSet"))

    def retrieve_page(self, arguments: Arguments, session: str) -> Value:
        """RetrievePropertiesEx: `maxObjects` objects, and a token where there are more."""
        limit = arguments.child("options").integer("maxObjects", 0) if arguments.has("options") else 0
        if limit < 0:
            raise SoapFaultError("InvalidArgument", "maxObjects is negative", invalidProperty="options.maxObjects")
        found = self.retrieve(arguments, session)
        return self._page(session, found, limit or len(found)) if found else None

    def next_page(self, arguments: Arguments, session: str) -> Value:
        """ContinueRetrievePropertiesEx."""
        return self._page(session, *self._take(arguments, session))

    def forget_pages(self, arguments: Arguments, session: str) -> None:
        """CancelRetrievePropertiesEx."""
        self._take(arguments, session)

    def create_filter(self, request: Request, session: str) -> Ref:
        """CreateFilter."""
        arguments = request.arguments
        partial = arguments.boolean("partialUpdates")
        return self.collectors.add_filter(session, request.this, arguments.child("spec"), partial=partial)

    def check(self, request: Request, session: str) -> Value:
        """What has changed since the version that the client names; None if nothing has."""
        arguments = request.arguments
        limit = arguments.child("options").integer("maxObjectUpdates", 0) if arguments.has("options") else 0
        return self.collectors.check(session, request.this, arguments.text("version", ""), limit or None)

    async def wait(
        self, request: Request, check_session: Callable[[], str], gone: Callable[[], Awaitable[None]]
    ) -> Value:
        """WaitForUpdates and WaitForUpdatesEx: the next changes, or None if there are none in time.

        Args:
            request: the call.
            check_session: returns the caller's key, as long as the session lasts; raises SoapFaultError afterwards.
            gone: returns when the caller has hung up.

        Raises:
            SoapFaultError: the collector is gone, the version unknown, the session over, or the wait was cancelled.
        """
        cancelled = self.collectors.cancellations(check_session(), request.this)
        end = asyncio.get_running_loop().time() + _longest_wait_s(request)
        left = asyncio.ensure_future(gone())
        try:
            with self._changes.watched() as changed:
                while True:
                    changed.clear()
                    session = check_session()
                    if self.collectors.cancellations(session, request.this) != cancelled:
                        raise SoapFaultError("RequestCanceled", "The task was canceled by a user.")
                    found = await run_in_threadpool(self.check, request, session)
                    rest = end - asyncio.get_running_loop().time()
                    if found is not None or rest <= 0 or left.done():
                        return found
                    await _first(changed, left, timeout_s=rest)
                    await asyncio.sleep(min(_SETTLE_S, max(0.0, rest)))
        finally:
            left.cancel()

    def cancel_wait(self, request: Request, session: str) -> None:
        """CancelWaitForUpdates."""
        self.collectors.cancel(session, request.this)
        self._changes.tell()

    def _page(self, session: str, found: list[Data], limit: int) -> Data:
        page, rest = found[:limit], found[limit:]
        token = None
        if rest:
            token = secrets.token_hex(8)
            with self._lock:
                for old in list(itertools.islice(self._pages, max(0, len(self._pages) - _MOST_PAGES + 1))):
                    del self._pages[old]
                self._pages[session, token] = rest, limit
        return Data("RetrieveResult", {"token": token, "objects": page})

    def _take(self, arguments: Arguments, session: str) -> tuple[list[Data], int]:
        with self._lock:
            pages = self._pages.pop((session, arguments.text("token")), None)
        if pages is None:
            raise SoapFaultError("InvalidProperty", "there is no such token", name="token")
        return pages


def _longest_wait_s(request: Request) -> float:
    arguments = request.arguments
    if not arguments.has("options"):
        return _LONGEST_WAIT_S
    options = arguments.child("options")
    seconds = options.integer("maxWaitSeconds", int(_LONGEST_WAIT_S))
    if seconds < 0:
        raise SoapFaultError("InvalidArgument", "maxWaitSeconds is negative", invalidProperty="options.maxWaitSeconds")
    return min(float(seconds), _LONGEST_WAIT_S)


async def _first(event: asyncio.Event, other: "asyncio.Future[None]", *, timeout_s: float) -> None:
    """Wait until one of both has happened, and no longer than that."""
    task: asyncio.Future[Any] = asyncio.ensure_future(event.wait())
    both: set[asyncio.Future[Any]] = {task, other}
    try:
        await asyncio.wait(both, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        task.cancel()
