"""VMs that are made from nothing."""

import json

import pytest

from cse_testing.vcd_cloud import Answer, LabCloud, RestCaller
from vcd_simulator.model.compute import Vapp

NAMESPACE = 'xmlns="http://www.vmware.com/vcloud/v1.5"'
SPECIFICATION = (
    "<OsType>centos8_64Guest</OsType><NumCpus>4</NumCpus><NumCoresPerSocket>2</NumCoresPerSocket>"
    "<MemoryResourceMb><Configured>100</Configured></MemoryResourceMb><DiskSection><DiskSettings><SizeMb>2048</SizeMb>"
    "</DiskSettings></DiskSection><HardwareVersion>vmx-13</HardwareVersion>"
)
NETWORK = (
    '<NetworkConnectionSection><NetworkConnection network="acme-net"><NetworkConnectionIndex>0</NetworkConnectionIndex>'
    "<IsConnected>true</IsConnected><IpAddressAllocationMode>POOL</IpAddressAllocationMode></NetworkConnection>"
    "</NetworkConnectionSection>"
)


@pytest.fixture
def vapp(lab: LabCloud) -> Vapp:
    return lab.vapp("c1", lab.machine("a"))


def recompose(lab: LabCloud, caller: RestCaller, vapp: Vapp, item: str) -> Answer:
    body = f"<RecomposeVAppParams {NAMESPACE}>{item}</RecomposeVAppParams>"
    answer = caller.post(f"/api/vApp/vapp-{vapp.id}/action/recomposeVApp", body)
    lab.pass_time()
    return answer


def created(specification: str = SPECIFICATION, more: str = "", name: str = "new") -> str:
    section = f"<VmSpecSection Modified='true'>{specification}</VmSpecSection>"
    return f'<CreateItem name="{name}"><Description>d</Description>{section}{more}</CreateItem>'


def test_a_vm_is_made_as_specified(lab: LabCloud, alice: RestCaller, vapp: Vapp) -> None:
    custom = "<GuestCustomizationSection><ComputerName>host-1</ComputerName></GuestCustomizationSection>"
    assert recompose(lab, alice, vapp, created(more=custom + NETWORK)).status == 202
    vm = lab.cloud.vms_of(vapp)[1]
    hardware = vm.hardware
    assert (vm.name, vm.description, vm.os_type, vm.hardware_version) == ("new", "d", "centos8_64Guest", 13)
    assert (hardware.cpu_count, hardware.cores_per_socket, hardware.memory_mb) == (4, 2, 100)
    assert [(disk.instance_id, disk.capacity_mb) for disk in hardware.disks] == [(2000, 2048)]
    assert (vm.customization.computer_name, vm.customization.enabled) == ("host-1", False)
    assert vm.nics[0].ip_address in lab.network().pool.used
    assert vm.image == "blank"
    shown = alice.get(f"/api/vApp/vm-{vm.id}").xml
    assert shown.findtext("{*}VmSpecSection/{*}OsType") == "centos8_64Guest"


def test_a_vapp_may_begin_with_one(lab: LabCloud, alice: RestCaller) -> None:
    body = f'<ComposeVAppParams {NAMESPACE} name="fresh">{created("<OsType>other</OsType>")}</ComposeVAppParams>'
    assert alice.post(f"/api/vdc/{lab.vdc().id}/action/composeVApp", body).status == 201
    lab.pass_time()
    vapp = lab.cloud.vapps.first("name", "fresh")
    assert vapp is not None
    (vm,) = lab.cloud.vms_of(vapp)
    assert (vm.hardware.cpu_count, vm.hardware.memory_mb, vm.hardware.disks, vm.nics) == (1, 512, [], [])
    assert vm.hardware_version == 14


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ('<CreateItem name="new"/>', "VmSpecSection"),
        (created(SPECIFICATION.replace("centos8_64Guest", "")), "OsType"),
        (created(SPECIFICATION.replace("centos8_64Guest", "&lt;script&gt;")), "OsType"),
        (created(SPECIFICATION.replace("vmx-13", "vmx-99")), "HardwareVersion"),
        (created(SPECIFICATION.replace("vmx-13", "vmx-x")), "HardwareVersion"),
        (created(SPECIFICATION.replace("2048", "0")), "disks"),
        (created(SPECIFICATION.replace("100", "101")), "memory"),
        (created(SPECIFICATION.replace("<NumCpus>4", "<NumCpus>3")), "cores"),
        (created(name=""), "name"),
        (created(name="a"), "already exists"),
        (created(more="<Media href='https://vcd/api/media/1'/>"), "Media"),
        (created(more=NETWORK.replace("acme-net", "nowhere")), "nowhere"),
    ],
    ids=lambda value: value if not value.startswith("<") else "",
)
def test_what_cannot_be_made_is_refused_whole(
    lab: LabCloud, alice: RestCaller, vapp: Vapp, item: str, message: str
) -> None:
    answer = recompose(lab, alice, vapp, created(name="good") + item)
    assert answer.status == 400, answer.body
    assert message in answer.xml.get("message", "")
    assert [vm.name for vm in lab.cloud.vms_of(vapp)] == ["a"]


def test_it_counts_against_quotas_and_storage(lab: LabCloud, alice: RestCaller, vapp: Vapp) -> None:
    lab.vdc().vm_quota = 1
    assert recompose(lab, alice, vapp, created()).status == 400
    lab.vdc().vm_quota = 0
    for profile in lab.cloud.profiles.find("vdc", lab.vdc().id):
        profile.limit_mb = 1024
    recompose(lab, alice, vapp, created())
    assert [vm.name for vm in lab.cloud.vms_of(vapp)] == ["a"], "the task failed"


def test_it_may_be_asked_for_in_json(lab: LabCloud, alice: RestCaller, vapp: Vapp) -> None:
    section = {"osType": "ubuntu64Guest", "numCpus": 2, "memoryResourceMb": {"configured": 256}}
    body = json.dumps({"createItem": [{"name": "new", "description": "d", "vmSpecSection": section}]})
    media = "application/vnd.vmware.vcloud.recomposeVAppParams+json"
    path = f"/api/vApp/vapp-{vapp.id}/action/recomposeVApp"
    answer = alice.call("POST", path, body, {"content-type": media, "accept": "application/*+json;version=31.0"})
    assert answer.status == 202, answer.body
    lab.pass_time()
    vm = lab.cloud.vms_of(vapp)[1]
    assert (vm.name, vm.os_type, vm.hardware.cpu_count, vm.hardware.memory_mb) == ("new", "ubuntu64Guest", 2, 256)
