"""What the replicas of a store know of each other and agree on; `cse_core.operations.Replicas` on our tables."""

import json
from typing import cast

import sqlalchemy as sa

from cse_core.operations import JsonObject, Replica
from cse_operations import rows
from cse_operations.database import Database
from cse_operations.schema import operation, operation_agreement, operation_replica

_TABLE = operation_agreement.c


class Agreements:
    """Everything raises UnavailableError when the database does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def replicas(self, this: str) -> list[Replica]:
        """Those that live; `this` is the id of the one that asks. A SQLite file has no others."""
        replica = operation_replica.c
        in_progress = sa.func.count(operation.c.id).label("in_progress")
        unfinished = (operation.c.replica == replica.id) & operation.c.state.in_(rows.ACTIVE_STATES)
        query = (
            sa.select(replica.id, replica.beats, in_progress)
            .select_from(operation_replica.outerjoin(operation, unfinished))
            .where(replica.alive == 1)
            .group_by(replica.id, replica.beats, replica.start_time)
            .order_by(replica.start_time, replica.id)
        )
        if self._database.is_sqlite:  # what was killed may not have been declared dead yet
            query = query.where(replica.id == this)
        return [
            Replica(id=row.id, is_this=row.id == this, operations_in_progress=row.in_progress, beats=row.beats)
            for row in self._database.rows(query)
        ]

    def read(self, subject: str) -> JsonObject | None:
        found = self._database.rows(sa.select(_TABLE.value).where(_TABLE.subject == subject))
        return cast(JsonObject, json.loads(found[0].value)) if found else None

    def swap(self, subject: str, value: JsonObject, *, instead_of: JsonObject | None) -> bool:
        """Stores `value` unless something else than `instead_of` is there; returns whether it did."""
        values = {"subject": subject, "value": _text(value)}

        def insert(connection: sa.Connection) -> bool:
            statement = rows.insert_into(connection, operation_agreement).on_conflict_do_nothing().values(values)
            return connection.execute(statement.returning(_TABLE.subject)).one_or_none() is not None

        if instead_of is None:
            return self._database.write(insert)
        expected = (_TABLE.subject == subject) & (_TABLE.value == _text(instead_of))
        return self._database.change(sa.update(operation_agreement).where(expected).values(values)) > 0


def _text(value: JsonObject) -> str:
    """Equal values have equal texts."""
    return json.dumps(value, sort_keys=True, allow_nan=False)
