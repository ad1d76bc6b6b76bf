"""Leaving the logging of the test run as it was."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


@contextmanager
def logs_restored() -> Iterator[None]:
    """Undoes what `cse_core.logs.configure` does to the process."""
    root = logging.getLogger()
    before = root.handlers, root.level
    try:
        yield
    finally:
        root.handlers, root.level = before
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()
