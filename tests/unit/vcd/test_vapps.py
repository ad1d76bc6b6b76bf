"""What is sent to make and change vApps, and what is read from them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from cse_core.errors import AlreadyExistsError, NotFoundError
from cse_core.secret import Secret
from cse_testing.scripted_vcd import NS, URL, Answer, ScriptedVcd, a_session, error, task
from cse_vcd import vapps
from cse_vcd.catalogs import VmTemplate
from cse_vcd.documents import NAMESPACES, Element, bare_id, clean
from cse_vcd.errors import VcdUnavailableError
from cse_vcd.recompose import NewMachine, compose_params, recompose_params

ITEM_NS = (
    'xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xmlns:vmw="http://www.vmware.com/schema/ovf" '
    'xmlns:vcloud="http://www.vmware.com/vcloud/v1.5" xmlns:ve="http://www.vmware.com/schema/ovfenv" '
    'xmlns:ovfenv="http://schemas.dmtf.org/ovf/environment/1" '
    'xmlns:vmext="http://www.vmware.com/vcloud/extension/v1.5" '
    'xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"'
)


def item(kind: int, quantity: int, name: str, extra: str = "") -> str:
    return (
        f"<ovf:Item {ITEM_NS}><rasd:ElementName>{quantity} {name}</rasd:ElementName><rasd:InstanceID>{kind}"
        f"</rasd:InstanceID><rasd:ResourceType>{kind}</rasd:ResourceType><rasd:VirtualQuantity>{quantity}"
        f"</rasd:VirtualQuantity>{extra}</ovf:Item>"
    )


SOCKETS = "<vmw:CoresPerSocket>2</vmw:CoresPerSocket>"
TEMPLATE = VmTemplate(
    href=f"{URL}/api/vAppTemplate/vm-1",
    name="photon",
    admin_password=None,
    cpu_count=2,
    memory_mb=2048,
    hardware=(item(3, 2, "virtual CPU(s)", SOCKETS).encode(), item(4, 2048, "MB of memory").encode()),
)


def machine(**changes: object) -> NewMachine:
    return NewMachine(**{"name": "node-1", "template": TEMPLATE, "network": "net", **changes})  # type: ignore[arg-type]


def texts(document: Element, path: str) -> list[str | None]:
    return [found.text for found in document.iterfind(path, NAMESPACES)]


def test_one_recompose_holds_all_machines() -> None:
    body = recompose_params(add=[machine(name="mstr-1"), machine(name="node-1")], power_on=True)
    assert (body.get("deploy"), body.get("powerOn")) == ("true", "true")
    assert texts(body, "v:SourcedItem/v:VmGeneralParams/v:Name") == ["mstr-1", "node-1"]
    assert texts(body, ".//v:ComputerName") == ["mstr-1", "node-1"]
    assert texts(body, "v:AllEULAsAccepted") == ["true"]
    assert [found.get("href") for found in body.iterfind("v:SourcedItem/v:Source", NAMESPACES)] == [TEMPLATE.href] * 2


def test_a_password_is_made_by_vcd_unless_one_is_given() -> None:
    made = recompose_params(add=[machine()])
    given_ = recompose_params(add=[machine(admin_password=Secret("<p&w>"))])
    assert texts(made, ".//v:AdminPasswordEnabled") == texts(given_, ".//v:AdminPasswordEnabled") == ["true"]
    assert (texts(made, ".//v:AdminPasswordAuto"), texts(made, ".//v:AdminPassword")) == (["true"], [])
    assert (texts(given_, ".//v:AdminPasswordAuto"), texts(given_, ".//v:AdminPassword")) == (["false"], ["<p&w>"])


def test_hardware_is_sent_only_where_it_differs() -> None:
    assert texts(recompose_params(add=[machine(cpu_count=2, memory_mb=2048)]), ".//ovf:Item") == []
    body = recompose_params(add=[machine(cpu_count=3, memory_mb=4096)])
    assert texts(body, ".//rasd:VirtualQuantity") == ["3", "4096"]
    assert texts(body, ".//rasd:ElementName") == ["3 virtual CPU(s)", "4096 MB of memory"]
    assert texts(body, ".//vmw:CoresPerSocket") == ["1"], "3 CPUs do not fit sockets of 2"


def test_a_storage_profile_is_sent_if_one_is_asked_for() -> None:
    body = recompose_params(add=[machine(storage_profile_href=f"{URL}/api/vdcStorageProfile/s1")])
    (profile,) = body.iterfind("v:SourcedItem/v:StorageProfile", NAMESPACES)
    assert profile.get("href") == f"{URL}/api/vdcStorageProfile/s1"


def test_machines_are_deleted_by_reference_without_touching_power() -> None:
    body = recompose_params(delete=["a", "b"])
    assert [found.get("href") for found in body] == ["a", "b"]
    assert "powerOn" not in body.attrib


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_name_leaves_its_place(name: str, network: str) -> None:
    body = compose_params(name=name, description=f"cluster {name}", network=network, network_href=URL)
    again = etree.fromstring(etree.tostring(body))
    assert again.get("name") == clean(name)
    assert [child.tag for child in again.iter()] == [
        child.tag for child in compose_params(name="x", description="x", network="x", network_href=URL).iter()
    ]


def test_composing_returns_the_vapp_and_its_task(server: ScriptedVcd) -> None:
    inner = f"<Tasks>{task('t1', 'running')}</Tasks>"
    vapp = f'<VApp {NS} id="urn:vcloud:vapp:a1" href="{URL}/api/vApp/vapp-a1">{inner}</VApp>'
    server.answer("POST", "/api/vdc/d1/action/composeVApp", Answer(vapp, 201))
    started = vapps.compose(
        a_session(server),
        f"{URL}/api/admin/vdc/d1",
        name="c1",
        description="cluster c1",
        network="net",
        network_href=f"{URL}/api/network/n1",
    )
    assert started == vapps.Started(id="a1", href=f"{URL}/api/vApp/vapp-a1", task_href=f"{URL}/api/task/t1")
    sent = etree.fromstring(server.bodies("POST")[0])
    assert texts(sent, ".//v:FenceMode") == ["bridged"]
    assert texts(sent, "v:Description") == ["cluster c1"]


def test_a_name_that_is_taken(server: ScriptedVcd) -> None:
    server.answer("POST", "/api/vdc/d1/action/composeVApp", error(400, "DUPLICATE_NAME", "taken"))
    with pytest.raises(AlreadyExistsError):
        vapps.compose(a_session(server), f"{URL}/api/vdc/d1", name="c1", description="", network="n", network_href=URL)


def test_an_answer_without_a_task_is_not_taken_for_one(server: ScriptedVcd) -> None:
    server.answer("POST", "/api/vApp/vapp-a1/.*", f"<VApp {NS}/>")
    with pytest.raises(VcdUnavailableError, match="no task"):
        vapps.power_on(a_session(server), f"{URL}/api/vApp/vapp-a1")


def test_deleting_what_is_gone_is_no_error(server: ScriptedVcd) -> None:
    server.answer("DELETE", "/api/vApp/vapp-a1", Answer(task("t1", "running"), 202), error(403, "X", "No access"))
    tenant = a_session(server)
    assert vapps.delete(tenant, f"{URL}/api/vApp/vapp-a1") == f"{URL}/api/task/t1"
    assert vapps.delete(tenant, f"{URL}/api/vApp/vapp-a1") is None
    assert server.paths("DELETE") == ["/api/vApp/vapp-a1?force=true&recursive=true"] * 2


def test_many_entries_are_one_request(server: ScriptedVcd) -> None:
    server.answer("POST", "/api/vApp/vapp-a1/metadata", Answer(task("t1", "running"), 202))
    values = {"cse.cluster.id": "5c6b", "cse.template": "<photon>"}
    assert vapps.set_metadata(a_session(server), f"{URL}/api/vApp/vapp-a1", values) == f"{URL}/api/task/t1"
    sent = etree.fromstring(server.bodies("POST")[0])
    assert dict(zip(texts(sent, ".//v:Key"), texts(sent, ".//v:Value"), strict=True)) == values
    types = {
        found.get("{http://www.w3.org/2001/XMLSchema-instance}type")
        for found in sent.iterfind(".//v:TypedValue", NAMESPACES)
    }
    assert types == {"MetadataStringValue"}


def test_hardware_of_a_machine_is_changed_only_where_it_differs(server: ScriptedVcd) -> None:
    machine_href = f"{URL}/api/vApp/vm-1"
    server.answer("GET", "/api/vApp/vm-1/virtualHardwareSection/cpu", item(3, 2, "virtual CPU(s)", SOCKETS))
    server.answer("GET", "/api/vApp/vm-1/virtualHardwareSection/memory", item(4, 2048, "MB of memory"))
    server.answer("PUT", ".*/cpu", Answer(task("t1", "running"), 202))
    tenant = a_session(server)
    assert vapps.set_hardware(tenant, machine_href, cpu_count=4, memory_mb=2048) == [f"{URL}/api/task/t1"]
    assert vapps.set_hardware(tenant, machine_href, cpu_count=2) == []


VM = f"""
<Vm name="mstr-1" id="urn:vcloud:vm:m1" status="4" deployed="true" href="{URL}/api/vApp/vm-m1">
  %s
  <ovf:VirtualHardwareSection>
    <ovf:Item><rasd:Connection vcloud:ipAddress="10.0.0.9"/><rasd:ResourceType>10</rasd:ResourceType></ovf:Item>
    <ovf:Item><rasd:Connection vcloud:ipAddress="10.0.0.11" vcloud:primaryNetworkConnection="true"/>
      <rasd:ResourceType>10</rasd:ResourceType></ovf:Item>
    {item(3, 2, "virtual CPU(s)")}{item(4, 2048, "MB of memory")}
  </ovf:VirtualHardwareSection>
  <GuestCustomizationSection><AdminPassword>x9Kd2!q</AdminPassword><ComputerName>mstr-1</ComputerName>
  </GuestCustomizationSection>
  <ovfenv:Environment ve:vCenterId="vm-100"/>
  <StorageProfile name="gold"/>
