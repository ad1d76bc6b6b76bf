"""The cluster manager against the simulator: real pyvcloud, real pyVmomi, real shells in the guests."""

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
import yaml
from google.longrunning import operations_pb2

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2
from cse.operations.v1 import operation_pb2
from cse_clusters.application.ports import GuestLogin
from cse_core import errors
from cse_core.grpc.status import error_of
from cse_testing.clusters.site import VCLOUD, Metadata, Site, site
from cse_testing.operation_ends import metadata_of
from cse_testing.waiting import LIMIT_S
from vcd_simulator.faults import ToolsNeverStart

NAME = "orgs/acme/vdcs/acme-vdc/clusters/{}"
KEY_TYPE = b"\x00\x00\x00\x0bssh-ed25519"
SSH_KEY = f'ssh-ed25519 {base64.b64encode(KEY_TYPE + bytes(36)).decode()} it\'s $(alice) `at` "home"'


@pytest.fixture(scope="module")
def vcd() -> Iterator[Site]:
    with site() as running:
        yield running


def tasks(vcd: Site, metadata: Metadata) -> set[str]:
    found = vcd.send("GET", f"{vcd.vcd.url}/api/query?type=task&format=records&pageSize=128", metadata)
    return {str(record.get("href")) for record in found.iterfind("v:TaskRecord", VCLOUD)}


def test_a_cluster_from_beginning_to_end(vcd: Site, alice: Metadata, carol: Metadata, admin: Metadata) -> None:
    accepted = vcd.create(alice, "demo", workers=2, nfs_enabled=True, ssh_public_key=SSH_KEY)
    cluster = vcd.resulting(accepted, alice)
    operation = vcd.ended(accepted, alice)
    assert (cluster.name, cluster.state) == (NAME.format("demo"), cluster_pb2.Cluster.STATE_READY)
    assert [node.name.rpartition("/")[2][:5] for node in cluster.nodes] == ["mstr-", "node-", "node-", "nfsd-"]
    assert all(node.ip_address.startswith("10.10.0.") for node in cluster.nodes)
    assert vcd.cluster(alice, "demo") == cluster
    the_vapp_is_what_vcds_users_expect(vcd, alice, cluster)
    the_task_tells_the_story(vcd, alice, operation, cluster)
    the_nodes_accept_the_key(vcd, cluster)
    the_kubeconfig_leads_to_the_control_plane(vcd, alice, cluster)
    another_org_sees_none_of_it(vcd, carol, operation)
    assert "demo" in vcd.names(admin)

    ended = vcd.succeeded(vcd.delete(alice, "demo"), alice)
    assert "demo" not in vcd.names(alice)
    assert "demo" not in vcd.vapps(alice)
    task = vcd.send("GET", metadata_of(ended).task_href, alice)
    assert (task.get("status"), task.get("operationName")) == ("success", "delete_cluster")


def the_vapp_is_what_vcds_users_expect(vcd: Site, alice: Metadata, cluster: cluster_pb2.Cluster) -> None:
    vapp = vcd.send("GET", cluster.vapp.href, alice)
    assert vapp.get("name") == "demo"
    assert vapp.findtext("v:Description", namespaces=VCLOUD) == "cluster demo"
    (configuration,) = vapp.iterfind("v:NetworkConfigSection/v:NetworkConfig[@networkName='acme-net']", VCLOUD)
    assert configuration.findtext("v:Configuration/v:FenceMode", namespaces=VCLOUD) == "bridged"
    machines = [str(machine.get("name")) for machine in vapp.iterfind("v:Children/v:Vm", VCLOUD)]
    assert sorted(machines) == sorted(node.name.rpartition("/")[2] for node in cluster.nodes)
    entries = {
        entry.findtext("v:Key", namespaces=VCLOUD): entry.findtext("v:TypedValue/v:Value", namespaces=VCLOUD)
        for entry in vcd.send("GET", f"{cluster.vapp.href}/metadata", alice).iterfind("v:MetadataEntry", VCLOUD)
    }
    assert entries.pop("cse.operation.id")
    assert entries == {
        "cse.cluster.id": cluster.uid,
        "cse.version": "0.1.0",
        "cse.template": "photon-v2",
        "cse.master.ip": cluster.control_plane_ip,
    }


def the_task_tells_the_story(
    vcd: Site, alice: Metadata, operation: operations_pb2.Operation, cluster: cluster_pb2.Cluster
) -> None:
    task = vcd.send("GET", metadata_of(operation).task_href, alice)
    assert (task.get("status"), task.get("serviceNamespace")) == ("success", "vcloud.cse")
    assert (task.get("operationName"), task.get("operation")) == (
        "create_cluster",
        f"Created cluster demo ({cluster.uid})",
    )
    owner = task.find("v:Owner", VCLOUD)
    assert owner is not None
    assert (owner.get("href"), owner.get("name")) == (f"urn:cse:cluster:{cluster.uid}", "demo")
    user = task.find("v:User", VCLOUD)
    assert user is not None
    assert user.get("name") == "alice"


