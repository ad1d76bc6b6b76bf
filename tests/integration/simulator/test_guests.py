"""From vCD to the guest: what is composed through pyvcloud is there for pyvmomi."""

import shlex
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from pyvcloud.vcd.client import QueryResultFormat
from pyvcloud.vcd.vapp import VApp
from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim as typed_vim
from pyVmomi import vmodl

from cse_testing.pyvcloud_client import Tenant, logged_in
from cse_testing.waiting import wait_until
from vcd_simulator.simulator import Simulator

vim: Any = typed_vim  # made when it is imported, so untyped
connect: Any = SmartConnect
disconnect: Any = Disconnect


@pytest.fixture
def alice(shared_vcd: Simulator) -> Iterator[Tenant]:
    with logged_in(shared_vcd, "alice", "31.0") as client:
        yield Tenant(client)


@pytest.fixture
def vapp(alice: Tenant) -> Iterator[VApp]:
    name = f"g-{uuid.uuid4().hex[:8]}"
    yield alice.compose(name)
    alice.wait(alice.vdc.delete_vapp(name, force=True))


@pytest.fixture
def vcenter(shared_vcd: Simulator) -> Iterator[Any]:
    endpoint = shared_vcd.vcenters["vc1"]
    session = connect(
        host=endpoint.host,
        port=endpoint.port,
        user=endpoint.user,
        pwd=endpoint.password,
        disableSslCertValidation=True,
    )
    yield session
    disconnect(session)
    session._stub.DropConnections()


class Guest:
    """A VM's guest, reached through vCenter with what vCD says about it."""

    def __init__(self, vcenter: Any, vapp: VApp, name: str) -> None:
        self.vm: Any = vim.VirtualMachine(vapp.get_vm_moid(name), vcenter._stub)
        self.content = vcenter.content
        self.login = vim.vm.guest.NamePasswordAuthentication(
            username="root", password=vapp.get_admin_password(name), interactiveSession=False
        )
        wait_until(self._is_running, "the tools to run")

    def _is_running(self) -> bool:
        return bool(self.vm.guest.toolsRunningStatus == "guestToolsRunning")

    def start(self, command: str) -> int:
        """Start a shell command; returns its number."""
        spec = vim.vm.guest.ProcessManager.ProgramSpec(programPath="/bin/sh", arguments=f"-c {shlex.quote(command)}")
        manager = self.content.guestOperationsManager.processManager
        return int(manager.StartProgramInGuest(self.vm, self.login, spec))

    def succeeds(self, command: str) -> bool:
        """Whether a shell command ends with 0 in the guest."""
        manager = self.content.guestOperationsManager.processManager
        pid = self.start(command)

        def ended() -> Any:
            (process,) = manager.ListProcessesInGuest(self.vm, self.login, [pid])
            return None if process.endTime is None else process

        return bool(wait_until(ended, "the program to end").exitCode == 0)


def test_a_guest_has_the_name_address_password_and_script_that_vcd_gave_it(
    alice: Tenant, vapp: VApp, vcenter: Any
) -> None:
    script = '#!/bin/sh\nif [ "$1" = postcustomization ]; then echo "it\'s $(hostname)" > /root/hello; fi\n'
    machines = [alice.machine(name, password_auto=True, cust_script=script) for name in ("mstr-1", "node-1")]
    alice.wait(vapp.add_vms(machines))
    vapp.reload()
    for name in ("mstr-1", "node-1"):
        guest = Guest(vcenter, vapp, name)
        assert guest.succeeds(f'[ "$(hostname)" = {name} ]')
        assert guest.succeeds(f"""[ "$(cat /root/hello)" = "it's {name}" ]""")
        assert guest.succeeds(f"ip -4 addr | grep -F {vapp.get_primary_ip(name)}")
    other = Guest(vcenter, vapp, "mstr-1")
    other.login.password = vapp.get_admin_password("node-1")
    with pytest.raises(vim.fault.InvalidGuestLogin):
        other.succeeds("true")


def test_a_guest_that_is_off_cannot_be_used_and_vcd_notices_one_that_ended(
    alice: Tenant, vapp: VApp, vcenter: Any
) -> None:
    alice.wait(vapp.add_vms([alice.machine("one", password_auto=True)]))
    vapp.reload()
    guest = Guest(vcenter, vapp, "one")
    guest.vm.ShutdownGuest()

    def is_off() -> bool:
        vapp.reload()
        return bool(vapp.is_powered_off())

    wait_until(is_off, "the vApp to be off")
    with pytest.raises(vim.fault.InvalidPowerState):
        guest.succeeds("true")
    alice.wait(vapp.power_on())
    vapp.reload()
    assert Guest(vcenter, vapp, "one").succeeds("true"), "the same password after a second start"


def test_query_records_follow_what_happens_inside_of_guests_and_in_vcenter(
    alice: Tenant, vapp: VApp, vcenter: Any
) -> None:
    alice.wait(vapp.add_vms([alice.machine("one", password_auto=True)]))
    vapp.reload()
    guest = Guest(vcenter, vapp, "one")

    def recorded() -> str:
        equality = ("containerName", vapp.name)
        query = alice.client.get_typed_query(
            "vm", query_result_format=QueryResultFormat.RECORDS, equality_filter=equality
        )
        return str(next(iter(query.execute())).get("status"))

    def wait_for_record(status: str) -> None:
        wait_until(lambda: recorded() == status, f"a record that says {status}", seen=recorded)

    assert recorded() == "POWERED_ON"
    guest.start("shutdown -h now")
    wait_for_record("POWERED_OFF")
    guest.vm.PowerOnVM_Task(None)
    wait_for_record("POWERED_ON")
    guest.vm.SuspendVM_Task()
    wait_for_record("SUSPENDED")


def test_a_deleted_vm_is_gone_from_vcenter_too(alice: Tenant, vapp: VApp, vcenter: Any) -> None:
    alice.wait(vapp.add_vms([alice.machine("one")]))
    vapp.reload()
    guest = Guest(vcenter, vapp, "one")
    alice.wait(vapp.undeploy())
    vapp.reload()
    alice.wait(vapp.delete_vms(["one"]))
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        _ = guest.vm.guest.toolsRunningStatus
