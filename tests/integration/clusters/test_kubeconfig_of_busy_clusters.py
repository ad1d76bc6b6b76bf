"""A kubeconfig that is asked for while vCD works on the vApp, and does not say who may change it."""

from collections.abc import Iterator

import grpc
import pytest
from lxml import etree
from pyvcloud.vcd.org import Org
from pyvcloud.vcd.role import Role

from cse.clusters.v1 import cluster_service_pb2
from cse_core.errors import ConflictError, CseError, FailedPreconditionError
from cse_core.grpc.status import error_of
from cse_testing.clusters.site import VCLOUD, Metadata, Site, site
from cse_testing.pyvcloud_client import logged_in
from cse_testing.waiting import LIMIT_S, wait_until
from vcd_simulator.model.compute import Status

NAME = "orgs/-/vdcs/-/clusters/coming"
PASSWORD = "Dave's-secret-1"


@pytest.fixture(scope="module")
def vcd() -> Iterator[Site]:
    with site() as running:
        yield running


@pytest.fixture(scope="module")
def alice(vcd: Site) -> Metadata:
    return vcd.login("alice", "acme", "alice-secret")


@pytest.fixture(scope="module")
def bob(vcd: Site) -> Metadata:
    """A vApp Author."""
    return vcd.login("bob", "acme", "bob-secret")


@pytest.fixture(scope="module")
def dave(vcd: Site) -> Metadata:
    """His role has the rights of an organization administrator, and another name."""
    with logged_in(vcd.vcd, "alice", "31.0") as client:
        org = Org(client, resource=client.get_org())
        model = Role(client, resource=org.get_role_resource("Organization Administrator"))
        role = org.create_role("Head of Clouds", "a clone", [right["name"] for right in model.list_rights()])
        org.create_user("dave", PASSWORD, role.get("href"), is_enabled=True)
    return vcd.login("dave", "acme", PASSWORD)


def refusal(vcd: Site, metadata: Metadata) -> CseError:
    request = cluster_service_pb2.GetKubeconfigRequest(name=NAME)
    with pytest.raises(grpc.RpcError) as refused:
        vcd.clusters.GetKubeconfig(request, metadata=metadata, timeout=LIMIT_S)
    return error_of(refused.value)


def test_the_config_of_a_cluster_being_created_is_refused_as_busy_to_whom_vcd_may_not_let_change_it(
    vcd: Site, alice: Metadata, bob: Metadata, dave: Metadata
) -> None:
    vcd.vcd.faults.add(task="vdcRecomposeVapp", delay_s=3600)
    vcd.create(alice, "coming", workers=0)

    def worked_on() -> str:
        """The vApp, once its machines are being added."""
        request = cluster_service_pb2.GetClusterRequest(name=NAME)
        href = str(vcd.clusters.GetCluster(request, metadata=alice, timeout=LIMIT_S).vapp.href)
        return href if href and _is_recomposed(vcd.send("GET", href, alice)) else ""

    href = wait_until(worked_on, "the machines of the cluster being added")
    vcd.share(href, alice, "Change")
    _is_shown_as_being_made(vcd, href)
    busy = refusal(vcd, bob)
    assert isinstance(busy, ConflictError)  # the gateway's 409
    assert busy.code == "CLUSTER_BUSY"
    for known in (alice, dave, vcd.login("administrator", "System", "vcd-secret")):
        early = refusal(vcd, known)  # they may: there is none yet
        assert isinstance(early, FailedPreconditionError)
        assert early.code == "CONTROL_PLANE_UNREACHABLE"


def _is_shown_as_being_made(vcd: Site, href: str) -> None:
    """Shows the vApp without a word of who may change it, as vCD shows one that it has not finished."""
    cloud = vcd.vcd.cloud
    with cloud.lock:
        cloud.vapps[href.rpartition("vapp-")[2]].transient = Status.UNRESOLVED


def _is_recomposed(vapp: etree._Element) -> bool:
    return any(task.get("operationName") == "vdcRecomposeVapp" for task in vapp.iterfind("v:Tasks/v:Task", VCLOUD))
