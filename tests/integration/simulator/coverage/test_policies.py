"""Compute policies of templates and of VMs, through pyvcloud."""

from collections.abc import Callable

import pytest
from pyvcloud.vcd.vapp import VApp
from pyvcloud.vcd.vm import VM

from cse_testing.coverage import covers
from cse_testing.pyvcloud_client import Tenant
from vcd_simulator.model.policies import ComputePolicy
from vcd_simulator.operations import policies
from vcd_simulator.simulator import Simulator

FROM_33 = pytest.mark.parametrize("version", ["33.0", "36.0"])
Offer = Callable[..., str]


@pytest.fixture
def offer(shared_vcd: Simulator, alice: Tenant, uid: str) -> Offer:
    """Make a policy that the tenant's VDC offers; gives its address."""

    def make(name: str, *, places: bool = False) -> str:
        cloud = shared_vcd.cloud
        with cloud.lock:
            where = None
            if places:
                rack = ComputePolicy(id=cloud.new_id(), name=f"rack-{uid}", of_provider=True)
                where = policies.add(cloud, rack).id
            policy = ComputePolicy(id=cloud.new_id(), name=f"{name}-{uid}", provider_policy_id=where)
            policies.add(cloud, policy)
            vdc = next(one for one in cloud.vdcs if one.id in alice.vdc.href)
            offered = [one.id for one in policies.of_vdc(cloud, vdc)]
            policies.offer(cloud, vdc, [*offered, policy.id])
        return f"{shared_vcd.url}/cloudapi/1.0.0/vdcComputePolicies/urn:vcloud:vdcComputePolicy:{policy.id}"

    return make


@pytest.fixture
def item(alice: Tenant, catalog: str, vapp: VApp) -> tuple[str, str]:
    """A catalog of alice's, and the name of the one item in it."""
    alice.wait(alice.org.capture_vapp(alice.org.get_catalog(catalog), vapp.href, "item", ""))
    return catalog, "item"


def policies_of(alice: Tenant, item: tuple[str, str]) -> dict[str, str]:
    """The policies of the template's VM, by their elements."""
    template = alice.client.get_resource(alice.org.get_vapp_template_href(*item))
    found = getattr(template.Children.Vm, "ComputePolicy", None)
    named = [] if found is None else found.getchildren()
    return {one.tag.rpartition("}")[2]: one.get("name") for one in named if one.get("name") is not None}


@FROM_33
@covers(
    "Org.assign_sizing_policy_to_vapp_template_vms",
    "Org.assign_placement_policy_to_vapp_template_vms",
    "Org.remove_compute_policy_from_vapp_template_vms",
)
def test_a_template_gets_policies_and_loses_them(alice: Tenant, item: tuple[str, str], offer: Offer, uid: str) -> None:
    small, rack = offer("small"), offer("rack", places=True)
    alice.wait(alice.org.assign_sizing_policy_to_vapp_template_vms(*item, small))
    alice.wait(alice.org.assign_placement_policy_to_vapp_template_vms(*item, rack))
    assert policies_of(alice, item) == {"VmSizingPolicy": f"small-{uid}", "VmPlacementPolicy": f"rack-{uid}"}
    alice.wait(alice.org.remove_compute_policy_from_vapp_template_vms(*item, small))
    assert policies_of(alice, item) == {"VmPlacementPolicy": f"rack-{uid}"}


@FROM_33
@covers("Org.assign_compute_policy_to_vapp_template_vms", "Org.remove_all_compute_policies_from_vapp_template_vms")
def test_a_template_is_restricted_as_a_cse_does_it(
    alice: Tenant, item: tuple[str, str], offer: Offer, uid: str
) -> None:
    alice.wait(alice.org.assign_compute_policy_to_vapp_template_vms(*item, offer("small")))
    assert policies_of(alice, item) == {"VmSizingPolicy": f"small-{uid}"}
    alice.wait(alice.org.remove_all_compute_policies_from_vapp_template_vms(*item))
    assert policies_of(alice, item) == {}


@FROM_33
@covers("VM.update_compute_policy", "VM.remove_placement_policy")
def test_a_vm_follows_other_policies(alice: Tenant, vm: VM, offer: Offer, uid: str) -> None:
    alice.wait(vm.update_compute_policy(offer("small"), offer("rack", places=True)))
    vm.reload()
    followed = vm.get_resource().ComputePolicy
    names = followed.VmSizingPolicy.get("name"), followed.VmPlacementPolicy.get("name")
    assert names == (f"small-{uid}", f"rack-{uid}")
    alice.wait(vm.remove_placement_policy())
    vm.reload()
    assert not hasattr(vm.get_resource().ComputePolicy, "VmPlacementPolicy")
