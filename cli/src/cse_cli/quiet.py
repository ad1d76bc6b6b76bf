"""Logs of commands that print results: only what is serious, on stderr."""

import logging

from cse_core import logs


def configure_logs() -> None:
    """Lets errors through, but for pika, which tells of every failed attempt; the commands tell that better."""
    logs.configure(service="cse", level="ERROR")
    logging.getLogger("pika").setLevel(logging.CRITICAL)
