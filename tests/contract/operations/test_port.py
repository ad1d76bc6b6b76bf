"""What every operation engine promises to those who submit operations, watch them and end them."""

import threading
from contextvars import ContextVar
from datetime import timedelta

import pytest

from cse_core.errors import ConflictError, FailedPreconditionError, InternalError, NotFoundError, UnavailableError
from cse_core.operations import Json, Operation, OperationContext, OperationQuery, OperationRequest, OperationState
from cse_core.secret import Secret
from cse_testing.operations.benches import EngineBench
from cse_testing.waiting import LIMIT_S

BEARER: ContextVar[str] = ContextVar("bearer", default="nobody")


def test_an_operation_ends_with_its_result_and_says_so(engine: EngineBench) -> None:
    def run(ctx: OperationContext) -> Json:
        secret = ctx.secret("token")
        assert secret is not None
        first = ctx.step("first", lambda: 1, message="doing the first")
        ctx.progress("half done", percent=50)
        return {"sum": ctx.step("second", lambda: 2), "first": first, "secret": len(secret.reveal())}

    submitted = engine.submit(run)
    assert (submitted.state, submitted.message) == (OperationState.QUEUED, "queued")
    ended = engine.end_of(submitted)
    assert (ended.state, ended.result) == (OperationState.SUCCEEDED, {"sum": 2, "first": 1, "secret": 6})
    assert (ended.progress_percent, ended.message, ended.step) == (100, "half done", "")
    assert ended.deadline == submitted.create_time + timedelta(minutes=1)
    assert [operation.state for operation in engine.finished] == [OperationState.SUCCEEDED]
    assert engine.finished[0].result == ended.result
    events = engine.events_of(ended)
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert [event.message for event in events][:4] == ["queued", "started", "doing the first", "half done"]
    assert [event.step for event in events][2:4] == ["first", "first"]
    assert events[-1].state is OperationState.SUCCEEDED
    assert ended.last_sequence == len(events)
    assert next(engine.operations.watch(ended.id, 3, is_wanted=lambda: True)).sequence == 3


def test_the_outcome_is_not_visible_before_finish_was_told(engine: EngineBench) -> None:
    states = list[OperationState]()
    original = engine.finished.append

    def finish(operation: Operation) -> None:
        states.append(engine.operations.get(operation.id).state)
        original(operation)

    engine.finished = type("Told", (list,), {"append": lambda _, operation: finish(operation)})()
    engine.restart()
    engine.end_of(engine.submit(lambda _: None))
    assert states == [OperationState.RUNNING]


