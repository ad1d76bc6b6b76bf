"""Long-running work: what it is (`model`), what we ask of an engine (`port`, `replicas`), one in memory (`in_memory`).

The code of an operation is made of named steps and plain logic between them. A durable engine journals each step's
result and replays it after a crash, so every step looks before it acts, and its result is small JSON without secrets.
"""

from cse_core.operations.model import (
    Json,
    JsonObject,
    LedgerEntry,
    Operation,
    OperationError,
    OperationEvent,
    OperationQuery,
    OperationRequest,
    OperationState,
    as_stored,
    as_text,
)
from cse_core.operations.port import OperationContext, OperationEngine, OperationKind, Operations, StartError
from cse_core.operations.replicas import Replica, Replicas

__all__ = [
    "Json",
    "JsonObject",
    "LedgerEntry",
    "Operation",
    "OperationContext",
    "OperationEngine",
    "OperationError",
    "OperationEvent",
    "OperationKind",
    "OperationQuery",
    "OperationRequest",
    "OperationState",
    "Operations",
    "Replica",
    "Replicas",
    "StartError",
    "as_stored",
    "as_text",
]
