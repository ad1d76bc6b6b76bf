"""Long-running work: what it is (`model`), what we ask of an engine (`port`), and an engine in memory (`in_memory`).

The code of an operation is made of named steps and plain logic between them. A durable engine journals each step's
result and replays it after a crash, so every step looks before it acts, and its result is small JSON without secrets.
"""

from cse_core.operations.model import (
    Json,
    JsonObject,
    Operation,
    OperationError,
    OperationEvent,
    OperationRequest,
    OperationState,
)
from cse_core.operations.port import OperationContext, OperationKind, Operations

__all__ = [
    "Json",
    "JsonObject",
    "Operation",
    "OperationContext",
    "OperationError",
    "OperationEvent",
    "OperationKind",
    "OperationRequest",
    "OperationState",
    "Operations",
]