def the_nodes_accept_the_key(vcd: Site, cluster: cluster_pb2.Cluster) -> None:
    world = vcd.service._world
    for guest in world.inventory.guests(cluster.vapp.href).values():
        assert guest.password
        login = GuestLogin(guest=guest, password=guest.password)
        keys = world.guests.read_file(login, "/root/.ssh/authorized_keys", limit_bytes=4096).decode()
        assert SSH_KEY in keys.splitlines()


def the_kubeconfig_leads_to_the_control_plane(vcd: Site, alice: Metadata, cluster: cluster_pb2.Cluster) -> None:
    request = cluster_service_pb2.GetKubeconfigRequest(name="orgs/-/vdcs/-/clusters/demo")
    kubeconfig = yaml.safe_load(vcd.clusters.GetKubeconfig(request, metadata=alice, timeout=LIMIT_S).kubeconfig)
    assert kubeconfig["kind"] == "Config"
    assert kubeconfig["clusters"][0]["cluster"]["server"] == f"https://{cluster.control_plane_ip}:6443"


def another_org_sees_none_of_it(vcd: Site, carol: Metadata, operation: operations_pb2.Operation) -> None:
    assert vcd.names(carol) == []
    calls: tuple[tuple[Any, Any], ...] = (
        (vcd.clusters.GetCluster, cluster_service_pb2.GetClusterRequest(name=NAME.format("demo"))),
        (vcd.clusters.GetKubeconfig, cluster_service_pb2.GetKubeconfigRequest(name=NAME.format("demo"))),
        (vcd.clusters.DeleteCluster, cluster_service_pb2.DeleteClusterRequest(name=NAME.format("demo"))),
        (vcd.operations.GetOperation, operations_pb2.GetOperationRequest(name=operation.name)),
    )
    for call, request in calls:
        with pytest.raises(grpc.RpcError) as refused:
            call(request, metadata=carol, timeout=LIMIT_S)
        assert isinstance(error_of(refused.value), errors.NotFoundError)


def test_hardware_and_storage_are_as_asked_for(vcd: Site, alice: Metadata) -> None:
    pool = {"cpu_count": 4, "memory_mb": 4096, "storage_profile": "gold"}
    vcd.succeeded(vcd.create(alice, "sized", workers=1, pool=pool), alice)
    cluster = vcd.cluster(alice, "sized")
    assert {(node.cpu_count, node.memory_mb) for node in cluster.nodes} == {(4, 4096)}
    vapp = vcd.send("GET", cluster.vapp.href, alice)
    profiles = {str(profile.get("name")) for profile in vapp.iterfind("v:Children/v:Vm/v:StorageProfile", VCLOUD)}
    assert profiles == {"gold"}
    vcd.ended(vcd.delete(alice, "sized"), alice)


def test_a_tenant_with_a_jwt_of_vcd_10_is_served_alike(vcd: Site) -> None:
    alice = vcd.jwt("alice", "acme", "alice-secret")
    vcd.succeeded(vcd.create(alice, "modern", workers=0, template="ubuntu-16.04"), alice)
    assert vcd.cluster(alice, "modern").template == "ubuntu-16.04"
    vcd.succeeded(vcd.delete(alice, "modern"), alice)


def test_an_administrator_creates_and_deletes_for_a_tenant(vcd: Site, admin: Metadata, alice: Metadata) -> None:
    cluster = cluster_pb2.Cluster(network="acme-net")
    request = cluster_service_pb2.CreateClusterRequest(
        parent="orgs/acme/vdcs/acme-vdc", cluster_id="gift", cluster=cluster
    )
    operation = vcd.succeeded(vcd.clusters.CreateCluster(request, metadata=admin, timeout=LIMIT_S), admin)
    assert "gift" in vcd.names(alice)
    assert vcd.send("GET", metadata_of(operation).task_href, alice).get("status") == "success"
    vcd.succeeded(vcd.delete(admin, "gift"), admin)


