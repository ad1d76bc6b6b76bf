"""What records say besides the names of things."""

from lxml import etree

from cse_testing.vcd_cloud import LabCloud, RestCaller


def record(caller: RestCaller, type_name: str, name: str) -> etree._Element:
    (found,) = caller.get(f"/api/query?type={type_name}&filter=name=={name}").xml.findall(f"{{*}}*[@name='{name}']")
    return found


def told(found: etree._Element, *names: str) -> tuple[str | None, ...]:
    return tuple(found.get(name) for name in names)


def test_a_vapp_in_maintenance_says_so(lab: LabCloud, alice: RestCaller, administrator: RestCaller) -> None:
    vapp = lab.vapp("c1", lab.machine("a"))
    assert told(record(alice, "vApp", "c1"), "isInMaintenanceMode", "snapshot") == ("false", "false")
    vapp.in_maintenance = True
    assert told(record(alice, "vApp", "c1"), "isInMaintenanceMode") == ("true",)
    assert told(record(alice, "vm", "a"), "isInMaintenanceMode") == ("true",)
    vm = lab.cloud.vms_of(vapp)[0]
    lab.vdc().enabled, lab.vdc().vcpu_mhz = False, 500
    megabytes = str(sum(disk.capacity_mb for disk in vm.hardware.disks))
    assert told(record(administrator, "adminVApp", "c1"), "isVdcEnabled", "cpuAllocationMhz") == (
        "false",
        str(500 * vm.hardware.cpu_count),
    )
    assert told(record(alice, "vApp", "c1"), "totalStorageAllocatedMb") == (megabytes,)
    assert told(record(alice, "vm", "a"), "totalStorageAllocatedMb", "vappScopedLocalId") == (megabytes, vm.id)


def test_a_vm_says_whose_it_is_and_where_it_is_from(
    lab: LabCloud, alice: RestCaller, administrator: RestCaller
) -> None:
    vapp = lab.vapp("c1", lab.machine("a"))
    vm, template = lab.cloud.vms_of(vapp)[0], lab.template_vm()
    profile = lab.cloud.profiles[vm.storage_profile_id or ""]
    alice_href = f"https://vcd.test/api/admin/user/{lab.user('alice').id}"
    assert told(record(alice, "vm", "a"), "owner", "storageProfileName", "catalogName", "isPublished") == (
        alice_href, profile.name, None, "false",
    )  # fmt: skip
    catalog = next(one for one in lab.cloud.catalogs if one.name == "cse")
    for published in (False, True):
        catalog.published = published
        of_template = record(administrator, "adminVM", template.name)
        assert told(of_template, "catalogName", "isPublished") == ("cse", str(published).lower())
    assert told(record(administrator, "adminVM", "a"), "isVdcEnabled") == ("true",)


def test_a_vdc_says_how_much_there_is_in_it(lab: LabCloud, alice: RestCaller, administrator: RestCaller) -> None:
    lab.vapp("c1", lab.machine("a"), lab.machine("b"))
    own = record(alice, "orgVdc", "acme-vdc")
    assert told(own, "numberOfVApps", "numberOfVMs", "storageLimitMB") == ("1", "2", "0")
    for profile in lab.cloud.profiles.find("vdc", lab.vdc().id):
        profile.limit_mb = 100_000
    count = lab.cloud.profiles.count("vdc", lab.vdc().id)
    assert told(record(alice, "orgVdc", "acme-vdc"), "storageLimitMB") == (str(100_000 * count),)
    shown = record(administrator, "adminOrgVdc", "acme-vdc")
    assert told(shown, "vcName", "usedNetworksInVdc") == ("vc1", "1")
    disks = [disk.capacity_mb for vm in lab.cloud.vms if vm.vapp_id is not None for disk in vm.hardware.disks]
    used = [
        int(one.get("storageUsedMB", ""))
        for one in alice.get("/api/query?type=orgVdcStorageProfile").xml.findall("{*}OrgVdcStorageProfileRecord")
    ]
    assert sum(used) == sum(disks)


def test_a_network_says_how_many_addresses_it_has_left(lab: LabCloud, alice: RestCaller) -> None:
    before = record(alice, "orgVdcNetwork", "acme-net")
    lab.vapp("c1", lab.machine("a"), lab.machine("b"))
    after = record(alice, "orgVdcNetwork", "acme-net")
    assert int(after.get("usedIpCount", "")) == int(before.get("usedIpCount", "")) + 2
    assert int(after.get("totalIpCount", "")) == int(before.get("totalIpCount", "")) > 2
    assert after.get("subnetPrefixLength") == str(lab.network().pool.subnet.prefixlen)


def test_a_user_says_how_many_vms_are_his(lab: LabCloud, administrator: RestCaller) -> None:
    lab.vapp("c1", lab.machine("a"), power_on=True)
    lab.vapp("c2", lab.machine("a"))
    numbers = "numberOfStoredVMs", "numberOfDeployedVMs"
    assert told(record(administrator, "adminUser", "alice"), *numbers, "isLocked") == ("2", "1", "false")
    assert told(record(administrator, "adminUser", "bob"), *numbers) == ("0", "0")


def test_administrators_records_of_catalogs_count_templates(lab: LabCloud, administrator: RestCaller) -> None:
    catalog = next(one for one in lab.cloud.catalogs if one.name == "cse")
    count = str(lab.cloud.items.count("catalog", catalog.id))
    assert told(record(administrator, "adminCatalog", "cse"), "numberOfTemplates") == (count,)
