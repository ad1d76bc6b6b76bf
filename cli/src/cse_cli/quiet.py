"""Logs of commands that print results: only what is serious, on stderr."""

import logging

from cse_core import logs


def configure_logs() -> None:
    """Lets errors through, but for libraries that tell of every failed attempt; the commands tell that better."""
    logs.configure(service="cse", level="ERROR")
    for library in ("pika", "urllib3"):
        logging.getLogger(library).setLevel(logging.CRITICAL)
