"""The store of operations is lost while a cluster is being created: what was made is found by its mark."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from google.longrunning import operations_pb2

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2
from cse.system.v1 import orphan_pb2, system_service_pb2
from cse_clusters import bootstrap
from cse_clusters.settings import ClustersSettings
from cse_core.config import Config
from cse_templates import bootstrap as templates_bootstrap
from cse_templates.settings import TemplatesSettings
from cse_testing.clusters.site import Metadata, Site, config_for, inventory
from cse_testing.operations.benches import settings_in
from cse_testing.waiting import LIMIT_S
from vcd_simulator.faults import ToolsNeverStart
from vcd_simulator.simulator import Simulator

ALIVE = "orgs/-/vdcs/-/clusters/alive"


@contextmanager
def manager(
    vcd: Simulator,
    config: Config,
    templates: str,
    state: Path,
    *,
    orphan_age: timedelta = ClustersSettings.orphan_age,
) -> Iterator[Site]:
    """The cluster manager with its store in `state`."""
    state.mkdir()
    service = bootstrap.create(
        config,
        ClustersSettings(
            operations=settings_in(state), listen="127.0.0.1:0", templates_target=templates, orphan_age=orphan_age
        ),
    )
    service.start()
    try:
        with grpc.insecure_channel(service.address) as channel:
            yield Site(vcd, config, service, channel)
    finally:
        service.stop(5.0)


@pytest.fixture
def vcd() -> Iterator[Simulator]:
    with Simulator(inventory(), profile="instant") as running:
        yield running


def test_what_a_lost_store_knew_is_found_when_it_is_old_enough_and_reclaimed(vcd: Simulator, tmp_path: Path) -> None:
    config = config_for(vcd)
    catalogue = templates_bootstrap.create(config, TemplatesSettings(listen="127.0.0.1:0"))
    catalogue.start()
    templates = catalogue.address
    try:
        with manager(vcd, config, templates, tmp_path / "first") as first:
            alice = first.login("alice", "acme", "alice-secret")
            alive = first.ended(first.create(alice, "alive", workers=1), alice)
            assert not alive.HasField("error"), alive.error.message
            silent = vcd.faults.add(guest="mstr-*", error=ToolsNeverStart(), times=None)
            creation = first.create(alice, "lost", workers=1)
            for event in first.watch(creation, alice):
                if event.message.startswith("Initializing control plane"):
                    break
        vcd.faults.remove(silent)
        administrator = ("administrator", "System", "vcd-secret")
        with manager(vcd, config, templates, tmp_path / "second") as careful:
            admin = careful.login(*administrator)
            assert not listed(careful, admin)
            assert not reclaimed(careful, admin)
        with manager(vcd, config, templates, tmp_path / "third", orphan_age=timedelta()) as second:
            admin = second.login(*administrator)
            (orphan,) = listed(second, admin)
            assert (orphan.display_name, orphan.cause) == ("lost", orphan_pb2.Orphan.CAUSE_OPERATION_UNKNOWN)
            assert (orphan.operation, orphan.org) == (creation.name, "acme")
            assert orphan.must_be_named
            assert not reclaimed(second, admin)
            (result,) = reclaimed(second, admin, orphan.name)
            assert result.outcome == orphan_pb2.ReclaimResult.OUTCOME_RECLAIMED
            assert not listed(second, admin)
            records = second.send("GET", f"{vcd.url}/api/query?type=vApp&format=records", alice)
            names = [each.get("name") for each in records.iterfind("{http://www.vmware.com/vcloud/v1.5}VAppRecord")]
            assert names == ["alive"]
    finally:
        catalogue.stop(1.0)


def test_machines_that_became_no_nodes_are_found_by_their_marks(vcd: Simulator, tmp_path: Path) -> None:
    config = config_for(vcd)
    catalogue = templates_bootstrap.create(config, TemplatesSettings(listen="127.0.0.1:0"))
    catalogue.start()
    try:
        with manager(vcd, config, catalogue.address, tmp_path / "first") as first:
            alice = first.login("alice", "acme", "alice-secret")
            assert first.ended(first.create(alice, "alive", workers=1), alice).WhichOneof("result") == "response"
            assert first.ended(add_nodes(first, alice, 1), alice).WhichOneof("result") == "response"
            before = nodes_of(first, alice)
            silent = vcd.faults.add(guest="node-*", error=ToolsNeverStart(), times=None)
            addition = add_nodes(first, alice, 2)
            for event in first.watch(addition, alice):
                if event.message.startswith("Setting up 2 nodes"):
                    break
        vcd.faults.remove(silent)
        with manager(vcd, config, catalogue.address, tmp_path / "second", orphan_age=timedelta()) as second:
            admin = second.login("administrator", "System", "vcd-secret")
            orphans = listed(second, admin)
            assert {(each.kind, each.cause, each.operation, each.must_be_named) for each in orphans} == {
                (orphan_pb2.Orphan.KIND_VM, orphan_pb2.Orphan.CAUSE_OPERATION_UNKNOWN, addition.name, True)
            }
            assert {each.display_name for each in orphans} == nodes_of(second, alice) - before
            assert len(orphans) == 2
            assert not reclaimed(second, admin)
            outcomes = {each.outcome for each in reclaimed(second, admin, *(each.name for each in orphans))}
            assert outcomes == {orphan_pb2.ReclaimResult.OUTCOME_RECLAIMED}
            assert not listed(second, admin)
            assert nodes_of(second, alice) == before
            assert second.ended(add_nodes(second, alice, 1), alice).WhichOneof("result") == "response"
            assert not listed(second, admin)
    finally:
        catalogue.stop(1.0)


def add_nodes(site: Site, metadata: Metadata, count: int) -> operations_pb2.Operation:
    """Begins to add workers to the cluster `alive`."""
    pool = cluster_pb2.NodePool(node_count=count)
    request = cluster_service_pb2.AddNodesRequest(name=ALIVE, pool=pool, rollback_on_failure=True)
    begun: operations_pb2.Operation = site.clusters.AddNodes(request, metadata=metadata, timeout=LIMIT_S)
    return begun


def nodes_of(site: Site, metadata: Metadata) -> set[str]:
    """The names of the machines of the cluster `alive`."""
    request = cluster_service_pb2.GetClusterRequest(name=ALIVE)
    cluster = site.clusters.GetCluster(request, metadata=metadata, timeout=LIMIT_S)
    return {node.name.rpartition("/")[2] for node in cluster.nodes}


def listed(site: Site, admin: tuple[tuple[str, str], ...]) -> list[orphan_pb2.Orphan]:
    return list(
        site.system.ListOrphans(system_service_pb2.ListOrphansRequest(), metadata=admin, timeout=LIMIT_S).orphans
    )


def reclaimed(site: Site, admin: tuple[tuple[str, str], ...], *names: str) -> list[orphan_pb2.ReclaimResult]:
    request = system_service_pb2.ReclaimRequest(names=names, execute=True)
    ended = site.ended(site.system.Reclaim(request, metadata=admin, timeout=LIMIT_S), admin)
    response = system_service_pb2.ReclaimResponse()
    assert ended.response.Unpack(response), ended.error.message
    return list(response.results)
