"""vApps and VMs through pyvcloud: the life of a cluster's machines."""

import uuid
from collections.abc import Iterator

import pytest
from pyvcloud.vcd.client import Client, MetadataDomain, MetadataVisibility, QueryResultFormat
from pyvcloud.vcd.exceptions import (
    AccessForbiddenException,
    BadRequestException,
    EntityNotFoundException,
    OperationNotSupportedException,
)
from pyvcloud.vcd.vapp import VApp
from pyvcloud.vcd.vm import VM

from cse_testing.pyvcloud_client import Tenant
from vcd_simulator.simulator import Simulator


@pytest.fixture
def name() -> str:
    return f"c-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def vapp(alice: Tenant, name: str) -> Iterator[VApp]:
    yield alice.compose(name)
    alice.wait(alice.vdc.delete_vapp(name, force=True))
    with pytest.raises(EntityNotFoundException):
        alice.vdc.get_vapp(name)


def test_a_clusters_machines_are_composed_used_and_deleted(
    alice: Tenant, administrator: Client, name: str, vapp: VApp
) -> None:
    assert vapp.get_all_vms() == []
    for key, value in (("cse.cluster.id", "5c6b"), ("cse.version", "1.2.7")):
        task = vapp.set_metadata(MetadataDomain.GENERAL.value, MetadataVisibility.READ_WRITE, key, value)
        alice.wait(task)
        vapp.reload()
    names = [f"{kind}-{suffix}" for kind, suffix in (("mstr", "ab12"), ("node", "cd34"), ("node", "ef56"))]
    script = "#!/bin/bash\necho 'hi' > /tmp/x && true\n"
    machines = [alice.machine(one, password_auto=True, cust_script=script) for one in names]
    alice.wait(vapp.add_vms(machines, deploy=True, power_on=True, all_eulas_accepted=True))
    vapp.reload()
    assert [vm.get("name") for vm in vapp.get_all_vms()] == names
    assert vapp.is_powered_on()
    assert vapp.get_resource().get("deployed") == "true"
    addresses = [vapp.get_primary_ip(one) for one in names]
    assert len(set(addresses)) == 3
    assert all(address.startswith("10.10.") for address in addresses)
    assert len({vapp.get_admin_password(one) for one in names}) == 3
    assert len({vapp.get_vm_moid(one) for one in names}) == 3
    script_sent = vapp.get_vm("mstr-ab12").GuestCustomizationSection.CustomizationScript.text
    assert script_sent.replace("\r\n", "\n") == script

    as_admin = VM(administrator, href=vapp.get_vm("mstr-ab12").get("href"))
    assert as_admin.get_vc() == "vc1"
    assert as_admin.get_moid() == vapp.get_vm_moid("mstr-ab12")

    node = VM(alice.client, resource=vapp.get_vm("node-ef56"))
    alice.wait(node.undeploy())
    vapp.reload()
    alice.wait(vapp.delete_vms(["node-ef56"]))
    vapp.reload()
    assert [vm.get("name") for vm in vapp.get_all_vms()] == names[:2]

    found = list(
        administrator.get_typed_query(
            "adminVApp",
            query_result_format=QueryResultFormat.ID_RECORDS,
            qfilter=f"metadata:cse.cluster.id==STRING:*;name=={name}",
            fields="metadata:cse.cluster.id,metadata:cse.version",
        ).execute()
    )
    assert [record.get("name") for record in found] == [name]
    entries = {str(entry.Key): str(entry.TypedValue.Value) for entry in found[0].Metadata.MetadataEntry}
    assert entries == {"cse.cluster.id": "5c6b", "cse.version": "1.2.7"}
    assert (found[0].get("status"), found[0].get("numberOfVMs")) == ("POWERED_ON", "2")


def test_power_goes_where_the_links_lead(alice: Tenant, vapp: VApp) -> None:
    alice.wait(vapp.add_vms([alice.machine("one"), alice.machine("two")], deploy=False, power_on=False))
    vapp.reload()
    assert vapp.is_powered_off()
    with pytest.raises(OperationNotSupportedException):
        vapp.power_off()
    for act, holds in (
        (VApp.power_on, VApp.is_powered_on),
        (VApp.suspend_vapp, VApp.is_suspended),
        (VApp.power_on, VApp.is_powered_on),
        (VApp.power_reset, VApp.is_powered_on),
        (VApp.power_off, VApp.is_powered_off),
        (VApp.power_on, VApp.is_powered_on),
        (VApp.undeploy, VApp.is_powered_off),
        (VApp.deploy, VApp.is_powered_on),
    ):
        alice.wait(act(vapp))
        vapp.reload()
        assert holds(vapp), act
    vm = VM(alice.client, resource=vapp.get_vm("one"))
    alice.wait(vm.power_off())
    vm.reload()
    assert vm.is_powered_off()
    vapp.reload()
    assert vapp.get_power_state() == 10, "mixed"


