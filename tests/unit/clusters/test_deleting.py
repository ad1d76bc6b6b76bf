"""Deleting clusters in every state they can be in."""

import uuid

import pytest

from cse_clusters.domain.cluster import CLUSTER_ID
from cse_core.errors import ConflictError, NotFoundError, PermissionDeniedError
from cse_core.operations import OperationState
from cse_testing.clusters.service import ClustersInMemory, a_cluster
from cse_testing.waiting import Halt


def test_a_cluster_is_deleted_with_the_tenants_token_and_a_task_of_its_own(clusters: ClustersInMemory) -> None:
    clusters.created()
    operation = clusters.finished(clusters.delete())
    assert operation.state is OperationState.SUCCEEDED
    assert not clusters.vcd.vapps
    assert ("delete", "token-of-alice") in clusters.vcd.actors
    task = clusters.vcd.tasks[operation.task_href]
    assert (task.status, task.card.operation_name) == ("success", "delete_cluster")
    assert task.texts[0].startswith("Deleting cluster demo (")
    assert task.texts[-1].startswith("Deleted cluster demo (")


def test_a_cluster_made_by_1_2_x_is_deleted_like_any_other(clusters: ClustersInMemory) -> None:
    clusters.vcd.add_vapp(clusters.dev, "old", metadata={CLUSTER_ID: "1"}, nodes=["mstr-abcd"])
    assert clusters.finished(clusters.delete("old")).error is None
    assert not clusters.vcd.vapps


def test_what_works_on_the_vapp_is_ended_before_it_is_deleted(clusters: ClustersInMemory) -> None:
    vapp = clusters.vcd.add_vapp(clusters.dev, "demo", metadata={CLUSTER_ID: "1"})
    clusters.vcd.at_work[vapp.href] = ("a task",)
    assert clusters.finished(clusters.delete()).error is None
    assert clusters.vcd.cancelled == ["a task"]
    assert ("cancel", "token-of-alice") in clusters.vcd.actors


def test_a_vapp_that_is_gone_already_is_deleted(clusters: ClustersInMemory) -> None:
    vapp = clusters.vcd.add_vapp(clusters.dev, "demo", metadata={CLUSTER_ID: "1"})
    clusters.vcd.during("create_task", lambda: clusters.vcd.vapps.pop(vapp.href, None))
    operation = clusters.finished(clusters.delete())
    assert operation.state is OperationState.SUCCEEDED


def test_deleting_a_cluster_that_is_being_created_ends_the_creation_first(clusters: ClustersInMemory) -> None:
    halt = clusters.guests.halt("BODY-control-plane")
    creation = clusters.create(a_cluster(rollback_on_failure=False))
    halt.wait_until_reached()
    deletion = clusters.finished(clusters.delete())
    assert deletion.error is None
    ended = clusters.operations.get(creation.id)
    assert ended.state is OperationState.CANCELLED
    assert ended.end_time is not None
    assert deletion.start_time is not None
    assert ended.end_time <= deletion.start_time
    assert not clusters.vcd.vapps
    assert {task.status for task in clusters.vcd.tasks.values()} == {"error", "success"}


def test_a_creation_that_has_no_vapp_yet_can_be_deleted(clusters: ClustersInMemory) -> None:
    halt = clusters.vcd.halt("compose")
    clusters.create()
    halt.wait_until_reached()
    deletion = clusters.delete()
    halt.let_go()
    assert clusters.finished(deletion).error is None
    assert not clusters.vcd.vapps


def test_what_is_in_progress_on_a_cluster_is_ended_by_its_deletion(clusters: ClustersInMemory) -> None:
    clusters.created(a_cluster(workers=0))
    halt = clusters.guests.halt("BODY-worker")
    addition, queued = clusters.add_nodes(1), clusters.resize(0)
    halt.wait_until_reached()
    deletion = clusters.finished(clusters.delete())
    assert deletion.error is None
    assert {clusters.finished(each).state for each in (addition, queued)} == {OperationState.CANCELLED}
    assert not clusters.vcd.vapps


def test_a_vapp_of_another_org_with_the_same_uuid_holds_up_nothing(clusters: ClustersInMemory) -> None:
    clusters.created()
    (vapp,) = clusters.vcd.vapps.values()
    clusters.vcd.add_vapp(clusters.vcd.vdcs["globex", "dev"], "demo", metadata=dict(vapp.metadata))
    halt = Halt("the first deletion")
    held = [halt.stay]
    clusters.vcd.during("delete", lambda: held.pop()() if held else None)
    theirs = clusters.delete(user="carol")
    halt.wait_until_reached()
    assert clusters.finished(clusters.delete()).error is None
    assert not clusters.operations.get(theirs.id).state.is_final
    halt.let_go()
    assert clusters.finished(theirs).error is None


def test_repeating_a_request_id_returns_the_first_operation_even_when_the_cluster_is_gone(
    clusters: ClustersInMemory,
) -> None:
    clusters.created()
    request_id = str(uuid.uuid4())
    first = clusters.finished(clusters.delete(request_id=request_id))
    assert clusters.delete(request_id=request_id).id == first.id


def test_what_is_not_there_or_another_orgs_is_not_found(clusters: ClustersInMemory) -> None:
    clusters.created()
    with pytest.raises(NotFoundError):
        clusters.delete("other")
    with pytest.raises(NotFoundError):
        clusters.delete("demo", user="carol")
    assert len(clusters.vcd.vapps) == 1


def test_a_name_that_fits_several_clusters_is_refused(clusters: ClustersInMemory) -> None:
    clusters.vcd.add_vapp(clusters.dev, "demo", metadata={CLUSTER_ID: "1"})
    clusters.vcd.add_vapp(clusters.prod, "demo", metadata={CLUSTER_ID: "2"})
    with pytest.raises(ConflictError, match="acme/dev, acme/prod") as refused:
        clusters.delete()
    assert refused.value.code == "CLUSTER_AMBIGUOUS"
    clusters.finished(clusters.delete(vdc="prod"))
    assert [vapp.vdc.name for vapp in clusters.vcd.vapps.values()] == ["dev"]


def test_a_caller_who_may_not_delete_the_vapp_is_told_so(clusters: ClustersInMemory) -> None:
    clusters.created()
    clusters.vcd.fail("delete", PermissionDeniedError("vCD says no"))
    operation = clusters.finished(clusters.delete())
    assert operation.error is not None
    assert operation.error.error_type == "PermissionDeniedError"
    assert operation.error.details["step"] == "delete_vapp"
    assert clusters.vcd.tasks[operation.task_href].status == "error"


def test_a_vapp_that_vcd_hides_from_the_caller_is_not_called_deleted(clusters: ClustersInMemory) -> None:
    clusters.created()
    (vapp,) = clusters.vcd.vapps.values()
    clusters.vcd.during("create_task", lambda: clusters.vcd.hidden.add(vapp.href))
    ended = clusters.finished(clusters.delete())
    assert ended.error is not None
    assert ended.error.reason == "VAPP_DELETE_FORBIDDEN"
    assert len(clusters.vcd.vapps) == 1
