"""Switching the service on and off."""

import pytest

from cse_clusters.application.system import State, SystemState
from cse_core.errors import FailedPreconditionError, PermissionDeniedError
from cse_testing.clusters.service import ClustersInMemory


@pytest.fixture
def clusters() -> ClustersInMemory:
    return ClustersInMemory()


def test_a_disabled_service_takes_no_requests(clusters: ClustersInMemory) -> None:
    state, admin = SystemState(), clusters.caller("admin")
    state.require_running()
    state.disable(admin)
    with pytest.raises(FailedPreconditionError, match=r"CSE service is disabled\. Contact the System") as refused:
        state.require_running()
    assert refused.value.code == "SERVICE_DISABLED"
    state.enable(admin)
    state.require_running()


def test_stopping_needs_a_disabled_service_and_cannot_be_undone(clusters: ClustersInMemory) -> None:
    state, admin = SystemState(), clusters.caller("admin")
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


def test_only_system_administrators_may(clusters: ClustersInMemory) -> None:
    state, tenant = SystemState(), clusters.caller("alice")
    for change in (state.enable, state.disable, state.stop):
        with pytest.raises(PermissionDeniedError, match=r"^Unauthorized$"):
            change(tenant)
    assert state.state is State.RUNNING
