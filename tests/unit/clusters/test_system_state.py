"""Switching the service on and off: one switch for all replicas, which outlives them."""

from collections.abc import Callable

import pytest

from cse_clusters.application.system import State, SystemState
from cse_clusters.domain.access import Caller
from cse_core.errors import ConflictError, FailedPreconditionError, PermissionDeniedError, UnavailableError
from cse_core.operations import JsonObject, Replica
from cse_testing.clusters.service import ClustersInMemory


class Store:
    """What replicas share, and which of them live."""

    def __init__(self, *living: str) -> None:
        self.living = list(living)
        self.value: JsonObject | None = None
        self.is_away = False
        self.before_agreeing: Callable[[], None] = lambda: None
        self.beating = set[str]()
        """Those of the living that really live."""
        self.looks = 0

    def replicas(self) -> list[Replica]:
        self.looks += 1
        return [
            Replica(
                id=each, is_this=False, operations_in_progress=0, beats=self.looks // 3 if each in self.beating else 7
            )
            for each in self.living
        ]

    def agreed(self, subject: str) -> JsonObject | None:
        assert subject == "service"
        if self.is_away:
            raise UnavailableError("away", reason="OPERATION_STORE_UNAVAILABLE")
        return self.value

    def agree(self, subject: str, value: JsonObject, *, instead_of: JsonObject | None) -> bool:
        self.before_agreeing()
        if self.agreed(subject) != instead_of:
            return False
        self.value = value
        return True


@pytest.fixture
def store() -> Store:
    return Store("a", "b")


@pytest.fixture
def admin() -> Caller:
    return ClustersInMemory().caller("admin")


def started(store: Store, sleep: Callable[[float], None] = lambda _: None) -> SystemState:
    state = SystemState(store, sleep=sleep)
    state.begin()
    return state


def test_a_disabled_service_takes_no_requests(store: Store, admin: Caller) -> None:
    state = started(store)
    state.require_running()
    state.disable(admin)
    with pytest.raises(FailedPreconditionError, match=r"CSE service is disabled\. Contact the System") as refused:
        state.require_running()
    assert refused.value.code == "SERVICE_DISABLED"
    state.enable(admin)
    state.require_running()


def test_stopping_needs_a_disabled_service_and_cannot_be_undone(store: Store, admin: Caller) -> None:
    state = started(store)
    with pytest.raises(FailedPreconditionError, match=r"Cannot stop CSE while is enabled\. Disable") as refused:
        state.stop(admin)
    assert refused.value.code == "SERVICE_ENABLED"
    state.disable(admin)
    state.stop(admin)
    assert state.state is State.SHUTTING_DOWN
    assert state.stopping.is_set()
    with pytest.raises(FailedPreconditionError, match=r"Cannot enable while being stopped\.") as stopping:
        state.enable(admin)
    assert stopping.value.code == "SERVICE_STOPPING"
    state.stop(admin)


def test_only_system_administrators_may(store: Store) -> None:
    state, tenant = started(store), ClustersInMemory().caller("alice")
    for change in (state.enable, state.disable, state.stop):
        with pytest.raises(PermissionDeniedError, match="only system administrators"):
            change(tenant)
    assert (state.state, store.value) == (State.RUNNING, None)


def test_replicas_obey_what_another_was_told_at_their_next_look(store: Store, admin: Caller) -> None:
    first, second = started(store), started(store)
    first.disable(admin)
    second.refresh()
    assert second.state is State.DISABLED
    second.enable(admin)
    first.refresh()
    assert first.state is State.RUNNING
    first.disable(admin)
    second.stop(admin)  # it has not looked yet, and need not have
    assert not first.stopping.is_set()
    first.refresh()
    assert first.stopping.is_set()


def test_a_restart_keeps_a_disabled_service_disabled_until_it_is_enabled(store: Store, admin: Caller) -> None:
    started(store).disable(admin)
    store.living = []
    again = started(store)
    assert again.state is State.DISABLED
    again.enable(admin)
    assert started(store).state is State.RUNNING


def test_after_a_stop_the_next_start_runs(store: Store, admin: Caller) -> None:
    state = started(store)
    state.disable(admin)
    state.stop(admin)
    store.living = ["c", "d"]  # both started at once: neither takes the other for one that was told to stop
    next_ones = [started(store), started(store)]
    assert [each.state for each in next_ones] == [State.RUNNING, State.RUNNING]
    state.refresh()
    assert state.state is State.SHUTTING_DOWN  # there is no way back for the one that was told


def test_who_starts_while_others_are_shutting_down_joins_them(store: Store, admin: Caller) -> None:
    state = started(store)
    state.disable(admin)
    state.stop(admin)
    store.living, store.beating = ["a", "b", "c"], {"b"}
    late = started(store)
    assert late.state is State.SHUTTING_DOWN
    assert late.stopping.is_set()


def test_who_starts_after_those_who_were_told_to_stop_were_killed_waits_until_that_is_certain_and_runs(
    store: Store, admin: Caller
) -> None:
    state = started(store)
    state.disable(admin)
    state.stop(admin)
    store.living, store.beating = ["a", "b", "c"], {"c"}  # the last one is who starts
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        store.living = store.living[1:] if len(slept) in (10, 20) else store.living

    assert started(store, sleep).state is State.RUNNING
    assert len(slept) == 20
    assert store.living == ["c"]


def test_a_store_that_is_away_changes_nothing(store: Store, admin: Caller) -> None:
    state = started(store)
    state.disable(admin)
    store.is_away = True
    for act in (state.refresh, lambda: state.enable(admin), lambda: state.stop(admin)):
        with pytest.raises(UnavailableError):
            act()
    assert state.state is State.DISABLED
    assert not state.stopping.is_set()


def test_a_change_that_another_replica_came_before_sees_what_that_one_did(store: Store, admin: Caller) -> None:
    first, second = started(store), started(store)
    first.disable(admin)

    def enable_meanwhile() -> None:
        store.before_agreeing = lambda: None
        second.enable(admin)

    store.before_agreeing = enable_meanwhile
    with pytest.raises(FailedPreconditionError) as refused:
        first.stop(admin)
    assert refused.value.code == "SERVICE_ENABLED"


def test_a_change_that_others_always_come_before_is_given_up(store: Store, admin: Caller) -> None:
    state, turns = started(store), iter(range(1000))

    def change() -> None:
        store.value = {"state": "running", "replicas": [str(next(turns))]}

    store.before_agreeing = change
    with pytest.raises(ConflictError, match="try again"):
        state.disable(admin)
    assert state.state is State.RUNNING
