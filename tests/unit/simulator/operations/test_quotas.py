"""Quotas that run out, and leases that are told of."""

import pytest

from cse_testing.vcd_cloud import LabCloud, RestCaller
from vcd_simulator.errors import VcdError
from vcd_simulator.operations import power


@pytest.fixture
def lab() -> LabCloud:
    return LabCloud()


def refusal(action: object) -> VcdError:
    assert callable(action)
    with pytest.raises(VcdError) as caught:
        action()
    return caught.value


def test_a_user_owns_as_many_vms_as_his_quota_says(lab: LabCloud) -> None:
    lab.user("alice").stored_vm_quota = 2
    lab.vapp("c1", lab.machine("a"))
    error = refusal(lambda: lab.vapp("c2", lab.machine("a"), lab.machine("b")))
    assert (error.minor, "2 stored VMs of the user alice" in error.message) == ("QUOTA_EXCEEDED", True)
    assert lab.cloud.vapps.first("name", "c2") is None
    lab.vapp("c2", lab.machine("a"))


def test_a_user_runs_as_many_vms_as_his_quota_says(lab: LabCloud) -> None:
    alice = lab.user("alice")
    alice.deployed_vm_quota = 1
    vapp = lab.vapp("c1", lab.machine("a"), lab.machine("b"))
    first, second = lab.cloud.vms_of(vapp)
    assert refusal(lambda: power.power_on(lab.cloud, alice, vapp, None)).minor == "QUOTA_EXCEEDED"
    power.power_on(lab.cloud, alice, vapp, first)
    lab.pass_time()
    assert refusal(lambda: power.power_on(lab.cloud, alice, vapp, second)).minor == "QUOTA_EXCEEDED"
    assert refusal(lambda: lab.vapp("c2", lab.machine("a"), power_on=True)).minor == "QUOTA_EXCEEDED"
    power.act(lab.cloud, alice, vapp, first, "powerOff")
    lab.pass_time()
    power.power_on(lab.cloud, alice, vapp, second)
    lab.pass_time()
    assert second.is_on


def test_a_vdc_has_as_many_network_cards_as_its_quota_says(lab: LabCloud) -> None:
    lab.vdc().nic_quota = 1
    lab.vapp("c1", lab.machine("a"))
    error = refusal(lambda: lab.vapp("c2", lab.machine("a")))
    assert "1 network cards" in error.message


@pytest.mark.parametrize(("mhz", "memory_mb", "unit"), [(3000, 0, "3000 MHz"), (0, 5000, "5000 MB")])
def test_a_vdc_runs_as_many_vms_as_its_capacity_allows(lab: LabCloud, mhz: int, memory_mb: int, unit: str) -> None:
    vdc = lab.vdc()
    vdc.vcpu_mhz, vdc.cpu.limit, vdc.memory.limit = 500, mhz, memory_mb
    vapp = lab.vapp("c1", lab.machine("a"), lab.machine("b"))
    for vm in lab.cloud.vms_of(vapp):
        vm.hardware.cpu_count, vm.hardware.memory_mb = 4, 3000
    first, second = lab.cloud.vms_of(vapp)
    power.power_on(lab.cloud, lab.user("alice"), vapp, first)
    lab.pass_time()
    failed = power.power_on(lab.cloud, lab.user("alice"), vapp, second)
    lab.pass_time()
    assert failed.error is not None
    assert (failed.error.minor, f"{unit} of the VDC" in failed.error.message) == ("QUOTA_EXCEEDED", True)
    assert (first.is_on, second.is_on) == (True, False)
    capacity = RestCaller(lab).login("alice", "acme").get(f"/api/vdc/{vdc.id}").xml.find("{*}ComputeCapacity")
    assert capacity is not None
    assert [one.text for one in capacity.iterfind("*/{*}Used")] == ["2000", "3000"]
    power.act(lab.cloud, lab.user("alice"), vapp, first, "powerOff")
    lab.pass_time()
    power.power_on(lab.cloud, lab.user("alice"), vapp, second)
    lab.pass_time()
    assert second.is_on


def test_capacities_are_kept_in_mhz_and_mb(lab: LabCloud) -> None:
    administrator = RestCaller(lab).login("administrator", "System")
    vdc = lab.vdc()

    def put(cpu: str) -> int:
        body = (
            f'<AdminVdc xmlns="http://www.vmware.com/vcloud/v1.5" name="{vdc.name}"><ComputeCapacity><Cpu><Units>{cpu}'
            "</Units><Allocated>2</Allocated><Limit>4</Limit></Cpu><Memory><Units>GB</Units><Allocated>1</Allocated>"
            "<Limit>8</Limit></Memory></ComputeCapacity></AdminVdc>"
        )
        status = administrator.put(f"/api/admin/vdc/{vdc.id}", body).status
        lab.pass_time()
        return status

    assert (put("GHz"), put("parsecs")) == (202, 400)
    assert (vdc.cpu.units, vdc.cpu.limit, vdc.memory.units, vdc.memory.limit) == ("MHz", 4000, "MB", 8192)


def test_a_lease_ends_counted_from_the_last_change_of_state(lab: LabCloud) -> None:
    alice = RestCaller(lab).login("alice", "acme")
    vapp = lab.vapp("c1", lab.machine("a"))
    path = f"/api/vApp/vapp-{vapp.id}/leaseSettingsSection/"
    ends = ("DeploymentLeaseExpiration", "StorageLeaseExpiration")
    assert [alice.get(path).xml.findtext(f"{{*}}{tag}") for tag in ends] == [None, None]
    body = (
        '<LeaseSettingsSection xmlns="http://www.vmware.com/vcloud/v1.5"><DeploymentLeaseInSeconds>3600'
        "</DeploymentLeaseInSeconds><StorageLeaseInSeconds>86400</StorageLeaseInSeconds></LeaseSettingsSection>"
    )
    assert alice.put(path, body).status == 202
    lab.pass_time()
    deployment, storage = [alice.get(path).xml.findtext(f"{{*}}{tag}") for tag in ends]
    assert (deployment, storage is not None) == (None, True)
    lab.clock.advance(600)
    assert alice.post(f"/api/vApp/vapp-{vapp.id}/power/action/powerOn").status == 202
    lab.pass_time()
    deployment, again = [alice.get(path).xml.findtext(f"{{*}}{tag}") for tag in ends]
    assert (deployment is not None, again) == (True, None)
    assert vapp.leases_from == lab.clock.now()
    assert alice.put(path, body.replace("3600", "-1")).status == 400
