"""Who calls a method, and what a method is."""

from collections.abc import Callable
from dataclasses import dataclass

from vcd_simulator.vcenter.sessions import Session
from vcd_simulator.vcenter.soap import Request, Value


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who sent a request."""

    cookie: str
    address: str
    agent: str
    authority: str
    """Host and port by which the caller reaches us."""


Method = Callable[[Request, Caller], Value]
OwnMethod = Callable[[Request, Session], Value]
"""A method that needs to know the session it is called in."""
