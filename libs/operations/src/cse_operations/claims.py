"""The right to run an operation, and what its earlier runs left."""

from dataclasses import dataclass, field
from typing import Final, cast

import sqlalchemy as sa

from cse_core.operations import Operation
from cse_core.secret import Secret
from cse_operations import rows
from cse_operations.cipher import Cipher
from cse_operations.journal import AbandonedError, Entry, Place, Record, Status
from cse_operations.schema import operation, operation_journal, operation_replica, operation_secret


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The right to run an operation, and all that earlier runs left."""

    operation: Operation
    epoch: int
    stalled_runs: int
    """Runs before this one, in a row, in which nothing was journaled."""
    records: dict[Place, Record] = field(default_factory=dict)
    secrets: dict[str, Secret] = field(default_factory=dict)


def claim(
    connection: sa.Connection, cipher: Cipher, *, operation_id: str, workflow_id: str, replica: str
) -> Claim | None:
    """Supersedes any earlier run of the operation.

    Returns:
        None if there is nothing to run: it has ended, is gone, or belongs to another workflow.

    Raises:
        AbandonedError: this replica was declared dead.
    """
    if not connection.execute(_ALIVE, {"who": replica}).scalar():
        raise AbandonedError
    mine = {"of": operation_id, "by": workflow_id, "replica": replica}
    updated = connection.execute(_SUPERSEDE, mine).one_or_none()
    if updated is None:
        return None
    journaled = connection.execute(_JOURNALED, mine)
    kept = connection.execute(_KEPT, mine)
    return Claim(
        operation=rows.to_operation(updated, cipher),
        epoch=updated.epoch,
        stalled_runs=updated.stalled_runs - 1,
        records={
            (Entry(row.entry), row.branch, row.name): Record(
                Status(row.status), None if row.value_sealed is None else cipher.unseal(row.value_sealed)
            )
            for row in journaled
        },
        secrets={row.name: Secret(cast(str, cipher.unseal(row.value_sealed))) for row in kept},
    )


_OF: Final[sa.BindParameter[str]] = sa.bindparam("of")
_ALIVE: Final = (
    sa.select(operation_replica.c.alive).where(operation_replica.c.id == sa.bindparam("who")).with_for_update(read=True)
)
_SUPERSEDE: Final = (
    sa.update(operation)
    .where(operation.c.id == _OF, operation.c.workflow_id == sa.bindparam("by"))
    .where(operation.c.state.in_(rows.ACTIVE_STATES))
    .values(epoch=operation.c.epoch + 1, stalled_runs=operation.c.stalled_runs + 1, replica=sa.bindparam("replica"))
    .returning(operation)
)
_JOURNALED: Final = sa.select(operation_journal).where(operation_journal.c.operation_id == _OF)
_KEPT: Final = sa.select(operation_secret).where(operation_secret.c.operation_id == _OF)
