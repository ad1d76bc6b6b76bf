"""Settings of VMs and vApps, through the REST API."""

from dataclasses import replace

import pytest

from cse_testing.vcd_cloud import Answer, LabCloud, RestCaller
from vcd_simulator.model.compute import Vapp, Vm
from vcd_simulator.operations.machines import guest_spec
from vcd_simulator.operations.power import notice_customization
from vcd_simulator.operations.settings import datastore_of
from vcd_simulator.operations.vcenters import add_datastore

V = 'xmlns="http://www.vmware.com/vcloud/v1.5"'
RASD = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
ITEM = (
    '<Item xmlns:r="{RASD}" xmlns="http://www.vmware.com/vcloud/v1.5"><r:ResourceType>{kind}</r:ResourceType>'
    "<r:VirtualQuantity>{quantity}</r:VirtualQuantity></Item>"
)


@pytest.fixture
def vapp(lab: LabCloud) -> Vapp:
    return lab.vapp("c1", lab.machine("a"))


@pytest.fixture
def vm(lab: LabCloud, vapp: Vapp) -> Vm:
    return lab.cloud.vms_of(vapp)[0]


def done(lab: LabCloud, answer: Answer) -> None:
    """The task of an answer succeeds."""
    assert answer.status == 202, answer.body
    lab.pass_time()
    task = lab.cloud.tasks.tasks[answer.headers["location"].rpartition("/")[2]]
    assert task.status == "success", task.error


def refused(answer: Answer) -> str:
    assert answer.status == 400, answer.body
    return answer.xml.get("message", "")


def item(kind: int, quantity: int) -> str:
    return ITEM.format(RASD=RASD, kind=kind, quantity=quantity)


def test_a_running_vm_gets_more_only_if_it_was_allowed_to(lab: LabCloud, alice: RestCaller, vapp: Vapp, vm: Vm) -> None:
    here = f"/api/vApp/vm-{vm.id}"
    body = f"<VmCapabilities {V}><MemoryHotAddEnabled>true</MemoryHotAddEnabled></VmCapabilities>"
    done(lab, alice.put(f"{here}/vmCapabilities/", body))
    capabilities = alice.get(f"{here}/vmCapabilities/").xml
    assert capabilities.findtext("{*}MemoryHotAddEnabled") == "true"
    assert capabilities.findtext("{*}CpuHotAddEnabled") == "false"
    done(lab, alice.post(f"{here}/power/action/powerOn"))
    memory = vm.hardware.memory_mb
    done(lab, alice.put(f"{here}/virtualHardwareSection/memory", item(4, memory + 1024)))
    assert vm.hardware.memory_mb == memory + 1024
    assert "powered on" in refused(alice.put(f"{here}/virtualHardwareSection/memory", item(4, memory)))
    assert "number of CPUs" in refused(alice.put(f"{here}/virtualHardwareSection/cpu", item(3, 4)))
    body = f"<VmCapabilities {V}><CpuHotAddEnabled>true</CpuHotAddEnabled></VmCapabilities>"
    assert "powered on" in refused(alice.put(f"{here}/vmCapabilities/", body))


def test_boot_options_change_and_stay_in_bounds(lab: LabCloud, alice: RestCaller, vm: Vm) -> None:
    here = f"/api/vApp/vm-{vm.id}"
    body = f"<BootOptions {V}><BootDelay>{{}}</BootDelay><EnterBIOSSetup>true</EnterBIOSSetup></BootOptions>"
    done(lab, alice.post(f"{here}/action/bootOptions/", body.format(5000)))
    shown = alice.get(f"{here}/bootOptions/").xml
    assert (shown.findtext("{*}BootDelay"), shown.findtext("{*}EnterBIOSSetup")) == ("5000", "true")
    assert "BootDelay" in refused(alice.post(f"{here}/action/bootOptions/", body.format(-1)))