def test_a_vapp_author_of_the_org_neither_sees_nor_touches_others_clusters(vcd: Site, alice: Metadata) -> None:
    bob = vcd.login("bob", "acme", "bob-secret")
    vcd.succeeded(vcd.create(alice, "hers", workers=0), alice)
    assert vcd.names(bob) == []
    with pytest.raises(grpc.RpcError) as taken:
        vcd.create(bob, "hers", workers=0)
    assert isinstance(error_of(taken.value), errors.AlreadyExistsError)
    with pytest.raises(grpc.RpcError) as hidden:
        vcd.delete(bob, "hers")
    assert isinstance(error_of(hidden.value), errors.NotFoundError)
    with pytest.raises(grpc.RpcError) as unpublished:
        vcd.create(bob, "his", workers=0)
    assert error_of(unpublished.value).code == "CATALOG_ITEM_NOT_FOUND"  # his role sees no published catalogs
    vcd.succeeded(vcd.delete(alice, "hers"), alice)


def test_of_two_simultaneous_requests_for_a_name_one_wins(vcd: Site, alice: Metadata) -> None:
    def attempt(_: int) -> operations_pb2.Operation | errors.CseError:
        try:
            return vcd.create(alice, "twice", workers=0)
        except grpc.RpcError as error:
            return error_of(error)

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(attempt, range(2)))
    (won,) = (answer for answer in answers if isinstance(answer, operations_pb2.Operation))
    (lost,) = (answer for answer in answers if isinstance(answer, errors.CseError))
    assert isinstance(lost, errors.AlreadyExistsError)
    vcd.succeeded(won, alice)
    vcd.ended(vcd.delete(alice, "twice"), alice)


@pytest.fixture
def silent_guests(vcd: Site) -> Iterator[None]:
    """Control planes whose tools never start: creations wait for them until something else ends them."""
    fault = vcd.vcd.faults.add(guest="mstr-*", error=ToolsNeverStart(), times=None)
    yield
    vcd.vcd.faults.remove(fault)


@pytest.mark.usefixtures("silent_guests")
def test_deleting_a_cluster_that_is_being_created_ends_the_creation_first(vcd: Site, alice: Metadata) -> None:
    creation = vcd.create(alice, "brief", workers=1)
    vcd.wait_for_event(creation, alice, "Initializing control plane")
    vcd.succeeded(vcd.delete(alice, "brief"), alice)
    cancelled = vcd.ended(creation, alice)
    assert metadata_of(cancelled).state == operation_pb2.OPERATION_STATE_CANCELLED
    assert "Everything was taken back." in cancelled.error.message
    assert vcd.send("GET", metadata_of(cancelled).task_href, alice).get("status") == "error"
    assert "brief" not in vcd.vapps(alice)


@pytest.mark.usefixtures("silent_guests")
def test_a_vapp_that_is_deleted_by_hand_fails_its_creation_and_can_still_be_deleted(vcd: Site, alice: Metadata) -> None:
    creation = vcd.create(alice, "fragile", workers=1)
    vcd.wait_for_event(creation, alice, "Initializing control plane")
    vcd.send("DELETE", f"{vcd.cluster(alice, 'fragile').vapp.href}?force=true&recursive=true", alice)
    ended = vcd.ended(creation, alice)
    assert ended.HasField("error")
    assert "Creating cluster fragile (" in ended.error.message
    assert "failed at step" in ended.error.message
    task = vcd.send("GET", metadata_of(ended).task_href, alice)
    message = task.find("v:Error", VCLOUD)
    assert message is not None
    assert message.get("message") == ended.error.message
    assert "fragile" not in vcd.vapps(alice)


@pytest.mark.parametrize(
    ("fields", "error", "field"),
    [
        ({"name": "a" * 26}, errors.InvalidArgumentError, "cluster_id"),
        ({"name": "no_underscores"}, errors.InvalidArgumentError, "cluster_id"),
        ({"template": "none"}, errors.NotFoundError, "cluster.template"),
        ({"pool": {"storage_profile": "tin"}}, errors.NotFoundError, "cluster.worker_pool.storage_profile"),
    ],
)
def test_a_wrong_request_leaves_nothing_behind(
    vcd: Site, alice: Metadata, fields: dict[str, object], error: type[errors.CseError], field: str
) -> None:
    before = tasks(vcd, alice)
    with pytest.raises(grpc.RpcError) as refused:
        vcd.create(alice, **{"name": "wrong", **fields})  # type: ignore[arg-type]
    found = error_of(refused.value)
    assert isinstance(found, error)
    assert found.details["field"] == field
    assert tasks(vcd, alice) == before
    assert "wrong" not in vcd.vapps(alice)


def test_a_wrong_token_is_refused(vcd: Site) -> None:
    for metadata in ((("x-vcloud-authorization", "0" * 32),), (("authorization", "Bearer a.b.c"),)):
        with pytest.raises(grpc.RpcError) as refused:
            vcd.create(metadata)
        assert isinstance(error_of(refused.value), errors.UnauthenticatedError)
