"""Orphans in the simulated vCD, in two organisations: found, and reclaimed, with nothing else touched."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2
from cse.system.v1 import orphan_pb2, system_service_pb2
from cse_core import errors
from cse_core.grpc.status import error_of
from cse_testing.clusters.landscape import with_script
from cse_testing.clusters.site import Metadata, Site, resource_name, site
from cse_testing.operation_ends import metadata_of
from cse_testing.pyvcloud_client import Tenant, logged_in
from cse_testing.waiting import LIMIT_S, wait_until
from vcd_simulator.faults import HttpError, ProgramHangs

CAUSE = orphan_pb2.Orphan.Cause
OUTCOME = orphan_pb2.ReclaimResult.Outcome


@pytest.fixture(scope="module")
def vcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Workers of the template `ubuntu-16.04` fail."""
    folder = tmp_path_factory.mktemp("templates")
    with_script(folder, "ubuntu-16.04", "node.sh", "echo no route to host >&2; exit 7")
    with site(templates_dir=folder) as running:
        yield running


def failed(vcd: Site, owner: Metadata, name: str, **fields: Any) -> operations_pb2.Operation:
    """A creation whose workers fail; what becomes of it is the test's."""
    ended = vcd.ended(vcd.create(owner, name, workers=1, template="ubuntu-16.04", **fields), owner)
    assert "no route to host" in ended.error.message
    return ended


@contextmanager
def refusing(vcd: Site, **calls: Any) -> Iterator[None]:
    """vCD refuses these calls."""
    fault = vcd.vcd.faults.add(**calls, error=HttpError(status=400), times=None)
    try:
        yield
    finally:
        vcd.vcd.faults.remove(fault)


@pytest.fixture
def surroundings(vcd: Site, alice: Metadata, carol: Metadata) -> Iterator[tuple[list[str], list[str]]]:
    """What lives in both organisations, and what their users made by themselves."""
    if "alive" not in vcd.vapps(alice):
        for owner, vdc in ((alice, "acme-vdc"), (carol, "globex-vdc")):
            made = vcd.ended(vcd.create(owner, "alive", workers=1, vdc=vdc), owner)
            assert not made.HasField("error"), made.error.message
        for user, vdc, network in (("alice", "acme-vdc", "acme-net"), ("carol", "globex-vdc", "globex-net")):
            with logged_in(vcd.vcd, user, "31.0") as client:
                Tenant(client, vdc).compose("by-hand", network)
    before = vcd.vapps(alice), vcd.vapps(carol)
    assert before == (["alive", "by-hand"], ["alive", "by-hand"])
    yield before
    assert (vcd.vapps(alice), vcd.vapps(carol)) == before


@pytest.mark.usefixtures("surroundings")
def test_nothing_that_lives_or_that_users_made_is_an_orphan(vcd: Site, admin: Metadata) -> None:
    assert vcd.orphans(admin) == []
    assert vcd.reclaimed(admin) == []


@pytest.mark.usefixtures("surroundings")
def test_creations_that_could_not_be_taken_back_are_reclaimed_in_all_organisations(
    vcd: Site, alice: Metadata, carol: Metadata, admin: Metadata
) -> None:
    with refusing(vcd, method="DELETE", route="/api/vApp/*"):
        theirs = [failed(vcd, owner, "left", vdc=vdc) for owner, vdc in ((alice, "acme-vdc"), (carol, "globex-vdc"))]
    found = vcd.orphans(admin)
    assert [(each.org, each.vdc, each.display_name, each.cause) for each in found] == [
        ("acme", "acme-vdc", "left", CAUSE.CAUSE_ROLLBACK_FAILED),
        ("globex", "globex-vdc", "left", CAUSE.CAUSE_ROLLBACK_FAILED),
    ]
    assert [each.operation for each in found] == [each.name for each in theirs]
    assert [each.cluster_uid for each in found] == [metadata_of(each).target_uid for each in theirs]
    assert all("no route to host" in each.explanation and each.vm_count == 2 for each in found)
    told = vcd.reclaimed(admin, execute=False)
    assert [each.outcome for each in told] == [OUTCOME.OUTCOME_WOULD_BE_RECLAIMED] * 2
    assert vcd.orphans(admin) == found
    done = vcd.reclaimed(admin)
    assert [(each.outcome, each.orphan.name) for each in done] == [
        (OUTCOME.OUTCOME_RECLAIMED, each.name) for each in found
    ]
    assert vcd.orphans(admin) == []


