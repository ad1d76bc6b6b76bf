"""What replicas agree on, and what they know of each other."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from cse_core.operations import Json, JsonObject, OperationContext
from cse_core.operations.clock import utc_now
from cse_core.secret import Secret
from cse_lab.postgres import PrivatePostgres
from cse_operations import Timing
from cse_operations.agreements import Agreements
from cse_operations.database import Database
from cse_operations.migrations import migrate
from cse_operations.replicas import Liveness
from cse_testing.operations.benches import EngineBench
from cse_testing.waiting import LIMIT_S

DISABLED: JsonObject = {"state": "disabled", "replicas": []}
STOPPED: JsonObject = {"state": "shutting down", "replicas": ["a"]}


def test_what_was_agreed_is_replaced_only_by_who_knows_it(engine: EngineBench) -> None:
    operations = engine.operations
    assert operations.agreed("service") is None
    assert not operations.agree("service", STOPPED, instead_of=DISABLED)
    assert operations.agree("service", DISABLED, instead_of=None)
    assert not operations.agree("service", STOPPED, instead_of=None)
    assert operations.agree("service", STOPPED, instead_of=dict(reversed(DISABLED.items())))
    assert not operations.agree("service", DISABLED, instead_of=DISABLED)
    assert operations.agreed("service") == STOPPED
    assert operations.agreed("another") is None


def test_a_lasting_store_keeps_it_over_a_restart(lasting: EngineBench) -> None:
    assert lasting.operations.agree("service", DISABLED, instead_of=None)
    lasting.restart()
    assert lasting.operations.agreed("service") == DISABLED


def test_a_replica_alone_counts_what_it_works_on(engine: EngineBench) -> None:
    (alone,) = engine.operations.replicas()
    assert (alone.is_this, alone.operations_in_progress) == (True, 0)
    begun, may_end = threading.Event(), threading.Event()

    def run(_: OperationContext) -> Json:
        begun.set()
        assert may_end.wait(LIMIT_S)
        return None

    operation = engine.submit(run)
    assert begun.wait(LIMIT_S)
    (busy,) = engine.operations.replicas()
    assert (busy.id, busy.operations_in_progress) == (alone.id, 1)
    may_end.set()
    engine.end_of(operation)
    (idle,) = engine.operations.replicas()
    assert (idle.id, idle.operations_in_progress) == (alone.id, 0)


def test_a_restarted_one_is_another_and_alone_again(lasting: EngineBench) -> None:
    (before,) = lasting.operations.replicas()
    lasting.restart()
    (after,) = lasting.operations.replicas()
    assert after.is_this
    assert after.id != before.id


@pytest.fixture
def stores(postgres: PrivatePostgres) -> Iterator[tuple[Database, Database]]:
    """One database as two processes have it, for there is one engine in each."""
    url = Secret(postgres.create_database())
    first, second = Database(url), Database(url)
    migrate(first)
    yield first, second
    first.close()
    second.close()


def test_replicas_see_each_other_and_what_the_other_has_agreed(stores: tuple[Database, Database]) -> None:
    lives = [
        Liveness(store, utc_now, Timing(), identity=name, generation=1, alone=False)
        for name, store in zip("ab", stores, strict=True)
    ]
    for life in lives:
        life.announce()
    first, second = map(Agreements, stores)
    assert [(each.id, each.is_this) for each in first.replicas("a")] == [("a", True), ("b", False)]
    assert [(each.id, each.is_this) for each in second.replicas("b")] == [("a", False), ("b", True)]
    assert first.swap("service", DISABLED, instead_of=None)
    assert second.read("service") == DISABLED
    beats = [each.beats for each in first.replicas("a")]
    assert lives[1].beat()
    assert [each.beats for each in first.replicas("a")] == [beats[0], beats[1] + 1]
    lives[1].leave()
    assert [each.id for each in first.replicas("a")] == ["a"]


def test_of_two_that_agree_at_once_one_does(stores: tuple[Database, Database]) -> None:
    together = threading.Barrier(2)

    def agree(number: int) -> bool:
        together.wait(LIMIT_S)
        return Agreements(stores[number]).swap("service", {"by": number}, instead_of=None)

    with ThreadPoolExecutor(2) as threads:
        outcomes = list(threads.map(agree, range(2)))
    assert sorted(outcomes) == [False, True]
    assert Agreements(stores[0]).read("service") == {"by": outcomes.index(True)}
