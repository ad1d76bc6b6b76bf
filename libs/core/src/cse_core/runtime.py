"""Running services: one in a process of its own, or several in one.

A service starts, serves until it is told to stop (or decides to), hands back what it has and ends. `run_until_signal`
is what every entry point calls.
"""

import logging
import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NoReturn, Protocol

import structlog

log = structlog.get_logger()

GRACE_S: Final = 30.0
_LEAST_GRACE_S: Final = 1.0
_POLL_S: Final = 0.2

_TUNABLES: Final = "GLIBC_TUNABLES"
_SPARING: Final = {"glibc.malloc.arena_max": "2", "glibc.malloc.tcache_count": "0"}
_BEGUN_ANEW: Final = "CSE_BEGUN_ANEW"


def spare_memory() -> None:
    """Has glibc keep little of what is freed: few heaps, and nothing for each thread. Elsewhere nothing happens.

    By default it keeps eight heaps for each processor, in all of which thousands of threads leave holes, and 50 KiB for
    each of these threads besides. It can be told so only before a program begins. So the program begins anew, in the
    same process and with the same arguments, unless the environment says it already: to be called first of all.
    """
    if platform.libc_ver()[0] != "glibc" or _BEGUN_ANEW in os.environ:
        return
    told = os.environ.get(_TUNABLES, "")
    missing = [f"{name}={value}" for name, value in _SPARING.items() if f"{name}=" not in told]
    if missing:
        os.environ[_TUNABLES] = ":".join([told, *missing]).lstrip(":")
        os.environ[_BEGUN_ANEW] = "yes"  # the other one does not reach programs with privileges of their own
        with suppress(OSError):  # it works without, too
            os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606  # no shell is meant


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

    Must be called from the main thread. A second signal ends the process at once, whatever its threads do.

    Args:
        services: what to run.
        grace_s: how long they may take to end, all together; each has a second at least.

    Returns:
        The exit code: 0, or 1 if one of them could not be stopped as it should.
    """
    stopping = threading.Event()
    received: list[signal.Signals] = []

    def on_signal(number: int, _frame: object) -> None:
        if stopping.is_set():
            os._exit(128 + number)  # an exception would have Python wait for threads that are stuck
        received.append(signal.Signals(number))
        stopping.set()

    previous = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    started: list[Service] = []
    code = 0
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
        for name in received:
            log.info("signal_received", signal=name.name)
        until = time.monotonic() + grace_s
        for service in reversed(started):
            if not _is_stopped(service, max(until - time.monotonic(), _LEAST_GRACE_S)):
                code = 1
        for number, handler in previous.items():
            signal.signal(number, handler)
    return code


def _is_stopped(service: Service, grace_s: float) -> bool:
    """Stops it. What goes wrong then keeps no other service from being stopped."""
    try:
        service.stop(grace_s)
    except Exception:
        log.exception("service_not_stopped", name=service.name)
        return False
    log.info("service_stopped", name=service.name)
    return True


def end_process(code: int) -> NoReturn:
    """Ends the process at once, whatever its threads do; for the end of `main`, when they are stuck."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