def test_hardware_is_changed_while_the_vm_is_off(alice: Tenant, vapp: VApp) -> None:
    alice.wait(vapp.add_vms([alice.machine("one")], deploy=False, power_on=False))
    vapp.reload()
    vm = VM(alice.client, resource=vapp.get_vm("one"))
    alice.wait(vm.modify_cpu(4, 2))
    alice.wait(vm.modify_memory(4096))
    vm.reload()
    assert vm.get_cpus() == {"num_cpus": 4, "num_cores_per_socket": 2}
    assert vm.get_memory() == 4096
    alice.wait(vm.power_on())
    with pytest.raises(BadRequestException, match="powered on"):
        vm.modify_cpu(2)


def test_metadata_is_written_read_and_removed(alice: Tenant, vapp: VApp) -> None:
    values = {"plain": "v", "a key/with: signs%": "ünï <&> \"quoted\" 'too'"}
    for key, value in values.items():
        alice.wait(vapp.set_metadata("GENERAL", "READWRITE", key, value))
        vapp.reload()
    read = {str(one.Key): str(one.TypedValue.Value) for one in vapp.get_metadata().MetadataEntry}
    assert read == values
    alice.wait(vapp.remove_metadata("plain"))
    assert "plain" not in {str(one.Key) for one in vapp.get_metadata().MetadataEntry}
    with pytest.raises(AccessForbiddenException):
        vapp.remove_metadata("plain")


def test_a_vapp_is_instantiated_from_a_template_with_its_own_hardware(alice: Tenant, name: str) -> None:
    resource = alice.vdc.instantiate_vapp(
        name,
        "cse",
        "ubuntu-16.04-server-cloudimg-amd64-k8s",
        network="acme-net",
        fence_mode="bridged",
        ip_allocation_mode="pool",
        deploy=True,
        power_on=True,
        memory=4096,
        cpu=4,
        vm_name=name,
        hostname=name,
        cust_script="#!/bin/sh\n",
        storage_profile="gold",
    )
    alice.wait(resource.Tasks.Task[0])
    vapp = alice.vapp(name)
    (vm,) = vapp.get_all_vms()
    assert vm.get("name") == name
    assert vm.StorageProfile.get("name") == "gold"
    assert VM(alice.client, resource=vm).get_memory() == 4096
    assert VM(alice.client, resource=vm).get_cpus()["num_cpus"] == 4
    assert vapp.get_admin_password(name), "although the client enables none"
    alice.wait(alice.vdc.delete_vapp(name, force=True))


def test_a_taken_name_and_a_foreign_one(alice: Tenant, carol: Tenant, name: str, vapp: VApp) -> None:
    with pytest.raises(BadRequestException, match="already exists"):
        alice.vdc.create_vapp(name)
    with pytest.raises(EntityNotFoundException):
        carol.vdc.get_vapp(name)
    with pytest.raises(AccessForbiddenException):
        carol.client.get_resource(vapp.href)


def test_networks_join_and_leave_a_vapp(alice: Tenant, name: str) -> None:
    vapp = alice.compose(name, network=None)
    alice.wait(vapp.connect_org_vdc_network("acme-net"))
    vapp.reload()
    assert vapp.get_vapp_network_name() == "acme-net"
    alice.wait(vapp.disconnect_org_vdc_network("acme-net"))
    alice.wait(alice.vdc.delete_vapp(name))


def test_owners_and_lists_of_who_may(alice: Tenant, shared_vcd: Simulator, vapp: VApp) -> None:
    settings = vapp.add_access_settings([{"type": "user", "name": "bob", "access_level": "Change"}])
    assert settings.AccessSettings.AccessSetting.Subject.get("name") == "bob"
    vapp.share_with_org_members("ReadOnly")
    assert str(vapp.get_access_settings().EveryoneAccessLevel) == "ReadOnly"
    vapp.unshare_from_org_members()
    bob = alice.org.get_user("bob")
    vapp.change_owner(bob.get("href"))
    vapp.reload()
    assert vapp.get_resource().Owner.User.get("name") == "bob"
