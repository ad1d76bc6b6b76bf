"""What vCenters have: datastores, hosts, resource pools with VMs in them."""

import pytest

from cse_testing.vcd_cloud import LabCloud, RestCaller
from vcd_simulator.model.compute import Vm
from vcd_simulator.model.infrastructure import ResourcePool

VMEXT = 'xmlns="http://www.vmware.com/vcloud/extension/v1.5"'
ROOT = "/api/admin/extension"


@pytest.mark.parametrize(
    ("media", "tag"),
    [
        pytest.param("datastoreList", "Reference", id="datastores"),
        pytest.param("vmwHostReferences", "HostReference", id="hosts"),
    ],
)
def test_lists_lead_to_their_members(administrator: RestCaller, alice: RestCaller, media: str, tag: str) -> None:
    href = administrator.get(ROOT).links()["down", f"application/vnd.vmware.admin.{media}+xml"]
    references = administrator.get(href).xml.findall(f"{{*}}{tag}")
    assert references
    for one in references:
        member = administrator.get(one.get("href", ""))
        assert (member.status, member.xml.get("name")) == (200, one.get("name"))
        assert alice.get(one.get("href", "")).status == 403
    assert alice.get(href).status == 403


def test_a_host_is_disabled_and_enabled(lab: LabCloud, administrator: RestCaller) -> None:
    host = next(iter(lab.cloud.hosts))
    href = f"{ROOT}/host/{host.id}"
    for verb, expected in (("disable", False), ("enable", True)):
        task = administrator.post(administrator.get(href).links()[verb, None])
        assert (task.status, task.xml.get("operationName")) == (202, f"host{verb.title()}")
        lab.pass_time()
        assert host.enabled is expected


@pytest.mark.parametrize("kind", ["datastore", "host"])
def test_what_is_not_there_is_not_to_be_seen(administrator: RestCaller, kind: str) -> None:
    answer = administrator.get(f"{ROOT}/{kind}/none")
    assert (answer.status, answer.xml.get("minorErrorCode")) == (403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN")


@pytest.fixture
def primary(lab: LabCloud) -> ResourcePool:
    return next(pool for pool in lab.cloud.resource_pools if pool.primary)


@pytest.fixture
def second(lab: LabCloud, primary: ResourcePool) -> ResourcePool:
    """Another pool of the same provider VDC."""
    pool = next(pool for pool in lab.cloud.resource_pools if pool.provider_vdc_id is None)
    pool.provider_vdc_id = primary.provider_vdc_id
    lab.cloud.resource_pools.reindex(pool)
    return pool


@pytest.fixture
def vm(lab: LabCloud) -> Vm:
    return lab.cloud.vms_of(lab.vapp("c1", lab.machine("a")))[0]


def names_in(caller: RestCaller, pool: ResourcePool) -> list[str | None]:
    page = caller.get(f"{ROOT}/resourcePool/{pool.id}/vmList")
    assert page.status == 200, page.body
    return [one.get("name") for one in page.xml.findall("{*}ResourcePoolVMRecord")]


def parameters(vm: Vm, target: ResourcePool | None = None) -> str:
    to = (
        f'<ResourcePoolRef><VimServerRef href="{ROOT}/vimServer/{target.vim_server_id}"/><MoRef>{target.moref}</MoRef>'
        "<VimObjectType>RESOURCE_POOL</VimObjectType></ResourcePoolRef>"
        if target is not None
        else ""
    )
    return f'<MigrateParams {VMEXT}><VmRef href="/api/vApp/vm-{vm.id}"/>{to}</MigrateParams>'


def test_vms_move_to_another_resource_pool_and_back(
    lab: LabCloud, administrator: RestCaller, primary: ResourcePool, second: ResourcePool, vm: Vm
) -> None:
    assert (names_in(administrator, primary), names_in(administrator, second)) == (["a"], [])
    moving = administrator.post(f"{ROOT}/resourcePool/{primary.id}/action/migrateVms", parameters(vm, second))
    assert moving.status == 202
    assert lab.cloud.tasks.is_busy(vm.id)
    lab.pass_time()
    assert (names_in(administrator, primary), names_in(administrator, second)) == ([], ["a"])
    assert administrator.post(f"{ROOT}/resourcePool/{second.id}/action/migrateVms", parameters(vm)).status == 202
    lab.pass_time()
    assert names_in(administrator, primary) == ["a"]


def test_a_migration_that_cannot_be_is_refused(
    lab: LabCloud,
    administrator: RestCaller,
    alice: RestCaller,
    primary: ResourcePool,
    second: ResourcePool,
    vm: Vm,
) -> None:
    from_primary = f"{ROOT}/resourcePool/{primary.id}/action/migrateVms"
    assert alice.post(from_primary, parameters(vm, second)).status == 403
    elsewhere = administrator.post(f"{ROOT}/resourcePool/{second.id}/action/migrateVms", parameters(vm, primary))
    assert "is not in the resource pool" in elsewhere.xml.get("message", "")
    assert administrator.post(from_primary, parameters(vm, primary)).status == 400
    assert administrator.post(from_primary, f"<MigrateParams {VMEXT}/>").status == 400
    second.enabled = False
    assert administrator.post(from_primary, parameters(vm, second)).status == 400
    assert administrator.post(from_primary, parameters(vm)).status == 400
    lab.pass_time()
    assert names_in(administrator, primary) == ["a"]


def test_a_pool_with_vms_in_it_stays(
    lab: LabCloud, administrator: RestCaller, primary: ResourcePool, second: ResourcePool, vm: Vm
) -> None:
    vm.resource_pool_id = second.id
    second.enabled = False
    path = f"{ROOT}/providervdc/{primary.provider_vdc_id}/action/updateResourcePools"
    body = (
        f'<UpdateResourcePoolSetParams {VMEXT}><DeleteItem href="{ROOT}/resourcePool/{second.id}"/>'
        "</UpdateResourcePoolSetParams>"
    )
    assert "still has VMs" in administrator.post(path, body).xml.get("message", "")
    vm.resource_pool_id = None
    assert administrator.post(path, body).status == 202
    lab.pass_time()
    assert second.provider_vdc_id is None