def test_what_is_said_of_the_operating_system_can_be_changed(lab: LabCloud, alice: RestCaller, vm: Vm) -> None:
    path = f"/api/vApp/vm-{vm.id}/operatingSystemSection/"
    document = alice.get(path).body.decode()
    done(lab, alice.put(path, document.replace(f">{vm.os_type}<", ">Photon, ours<")))
    assert alice.get(path).xml.findtext("{*}Description") == "Photon, ours"


def disks(alice: RestCaller, vm: Vm) -> str:
    return alice.get(f"/api/vApp/vm-{vm.id}/virtualHardwareSection/disks").body.decode()


def test_a_disk_grows_by_its_quantity_or_its_capacity_and_never_shrinks(
    lab: LabCloud, alice: RestCaller, vm: Vm
) -> None:
    path = f"/api/vApp/vm-{vm.id}/virtualHardwareSection/disks"
    before = vm.hardware.disks[0].capacity_mb
    by_quantity = disks(alice, vm).replace(f">{before * 1024**2}<", f">{(before + 1024) * 1024**2}<")
    done(lab, alice.put(path, by_quantity))
    assert vm.hardware.disks[0].capacity_mb == before + 1024
    by_capacity = disks(alice, vm).replace(f'capacity="{before + 1024}"', f'capacity="{before + 2048}"')
    done(lab, alice.put(path, by_capacity))
    assert vm.hardware.disks[0].capacity_mb == before + 2048
    shrunk = disks(alice, vm).replace(f'capacity="{before + 2048}"', f'capacity="{before}"')
    assert "cannot shrink" in refused(alice.put(path, shrunk))


def test_disks_come_go_and_fit_into_their_storage_profile(lab: LabCloud, alice: RestCaller, vm: Vm) -> None:
    path = f"/api/vApp/vm-{vm.id}/virtualHardwareSection/disks"
    new = (
        f'<Item xmlns:r="{RASD}" {V}><r:HostResource xmlns:v="http://www.vmware.com/vcloud/v1.5" v:capacity="{{}}"/>'
        "<r:ResourceType>17</r:ResourceType></Item></RasdItemsList>"
    )
    listed = disks(alice, vm)
    done(lab, alice.put(path, listed.replace("</RasdItemsList>", new.format(2048))))
    assert [(disk.name, disk.unit_number) for disk in vm.hardware.disks] == [("Hard disk 1", 0), ("Hard disk 2", 1)]
    assert len({disk.instance_id for disk in vm.hardware.disks}) == 2
    profile = lab.cloud.profiles[vm.storage_profile_id or ""]
    profile.limit_mb = vm.hardware.storage_kb // 1024 + 1000
    answer = alice.put(path, disks(alice, vm).replace("</RasdItemsList>", new.format(4096)))
    assert answer.xml.get("minorErrorCode") == "STORAGE_LIMIT"
    vm.status = type(vm.status).POWERED_ON
    assert "powered on" in refused(alice.put(path, listed))
    vm.status = type(vm.status).POWERED_OFF
    done(lab, alice.put(path, listed))
    assert len(vm.hardware.disks) == 1
    assert refused(alice.put(path, f"<RasdItemsList {V}/>"))


def test_hardware_is_upgraded_once(lab: LabCloud, alice: RestCaller, vm: Vm) -> None:
    here = f"/api/vApp/vm-{vm.id}"
    upgrade = alice.get(here).links()["upgrade", None]
    done(lab, alice.post(upgrade))
    assert ("upgrade", None) not in alice.get(here).links()
    assert "vmx-14" in alice.get(here).body.decode()
    assert "newest" in refused(alice.post(upgrade))


def test_a_vm_may_be_a_hypervisor(lab: LabCloud, alice: RestCaller, vm: Vm) -> None:
    here = f"/api/vApp/vm-{vm.id}"
    done(lab, alice.post(alice.get(here).links()["enableNestedHypervisor", None]))
    assert alice.get(here).xml.get("nestedHypervisorEnabled") == "true"
    done(lab, alice.post(alice.get(here).links()["disableNestedHypervisor", None]))
    assert alice.get(here).xml.get("nestedHypervisorEnabled") == "false"


