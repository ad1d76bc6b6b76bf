"""Installing into vCD: looking first, so that doing it again changes nothing."""

import dataclasses
import uuid

import pytest

from cse_core.errors import FailedPreconditionError, NotFoundError
from cse_core.secret import Secret
from cse_testing.waiting import LIMIT_S
from cse_vcd import platform
from cse_vcd.account import ServiceAccount
from cse_vcd.catalogs import find_catalogs
from cse_vcd.errors import TaskFailedError
from cse_vcd.extension import list_vcenters, vcenter_url
from cse_vcd.platform import ExtensionService, Right
from cse_vcd.service_tasks import ServiceTasks, TaskCard
from cse_vcd.session import VcdSession
from cse_vcd.tasks import TaskPoller, read_task
from cse_vcd.vcenter import Vcenters
from cse_vcd.vcenter_session import VcenterLogin
from cse_vcd.vdcs import get_org
from vcd_simulator.simulator import Simulator


def test_vcenters_are_known_with_their_ports(simulator: Simulator, account: ServiceAccount) -> None:
    assert [vcenter.name for vcenter in list_vcenters(account)] == ["vc1"]
    assert vcenter_url(account, "vc1") == f"https://{simulator.vcenters['vc1'].address}"
    assert vcenter_url(account, "vc9") is None


def test_a_vcenter_needs_an_account_and_a_place_in_vcd(account: ServiceAccount) -> None:
    vcenters = Vcenters(account, {"vc9": VcenterLogin(user="u", password=Secret("p"))})
    with pytest.raises(FailedPreconditionError, match="section `vcs`"):
        vcenters.get("vc1")
    with pytest.raises(NotFoundError, match="no vCenter 'vc9'"):
        vcenters.get("vc9")


def test_an_extension_is_registered_changed_and_left_alone(account: ServiceAccount) -> None:
    name = f"cse-{uuid.uuid4().hex[:6]}"
    filters = (f"/api/{name}", f"/api/{name}/.*")
    wanted = ExtensionService(name=name, namespace=name, routing_key=name, exchange="cse-ext", filters=filters)
    first, change = platform.ensure_extension(account, wanted)
    assert change == "created"
    assert (set(first.filters), first.is_enabled, first.exchange) == (set(filters), True, "cse-ext")
    assert platform.ensure_extension(account, wanted)[1] == "unchanged"
    moved = dataclasses.replace(wanted, routing_key="other", filters=(*filters, f"/api/{name}/.*/.*"))
    second, change = platform.ensure_extension(account, moved)
    assert change == "updated"
    assert (second.routing_key, len(second.filters), second.href) == ("other", 3, first.href)


def test_rights_are_added_once(account: ServiceAccount) -> None:
    name = f"cse-{uuid.uuid4().hex[:6]}"
    service, _ = platform.ensure_extension(
        account, ExtensionService(name=name, namespace=name, routing_key=name, exchange="x", filters=(f"/api/{name}",))
    )
    rights = [
        Right(name="CSE NATIVE DEPLOY RIGHT", description="d", category="cseRight", bundle_key="cseBundleKey"),
        Right(name="PKS DEPLOY RIGHT", description="d", category="pksRight", bundle_key="pksBundleKey"),
    ]
    full = [f"{{{name}}}:CSE NATIVE DEPLOY RIGHT", f"{{{name}}}:PKS DEPLOY RIGHT"]
    assert platform.ensure_rights(account, service, rights) == full
    assert platform.ensure_rights(account, service, rights) == []


def test_a_catalog_is_made_and_published_once(account: ServiceAccount, alice: VcdSession) -> None:
    name = f"catalog; {uuid.uuid4().hex[:6]}"
    org = get_org(account, "cse-provider")
    catalog, change = platform.ensure_catalog(account, org, name, "Templates")
    assert change == "created"
    assert find_catalogs(alice, name) == []
    assert platform.publish_catalog(account, catalog) is True
    assert [found.org for found in find_catalogs(alice, name)] == ["cse-provider"]
    assert platform.ensure_catalog(account, org, name, "Templates")[1] == "unchanged"
    assert platform.publish_catalog(account, catalog) is False


def test_a_task_of_ours_is_seen_by_its_tenant_alone(
    account: ServiceAccount, alice: VcdSession, carol: VcdSession, poller: TaskPoller
) -> None:
    who = alice.identity
    card = TaskCard(
        operation_name="create_cluster",
        cluster_id=str(uuid.uuid4()),
        cluster_name="c1",
        org_href=who.org_href,
        org_name=who.org,
        user=who.user,
        user_urn=who.user_urn,
    )
    tasks = ServiceTasks(account)
    href = tasks.create(card, "Creating cluster c1")
    shown = read_task(alice, href)
    assert (shown.status, shown.operation, shown.operation_name) == ("running", "Creating cluster c1", "create_cluster")
    with pytest.raises(NotFoundError):
        read_task(carol, href)
    tasks.progress(href, card, "Waiting for node-1", 40)
    tasks.fail(href, card, "Creating cluster c1 failed", reason="GUEST_UNAVAILABLE", error="node-1 did not boot")
    tasks.progress(href, card, "late")
    tasks.close()
    with pytest.raises(TaskFailedError, match="node-1 did not boot"):
        poller.wait(href, timeout_s=LIMIT_S)
    shown = read_task(alice, href)
    assert (shown.status, shown.minor, shown.operation) == ("error", "GUEST_UNAVAILABLE", "Creating cluster c1 failed")
