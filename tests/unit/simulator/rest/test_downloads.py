"""vApps as packages."""

import io
import struct
import tarfile

import pytest

from cse_testing.vcd_cloud import LabCloud, RestCaller
from vcd_simulator.model.compute import ProductProperty, ProductSection, Vapp
from vcd_simulator.model.download import empty_disk
from vcd_simulator.rest.manifest import parse_manifest
from vcd_simulator.rest.ovf import parse_descriptor


@pytest.fixture
def vapp(lab: LabCloud) -> Vapp:
    return lab.vapp("c/1 <&>", lab.machine("a"), lab.machine("b"))


def enable(lab: LabCloud, caller: RestCaller, vapp: Vapp) -> None:
    answer = caller.post(caller.get(f"/api/vApp/vapp-{vapp.id}").links()["enable", None])
    assert (answer.status, answer.xml.get("operationName")) == (202, "vappEnableDownload")
    lab.pass_time()


def archive(caller: RestCaller, vapp: Vapp) -> dict[str, bytes]:
    href = caller.get(f"/api/vApp/vapp-{vapp.id}").links()["download:ovaDefault", "application/binary"]
    with tarfile.open(fileobj=io.BytesIO(RestCaller(caller.lab).get(href).body)) as opened:
        return {one.name: content.read() for one in opened if (content := opened.extractfile(one)) is not None}


def test_a_package_can_be_read_as_one_that_is_uploaded(lab: LabCloud, alice: RestCaller, vapp: Vapp) -> None:
    vm = lab.cloud.vms_of(vapp)[0]
    secret = ProductProperty(key="password", value="hidden", password=True)
    vm.product_sections = [ProductSection(product="studio", properties=[secret])]
    vm.hardware.cpu_count, vm.os_type, vm.customization.admin_password = 4, "centos8_64Guest", "top-secret"
    enable(lab, alice, vapp)
    files = archive(alice, vapp)
    assert next(iter(files)) == "descriptor.ovf"
    package = parse_descriptor(files["descriptor.ovf"])
    machine = package.machines[0]
    assert (machine.name, machine.cpu_count, machine.os_type) == ("a", 4, "centos8_64Guest")
    assert machine.disks_mb == tuple(disk.capacity_mb for disk in vm.hardware.disks)
    assert [one.product for one in machine.products] == ["studio"]
    assert {one.name: one.size for one in package.files} == {
        name: len(content) for name, content in files.items() if name.endswith(".vmdk")
    }
    assert list(package.networks) == ["acme-net"]
    for text in (b"hidden", b"top-secret", b"https://"):
        assert text not in files["descriptor.ovf"]


def test_the_manifest_is_true(lab: LabCloud, alice: RestCaller, vapp: Vapp) -> None:
    enable(lab, alice, vapp)
    files = archive(alice, vapp)
    digests = parse_manifest(files["descriptor.mf"])
    assert {name for name, _, _ in digests} == set(files) - {"descriptor.mf"}


def test_only_what_rests_can_be_downloaded(lab: LabCloud, alice: RestCaller, vapp: Vapp) -> None:
    here = f"/api/vApp/vapp-{vapp.id}"
    alice.post(f"{here}/power/action/powerOn")
    lab.pass_time()
    assert ("enable", None) not in alice.get(here).links()
    assert alice.post(f"{here}/action/enableDownload").status == 400


def test_a_package_goes_when_it_is_told_to_and_with_its_vapp(lab: LabCloud, alice: RestCaller, vapp: Vapp) -> None:
    here = f"/api/vApp/vapp-{vapp.id}"
    enable(lab, alice, vapp)
    first = alice.get(here).links()["download:default", "text/xml"]
    assert alice.get(first).status == 200
    enable(lab, alice, vapp)
    assert alice.get(first).status == 404, "there is a newer one"
    assert alice.post(alice.get(here).links()["disable", None]).status == 204
    assert not [rel for rel, _ in alice.get(here).links() if rel.startswith("download") or rel == "disable"]
    enable(lab, alice, vapp)
    href = alice.get(here).links()["download:default", "text/xml"]
    assert alice.get(f"{href}.vmdk").status == 404
    alice.delete(here)
    lab.pass_time()
    assert alice.get(href).status == 404
    assert alice.get("/transfer/none/descriptor.ovf").status == 404


def test_others_cannot_have_it_made(vapp: Vapp, bob: RestCaller, carol: RestCaller) -> None:
    for caller in (bob, carol):
        for action in ("enableDownload", "disableDownload"):
            assert caller.post(f"/api/vApp/vapp-{vapp.id}/action/{action}").status == 403


def test_what_is_too_large_is_refused(lab: LabCloud, alice: RestCaller, vapp: Vapp) -> None:
    lab.cloud.vms_of(vapp)[0].hardware.disks[0].capacity_mb = 600 * 2**20
    answer = alice.post(f"/api/vApp/vapp-{vapp.id}/action/enableDownload")
    assert (answer.status, "too large" in answer.xml.get("message", "")) == (400, True)


@pytest.mark.parametrize("capacity_mb", [1, 31, 32, 33, 40_960])
def test_an_empty_disk_has_a_directory_for_all_of_it(capacity_mb: int) -> None:
    disk = empty_disk(capacity_mb)
    magic, version, flags, capacity, grain, descriptor, sectors, entries, _, directory = struct.unpack_from(
        "<4sIIQQQQIQQ", disk
    )
    assert (magic, version, flags & 1, capacity) == (b"KDMV", 3, 1, capacity_mb * 2048)
    assert disk[73:77] == b"\n \r\n"
    assert b'createType="streamOptimized"' in disk[descriptor * 512 : (descriptor + sectors) * 512]
    tables = -(-capacity // (grain * entries))
    assert directory == descriptor + sectors
    assert disk[directory * 512 :][: tables * 4] == bytes(tables * 4)
    assert len(disk) % 512 == 0