def test_compliance_and_upkeep_are_the_provider_s(
    lab: LabCloud, alice: RestCaller, administrator: RestCaller, vm: Vm
) -> None:
    here = f"/api/vApp/vm-{vm.id}"
    media = "application/vnd.vmware.vm.complianceResult+xml"
    assert not {"checkCompliance", "consolidate", "reloadFromVc"} & {rel for rel, _ in alice.get(here).links()}
    for action in ("checkCompliance", "consolidate", "reloadFromVc"):
        assert alice.post(f"{here}/action/{action}").status == 403
    links = administrator.get(here).links()
    assert administrator.get(links["down", media]).xml.findtext("{*}ComplianceStatus") == "UNKNOWN"
    for rel in ("checkCompliance", "consolidate", "reloadFromVc"):
        done(lab, administrator.post(links[rel, None]))
    result = administrator.get(links["down", media]).xml
    assert result.findtext("{*}ComplianceStatus") == "COMPLIANT"
    assert result.findtext("{*}ComplianceCheckTime", "").endswith("Z")
    lab.cloud.profiles[vm.storage_profile_id or ""].enabled = False
    assert administrator.get(links["down", media]).xml.findtext("{*}ComplianceStatus") == "NOT_COMPLIANT"


@pytest.mark.parametrize("kind", ["vapp", "vm"])
def test_products_are_kept_and_their_passwords_are_not_shown(
    lab: LabCloud, alice: RestCaller, vapp: Vapp, vm: Vm, kind: str
) -> None:
    here = f"/api/vApp/vapp-{vapp.id}" if kind == "vapp" else f"/api/vApp/vm-{vm.id}"
    path = alice.get(here).links()["down", "application/vnd.vmware.vcloud.productSections+xml"]
    assert len(alice.get(path).xml.findall("{*}ProductSection")) == 0
    body = (
        f'<ProductSectionList {V} xmlns:o="http://schemas.dmtf.org/ovf/envelope/1"><o:ProductSection o:class="c">'
        '<o:Info>i</o:Info><o:Property o:key="k" o:type="string" o:value="v" o:userConfigurable="true"/>'
        '<o:Property o:key="p" o:password="true" o:value="hidden"/></o:ProductSection></ProductSectionList>'
    )
    done(lab, alice.put(path, body))
    shown = alice.get(path)
    assert b"hidden" not in shown.body
    assert b'ovf:value="v"' in shown.body
    done(lab, alice.put(path, shown.body.decode()))
    of = vapp if kind == "vapp" else vm
    assert [(one.key, one.value) for one in of.product_sections[0].properties] == [("k", "v"), ("p", "hidden")]


def test_a_vapp_in_maintenance_is_the_provider_s(
    lab: LabCloud, alice: RestCaller, administrator: RestCaller, vapp: Vapp, vm: Vm
) -> None:
    here = f"/api/vApp/vapp-{vapp.id}"
    assert ("enterMaintenanceMode", None) not in alice.get(here).links()
    assert alice.post(f"{here}/action/enterMaintenanceMode").status == 403
    assert administrator.post(administrator.get(here).links()["enterMaintenanceMode", None]).status == 204
    shown = alice.get(here)
    assert shown.xml.findtext("{*}InMaintenanceMode") == "true"
    assert not {"power:powerOn", "recompose", "remove", "edit"} & {rel for rel, _ in shown.links()}
    for path in (f"{here}/power/action/powerOn", f"/api/vApp/vm-{vm.id}/power/action/powerOn"):
        assert "maintenance" in refused(alice.post(path))
    done(lab, administrator.post(f"{here}/power/action/powerOn"))
    assert refused(administrator.post(f"{here}/action/enterMaintenanceMode"))
    assert administrator.post(administrator.get(here).links()["exitMaintenanceMode", None]).status == 204
    assert "power:shutdown" in {rel for rel, _ in alice.get(here).links()}


