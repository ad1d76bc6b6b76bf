"""Templates through pyvcloud: uploaded, instantiated, customized, captured, replaced, deleted."""

import tarfile
import uuid
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from pyvcloud.vcd.client import E, EntityType, RelationType
from pyvcloud.vcd.exceptions import EntityNotFoundException, UploadException
from pyvcloud.vcd.vapp import VApp

from cse_testing.ovf import envelope, ova
from cse_testing.pyvcloud_client import Tenant
from cse_testing.waiting import LIMIT_S, wait_until
from vcd_simulator.guests.machine import Guest
from vcd_simulator.guests.spec import ToolsState
from vcd_simulator.simulator import Simulator


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """pyvcloud sleeps before it looks for the files' addresses, and unpacks into the working directory."""
    monkeypatch.setattr("pyvcloud.vcd.org.time", SimpleNamespace(sleep=lambda _: None))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def catalog(alice: Tenant) -> str:
    name = f"catalog-{uuid.uuid4().hex[:8]}"
    alice.wait(alice.org.create_catalog(name, "").Tasks.Task[0])
    alice.org.reload()
    return name


def uploaded(alice: Tenant, catalog: str, item: str) -> None:
    resource = alice.client.get_resource(alice.org.get_catalog_item(catalog, item).Entity.get("href"))
    alice.wait(resource.Tasks.Task[0])


def test_an_ova_is_uploaded_used_captured_and_replaced(
    alice: Tenant, shared_vcd: Simulator, catalog: str, tmp_path: Path
) -> None:
    seen: list[tuple[int, int]] = []
    package = ova(tmp_path / "photon.ova", files={"disk1.vmdk": 5000, "disk2.vmdk": 10}, product="Photon OS")
    alice.org.upload_ovf(
        catalog, str(package), description="small", chunk_size=2048, callback=lambda *now: seen.append(now)
    )
    assert seen == [(2048, 5000), (4096, 5000), (5000, 5000), (10, 10)]
    uploaded(alice, catalog, "photon.ova")
    with pytest.raises(UploadException):
        alice.org.upload_ovf(catalog, str(package))

    name = f"temp-{uuid.uuid4().hex[:8]}"
    made = alice.vdc.instantiate_vapp(name, catalog, "photon.ova", network="acme-net", deploy=True, power_on=True)
    alice.wait(made.Tasks.Task[0])
    vapp = alice.vapp(name)
    guest = _guest(shared_vcd, vapp)
    assert guest.packages.family == "rpm"
    wait_until(lambda: guest.tools is ToolsState.RUNNING, "the tools to run, which a shutdown needs")
    guest.disk.lay_out()
    (guest.disk.paths.root / "root" / "installed").write_text("kubernetes")
    alice.wait(vapp.shutdown())

    for version in ("1", "2"):
        alice.org.reload()
        overwrite = version == "2"
        task = alice.org.capture_vapp(
            alice.org.get_catalog(catalog), vapp.href, "photon-k8s", "ready", customize_on_instantiate=True,
            overwrite=overwrite,
        )  # fmt: skip
        assert "vappTemplate-" in task.Owner.get("href")
        alice.wait(task)
        alice.org.reload()
        assert str(alice.org.get_catalog_item(catalog, "photon-k8s").VersionNumber) == version
    alice.wait(alice.vdc.delete_vapp(name, force=True))

    second = alice.vdc.instantiate_vapp(f"{name}-2", catalog, "photon-k8s", deploy=True, power_on=True)
    alice.wait(second.Tasks.Task[0])
    copied = _guest(shared_vcd, alice.vapp(f"{name}-2"))
    copied.disk.lay_out()
    assert (copied.disk.paths.root / "root" / "installed").read_text() == "kubernetes"
    alice.wait(alice.vdc.delete_vapp(f"{name}-2", force=True))
    alice.org.delete_catalog_item(catalog, "photon-k8s")
    alice.org.reload()
    with pytest.raises(EntityNotFoundException):
        alice.org.get_catalog_item(catalog, "photon-k8s")


def test_a_large_disk_comes_in_one_piece(alice: Tenant, shared_vcd: Simulator, catalog: str) -> None:
    size = 80 << 20
    params = E.UploadVAppTemplateParams(name="large.ova")
    client = alice.client
    resource = client.get_resource(alice.org.get_catalog(catalog).get("href"))
    item = client.post_linked_resource(resource, RelationType.ADD, EntityType.UPLOAD_VAPP_TEMPLATE_PARAMS.value, params)
    href = item.Entity.get("href")

    def send(number: int, body: bytes) -> None:
        address = client.get_resource(href).Files.File[number].Link.get("href")
        assert requests.put(address, data=body, verify=shared_vcd.ca_file, timeout=LIMIT_S).status_code == 200

    send(0, envelope(files={"disk1.vmdk": size}))
    send(1, bytes(size))
    alice.wait(client.get_resource(href).Tasks.Task[0])


def _guest(vcd: Simulator, vapp: VApp) -> Guest:
    """The guest of a vApp's only VM."""
    (vm,) = vapp.get_all_vms()
    return vcd.hypervisor.guest(vapp.get_vm_moid(vm.get("name")))


def test_a_file_in_parts_goes_to_one_address(alice: Tenant, catalog: str, tmp_path: Path) -> None:
    """As OVF tools cut disks up for old file systems: the client sends the parts with offsets over the whole."""
    package = ova(tmp_path / "parts.ova", files={"disk1.vmdk": 2500}, chunk_size=1000)
    assert alice.org.upload_ovf(catalog, str(package), chunk_size=400) == 2500 + _descriptor_size(package)
    uploaded(alice, catalog, "parts.ova")


def _descriptor_size(package: Path) -> int:
    with tarfile.open(package) as archive:
        return next(member.size for member in archive if member.name.endswith(".ovf"))
