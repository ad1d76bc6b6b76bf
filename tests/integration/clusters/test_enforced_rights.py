"""`service.enforce_authorization`: what changes something needs CSE's right, whatever vCD itself would allow."""

from collections.abc import Iterator
from dataclasses import replace

import grpc
import pytest
from google.longrunning import operations_pb2
from google.protobuf.descriptor import MethodDescriptor
from pyvcloud.vcd.org import Org
from pyvcloud.vcd.role import Role

from cse_cli.extension import RIGHTS, full_right_name, wanted_extension
from cse_clusters.domain.access import DEPLOY_RIGHT
from cse_core import errors
from cse_core.grpc.status import error_of
from cse_testing.clusters.rpcs import CASES, Target, call, served
from cse_testing.clusters.site import Metadata, Site, site
from cse_testing.pyvcloud_client import logged_in
from cse_testing.waiting import LIMIT_S
from cse_vcd.account import ServiceAccount
from cse_vcd.platform import ensure_extension, ensure_rights
from cse_vcd.session import Vcd, VcdEndpoint


@pytest.fixture(scope="module")
def vcd() -> Iterator[Site]:
    """Organization administrators of acme have the right, its vApp authors and all of globex do not."""
    with site(enforce_authorization=True) as running:
        door = Vcd(VcdEndpoint.from_config(running.config.vcd))
        account = ServiceAccount.from_config(door, running.config.vcd)
        service, _ = ensure_extension(account, wanted_extension(running.config.amqp))
        ensure_rights(account, service, RIGHTS)
        account.close()
        door.close()
        assert DEPLOY_RIGHT in map(full_right_name, RIGHTS)
        with logged_in(running.vcd, "administrator", "31.0") as client:
            acme = Org(client, resource=client.get_org_by_name("acme"))
            acme.add_rights([DEPLOY_RIGHT])
        with logged_in(running.vcd, "alice", "31.0") as client:
            org = Org(client, resource=client.get_org())
            Role(client, resource=org.get_role_resource("Organization Administrator")).add_rights([DEPLOY_RIGHT], org)
        yield running


@pytest.fixture(scope="module")
def methods(vcd: Site) -> dict[str, MethodDescriptor]:
    return served(vcd.channel)


@pytest.fixture(scope="module")
def target(vcd: Site, alice: Metadata) -> Target:
    """A cluster of alice's that everybody in acme may change, as far as vCD is asked."""
    ended = vcd.succeeded(vcd.create(alice, "shared", workers=1), alice)
    target = Target("shared", "", ended.name, "acme", "acme-vdc", "acme-net")
    name = "cse.clusters.v1.ClusterService/GetCluster"
    cluster = call(vcd.channel, name, served(vcd.channel)[name], CASES[name].request(target), alice)
    vcd.share(cluster.vapp.href, alice, "Change")
    (worker,) = (node for node in (each.name.rpartition("/")[2] for each in cluster.nodes) if node.startswith("node-"))
    return replace(target, node=worker)


@pytest.mark.parametrize("name", sorted(CASES))
def test_without_the_right_everything_may_be_read_and_nothing_changed(
    vcd: Site, methods: dict[str, MethodDescriptor], target: Target, name: str
) -> None:
    bob = vcd.login("bob", "acme", "bob-secret")
    request, case = CASES[name].request(target), CASES[name]
    if not (case.changes or case.administrators_only):
        call(vcd.channel, name, methods[name], request, bob)
        return
    with pytest.raises(grpc.RpcError) as caught:
        call(vcd.channel, name, methods[name], request, bob)
    error = error_of(caught.value)
    assert isinstance(error, errors.PermissionDeniedError)
    assert error.code == ("RIGHT_MISSING" if case.changes else "SYSTEM_ADMINISTRATOR_REQUIRED")


@pytest.mark.parametrize("name", sorted(name for name, case in CASES.items() if case.changes))
@pytest.mark.parametrize("user", ["alice", "carol", "administrator"])
def test_who_has_the_right_is_asked_what_for_and_who_has_not_is_refused(
    vcd: Site, methods: dict[str, MethodDescriptor], name: str, user: str
) -> None:
    org = {"alice": "acme", "carol": "globex", "administrator": "System"}[user]
    password = "vcd-secret" if user == "administrator" else f"{user}-secret"
    vdc = "globex-vdc" if user == "carol" else "missing"
    nothing = Target("missing", "node-zzzz", "operations/missing", org, vdc, "globex-net")
    with pytest.raises(grpc.RpcError) as caught:
        call(vcd.channel, name, methods[name], CASES[name].request(nothing), vcd.login(user, org, password))
    error = error_of(caught.value)
    if user == "carol" and name.startswith("cse.clusters"):
        assert error.code == "RIGHT_MISSING"
    else:  # what is not seen is not there, with the right or without
        assert isinstance(error, errors.NotFoundError)


def test_nothing_was_begun(vcd: Site, target: Target, alice: Metadata) -> None:
    listed = vcd.operations.ListOperations(operations_pb2.ListOperationsRequest(), metadata=alice, timeout=LIMIT_S)
    assert [each.name for each in listed.operations] == [target.operation]
