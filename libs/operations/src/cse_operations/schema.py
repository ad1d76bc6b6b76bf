"""Our tables. `migrations` makes them; a test holds the two together.

Columns that end in `_sealed` are encrypted JSON.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Moment(sa.types.TypeDecorator[datetime]):
    """A time in UTC, as microseconds since 1970: the same, and sortable, in every database."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:  # noqa: ARG002
        return None if value is None else (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:  # noqa: ARG002
        return None if value is None else _EPOCH + timedelta(microseconds=value)


metadata = sa.MetaData()

operation = sa.Table(
    "operation",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("target_uid", sa.Text, nullable=False),
    sa.Column("partition", sa.Text, nullable=False),
    sa.Column("request_id", sa.Text, nullable=False, unique=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("task_href", sa.Text, nullable=False),
    sa.Column("input_sealed", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("progress_percent", sa.Integer, nullable=False),
    sa.Column("last_sequence", sa.Integer, nullable=False),
    sa.Column("cancel_requested", sa.Integer, nullable=False),
    sa.Column("create_time", Moment, nullable=False),
    sa.Column("deadline", Moment, nullable=False),
    sa.Column("start_time", Moment),
    sa.Column("end_time", Moment),
    sa.Column("result_sealed", sa.Text),
    sa.Column("error_sealed", sa.Text),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("workflow_id", sa.Text, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("stalled_runs", sa.Integer, nullable=False),
    sa.Column("replica", sa.Text, nullable=False),
    sa.Column("claim", sa.Text),
    sa.Index("operation_by_partition", "partition", "state"),
    sa.Index("operation_by_state", "state", "end_time"),
    sa.Index("operation_by_target", "target"),
    sa.Index("operation_by_claim", "claim", unique=True),
    sa.Index("operation_by_owner", "owner", "id"),
)
"""One row per operation: the truth for users. The last six columns are the engine's:

* generation: of the code that began it.
* workflow_id: the DBOS workflow that may run it; any other that comes along goes away.
* epoch: counts its runs; whoever writes names his, so that a run that was superseded cannot write any more.
* stalled_runs: runs in a row in which nothing was journaled.
* replica: who ran it last.
* claim: the request's, until it has ended.
"""

operation_event = sa.Table(
    "operation_event",
    metadata,
    sa.Column("operation_id", sa.ForeignKey("operation.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("sequence", sa.Integer, primary_key=True),
    sa.Column("time", Moment, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("node", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("progress_percent", sa.Integer, nullable=False),
)

operation_journal = sa.Table(
    "operation_journal",
    metadata,
    sa.Column("operation_id", sa.ForeignKey("operation.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("entry", sa.Text, primary_key=True),
    sa.Column("branch", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("value_sealed", sa.Text),
    sa.Column("time", Moment, nullable=False),
)
"""What a run that is taken up again does not do again; see `journal.Entry`."""

operation_ledger = sa.Table(
    "operation_ledger",
    metadata,
    sa.Column("operation_id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("create_time", Moment, nullable=False),
)
"""What operations made outside and did not remove. No foreign key: orphans outlive the operation that made them."""

operation_secret = sa.Table(
    "operation_secret",
    metadata,
    sa.Column("operation_id", sa.ForeignKey("operation.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value_sealed", sa.Text, nullable=False),
)
"""Gone as soon as the operation has ended."""

operation_seal = sa.Table(
    "operation_seal",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value_sealed", sa.Text, nullable=False),
)
"""One row, by which a process sees at its start whether its keys are those of this store."""

operation_replica = sa.Table(
    "operation_replica",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("alive", sa.Integer, nullable=False),
    sa.Column("beats", sa.BigInteger, nullable=False),
    sa.Column("start_time", Moment, nullable=False),
    sa.Column("end_time", Moment),
)
"""The processes that run operations. One that is not alive never becomes so again: a new process has a new id."""

operation_agreement = sa.Table(
    "operation_agreement",
    metadata,
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
"""What replicas agree on, as JSON, not encrypted: nothing in it is secret."""