@pytest.mark.usefixtures("surroundings")
def test_what_was_left_for_inspection_has_to_be_named(vcd: Site, alice: Metadata, admin: Metadata) -> None:
    failed(vcd, alice, "kept", rollback_on_failure=False)
    (kept,) = vcd.orphans(admin)
    assert (kept.display_name, kept.cause) == ("kept", CAUSE.CAUSE_LEFT_FOR_INSPECTION)
    assert vcd.reclaimed(admin) == []
    assert "kept" in vcd.vapps(alice)
    (result,) = vcd.reclaimed(admin, kept.name)
    assert result.outcome == OUTCOME.OUTCOME_RECLAIMED


@pytest.mark.usefixtures("surroundings")
def test_a_tenant_may_delete_what_was_left_and_its_note_is_forgotten(
    vcd: Site, alice: Metadata, admin: Metadata
) -> None:
    failed(vcd, alice, "kept", rollback_on_failure=False)
    vcd.succeeded(vcd.delete(alice, "kept"), alice)
    assert vcd.orphans(admin) == []
    vcd.reclaimed(admin)
    assert vcd.service._operations.ledger() == []


@pytest.mark.usefixtures("surroundings")
def test_machines_that_became_no_nodes_are_reclaimed_and_the_cluster_lives_on(
    vcd: Site, alice: Metadata, admin: Metadata
) -> None:
    before = {node.name for node in vcd.cluster(alice, "alive").nodes}
    with refusing(vcd, action="undeploy"):
        ended = vcd.ended(vcd.add_nodes(alice, "alive", 2, template="ubuntu-16.04"), alice)
    assert "Taking it back failed too" in ended.error.message
    found = vcd.orphans(admin)
    assert {(each.kind, each.cluster, each.operation) for each in found} == {
        (orphan_pb2.Orphan.KIND_VM, "alive", ended.name)
    }
    assert len(found) == 2
    assert {each.outcome for each in vcd.reclaimed(admin)} == {OUTCOME.OUTCOME_RECLAIMED}
    assert {node.name for node in vcd.cluster(alice, "alive").nodes} == before
    config = cluster_service_pb2.GetKubeconfigRequest(name=resource_name("alive"))
    assert vcd.clusters.GetKubeconfig(config, metadata=alice, timeout=LIMIT_S).kubeconfig


@pytest.mark.usefixtures("surroundings")
def test_what_is_being_made_is_no_orphan_though_it_looks_like_one(vcd: Site, alice: Metadata, admin: Metadata) -> None:
    joining = vcd.vcd.faults.add(program="kubeadm join*", error=ProgramHangs())
    creation = vcd.create(alice, "coming", workers=1, template="photon-v2")

    def look() -> None:
        assert [each for each in vcd.orphans(admin) if each.display_name == "coming"] == []

    wait_until(lambda: joining.injected, "a worker to join", pause=look)
    look()
    (worker,) = (node for node in vcd.cluster(alice, "coming").nodes if node.role == cluster_pb2.Node.ROLE_WORKER)
    name = worker.name.rpartition("/")[2]
    (guest,) = (each for each in vcd.vcd.hypervisor.guests_of("vc1") if each.names[0] == name)
    vcd.vcd.hypervisor.reset(guest.moid)
    vcd.succeeded(creation, alice)
    vcd.succeeded(vcd.delete(alice, "coming"), alice)


@pytest.mark.parametrize("call", ["ListOrphans", "Reclaim"])
def test_tenants_are_refused(vcd: Site, alice: Metadata, carol: Metadata, call: str) -> None:
    for tenant in (alice, carol):
        request = getattr(system_service_pb2, f"{call}Request")()
        with pytest.raises(grpc.RpcError) as caught:
            getattr(vcd.system, call)(request, metadata=tenant, timeout=LIMIT_S)
        error = error_of(caught.value)
        assert isinstance(error, errors.PermissionDeniedError)
        assert error.code == "SYSTEM_ADMINISTRATOR_REQUIRED"