def test_what_there_is_not_is_refused_as_not_allowed(lab: LabCloud, alice: RestCaller, vapp: Vapp, vm: Vm) -> None:
    here = f"/api/vApp/vm-{vm.id}"
    drives = alice.get(f"{here}/virtualHardwareSection/media")
    assert [item.findtext("{*}ElementName") for item in drives.xml] == ["CD/DVD Drive 1", "Floppy Drive 1"]
    for answer in (
        alice.put(f"{here}/virtualHardwareSection/media", drives.body.decode()),
        alice.post(f"{here}/screen/action/acquireTicket"),
        alice.post(f"{here}/screen/action/acquireMksTicket"),
    ):
        assert (answer.status, answer.xml.get("minorErrorCode")) == (400, "OPERATION_DENIED")


def gc_status(caller: RestCaller, vm: Vm) -> tuple[str | None, str | None]:
    """The state of customization, and whether it is over."""
    here = f"/api/vApp/vm-{vm.id}"
    return (
        caller.get(f"{here}/guestcustomizationstatus/").xml.findtext("{*}GuestCustStatus"),
        caller.get(f"{here}/checkpostcustomizationscript/").xml.findtext("{*}CheckPostGCStatus"),
    )


def test_customization_is_pending_until_the_guest_has_reported_it(
    lab: LabCloud, alice: RestCaller, vapp: Vapp, vm: Vm
) -> None:
    here = f"/api/vApp/vm-{vm.id}"
    assert gc_status(alice, vm) == ("GC_PENDING", "false")
    done(lab, alice.post(f"{here}/power/action/powerOn"))
    assert gc_status(alice, vm) == ("GC_PENDING", "false"), "the guest has not said anything yet"
    notice_customization(lab.cloud, vm.moid)
    assert gc_status(alice, vm) == ("GC_COMPLETE", "true")
    done(lab, alice.post(f"{here}/power/action/powerOff"))
    assert alice.post(f"{here}/action/customizeAtNextPowerOn").status == 204
    assert gc_status(alice, vm) == ("GC_PENDING", "false")
    done(lab, alice.post(f"{here}/power/action/powerOn"))
    assert gc_status(alice, vm) == ("GC_PENDING", "false")
    notice_customization(lab.cloud, vm.moid)
    done(lab, alice.post(f"{here}/power/action/reset"))
    assert gc_status(alice, vm) == ("GC_COMPLETE", "true")
    done(lab, alice.put(f"{here}/guestCustomizationSection/", f"<GuestCustomizationSection {V}/>"))
    assert gc_status(alice, vm) == ("GC_PENDING", "false"), "the guest is not yet what the section says"


def test_a_report_about_a_machine_that_is_gone_does_no_harm(lab: LabCloud) -> None:
    notice_customization(lab.cloud, "vm-none")


def test_a_vm_is_relocated_by_the_provider(
    lab: LabCloud, alice: RestCaller, administrator: RestCaller, vapp: Vapp, vm: Vm
) -> None:
    here, media = f"/api/vApp/vm-{vm.id}", "application/vnd.vmware.vcloud.relocateVmParams+xml"
    server = lab.cloud.vim_servers[vm.vim_server_id]
    other = add_datastore(lab.cloud, server, "other")
    elsewhere = add_datastore(lab.cloud, replace(server, id="vc-2"), "elsewhere")
    shown = "{*}VCloudExtension/{*}VmVimInfo/{*}DatastoreVimObjectRef/{*}MoRef"
    first = datastore_of(lab.cloud, vm)
    assert first is not None
    assert administrator.get(here).xml.findtext(shown) == first.moref

    def body(datastore_id: str) -> str:
        href = f"https://vcd/api/admin/extension/datastore/{datastore_id}"
        return f'<RelocateParams {V}><Datastore href="{href}"/></RelocateParams>'

    path = administrator.get(here).links()["relocate", media]
    assert ("relocate", media) not in alice.get(here).links()
    assert alice.post(f"{here}/action/relocate", body(other.id)).status == 403
    assert administrator.post(path, body("none")).status == 403
    assert "not available" in refused(administrator.post(path, body(elsewhere.id)))
    other.enabled = False
    assert "not available" in refused(administrator.post(path, body(other.id)))
    other.enabled = True
    done(lab, administrator.post(path, body(other.id)))
    assert administrator.get(here).xml.findtext(shown) == other.moref
    assert alice.get(here).xml.find("{*}VCloudExtension") is None


