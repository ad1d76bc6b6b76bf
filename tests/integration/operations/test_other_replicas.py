"""What one replica runs is seen, waited for and cancelled through another, over gRPC."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

import pytest

from cse.operations.v1 import operation_pb2
from cse_core.operations import OperationKind
from cse_core.secret import Secret
from cse_operations import DurableOperations, OperationsSettings, Timing
from cse_testing.operations.driver import Job
from cse_testing.operations.served import Served, metadata_of, serving
from cse_testing.operations.supervisor import Field
from cse_testing.waiting import LIMIT_S

TIMING = Timing(queue_poll_s=0.05, signal_poll_s=0.1, beat_s=0.5, doubt_s=LIMIT_S, dead_after_s=2 * LIMIT_S)
"""Nobody dies here, however long the machine stalls."""
CANCELLED = operation_pb2.OPERATION_STATE_CANCELLED


@contextmanager
def another_replica(field: Field) -> Iterator[Served]:
    """Served by this process, which has no part in what runs elsewhere."""
    settings = OperationsSettings(database=Secret(field.store), key=Secret(field.key), timing=TIMING)
    kind = OperationKind(name="BUILD", run=lambda _: pytest.fail("it is run elsewhere"), finish=lambda _: None)
    engine = DurableOperations([kind], settings)
    engine.start()
    try:
        with serving(engine) as served:
            yield served
    finally:
        assert engine.close(LIMIT_S)


def test_what_another_replica_runs_is_followed_and_cancelled_from_here(field_on: Callable[[str], Field]) -> None:
    field = field_on("postgres")
    field.timing = asdict(TIMING)
    driver = field.start(field.spec([Job(request_id="r", partition="p", hold_at="boot@n1")], stays=True))
    field.wait_for("begin", "boot@n1")
    with another_replica(field) as served:
        ((name,),) = served.names("done=false")
        events: list[operation_pb2.OperationEvent] = []
        watching = threading.Thread(target=lambda: events.extend(served.watch(name)))
        watching.start()
        assert not served.wait(name, 0.1).done
        served.cancel(name)
        ended = served.wait(name)
        watching.join(LIMIT_S)
    assert (ended.done, metadata_of(ended).state) == (True, CANCELLED)
    assert [event.sequence for event in events] == list(range(1, metadata_of(ended).last_sequence + 1))
    assert events[-1].state == CANCELLED
    (operation,) = field.operations()
    assert operation.id not in field.cloud.objects()  # it has rolled back
    assert {happening.process for happening in field.cloud.history()} == {driver.pid}
