"""`google.longrunning.Operations` and `WatchOperation` over every engine, through a real socket."""

import threading
from collections.abc import Callable

import grpc
import pytest
from google.longrunning import operations_pb2
from google.protobuf import struct_pb2

from cse.operations.v1 import operation_pb2
from cse_core.errors import CancelledError, ConflictError
from cse_core.operations import Json, OperationContext
from cse_testing.operations.benches import EngineBench
from cse_testing.operations.served import Served, metadata_of, serving
from cse_testing.waiting import LIMIT_S

RUNNING = operation_pb2.OPERATION_STATE_RUNNING
CANCELLED = operation_pb2.OPERATION_STATE_CANCELLED


class Held:
    """Work that waits until it is let go, and says when it has begun."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go_on = threading.Event()

    def run(self, ctx: OperationContext) -> Json:
        def wait() -> Json:
            self.begun.set()
            while not self.go_on.wait(0.02):
                ctx.check()
            return "done"

        return ctx.step("wait", wait, message="waiting")


def refusal(call: Callable[[], object]) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as refused:
        call()
    code: grpc.StatusCode = refused.value.code()
    return code


def test_what_was_submitted_is_read_waited_for_and_forgotten(engine: EngineBench) -> None:
    work = Held()
    with serving(engine.operations) as served:
        name = engine.submit(work.run).name
        assert work.begun.wait(LIMIT_S)
        seen = served.get(name)
        assert (seen.done, metadata_of(seen).state, metadata_of(seen).step) == (False, RUNNING, "wait")
        assert not served.wait(name, 0.05).done
        assert refusal(lambda: served.delete(name)) is grpc.StatusCode.FAILED_PRECONDITION
        threading.Timer(0.1, work.go_on.set).start()
        ended = served.wait(name)
        result = struct_pb2.Struct()
        assert ended.response.Unpack(result)
        assert (ended.done, result["result"], metadata_of(ended).progress_percent) == (True, "done", 100)
        served.delete(name)
        for call in (served.get, served.wait, served.cancel, served.delete, lambda name: list(served.watch(name))):
            assert refusal(lambda call=call: call(name)) is grpc.StatusCode.NOT_FOUND  # type: ignore[misc]


def test_a_failure_and_a_cancellation_carry_their_status(engine: EngineBench) -> None:
    def fail(_: OperationContext) -> Json:
        raise ConflictError("busy", reason="BUSY")

    work = Held()
    with serving(engine.operations) as served:
        failed = served.wait(engine.submit(fail).name)
        assert (failed.done, failed.error.code, failed.error.message) == (
            True,
            grpc.StatusCode.ABORTED.value[0],
            "busy",
        )
        name = engine.submit(work.run).name
        assert work.begun.wait(LIMIT_S)
        served.cancel(name)
        cancelled = served.wait(name)
        assert cancelled.error.code == grpc.StatusCode.CANCELLED.value[0]
        assert (metadata_of(cancelled).state, metadata_of(cancelled).cancel_requested) == (CANCELLED, True)
        served.cancel(name)  # one that has ended stays as it is
        assert served.get(name) == cancelled


def test_lists_are_filtered_and_come_in_pages_the_latest_first(engine: EngineBench) -> None:
    work = Held()
    with serving(engine.operations) as served:
        ended = [engine.submit(lambda _: None, target=f"clusters/c{number % 2}") for number in range(5)]
        for operation in ended:
            engine.end_of(operation)
        active = engine.submit(work.run, target="clusters/c0", owner="globex")
        names = [operation.name for operation in [active, *reversed(ended)]]
        assert served.names() == [names]
        assert served.names(page_size=4) == [names[:4], names[4:]]
        assert served.names(page_size=2) == [names[:2], names[2:4], names[4:]]
        assert served.names("done=false") == [[active.name]]
        assert served.names('done=true AND target_id="c1"', page_size=1) == [[ended[3].name], [ended[1].name]]
        assert served.names("state=SUCCEEDED AND kind=TEST") == [names[1:]]
        assert served.names('target="clusters/c9"') == [[]]
        request = operations_pb2.ListOperationsRequest(filter="owner=acme")
        assert refusal(lambda: served.standard.ListOperations(request)) is grpc.StatusCode.INVALID_ARGUMENT
        with serving(engine.operations, owner="globex") as other:
            assert other.names() == [[active.name]]
            assert refusal(lambda: other.get(ended[0].name)) is grpc.StatusCode.NOT_FOUND
        work.go_on.set()
        engine.end_of(active)


def test_watching_replays_and_follows_to_the_end_and_resumes(engine: EngineBench) -> None:
    work = Held()
    with serving(engine.operations) as served:
        name = engine.submit(work.run).name
        seen = []
        for event in served.watch(name):
            seen.append(event)
            if event.message == "waiting":
                work.go_on.set()
        assert [event.sequence for event in seen] == list(range(1, len(seen) + 1))
        assert [event.message for event in seen][:3] == ["queued", "started", "waiting"]
        assert seen[-1].state == operation_pb2.OPERATION_STATE_SUCCEEDED
        assert list(served.watch(name, 3)) == seen[2:]
        assert list(served.watch(name)) == seen


def test_a_watcher_resumes_with_the_process_that_goes_on(lasting: EngineBench) -> None:
    first, second = Held(), Held()
    name = lasting.submit(first.run).name
    with serving(lasting.operations) as served:
        seen = list(_until(served, name, "waiting"))
    assert first.begun.wait(LIMIT_S)  # the step is told of before it is taken
    lasting.runs["0"] = second.run
    lasting.restart()
    second.go_on.set()
    with serving(lasting.operations) as served:
        seen += served.watch(name, seen[-1].sequence + 1)
    assert [event.sequence for event in seen] == list(range(1, len(seen) + 1))
    assert "taken up again" in [event.message for event in seen]
    assert seen[-1].state == operation_pb2.OPERATION_STATE_SUCCEEDED


def test_an_operation_that_was_cancelled_rolls_back_before_it_ends(engine: EngineBench) -> None:
    work = Held()

    def run(ctx: OperationContext) -> Json:
        try:
            return work.run(ctx)
        except CancelledError:
            with ctx.rollback():
                ctx.step("undo", lambda: None, message="taking back")
            raise

    with serving(engine.operations) as served:
        name = engine.submit(run).name
        states = []
        for event in served.watch(name):
            states.append((event.message, operation_pb2.OperationState.Name(event.state)))
            if event.message == "waiting":
                served.cancel(name)
        assert ("taking back", "OPERATION_STATE_ROLLING_BACK") in states
        assert states[-1] == ("cancelled", "OPERATION_STATE_CANCELLED")


def _until(served: Served, name: str, message: str) -> list[operation_pb2.OperationEvent]:
    seen = []
    for event in served.watch(name):
        seen.append(event)
        if event.message == message:
            break
    return seen