def test_tools_can_be_installed_while_the_vm_runs(lab: LabCloud, alice: RestCaller, vapp: Vapp, vm: Vm) -> None:
    here = f"/api/vApp/vm-{vm.id}"
    assert ("installVmwareTools", None) not in alice.get(here).links()
    assert "powered on" in refused(alice.post(f"{here}/action/installVMwareTools"))
    done(lab, alice.post(f"{here}/power/action/powerOn"))
    done(lab, alice.post(alice.get(here).links()["installVmwareTools", None]))


OVF = "http://schemas.dmtf.org/ovf/envelope/1"
VMW = "http://www.vmware.com/schema/ovf"


def extra(*settings: tuple[str, str]) -> str:
    """A VM that is to get these settings in vCenter."""
    elements = "".join(f'<w:ExtraConfig w:key="{key}" w:value="{value}"/>' for key, value in settings)
    section = f'<o:VirtualHardwareSection xmlns:o="{OVF}" xmlns:w="{VMW}">{elements}</o:VirtualHardwareSection>'
    return f"<Vm {V}>{section}</Vm>"


def shown_extra(caller: RestCaller, vm: Vm) -> dict[str | None, str | None]:
    found = caller.get(f"/api/vApp/vm-{vm.id}").xml.iter(f"{{{VMW}}}ExtraConfig")
    return {one.get(f"{{{VMW}}}key"): one.get(f"{{{VMW}}}value") for one in found}


def test_settings_in_vcenter_are_made_and_removed_by_who_may(
    lab: LabCloud, alice: RestCaller, administrator: RestCaller, vapp: Vapp, vm: Vm
) -> None:
    path = f"/api/vApp/vm-{vm.id}/action/reconfigureVm"
    before = shown_extra(alice, vm)
    assert "svga.present" in before
    body = extra(("disk.enableUUID", "1"), ("guestinfo.userdata", "a &lt;b&gt; c"))
    assert alice.post(path, body).status == 403
    done(lab, administrator.post(path, body))
    added = {"disk.enableUUID": "1", "guestinfo.userdata": "a <b> c"}
    assert shown_extra(alice, vm) == before | added
    assert guest_spec(vapp, vm).guest_properties == {"userdata": "a <b> c"}
    done(lab, alice.post(path, alice.get(f"/api/vApp/vm-{vm.id}").body.decode()))  # what is shown may be sent back
    assert vm.extra_config == added
    done(lab, administrator.post(path, extra(("disk.enableUUID", ""))))
    assert vm.extra_config == {"guestinfo.userdata": "a <b> c"}


@pytest.mark.parametrize("setting", [("", "x"), ("k" * 256, "x"), ("k", "v" * 65_536)], ids=["none", "key", "value"])
def test_settings_have_their_limits(administrator: RestCaller, vm: Vm, setting: tuple[str, str]) -> None:
    assert "ExtraConfig" in refused(administrator.post(f"/api/vApp/vm-{vm.id}/action/reconfigureVm", extra(setting)))


def test_readers_do_not_see_what_is_for_the_guest(
    lab: LabCloud, alice: RestCaller, bob: RestCaller, vapp: Vapp, vm: Vm
) -> None:
    vapp.access.everyone = "ReadOnly"
    vm.extra_config = {"guestinfo.secret": "s"}
    assert shown_extra(alice, vm)["guestinfo.secret"] == "s"
    assert shown_extra(bob, vm) == {}
