"""The state of a simulated cloud, saved and restored."""

from vcd_simulator.state.file import StateError, load, save
from vcd_simulator.state.record import FORMAT, VERSION, StateRecord, parse, render
from vcd_simulator.state.snapshot import restore, take

__all__ = ["FORMAT", "VERSION", "StateError", "StateRecord", "load", "parse", "render", "restore", "save", "take"]
