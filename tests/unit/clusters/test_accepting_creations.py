"""What is found out before a creation begins, and that a refusal leaves nothing behind."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from cse_clusters.application.accepting import Submission
from cse_clusters.domain.access import DEPLOY_RIGHT
from cse_clusters.domain.cluster import CLUSTER_ID
from cse_clusters.domain.new_cluster import NewCluster
from cse_core.errors import (
    AlreadyExistsError,
    ConflictError,
    CseError,
    DeadlineError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
)
from cse_core.names import VdcName
from cse_core.operations import Operation
from cse_testing.clusters.service import ClustersInMemory, a_cluster
from cse_testing.waiting import LIMIT_S


@pytest.mark.parametrize(
    ("changes", "error", "field", "what"),
    [
        ({"name": "a" * 26}, InvalidArgumentError, "cluster_id", "at most 25"),
        ({"name": "-demo"}, InvalidArgumentError, "cluster_id", "letters, digits and inner hyphens"),
        ({"name": "system"}, InvalidArgumentError, "cluster_id", "reserved"),
        ({"name": "$(reboot)"}, InvalidArgumentError, "cluster_id", "letters, digits and inner hyphens"),
        ({"vdc": "-"}, InvalidArgumentError, "parent", "name the org VDC"),
        ({"vdc": "nowhere"}, NotFoundError, "parent", "no org VDC 'nowhere'"),
        ({"org": "globex"}, NotFoundError, "parent", "no org VDC 'dev'"),
        ({"network": ""}, InvalidArgumentError, "cluster.network", "required"),
        ({"network": "other"}, NotFoundError, "cluster.network", "no network 'other'; there are: net"),
        ({"storage_profile": "tin"}, NotFoundError, "cluster.worker_pool.storage_profile", "there are: *, gold"),
        ({"template": "none"}, NotFoundError, "cluster.template", "no template 'none'; `vcd cse template list`"),
        ({"template": "x y"}, InvalidArgumentError, "cluster.template", "letters, digits"),
        ({"template": "unbuilt"}, FailedPreconditionError, "cluster.template", "is not ready"),
        ({"workers": -1}, InvalidArgumentError, "cluster.worker_pool.node_count", "between 0 and 200"),
        ({"workers": 201}, InvalidArgumentError, "cluster.worker_pool.node_count", "between 0 and 200"),
        ({"cpu_count": 129}, InvalidArgumentError, "cluster.worker_pool.cpu_count", "between 1 and 128"),
        ({"memory_mb": 511}, InvalidArgumentError, "cluster.worker_pool.memory_mb", "between 512 and"),
        ({"ssh_public_key": "hello"}, InvalidArgumentError, "cluster.ssh_public_key", "no OpenSSH public key"),
    ],
)
def test_a_wrong_value_is_refused_by_name_and_nothing_is_begun(
    clusters: ClustersInMemory, changes: dict[str, Any], error: type[CseError], field: str, what: str
) -> None:
    with pytest.raises(error, match=f"^{field.replace('.', chr(92) + '.')}: ") as refused:
        clusters.create(a_cluster(**changes))
    assert refused.value.details["field"] == field
    assert what in refused.value.message
    assert not clusters.vcd.tasks
    assert clusters.operations.active_count() == 0


def test_a_disabled_vdc_takes_no_cluster_and_nothing_is_begun(clusters: ClustersInMemory) -> None:
    clusters.vcd.vdcs["acme", "dev"] = replace(clusters.dev, is_enabled=False)
    with pytest.raises(FailedPreconditionError, match=r"^parent: VDC 'dev' is disabled; ask your provider") as refused:
        clusters.create()
    assert (refused.value.code, refused.value.details["field"]) == ("VDC_DISABLED", "parent")
    assert not clusters.vcd.tasks
    assert clusters.operations.active_count() == 0
    clusters.created(a_cluster(vdc="prod"))


def test_a_name_that_a_cluster_in_another_vdc_of_the_org_has_is_taken(clusters: ClustersInMemory) -> None:
    clusters.vcd.add_vapp(clusters.prod, "demo", metadata={CLUSTER_ID: "1"})
    with pytest.raises(AlreadyExistsError, match="already, in VDC 'prod'") as refused:
        clusters.create()
    assert refused.value.code == "CLUSTER_EXISTS"


def test_a_cluster_of_that_name_beside_it_is_called_a_cluster(clusters: ClustersInMemory) -> None:
    clusters.vcd.add_vapp(clusters.dev, "demo", metadata={CLUSTER_ID: "1"})
    with pytest.raises(AlreadyExistsError, match="there is a cluster 'demo' already, in VDC 'dev'") as refused:
        clusters.create()
    assert refused.value.code == "CLUSTER_EXISTS"


def test_a_name_that_another_vapp_has_is_taken(clusters: ClustersInMemory) -> None:
    clusters.vcd.add_vapp(clusters.dev, "demo")
    with pytest.raises(AlreadyExistsError, match="has a vApp called 'demo' already"):
        clusters.create()


def test_the_same_name_in_another_org_is_free(clusters: ClustersInMemory) -> None:
    clusters.created(user="carol", request=a_cluster(org="globex"))
    clusters.created(a_cluster(org="-"))


def test_another_org_learns_nothing_of_what_is_being_created(clusters: ClustersInMemory) -> None:
    request_id = str(uuid.uuid4())
    operation = clusters.create(request_id=request_id)
    for request, repeated in ((a_cluster(), request_id), (a_cluster(), ""), (a_cluster("free"), "")):
        with pytest.raises(NotFoundError, match="no org VDC 'dev' that you can see"):
            clusters.create(request, user="carol", request_id=repeated)
    clusters.finished(operation)


def test_an_administrator_creates_for_a_tenant(clusters: ClustersInMemory) -> None:
    operation = clusters.created(user="admin")
    assert operation.target == "orgs/acme/vdcs/dev/clusters/demo"
    assert operation.owner == clusters.dev.org_id
    assert clusters.vcd.tasks[operation.task_href].card.org == "acme"


def test_repeating_a_request_id_returns_the_first_operation(clusters: ClustersInMemory) -> None:
    request_id = str(uuid.uuid4())
    first = clusters.create(request_id=request_id)
    assert clusters.create(request_id=request_id).id == first.id
    clusters.finished(first)
    assert clusters.create(request_id=request_id).id == first.id
    assert len(clusters.vcd.tasks) == 1


def test_a_request_id_that_began_something_else_is_refused_before_anything_is_begun(clusters: ClustersInMemory) -> None:
    request_id = str(uuid.uuid4())
    first = clusters.create(request_id=request_id)
    with pytest.raises(ConflictError, match="was used for another operation") as refused:
        clusters.create(a_cluster("other"), request_id=request_id)
    assert refused.value.code == "REQUEST_ID_REUSED"
    clusters.finished(first)
    with pytest.raises(ConflictError, match="was used for another operation"):
        clusters.delete(request_id=request_id)
    assert [task.status for task in clusters.vcd.tasks.values()] == ["success"]


def test_a_request_id_has_to_be_a_uuid(clusters: ClustersInMemory) -> None:
    with pytest.raises(InvalidArgumentError, match="request_id: not a UUID"):
        clusters.create(request_id="1; drop table")


def test_of_two_simultaneous_requests_for_a_name_one_wins(clusters: ClustersInMemory) -> None:
    together = threading.Barrier(8)

    def attempt(number: int) -> str:
        together.wait(LIMIT_S)
        try:
            return clusters.create(a_cluster(vdc="dev" if number % 2 else "prod")).name
        except AlreadyExistsError:
            return "refused"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(attempt, range(8)))
    assert answers.count("refused") == 7
    assert len(clusters.vcd.tasks) == 1


def at_two_replicas(
    clusters: ClustersInMemory, *requests: tuple[NewCluster, str]
) -> list[Operation | AlreadyExistsError]:
    """What two replicas answer that both have found nothing in the way before either has submitted.

    What one of them has begun is not over before both have answered.
    """
    together = threading.Barrier(len(requests))
    clusters.vcd.during("create_task", lambda: together.wait(LIMIT_S))
    halt = clusters.vcd.halt("compose")

    def attempt(request: tuple[NewCluster, str]) -> Operation | AlreadyExistsError:
        cluster, request_id = request
        submission = Submission.of(request_id, lambda: True)
        try:
            return clusters.another_creation().accept(clusters.caller("alice"), cluster, submission)
        except AlreadyExistsError as exc:
            return exc

    try:
        with ThreadPoolExecutor(len(requests)) as pool:
            return list(pool.map(attempt, requests))
    finally:
        halt.let_go()


def test_of_two_replicas_that_create_a_cluster_of_one_name_one_does(clusters: ClustersInMemory) -> None:
    answers = at_two_replicas(clusters, (a_cluster(vdc="dev"), ""), (a_cluster(vdc="prod"), ""))
    (begun,) = (each for each in answers if isinstance(each, Operation))
    (refused,) = (each for each in answers if isinstance(each, AlreadyExistsError))
    assert (refused.code, refused.details["field"]) == ("CLUSTER_EXISTS", "cluster_id")
    assert begun.name in refused.message
    clusters.finished(begun)
    tasks = {(task.status, task.reason) for task in clusters.vcd.tasks.values()}
    assert tasks == {("success", ""), ("error", "CLUSTER_EXISTS")}


def test_one_request_that_reaches_two_replicas_is_one_operation(clusters: ClustersInMemory) -> None:
    request_id = str(uuid.uuid4())
    first, second = at_two_replicas(clusters, (a_cluster(), request_id), (a_cluster(), request_id))
    assert isinstance(first, Operation)
    assert isinstance(second, Operation)
    assert first.id == second.id
    clusters.finished(first)
    assert sorted(task.status for task in clusters.vcd.tasks.values()) == ["error", "success"]


def test_a_vapp_of_the_name_is_in_the_way_in_the_same_vdc_only(clusters: ClustersInMemory) -> None:
    clusters.vcd.add_vapp(clusters.prod, "demo")
    clusters.vcd.add_vapp(clusters.vcd.vdcs["globex", "dev"], "demo", metadata={CLUSTER_ID: "1"})
    clusters.created(a_cluster(workers=0))
    for user in ("alice", "admin"):
        with pytest.raises(AlreadyExistsError) as refused:
            clusters.create(a_cluster(vdc="prod"), user=user)
        assert refused.value.code == "CLUSTER_EXISTS"  # one of a name per org comes before one vApp per VDC


def test_independent_questions_are_asked_side_by_side(clusters: ClustersInMemory) -> None:
    together = threading.Barrier(3)
    for question in ("namesakes", "vdc", "vm_template"):
        clusters.vcd.during(question, lambda: together.wait(LIMIT_S))
    operation = clusters.create()
    for question in ("namesakes", "vdc", "vm_template"):
        clusters.vcd.during(question, lambda: None)
    clusters.finished(operation)


def test_a_caller_that_has_gone_gets_nothing_started(clusters: ClustersInMemory) -> None:
    with pytest.raises(DeadlineError, match="nothing was begun"):
        clusters.create(is_wanted=lambda: False)
    assert not clusters.vcd.tasks


def test_a_task_whose_operation_is_not_accepted_ends(clusters: ClustersInMemory) -> None:
    clusters.operations.close(0)
    with pytest.raises(UnavailableError, match="the service is ending"):
        clusters.create()
    (task,) = clusters.vcd.tasks.values()
    assert (task.status, task.reason) == ("error", "SERVICE_STOPPING")


def test_without_a_vcd_task_nothing_is_begun(clusters: ClustersInMemory) -> None:
    clusters.vcd.fail("create_task", UnavailableError("vCD does not answer"))
    with pytest.raises(UnavailableError):
        clusters.create()
    assert clusters.operations.active_count() == 0


def test_rights_are_enforced_where_the_configuration_says_so() -> None:
    with ClustersInMemory(enforce_rights=True) as clusters:
        with pytest.raises(PermissionDeniedError, match="CSE NATIVE DEPLOY RIGHT"):
            clusters.create()
        with pytest.raises(PermissionDeniedError):
            clusters.delete()
        clusters.vcd.rights["bob"] = {DEPLOY_RIGHT}
        clusters.created(user="bob")
        clusters.finished(clusters.delete(user="admin"))


def test_names_from_vcd_are_given_back_percent_encoded(clusters: ClustersInMemory) -> None:
    clusters.vcd.add_vdc("acme", "dev & test/1")
    operation = clusters.created(a_cluster(vdc="dev & test/1"))
    assert operation.target == "orgs/acme/vdcs/dev%20%26%20test%2F1/clusters/demo"
    assert VdcName.parse("orgs/acme/vdcs/dev%20%26%20test%2F1").vdc == "dev & test/1"