def test_a_crash_in_finish_does_not_change_the_outcome(engine: EngineBench) -> None:
    engine.finished = type("Crash", (list,), {"append": lambda *_: 1 // 0})()
    engine.restart()
    assert engine.end_of(engine.submit(lambda _: 7)).result == 7


def test_a_domain_error_fails_it_with_its_reason_and_any_other_hides_its_text(engine: EngineBench) -> None:
    def refuse(_: OperationContext) -> Json:
        raise ConflictError("busy", reason="BUSY", vapp="a")

    def crash(_: OperationContext) -> Json:
        raise ZeroDivisionError("secret inside")

    failed, crashed = engine.end_of(engine.submit(refuse)), engine.end_of(engine.submit(crash))
    assert (failed.state, crashed.state) == (OperationState.FAILED, OperationState.FAILED)
    assert failed.error is not None
    assert crashed.error is not None
    assert (failed.error.error_type, failed.error.reason, failed.error.details) == (
        "ConflictError",
        "BUSY",
        {"vapp": "a"},
    )
    assert failed.message == "busy"
    assert crashed.error.reason == "INTERNAL"
    assert "secret inside" not in crashed.error.message


def test_a_result_that_is_no_json_fails_it(engine: EngineBench) -> None:
    ended = engine.end_of(engine.submit(lambda _: {"at": object()}))  # type: ignore[dict-item]
    assert ended.error is not None
    assert ended.error.reason == "INTERNAL"


def test_a_repeated_request_id_is_the_same_operation_for_the_same_owner_only(engine: EngineBench) -> None:
    first = engine.submit(lambda _: 1, request_id="same")
    assert engine.submit(lambda _: 2, request_id="same").id == first.id
    with pytest.raises(ConflictError, match="same"):
        engine.submit(lambda _: 3, request_id="same", owner="globex")
    assert engine.end_of(first).result == 1


def test_the_operation_that_a_request_began_is_found_by_its_id(engine: EngineBench) -> None:
    assert engine.operations.begun_by("unknown") is None
    first = engine.submit(lambda _: 1, request_id="same")
    begun = engine.operations.begun_by("same")
    assert begun is not None
    assert begun.id == first.id
    ended = engine.end_of(first)
    assert engine.operations.begun_by("same") == ended
    engine.operations.delete(first.id)
    assert engine.operations.begun_by("same") is None


def test_a_claim_is_one_operations_until_that_has_ended(engine: EngineBench) -> None:
    go_on = threading.Event()
    first = engine.submit(lambda _: go_on.wait(LIMIT_S), claim="name", request_id="first")
    assert engine.submit(lambda _: None, claim="name", request_id="first").id == first.id
    with pytest.raises(ConflictError, match=first.id) as refused:
        engine.submit(lambda _: None, claim="name")
    assert refused.value.code == "CLAIM_TAKEN"
    for claim in ("another", "", ""):
        engine.end_of(engine.submit(lambda _: None, claim=claim))
    go_on.set()
    engine.end_of(first)
    second = engine.submit(lambda _: 2, claim="name")
    assert engine.end_of(second).result == 2


def test_a_claim_is_free_after_a_failure_and_after_a_cancellation_in_the_queue(engine: EngineBench) -> None:
    def fail(_: OperationContext) -> Json:
        raise ConflictError("busy")

    engine.end_of(engine.submit(fail, claim="name"))
    go_on = threading.Event()
    ahead = engine.submit(lambda _: go_on.wait(LIMIT_S), partition="p")
    queued = engine.submit(lambda _: None, partition="p", claim="name")
    engine.operations.cancel(queued.id)
    assert engine.end_of(queued).state is OperationState.CANCELLED
    assert engine.end_of(engine.submit(lambda _: 3, claim="name")).result == 3
    go_on.set()
    engine.end_of(ahead)


def test_of_simultaneous_claims_one_is_accepted(engine: EngineBench) -> None:
    barrier, go_on = threading.Barrier(8), threading.Event()
    accepted, refused = list[str](), list[str]()

    def submit() -> None:
        barrier.wait(LIMIT_S)
        try:
            accepted.append(engine.submit(lambda _: go_on.wait(LIMIT_S), claim="name").id)
        except ConflictError as exc:
            refused.append(exc.code)

    threads = [threading.Thread(target=submit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_S)
    go_on.set()
    assert (len(accepted), refused) == (1, ["CLAIM_TAKEN"] * 7)


def test_simultaneous_submissions_of_one_request_are_one_operation(engine: EngineBench) -> None:
    barrier, ids = threading.Barrier(8), set[str]()

    def submit() -> None:
        barrier.wait(LIMIT_S)
        ids.add(engine.submit(lambda _: None, request_id="same", partition="p").id)

    threads = [threading.Thread(target=submit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_S)
    assert len(ids) == 1
    engine.end_of(engine.operations.get(ids.pop()))
    assert len(engine.finished) == 1


def test_an_unknown_kind_is_refused(engine: EngineBench) -> None:
    request = OperationRequest(kind="OTHER", target="t", partition="p", request_id="r", owner="o", input={})
    with pytest.raises(InternalError, match="OTHER"):
        engine.operations.submit(request)


def test_operations_of_one_partition_run_in_order_and_those_of_others_meanwhile(engine: EngineBench) -> None:
    release, order = threading.Event(), list[str]()

    def wait(_: OperationContext) -> Json:
        assert release.wait(LIMIT_S)
        order.append("first")
        return None

    def note(name: str) -> Json:
        order.append(name)
        return None

    first = engine.submit(wait, partition="p")
    rest = [engine.submit(lambda _, n=n: note(f"{n}"), partition="p") for n in range(6)]  # type: ignore[misc]
    assert "queued behind 6" in rest[-1].message
    other = engine.submit(lambda _: note("other"), partition="q")
    engine.end_of(other)
    assert engine.operations.get(rest[0].id).state is OperationState.QUEUED
    release.set()
    engine.end_of(first)
    for operation in rest:
        engine.end_of(operation)
    assert order == ["other", "first", "0", "1", "2", "3", "4", "5"]


def test_operations_are_found_by_owner_target_and_whether_they_have_ended(engine: EngineBench) -> None:
    release = threading.Event()
    running = engine.submit(lambda _: release.wait(LIMIT_S), target="a", owner="acme")
    ended = engine.end_of(engine.submit(lambda _: None, target="a", owner="globex"))
    other = engine.end_of(engine.submit(lambda _: None, target="b", owner="acme"))

    def found(**query: object) -> list[str]:
        return [operation.id for operation in engine.operations.find(**query)]  # type: ignore[arg-type]

    assert found() == [running.id, ended.id, other.id]
    assert found(target="a") == [running.id, ended.id]
    assert found(owner="acme", active=False) == [other.id]
    assert found(active=True) == [running.id]
    assert engine.operations.active_count() == 1
    release.set()
    engine.end_of(running)
    assert engine.operations.active_count() == 0


def test_pages_of_operations_begin_with_the_latest(engine: EngineBench) -> None:
    begun, release = threading.Event(), threading.Event()

    def hold(_: OperationContext) -> Json:
        begun.set()
        return release.wait(LIMIT_S)

    demo, other = "orgs/acme/vdcs/dev/clusters/demo", "orgs/acme/vdcs/dev/clusters/my-demo"
    running = engine.submit(hold, target=demo, owner="acme")
    assert begun.wait(LIMIT_S)
    ended = [engine.end_of(engine.submit(lambda _: None, target=demo, owner="globex")) for _ in range(3)]
    other_one = engine.end_of(engine.submit(lambda _: None, target=other, owner="acme"))
    newest_first = [other_one.id, *(each.id for each in reversed(ended)), running.id]

    def page(limit: int = 10, before: str = "", **query: object) -> list[str]:
        found = engine.operations.page(OperationQuery(**query), limit=limit, before=before)  # type: ignore[arg-type]
        return [operation.id for operation in found]

    assert page() == newest_first
    assert (page(2), page(2, newest_first[1]), page(2, newest_first[3])) == (
        newest_first[:2], newest_first[2:4], newest_first[4:],
    )  # fmt: skip
    assert page(before=running.id) == []
    assert page(target_id="demo") == newest_first[1:]
    assert page(target_id="emo") == []
    assert page(target=demo, owner="acme") == [running.id]
    assert page(owner="acme", active=False) == [other_one.id]
    assert page(state=OperationState.RUNNING, active=True) == [running.id]
    assert page(1, target_id="demo", state=OperationState.SUCCEEDED) == [ended[-1].id]
    assert page(kind="OTHER") == page(target_uid="none") == page(target_id="x' OR 1=1 --") == []
    release.set()
    engine.end_of(running)


def test_only_what_an_ended_operation_has_left_is_taken_out_of_the_ledger(engine: EngineBench) -> None:
    noted, release = threading.Event(), threading.Event()

    def fail(ctx: OperationContext) -> Json:
        ctx.creating("vapp", "left")
        ctx.creating("vapp", "more")
        raise ConflictError("busy")

    def hold(ctx: OperationContext) -> Json:
        ctx.creating("vapp", "held")
        noted.set()
        return release.wait(LIMIT_S)

    failed = engine.end_of(engine.submit(fail))
    running = engine.submit(hold)
    assert noted.wait(LIMIT_S)
    for entry in engine.operations.ledger():
        if entry.key != "more":
            engine.operations.disown(entry)
            engine.operations.disown(entry)
    assert {(entry.operation_id, entry.key) for entry in engine.operations.ledger()} == {
        (failed.id, "more"), (running.id, "held"),
    }  # fmt: skip
    release.set()
    engine.end_of(running)


def test_a_note_stays_until_it_is_disowned_or_settled(engine: EngineBench) -> None:
    operations = engine.operations
    dropped, settled, kept = (operations.note(f"r-{n}", "task", "c-1") for n in range(3))
    assert operations.note("r-2", "task", "c-1").key == kept.key
    operations.disown(dropped)
    ended = engine.end_of(engine.submit(lambda _: None, settles=settled))
    assert ended.state is OperationState.SUCCEEDED
    assert [(entry.operation_id, entry.kind, entry.key) for entry in operations.ledger()] == [("r-2", "task", "c-1")]


def test_only_ended_operations_are_deleted(engine: EngineBench) -> None:
    release = threading.Event()
    operation = engine.submit(lambda _: release.wait(LIMIT_S))
    with pytest.raises(FailedPreconditionError, match="cancel"):
        engine.operations.delete(operation.id)
    release.set()
    engine.end_of(operation)
    engine.operations.delete(operation.id)
    for look in (engine.operations.get, engine.operations.delete, engine.operations.cancel):
        with pytest.raises(NotFoundError):
            look(operation.id)
    with pytest.raises(NotFoundError):
        engine.operations.wait(operation.id, 0)
    with pytest.raises(NotFoundError):
        engine.operations.watch(operation.id, 0, is_wanted=lambda: True)


def test_waiting_ends_with_its_time(engine: EngineBench) -> None:
    release = threading.Event()
    operation = engine.submit(lambda _: release.wait(LIMIT_S))
    assert not engine.operations.wait(operation.id, 0.05).state.is_final
    release.set()
    assert engine.end_of(operation).state is OperationState.SUCCEEDED


def test_a_watcher_sees_events_as_they_happen_and_leaves_when_he_likes(engine: EngineBench) -> None:
    go_on, release, wanted = threading.Event(), threading.Event(), threading.Event()
    wanted.set()

    def run(ctx: OperationContext) -> Json:
        assert go_on.wait(LIMIT_S)
        ctx.progress("seen")
        return release.wait(LIMIT_S)

    operation = engine.submit(run)
    seen = list[str]()
    for event in engine.operations.watch(operation.id, 0, is_wanted=wanted.is_set):
        seen.append(event.message)
        go_on.set()
        if event.message == "seen":
            wanted.clear()
    assert seen == ["queued", "started", "seen"]
    release.set()
    engine.end_of(operation)


def test_percent_never_falls(engine: EngineBench) -> None:
    def run(ctx: OperationContext) -> Json:
        ctx.progress("a", percent=60)
        ctx.progress("b", percent=30)
        ctx.progress("c", percent=400)
        return None

    operation = engine.end_of(engine.submit(run))
    assert [event.progress_percent for event in engine.events_of(operation)][-4:] == [60, 60, 100, 100]


def test_a_queued_operation_is_cancelled_at_once_and_finished(engine: EngineBench) -> None:
    release = threading.Event()
    first = engine.submit(lambda _: release.wait(LIMIT_S), partition="p")
    second = engine.submit(lambda _: pytest.fail("must not run"), partition="p")
    third = engine.submit(lambda _: 3, partition="p")
    assert engine.operations.cancel(second.id).cancel_requested
    ended = engine.end_of(second)
    assert ended.state is OperationState.CANCELLED
    assert ended.start_time is None
    assert ended.message == "cancelled before it began; nothing was changed"
    assert (ended.error.reason if ended.error else "") == "OPERATION_CANCELLED"
    assert [(operation.id, operation.message) for operation in engine.finished] == [(second.id, ended.message)]
    assert engine.operations.get(first.id).state is not OperationState.SUCCEEDED
    release.set()
    assert [engine.end_of(each).state for each in (first, third)] == [OperationState.SUCCEEDED] * 2


def test_cancelling_one_that_has_ended_changes_nothing(engine: EngineBench) -> None:
    ended = engine.end_of(engine.submit(lambda _: None))
    assert engine.operations.cancel(ended.id) == ended


def test_secrets_are_whole_and_only_those_that_were_given(engine: EngineBench) -> None:
    def run(ctx: OperationContext) -> Json:
        given = ctx.secret("token")
        return [given.reveal() if given else None, ctx.secret("other") is None]

    text = "ünïcode '\"\\ \n$(x)"
    assert engine.end_of(engine.submit(run, secrets={"token": Secret(text)})).result == [text, True]
    assert engine.end_of(engine.submit(run, secrets={})).result == [None, True]


def test_closing_refuses_new_work(engine: EngineBench) -> None:
    assert engine.operations.close(LIMIT_S)
    with pytest.raises(UnavailableError):
        engine.submit(lambda _: None)
    engine.restart()


def test_ids_sort_as_operations_were_submitted(engine: EngineBench) -> None:
    ids = [engine.submit(lambda _: None).id for _ in range(20)]
    assert ids == sorted(ids)
    for operation_id in ids:
        engine.end_of(engine.operations.get(operation_id))


def test_branches_run_in_copies_of_the_context_of_their_operation(engine: EngineBench) -> None:
    def branch(_: OperationContext) -> Json:
        found = BEARER.get()
        BEARER.set("a branch")
        return found

    def run(ctx: OperationContext) -> Json:
        BEARER.set("the operation")
        return [ctx.parallel({"n1": branch, "n2": branch}), BEARER.get()]

    seen = engine.end_of(engine.submit(run)).result
    assert seen == [{"n1": "the operation", "n2": "the operation"}, "the operation"]
