"""Durable operations: `cse_core.operations` on DBOS Transact, with SQLite for one process or PostgreSQL for several.

`dispatch` decides who runs what, with DBOS; `runner`, `run`, `context` and `journal` run an operation and write down
what it has done; `store` is what its users see; `replicas` and `care` see to it that everything is run in the end.
"""

from cse_core.operations import OperationEngine, OperationKind
from cse_operations.engine import DurableOperations
from cse_operations.settings import OperationsSettings, Timing

__all__ = ["DurableOperations", "OperationsSettings", "Timing", "create_engine"]


def create_engine(kinds: list[OperationKind], settings: OperationsSettings) -> OperationEngine:
    """A durable engine, which begins with `start`. Raises SettingsError, StartError."""
    return DurableOperations(kinds, settings)