</Vm>"""
EXTENSION = """
<VCloudExtension><vmext:VmVimInfo>
  <vmext:VmVimObjectRef><vmext:VimServerRef name="vc1"/><vmext:MoRef>ds-1</vmext:MoRef>
    <vmext:VimObjectType>DATASTORE</vmext:VimObjectType></vmext:VmVimObjectRef>
  <vmext:VmVimObjectRef><vmext:VimServerRef name="vc1"/><vmext:MoRef>vm-101</vmext:MoRef>
    <vmext:VimObjectType>VIRTUAL_MACHINE</vmext:VimObjectType></vmext:VmVimObjectRef>
</vmext:VmVimInfo></VCloudExtension>"""


def vapp_document(vm: str) -> str:
    up = f'<Link rel="up" type="application/vnd.vmware.vcloud.vdc+xml" href="{URL}/api/vdc/d1"/>'
    return (
        f'<VApp {NS} {ITEM_NS} name="c1" id="urn:vcloud:vapp:a1" status="4" deployed="true" '
        f'href="{URL}/api/vApp/vapp-a1">{up}<Description>cluster c1</Description>'
        f'<NetworkConfigSection><NetworkConfig networkName="none"/><NetworkConfig networkName="net"/>'
        f'</NetworkConfigSection><Owner><User name="alice" href="{URL}/api/admin/user/u1"/></Owner>'
        f"<Children>{vm}</Children></VApp>"
    )


def test_a_vapp_and_its_machines_are_read_with_one_request(server: ScriptedVcd) -> None:
    server.answer("GET", "/api/vApp/vapp-a1", vapp_document(VM % EXTENSION))
    vapp = vapps.read_vapp(a_session(server), f"{URL}/api/vApp/vapp-a1")
    assert vapp is not None
    assert (vapp.id, vapp.name, vapp.status, vapp.description) == ("a1", "c1", "POWERED_ON", "cluster c1")
    assert (vapp.networks, vapp.vdc_href, vapp.owner) == (("net",), f"{URL}/api/vdc/d1", "alice")
    (found,) = vapp.machines
    assert (found.name, found.status, found.ip_address) == ("mstr-1", "POWERED_ON", "10.0.0.11")
    assert (found.cpu_count, found.memory_mb, found.storage_profile) == (2, 2048, "gold")
    assert (found.moid, found.vcenter) == ("vm-101", "vc1")
    assert found.admin_password == Secret("x9Kd2!q")
    assert "x9Kd2" not in repr(vapp)


def test_a_tenant_sees_the_moid_but_not_the_vcenter(server: ScriptedVcd) -> None:
    server.answer("GET", "/api/vApp/vapp-a1", vapp_document(VM % ""))
    vapp = vapps.read_vapp(a_session(server), f"{URL}/api/vApp/vapp-a1")
    assert vapp is not None
    assert (vapp.machines[0].moid, vapp.machines[0].vcenter) == ("vm-100", None)


def test_a_machine_of_which_nothing_is_known_yet(server: ScriptedVcd) -> None:
    server.answer("GET", "/api/vApp/vapp-a1", vapp_document('<Vm name="node-1" status="0"/>'))
    vapp = vapps.read_vapp(a_session(server), f"{URL}/api/vApp/vapp-a1")
    assert vapp is not None
    found = vapp.machines[0]
    assert (found.ip_address, found.moid, found.admin_password, found.cpu_count) == (None, None, None, 0)
    assert found.status == "UNRESOLVED"


def test_a_vapp_that_is_gone(server: ScriptedVcd) -> None:
    assert vapps.read_vapp(a_session(server), f"{URL}/api/vApp/vapp-a1") is None
    with pytest.raises(NotFoundError):
        vapps.power_on(a_session(server), f"{URL}/api/vApp/vapp-a1")


@pytest.mark.parametrize(
    "reference",
    [
        "urn:vcloud:vapp:1f-2",
        f"{URL}/api/vApp/vapp-1f-2",
        f"{URL}/api/vApp/vm-1f-2",
        f"{URL}/api/org/1f-2/",
        "1f-2",
        f"{URL}/api/vAppTemplate/vappTemplate-1f-2",
    ],
)
def test_the_id_in_a_reference(reference: str) -> None:
    assert bare_id(reference) == "1f-2"


@pytest.mark.parametrize(
    ("status", "operation", "at_work", "deleted"),
    [
        ("running", "vdcDeleteVapp", 1, True),
        ("queued", "vdcRecomposeVapp", 1, False),
        ("error", "vdcDeleteVapp", 0, False),
        ("success", "vdcRecomposeVapp", 0, False),
    ],
)
def test_of_a_vapps_tasks_only_those_count_that_go_on(
    server: ScriptedVcd, status: str, operation: str, at_work: int, deleted: bool
) -> None:
    shown = f'<Task href="{URL}/api/task/t1" status="{status}" operationName="{operation}"/>'
    server.answer("GET", "/api/vApp/vapp-1", f'<VApp {NS} name="c" status="8"><Tasks>{shown}</Tasks></VApp>')
    found = vapps.read_vapp(a_session(server), f"{URL}/api/vApp/vapp-1")
    assert found is not None
    assert (len(found.task_hrefs), found.is_being_deleted) == (at_work, deleted)
