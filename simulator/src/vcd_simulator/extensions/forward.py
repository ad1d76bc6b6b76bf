"""Forwarding of HTTP requests to extension services over AMQP, as the cells of a vCloud Director do it."""

import asyncio
import logging
import threading
import time
from collections.abc import Coroutine, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from vcd_simulator.extensions.broker import AmqpSettings, BrokerError, check
from vcd_simulator.extensions.cell import Cell, Destination, ForwardingStats
from vcd_simulator.extensions.disturbance import Disturbance
from vcd_simulator.extensions.errors import ExtensionUnreachableError
from vcd_simulator.extensions.messages import ForwardedReply, ForwardedRequest, ForwardingOptions, new_id
from vcd_simulator.faults import Faults
from vcd_simulator.stats import Stats

log = logging.getLogger(__name__)

DEFAULT_TIMEOUT_S = 10


class Forwarder:
    """The AMQP side of a vCloud Director: any thread may call it, one thread of its own talks to the broker.

    It works without a broker too: requests fail until there is one. `timeout_s` is `extensibility.timeout` and may be
    changed at any time.
    """

    def __init__(
        self,
        settings: AmqpSettings | None,
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        cells: int = 1,
        options: ForwardingOptions | None = None,
        faults: Faults | None = None,
        traffic: Stats | None = None,
    ) -> None:
        self.timeout_s = timeout_s
        self.cell_ids: tuple[str, ...] = tuple(new_id() for _ in range(cells))
        self._settings = settings
        self._options = options or ForwardingOptions()
        self._stats = ForwardingStats()
        self._disturbance = Disturbance(
            faults if faults is not None else Faults(), traffic if traffic is not None else Stats()
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._cells: Sequence[Cell] = ()
        self._runs: Sequence[asyncio.Task[None]] = ()
        self._turn = 0

    @property
    def settings(self) -> AmqpSettings | None:
        """The settings in use; `None` when nobody has set any."""
        return self._settings

    @property
    def stats(self) -> ForwardingStats:
        """What became of the messages so far, as a copy."""
        return replace(self._stats)

    @property
    def in_flight(self) -> int:
        """How many requests wait for their reply."""
        return sum(cell.in_flight for cell in self._cells)

    def start(self) -> None:
        """Begin to connect; returns at once."""
        if self._thread is not None:
            return
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="vcd-amqp", daemon=True)
        self._thread.start()
        self._call(self._open_cells())

    def stop(self) -> None:
        """Delete the reply queues, disconnect, and fail what is still waiting."""
        if self._thread is None or self._loop is None:
            return
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._thread = self._loop = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def configure(self, settings: AmqpSettings) -> None:
        """Use another broker, or another account there, from now on."""
        self._settings = settings
        if self._loop is not None:
            self._call(self._reopen_cells())

    def forward(self, service: Destination, request: ForwardedRequest) -> ForwardedReply:
        """Send a request to a service and wait for its reply; for callers in threads.

        Raises:
            ForwardingError: there is none; it knows the HTTP status and the message for the client.
        """
        try:
            return self._submit(service, request).result()
        except CancelledError as error:
            raise ExtensionUnreachableError(service.id) from error

    async def forward_async(self, service: Destination, request: ForwardedRequest) -> ForwardedReply:
        """As `forward`, for callers on an event loop. When the caller is cancelled, a reply will count as late."""
        submitted = self._submit(service, request)
        try:
            return await asyncio.wrap_future(submitted)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise ExtensionUnreachableError(service.id) from error  # not we were cancelled: the forwarder stopped

    def wait_until_connected(self, timeout_s: float) -> bool:
        """Whether every cell is connected before the time is up."""
        if self._loop is None:
            return False
        deadline = time.monotonic() + timeout_s
        cells = tuple(self._cells)
        return bool(cells) and all(
            asyncio.run_coroutine_threadsafe(cell.connected(deadline - time.monotonic()), self._loop).result()
            for cell in cells
        )

    def _submit(self, service: Destination, request: ForwardedRequest) -> Future[ForwardedReply]:
        loop, cells = self._loop, self._cells
        if loop is None or not cells:
            raise ExtensionUnreachableError(service.id)
        self._turn += 1
        cell = cells[self._turn % len(cells)]
        return asyncio.run_coroutine_threadsafe(cell.exchange(service, request, self.timeout_s), loop)

    def _call(self, coroutine: Coroutine[Any, Any, None]) -> None:
        if self._loop is None:
            raise RuntimeError("the forwarder is not running")
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def _open_cells(self) -> None:
        if self._settings is None:
            return
        settings = self._settings
        self._cells = [
            Cell(cell_id, settings, self._options, self._stats, self._disturbance) for cell_id in self.cell_ids
        ]
        self._runs = [asyncio.create_task(cell.run()) for cell in self._cells]
        for run in self._runs:
            run.add_done_callback(_report_defect)

    async def _close_cells(self) -> None:
        runs, self._runs, self._cells = self._runs, (), ()
        for run in runs:
            run.cancel()
        await asyncio.gather(*runs, return_exceptions=True)

    async def _reopen_cells(self) -> None:
        await self._close_cells()
        await self._open_cells()

    async def _close(self) -> None:
        await self._close_cells()
        waiting = asyncio.all_tasks() - {asyncio.current_task()}
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


def diagnose(settings: AmqpSettings) -> str | None:
    """Try settings out: what is wrong with them, or `None`."""
    try:
        asyncio.run(check(settings))
    except BrokerError as error:
        return str(error)
    return None


def _report_defect(run: asyncio.Task[None]) -> None:
    if not run.cancelled() and (error := run.exception()) is not None:
        log.critical("A cell stopped talking to the message broker", exc_info=error)
