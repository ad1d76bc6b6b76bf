"""An operation engine that keeps everything in memory: what is in progress is lost with the process."""

from cse_core.operations.in_memory.engine import InMemoryOperations

__all__ = ["InMemoryOperations"]
