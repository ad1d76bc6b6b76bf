"""Running services: one in a process of its own, or several in one.

A service starts, serves until it is told to stop (or decides to), hands back what it has and ends. `run_until_signal`
is what every entry point calls.
"""

import ctypes
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NoReturn, Protocol

import structlog

log = structlog.get_logger()

GRACE_S: Final = 30.0
_POLL_S: Final = 0.2


_M_ARENA_MAX: Final = -8
_ARENAS: Final = 2


def spare_memory() -> None:
    """Has glibc keep few heaps, before threads begin; elsewhere nothing happens.

    By default it keeps eight for each processor, and thousands of threads that wait leave holes in all of them.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)


class Service(Protocol):
    """Something that runs until it is stopped."""

    name: str

    def start(self) -> None:
        """Begins to serve and returns when it does; raises what keeps it from serving."""

    def stop(self, grace_s: float) -> None:
        """Takes no new work, gives what is in progress so long, ends. May be called twice, and from any thread."""

    def wait(self, timeout_s: float | None = None) -> bool:
        """Waits until it has ended, by itself or through `stop`; returns whether it has."""


def run_until_signal(services: Sequence[Service], *, grace_s: float = GRACE_S) -> int:
    """Starts `services` in order, waits for SIGTERM, SIGINT or the end of any of them, stops them in reverse order.

    Must be called from the main thread. A second signal ends the process at once.

    Returns:
        The exit code: 0.
    """
    stopping = threading.Event()

    def on_signal(number: int, _frame: object) -> None:
        if stopping.is_set():
            raise SystemExit(128 + number)
        log.info("signal_received", signal=signal.Signals(number).name)
        stopping.set()

    previous = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    started: list[Service] = []
    try:
        for service in services:
            service.start()
            started.append(service)
            log.info("service_started", name=service.name)
            if stopping.is_set():
                break
        while not stopping.is_set() and not any(service.wait(0) for service in started):
            stopping.wait(_POLL_S)
    finally:
        for service in reversed(started):
            service.stop(grace_s)
            log.info("service_stopped", name=service.name)
        for number, handler in previous.items():
            signal.signal(number, handler)
    return 0


def end_process(code: int) -> NoReturn:
    """Ends the process at once, whatever its threads do; for the end of `main`, when they are stuck."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
