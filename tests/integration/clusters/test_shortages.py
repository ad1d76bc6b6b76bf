"""What a creation needs runs out, or the provider takes it away: what users are told, and what is left of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import grpc
import pytest
from google.longrunning import operations_pb2

from cse_core.grpc.status import error_of
from cse_testing.clusters.site import VCLOUD, Metadata, Site, site
from cse_testing.operation_ends import metadata_of, reason_of
from cse_testing.waiting import wait_until
from vcd_simulator.faults import BusyEntity, HttpError
from vcd_simulator.model.datacenter import Vdc
from vcd_simulator.model.tenancy import Org


@pytest.fixture(scope="module")
def vcd() -> Iterator[Site]:
    with site() as running:
        yield running


def org_of(vcd: Site, name: str) -> Org:
    found = vcd.vcd.cloud.orgs.first("name", name)
    assert found is not None
    return found


def vdc_of(vcd: Site, org: str) -> Vdc:
    found = vcd.vcd.cloud.vdcs.first("name", (org_of(vcd, org).id, f"{org}-vdc"))
    assert found is not None
    return found


@contextmanager
def disabled(vcd: Site, find: Callable[[Site, str], Org | Vdc], org: str) -> Iterator[None]:
    """While inside, the org or its VDC is."""
    with vcd.vcd.cloud.lock:
        what = find(vcd, org)
        what.enabled = False
    try:
        yield
    finally:
        with vcd.vcd.cloud.lock:
            what.enabled = True


@contextmanager
def disabled_amid_a_creation(
    vcd: Site, find: Callable[[Site, str], Org | Vdc], org: str, owner: Metadata
) -> Iterator[operations_pb2.Operation]:
    """A creation that finds the org or its VDC disabled when it comes to its machines; while inside, it stays so."""
    busy = vcd.vcd.faults.add(action="recomposeVApp", error=BusyEntity(), times=None)
    operation = vcd.create(owner, "amid", workers=1, vdc=f"{org}-vdc")
    wait_until(lambda: busy.injected, "the creation to come to its machines")
    with disabled(vcd, find, org):
        vcd.vcd.faults.remove(busy)
        yield operation


@contextmanager
def addresses_left(vcd: Site, org: str, count: int) -> Iterator[None]:
    """While inside, others have all addresses of the org's network but so many."""
    with vcd.vcd.cloud.lock:
        network = vcd.vcd.cloud.networks.first("name", (org_of(vcd, org).id, f"{org}-net"))
        assert network is not None
        pool = network.pool
        taken = [pool.allocate("others") for _ in range(pool.size - len(pool.used) - count)]
    try:
        yield
    finally:
        with vcd.vcd.cloud.lock:
            for address in taken:
                pool.release(address, "others")


def told(vcd: Site, ended: operations_pb2.Operation, reader: Metadata, reason: str) -> str:
    """The message with which the operation and its vCD task have ended alike, for this reason."""
    message: str = ended.error.message
    assert reason_of(ended) == reason, message
    task = vcd.send("GET", metadata_of(ended).task_href, reader)
    (error,) = task.findall("v:Error", VCLOUD)
    assert (task.get("status"), error.get("minorErrorCode"), error.get("message")) == ("error", reason, message)
    return message


def test_a_vdc_that_is_disabled_amid_a_creation(vcd: Site, alice: Metadata) -> None:
    with disabled_amid_a_creation(vcd, vdc_of, "acme", alice) as creation:
        message = told(vcd, vcd.ended(creation, alice), alice, "VCD_REFUSED")
        assert "failed at step add_machines: vCD says: The VDC acme-vdc is disabled" in message
        assert message.endswith("Everything was taken back.")
        assert vcd.vapps(alice) == []


def test_an_org_that_is_disabled_amid_a_creation(vcd: Site, admin: Metadata) -> None:
    carol = vcd.login("carol", "globex", "carol-secret")
    with disabled_amid_a_creation(vcd, org_of, "globex", carol) as creation:
        message = told(vcd, vcd.ended(creation, admin), admin, "SESSION_ENDED")
        assert "failed at step add_machines: the session with vCD in which it was begun has ended" in message
        assert message.endswith("Everything was taken back.")
    assert vcd.vapps(vcd.login("carol", "globex", "carol-secret")) == []


def test_in_a_disabled_vdc_nothing_is_begun_that_needs_it_and_clusters_are_deleted(vcd: Site, alice: Metadata) -> None:
    vcd.succeeded(vcd.create(alice, "there", workers=0), alice)
    with disabled(vcd, vdc_of, "acme"):
        with pytest.raises(grpc.RpcError) as refused:
            vcd.create(alice, "late", workers=0)
        error = error_of(refused.value)
        assert (error.code, error.details["field"]) == ("VDC_DISABLED", "parent")
        message = told(vcd, vcd.ended(vcd.add_nodes(alice, "there"), alice), alice, "VCD_REFUSED")
        assert message.endswith(
            "The VDC acme-vdc is disabled; nothing can be created or started in it. The new nodes were taken back."
        )
        vcd.succeeded(vcd.delete(alice, "there"), alice)
    assert vcd.vapps(alice) == []


def test_a_network_without_enough_addresses(vcd: Site, alice: Metadata) -> None:
    exhausted = 'There are no more free IP addresses in the network "acme-net"'
    with addresses_left(vcd, "acme", 2):
        message = told(vcd, vcd.ended(vcd.create(alice, "large", workers=2), alice), alice, "RESOURCE_EXHAUSTED")
        assert " failed at step add_machines: " in message
        assert exhausted in message
        assert message.endswith("Everything was taken back.")
        vcd.succeeded(vcd.create(alice, "small", workers=1), alice)
        message = told(vcd, vcd.ended(vcd.add_nodes(alice, "small"), alice), alice, "RESOURCE_EXHAUSTED")
        assert exhausted in message
        assert message.endswith("The new nodes were taken back.")
        assert len(vcd.cluster(alice, "small").nodes) == 2
    vcd.succeeded(vcd.add_nodes(alice, "small"), alice)
    vcd.succeeded(vcd.delete(alice, "small"), alice)
    assert vcd.vapps(alice) == []


def test_a_vcd_that_wants_to_be_asked_less_often_is_asked_again(vcd: Site, alice: Metadata) -> None:
    faults = [
        vcd.vcd.faults.add(action=action, error=HttpError(status=429), times=2)
        for action in ("composeVApp", "recomposeVApp")
    ]
    vcd.succeeded(vcd.create(alice, "throttled", workers=0), alice)
    assert [fault.injected for fault in faults] == [2, 2]
    vcd.succeeded(vcd.delete(alice, "throttled"), alice)
