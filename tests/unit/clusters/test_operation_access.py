"""Who sees operations, and who may cancel and forget them."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from cse_clusters.application.operation_access import OperationViewer
from cse_clusters.domain.access import ADMINISTRATOR_RIGHTS, DEPLOY_RIGHT
from cse_clusters.domain.cluster import CLUSTER_ID
from cse_clusters.domain.vcd import VappDetails
from cse_core.errors import ConflictError, PermissionDeniedError, UnauthenticatedError
from cse_core.operations import Operation, OperationState
from cse_testing.clusters.fake_cloud import credentials
from cse_testing.clusters.service import ClustersInMemory


@pytest.fixture
def world() -> Iterator[ClustersInMemory]:
    with ClustersInMemory() as made:
        yield made


@pytest.fixture
def created(world: ClustersInMemory) -> Operation:
    """By alice."""
    return world.created()


def viewer(world: ClustersInMemory, user: str) -> OperationViewer:
    return world.use_cases.operation_access.viewer(credentials(user))


def test_an_org_sees_its_own_operations_and_administrators_see_all(world: ClustersInMemory, created: Operation) -> None:
    assert viewer(world, "alice").owner == viewer(world, "bob").owner == created.owner
    assert viewer(world, "carol").owner not in (None, created.owner)
    assert viewer(world, "admin").owner is None
    with pytest.raises(UnauthenticatedError):
        viewer(world, "nobody")


@pytest.mark.parametrize("user", ["alice", "bob", "admin"])
def test_who_may_change_the_cluster_may_change_its_operations(
    world: ClustersInMemory, created: Operation, user: str
) -> None:
    viewer(world, user).require_change(created)


def test_who_may_only_read_the_vapp_may_not_unless_he_began_the_operation(
    world: ClustersInMemory, created: Operation
) -> None:
    world.vcd.read_only.update(world.vcd.vapps)
    with pytest.raises(PermissionDeniedError) as caught:
        viewer(world, "bob").require_change(created)
    assert caught.value.code == "VAPP_CHANGE_FORBIDDEN"
    viewer(world, "alice").require_change(created)
    viewer(world, "admin").require_change(created)


def test_without_a_vapp_only_who_began_it_and_administrators_may(world: ClustersInMemory, created: Operation) -> None:
    world.vcd.vapps.clear()
    with pytest.raises(PermissionDeniedError) as caught:
        viewer(world, "bob").require_change(created)
    assert caught.value.code == "OPERATION_CHANGE_FORBIDDEN"
    viewer(world, "alice").require_change(created)
    viewer(world, "admin").require_change(created)


def test_while_vcd_does_not_say_who_may_change_the_vapp_others_wait(
    world: ClustersInMemory, created: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = world.vcd.vapp

    def busy(*arguments: object) -> VappDetails | None:
        found = read(*arguments)  # type: ignore[arg-type]
        return replace(found, may_change=None) if found else None

    monkeypatch.setattr(world.vcd, "vapp", busy)
    world.vcd.rights["bob"] = {*ADMINISTRATOR_RIGHTS}
    viewer(world, "bob").require_change(created)
    world.vcd.rights.clear()
    with pytest.raises(ConflictError) as caught:
        viewer(world, "bob").require_change(created)
    assert caught.value.code == "CLUSTER_BUSY"
    viewer(world, "alice").require_change(created)


def test_where_rights_are_enforced_even_who_began_it_needs_the_right() -> None:
    with ClustersInMemory(enforce_rights=True) as world:
        world.vcd.rights["alice"] = {DEPLOY_RIGHT}
        created = world.created()
        viewer(world, "alice").require_change(created)
        world.vcd.rights.clear()
        for user in ("alice", "bob"):
            with pytest.raises(PermissionDeniedError) as caught:
                viewer(world, user).require_change(created)
            assert caught.value.code == "RIGHT_MISSING"
        viewer(world, "admin").require_change(created)


def test_a_deletion_ends_only_what_its_caller_may_cancel(world: ClustersInMemory) -> None:
    world.created()
    halt = world.guests.halt("BODY-worker")
    growing = world.add_nodes(user="alice")
    halt.wait_until_reached()
    world.vcd.read_only.update(world.vcd.vapps)
    world.vcd.hidden.update(world.vcd.vapps)
    deletion = world.delete(user="bob")
    assert not world.operations.get(growing.id).cancel_requested
    halt.let_go()
    assert world.finished(growing).error is None
    refused = world.finished(deletion)
    assert refused.error is not None
    assert refused.error.reason == "VAPP_DELETE_FORBIDDEN"
    assert len(world.vcd.vapps) == 1


def test_who_may_change_the_cluster_ends_a_colleagues_changes_by_deleting_it(world: ClustersInMemory) -> None:
    world.created()
    halt = world.guests.halt("BODY-worker")
    growing = world.add_nodes(user="alice")
    halt.wait_until_reached()
    deletion = world.delete(user="bob")
    assert world.finished(growing).state is OperationState.CANCELLED
    assert world.finished(deletion).error is None
    assert not world.vcd.vapps


@pytest.mark.parametrize(("user", "org", "vdc"), [("bob", "acme", "prod"), ("carol", "globex", "dev")])
def test_a_vapp_of_ones_own_that_bears_the_uuid_of_anothers_cluster_gives_no_say_over_it(
    world: ClustersInMemory, created: Operation, user: str, org: str, vdc: str
) -> None:
    world.vcd.read_only.update(world.vcd.vapps)
    world.vcd.add_vapp(world.vcd.vdcs[org, vdc], "demo", metadata={CLUSTER_ID: created.target_uid}, nodes=["mstr-abcd"])
    with pytest.raises(PermissionDeniedError):
        viewer(world, user).require_change(created)
