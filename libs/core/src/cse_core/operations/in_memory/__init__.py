"""An operation engine that keeps everything in memory: what is in progress is lost with the process."""

from cse_core.operations.in_memory.engine import InMemoryOperations
from cse_core.operations.in_memory.record import STOPPING_REASON

__all__ = ["STOPPING_REASON", "InMemoryOperations"]
