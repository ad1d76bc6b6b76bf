"""Copies of vApps, and vApps that move."""

import pytest

from cse_testing.vcd_cloud import LabCloud
from vcd_simulator.model.compute import Vapp
from vcd_simulator.model.datacenter import Vdc
from vcd_simulator.operations import datacenter
from vcd_simulator.operations.clones import clone_vapp
from vcd_simulator.operations.datacenter import ProfileSpec, VdcSpec


@pytest.fixture
def source(lab: LabCloud) -> Vapp:
    vapp = lab.vapp("c1", lab.machine("a"))
    (vm,) = lab.cloud.vms_of(vapp)
    vm.customization.pending, vm.customization.reported, vm.customization.computer_name = False, True, "host-1"
    vapp.access.everyone = "Change"
    return vapp


def second_vdc(lab: LabCloud, org: str = "acme") -> Vdc:
    provider = next(iter(lab.cloud.provider_vdcs))
    profile = lab.cloud.provider_profiles.find("pvdc", provider.id)[0]
    spec = VdcSpec(name="second", provider_vdc=provider, profiles=[ProfileSpec(provider_profile=profile, default=True)])
    vdc, _ = datacenter.create_vdc(lab.cloud, lab.user("administrator", "System"), lab.org(org), spec)
    lab.pass_time()
    return vdc


def clone(lab: LabCloud, vdc: Vdc, source: Vapp, *, moves: bool) -> Vapp:
    administrator = lab.user("administrator", "System")
    vapp, task = clone_vapp(lab.cloud, administrator, vdc, source, "c2", None, moves=moves)
    lab.pass_time()
    assert task.status == "success", task.error
    return vapp


def test_a_copy_belongs_to_who_made_it_and_its_guests_are_customized(lab: LabCloud, source: Vapp) -> None:
    copy = clone(lab, lab.vdc(), source, moves=False)
    assert copy.owner_id == lab.user("administrator", "System").id
    assert copy.access.everyone is None
    (vm,) = lab.cloud.vms_of(copy)
    assert (vm.customization.pending, vm.customization.reported, vm.customization.computer_name) == (True, False, "a")


def test_what_moves_keeps_its_owner_its_rights_and_its_guests_as_they_are(lab: LabCloud, source: Vapp) -> None:
    moved = clone(lab, second_vdc(lab), source, moves=True)
    assert lab.cloud.vapps.get(source.id) is None
    assert (moved.owner_id, moved.access.everyone) == (lab.user("alice").id, "Change")
    (vm,) = lab.cloud.vms_of(moved)
    custom = vm.customization
    assert (custom.pending, custom.reported, custom.computer_name) == (False, True, "host-1")


def test_what_moves_to_another_organisation_gets_another_owner(lab: LabCloud, source: Vapp) -> None:
    moved = clone(lab, second_vdc(lab, "globex"), source, moves=True)
    assert moved.owner_id == lab.user("administrator", "System").id
    assert moved.access.everyone is None
