"""The store of operations is lost while a cluster is being created: what was made is found by its mark."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import grpc
import pytest

from cse.system.v1 import orphan_pb2
from cse_clusters import bootstrap
from cse_clusters.settings import ClustersSettings
from cse_core.config import Config
from cse_templates import bootstrap as templates_bootstrap
from cse_templates.settings import TemplatesSettings
from cse_testing.clusters.landscape import config_for, inventory
from cse_testing.clusters.site import Metadata, Site
from cse_testing.operations.benches import settings_in
from vcd_simulator.faults import ToolsNeverStart
from vcd_simulator.simulator import Simulator


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
            first.succeeded(first.create(alice, "alive", workers=1), alice)
            silent = vcd.faults.add(guest="mstr-*", error=ToolsNeverStart(), times=None)
            creation = first.create(alice, "lost", workers=1)
            first.wait_for_event(creation, alice, "Initializing control plane")
        vcd.faults.remove(silent)
        administrator = ("administrator", "System", "vcd-secret")
        with manager(vcd, config, templates, tmp_path / "second") as careful:
            admin = careful.login(*administrator)
            assert not careful.orphans(admin)
            assert not careful.reclaimed(admin)
        with manager(vcd, config, templates, tmp_path / "third", orphan_age=timedelta()) as second:
            admin = second.login(*administrator)
            (orphan,) = second.orphans(admin)
            assert (orphan.display_name, orphan.cause) == ("lost", orphan_pb2.Orphan.CAUSE_OPERATION_UNKNOWN)
            assert (orphan.operation, orphan.org) == (creation.name, "acme")
            assert orphan.must_be_named
            assert not second.reclaimed(admin)
            (result,) = second.reclaimed(admin, orphan.name)
            assert result.outcome == orphan_pb2.ReclaimResult.OUTCOME_RECLAIMED
            assert not second.orphans(admin)
            assert second.vapps(alice) == ["alive"]
    finally:
        catalogue.stop(1.0)


def test_machines_that_became_no_nodes_are_found_by_their_marks(vcd: Simulator, tmp_path: Path) -> None:
    config = config_for(vcd)
    catalogue = templates_bootstrap.create(config, TemplatesSettings(listen="127.0.0.1:0"))
    catalogue.start()
    try:
        with manager(vcd, config, catalogue.address, tmp_path / "first") as first:
            alice = first.login("alice", "acme", "alice-secret")
            first.succeeded(first.create(alice, "alive", workers=1), alice)
            first.succeeded(first.add_nodes(alice, "alive", 1), alice)
            before = nodes_of(first, alice)
            silent = vcd.faults.add(guest="node-*", error=ToolsNeverStart(), times=None)
            addition = first.add_nodes(alice, "alive", 2)
            first.wait_for_event(addition, alice, "Setting up 2 nodes")
        vcd.faults.remove(silent)
        with manager(vcd, config, catalogue.address, tmp_path / "second", orphan_age=timedelta()) as second:
            admin = second.login("administrator", "System", "vcd-secret")
            orphans = second.orphans(admin)
            assert {(each.kind, each.cause, each.operation, each.must_be_named) for each in orphans} == {
                (orphan_pb2.Orphan.KIND_VM, orphan_pb2.Orphan.CAUSE_OPERATION_UNKNOWN, addition.name, True)
            }
            assert {each.display_name for each in orphans} == nodes_of(second, alice) - before
            assert len(orphans) == 2
            assert not second.reclaimed(admin)
            outcomes = {each.outcome for each in second.reclaimed(admin, *(each.name for each in orphans))}
            assert outcomes == {orphan_pb2.ReclaimResult.OUTCOME_RECLAIMED}
            assert not second.orphans(admin)
            assert nodes_of(second, alice) == before
            second.succeeded(second.add_nodes(alice, "alive", 1), alice)
            assert not second.orphans(admin)
    finally:
        catalogue.stop(1.0)


def nodes_of(site: Site, metadata: Metadata) -> set[str]:
    """The names of the machines of the cluster `alive`."""
    return {node.name.rpartition("/")[2] for node in site.cluster(metadata, "alive").nodes}
