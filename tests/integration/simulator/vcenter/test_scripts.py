"""What scripts of the community ask a vCenter for, through pyvmomi and in the words of govmomi."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from lxml import etree
from pyVim.task import WaitForTask
from pyVmomi import vim, vmodl

from cse_testing.simulated import Endpoint, GuestClient
from cse_testing.waiting import LIMIT_S
from vcd_simulator.guests import Hypervisor

Booted = Callable[..., None]


def entities(client: Any, kind: Any) -> list[Any]:
    content = client.RetrieveContent()
    view = content.viewManager.CreateContainerView(content.rootFolder, [kind], True)
    found = list(view.view)
    view.DestroyView()
    return found


def test_a_list_of_machines_with_all_that_is_usually_printed(client: Any, boot: Booted) -> None:
    boot("vm-1")
    (vm,) = entities(client, vim.VirtualMachine)
    summary = vm.summary
    assert (summary.config.name, summary.config.template, summary.config.annotation) == ("vm-1 of a vApp", False, None)
    assert summary.config.vmPathName == "[datastore1] vm-1 of a vApp/vm-1 of a vApp.vmx"
    assert (summary.runtime.powerState, summary.runtime.question, summary.runtime.host.name) == (
        "poweredOn",
        None,
        "esx-1",
    )
    assert (summary.guest.ipAddress, summary.guest.toolsStatus) == ("10.0.0.2", "toolsOk")
    assert (summary.storage.committed > 0, summary.quickStats.overallCpuUsage) == (True, None)
    for name in ("tag", "customValue", "permission", "declaredAlarmState", "triggeredAlarmState", "disabledMethod"):
        assert getattr(vm, name) == [], name
    for name in ("parentVApp", "layoutEx", "storage", "capability", "snapshot"):
        assert getattr(vm, name) is None, name


def test_devices_of_a_machine(client: Any, boot: Booted) -> None:
    boot("vm-1", ip_addresses=("10.0.0.7", "10.1.0.7"), network_ids=("one", "two"))
    vm: Any = vim.VirtualMachine("vm-1", client._stub)
    devices = vm.config.hardware.device
    disk: Any
    (disk,) = [one for one in devices if isinstance(one, vim.vm.device.VirtualDisk)]
    assert disk.backing.fileName == "[datastore1] vm-1 of a vApp/vm-1 of a vApp.vmdk"
    assert next(one for one in devices if one.key == disk.controllerKey).device == [disk.key]
    cards: list[Any] = [one for one in devices if isinstance(one, vim.vm.device.VirtualEthernetCard)]
    assert [card.backing.network.name for card in cards] == ["one", "two"]
    assert [card.deviceInfo.label for card in cards] == ["Network adapter 1", "Network adapter 2"]
    seen = {one.deviceConfigId: one.macAddress for one in vm.guest.net}
    assert {card.key: card.macAddress for card in cards} == seen


def test_hosts_and_clusters(client: Any, boot: Booted) -> None:
    boot("vm-1", memory_mb=3000)
    (host,) = entities(client, vim.HostSystem)
    assert (host.runtime.connectionState, host.runtime.inMaintenanceMode) == ("connected", False)
    assert host.summary.config.product.fullName.startswith("VMware ESXi")
    assert host.summary.quickStats.overallMemoryUsage == 3000
    assert host.hardware.memorySize == host.summary.hardware.memorySize
    (cluster,) = entities(client, vim.ClusterComputeResource)
    assert (cluster.summary.numHosts, list(cluster.host), cluster.network[0].name) == (1, [host], "default")


def test_paths_into_what_is_unset_and_into_what_is_not_there(client: Any, boot: Booted) -> None:
    boot("vm-1")
    collector = vmodl.query.PropertyCollector

    def read(*paths: str) -> dict[str, Any]:
        wanted = collector.FilterSpec(
            objectSet=[collector.ObjectSpec(obj=vim.VirtualMachine("vm-1"))],
            propSet=[collector.PropertySpec(type=vim.VirtualMachine, pathSet=list(paths))],
        )
        (found,) = client.content.propertyCollector.RetrieveContents([wanted])
        return {one.name: one.val for one in found.propSet}

    assert read("name", "guest.disk", "config.annotation", "summary.config.product.name", "layoutEx") == {
        "name": "vm-1 of a vApp"
    }
    for path in ("nonsense", "config.nonsense", "summary.config.nonsense"):
        with pytest.raises(vmodl.query.InvalidProperty) as info:
            read(path)
        assert info.value.name == path


def test_power_by_tasks_and_files_by_transfers(guest: GuestClient, hypervisor: Hypervisor) -> None:
    content = "“ü” $(id) `id` \\ '\"\n".encode() * 30_000
    guest.upload("/root/in put", content, mode=0o600)
    assert guest.run("/bin/sh", "-c 'cat \"/root/in put\" > /root/out; cat /root/out >&2' 2> /root/err") == 0
    assert guest.download("/root/out") == guest.download("/root/err") == content
    for action, state in (("PowerOff", "poweredOff"), ("PowerOn", "poweredOn"), ("Suspend", "suspended")):
        WaitForTask(getattr(guest.vm, action)())
        assert guest.vm.runtime.powerState == state
    WaitForTask(getattr(guest.vm, "PowerOn")())  # noqa: B009  # its stubs insist on a host
    hypervisor.wait_for_tools("vm-101", LIMIT_S)
    assert guest.download("/root/out") == content


def test_logins_side_by_side_and_keeping_them_alive(vcenter: Endpoint, connect: Callable[..., Any]) -> None:
    with ThreadPoolExecutor(8) as pool:
        clients = list(pool.map(lambda _: connect(vcenter), range(16)))
    keys = {one.content.sessionManager.currentSession.key for one in clients}
    assert len(keys) == 16
    manager = clients[0].content.sessionManager
    assert keys <= {one.key for one in manager.sessionList}
    manager.TerminateSession([clients[1].content.sessionManager.currentSession.key])
    with pytest.raises(vim.fault.NotAuthenticated):
        clients[1].content.rootFolder.name  # noqa: B018  # asks the server
    assert clients[2].CurrentTime() is not None


GOVMOMI = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/">'
    '<Header><operationID xmlns="urn:vim25">4f7a2b1c</operationID></Header><Body>{}</Body></Envelope>'
)
INSTANCE = 'xmlns:XMLSchema-instance="http://www.w3.org/2001/XMLSchema-instance"'


def test_requests_in_the_words_of_govmomi(vcenter: Endpoint, boot: Booted) -> None:
    boot("vm-1")
    cookies: dict[str, str] = {}

    def call(body: str) -> etree._Element:
        headers = {
            "SOAPAction": "urn:vim25/6.7",
            "User-Agent": "govc/0.24.0",
            "Content-Type": 'text/xml; charset="utf-8"',
        }
        answer = vcenter.post(GOVMOMI.format(body), headers=headers, cookies=cookies)
        assert answer.status_code == 200, answer.text
        cookies.update(answer.cookies.get_dict())
        return etree.fromstring(answer.content)

    def texts(tree: etree._Element, name: str) -> list[str]:
        return [str(one.text) for one in tree.iter(f"{{urn:vim25}}{name}")]

    service = call(
        '<RetrieveServiceContent xmlns="urn:vim25"><_this type="ServiceInstance">ServiceInstance</_this>'
        "</RetrieveServiceContent>"
    )
    assert texts(service, "apiType") == ["VirtualCenter"]
    password = "vc &lt;secret&gt; &amp; &#34;more&#34;"
    call(
        '<Login xmlns="urn:vim25"><_this type="SessionManager">SessionManager</_this>'
        f"<userName>cse@vsphere.local</userName><password>{password}</password><locale>en_US</locale></Login>"
    )
    found = call(
        '<RetrieveProperties xmlns="urn:vim25"><_this type="PropertyCollector">propertyCollector</_this><specSet>'
        "<propSet><type>ManagedEntity</type><pathSet>name</pathSet></propSet>"
        '<objectSet><obj type="Folder">group-v3</obj><skip>true</skip>'
        f'<selectSet {INSTANCE} XMLSchema-instance:type="TraversalSpec"><name></name><type>Folder</type>'
        "<path>childEntity</path><skip>false</skip></selectSet></objectSet></specSet></RetrieveProperties>"
    )
    assert texts(found, "val") == ["vm-1 of a vApp"]
    active = call(
        '<RetrieveProperties xmlns="urn:vim25"><_this type="PropertyCollector">propertyCollector</_this><specSet>'
        "<propSet><type>SessionManager</type><pathSet>currentSession</pathSet></propSet>"
        '<objectSet><obj type="SessionManager">SessionManager</obj></objectSet></specSet></RetrieveProperties>'
    )
    assert texts(active, "userName") == ["cse@vsphere.local"]
    assert texts(active, "userAgent") == ["govc/0.24.0"]
