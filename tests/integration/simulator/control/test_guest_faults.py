"""Faults of guests and of the vSphere API, through pyvmomi."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim as typed_vim

from cse_testing.waiting import LIMIT_S, wait_until
from vcd_simulator.faults import (
    ConnectionReset,
    DiskFull,
    GuestHangs,
    HttpError,
    ProgramFails,
    ProgramHangs,
    SessionExpired,
    SoapFault,
    ToolsNeverStart,
    WrongGuestPassword,
)
from vcd_simulator.guests import GuestSpec
from vcd_simulator.guests.errors import ToolsNotRunningError
from vcd_simulator.guests.spec import PowerState
from vcd_simulator.simulator import Simulator

vim: Any = typed_vim  # made when it is imported, so untyped
connect: Any = SmartConnect
disconnect: Any = Disconnect


class Machine:
    """A VM on vc1, seen through pyvmomi."""

    def __init__(self, vcd: Simulator) -> None:
        self.vcd = vcd
        self.name = f"m-{uuid.uuid4().hex[:6]}"
        self.moid = f"vm-{self.name}"
        endpoint = vcd.vcenters["vc1"]
        account = {"user": endpoint.user, "pwd": endpoint.password}
        self.session = connect(host=endpoint.host, port=endpoint.port, disableSslCertValidation=True, **account)
        self.content = self.session.content
        self.vm: Any = vim.VirtualMachine(self.moid, self.session._stub)
        self.login = vim.vm.guest.NamePasswordAuthentication(
            username="root", password="vmware", interactiveSession=False
        )
        vcd.hypervisor.create(self.moid, "photon", "vc1")

    def boot(self) -> None:
        self.vcd.hypervisor.power_on(self.moid, GuestSpec(name=self.name, computer_name=self.name))

    def tools_run(self) -> bool:
        return bool(self.vm.guest.toolsRunningStatus == "guestToolsRunning")

    def start(self, arguments: str) -> int:
        manager = self.content.guestOperationsManager.processManager
        spec = vim.vm.guest.ProcessManager.ProgramSpec(programPath="/bin/bash", arguments=arguments)
        return int(manager.StartProgramInGuest(self.vm, self.login, spec))

    def exit_code(self, pid: int) -> int | None:
        manager = self.content.guestOperationsManager.processManager
        (process,) = manager.ListProcessesInGuest(self.vm, self.login, [pid])
        return None if process.endTime is None else int(process.exitCode)

    def run(self, script: str) -> int:
        """Run a script with its output in /tmp/out and /tmp/err; returns its exit code."""
        pid = self.start(f"-c '{script}' > /tmp/out 2> /tmp/err")
        self.wait_for_the_end(pid)
        code = self.exit_code(pid)
        assert code is not None
        return code

    def wait_for_the_end(self, pid: int) -> None:
        wait_until(lambda: self.exit_code(pid) is not None, "the program to end")

    def read(self, path: str) -> str:
        return self.vcd.hypervisor.guest(self.moid).tree.read(path).decode()


@pytest.fixture
def machine(vcd: Simulator) -> Iterator[Machine]:
    made = Machine(vcd)
    yield made
    vcd.faults.clear()
    vcd.hypervisor.delete(made.moid)
    disconnect(made.session)
    made.session._stub.DropConnections()


@pytest.fixture
def running(machine: Machine) -> Machine:
    machine.boot()
    wait_until(machine.tools_run, "the tools to run")
    return machine


def test_tools_that_never_start_run_after_the_next_boot(vcd: Simulator, machine: Machine) -> None:
    fault = vcd.faults.add(guest=machine.name, error=ToolsNeverStart())
    machine.boot()
    wait_until(lambda: vcd.hypervisor.guest(machine.moid).is_up, "the guest to be up")
    with pytest.raises(vim.fault.GuestOperationsUnavailable):
        machine.start("-c true")
    assert (machine.tools_run(), fault.injected) == (False, 1)
    vcd.hypervisor.reset(machine.moid)
    wait_until(machine.tools_run, "the tools to run")
    assert machine.run("true") == 0


def test_a_guest_refuses_a_good_password(vcd: Simulator, running: Machine) -> None:
    vcd.faults.add(guest="m-*", user="root", error=WrongGuestPassword(), times=2)
    for _ in range(2):
        with pytest.raises(vim.fault.InvalidGuestLogin):
            running.start("-c true")
    assert running.run("true") == 0


def test_a_guest_hangs_until_it_is_reset(vcd: Simulator, running: Machine) -> None:
    vcd.faults.add(program="bash", guest=running.name, error=GuestHangs(), after=1)
    pid = running.start("-c 'while :; do sleep 1; done'")
    assert running.exit_code(pid) is None
    with pytest.raises(vim.fault.GuestOperationsUnavailable):
        running.start("-c true")
    assert not running.tools_run()
    assert vcd.hypervisor.power_state(running.moid) is PowerState.ON
    vcd.hypervisor.reset(running.moid)
    wait_until(running.tools_run, "the tools to run")
    assert running.run("true") == 0


def test_a_guest_hangs_amid_a_program_and_while_it_boots(vcd: Simulator, running: Machine) -> None:
    vcd.faults.add(program="hostnamectl", error=GuestHangs())
    running.start("-c 'hostnamectl; echo survived > /root/mark'")
    wait_until(lambda: not running.tools_run(), "the guest to hang")
    guest = vcd.hypervisor.guest(running.moid)
    wait_until(lambda: guest.programs.all() == [], "its programs to be gone", seen=guest.programs.all)
    assert not guest.tree.exists("/root/mark")
    fault = vcd.faults.add(guest=running.name, at="boot", error=GuestHangs())
    vcd.hypervisor.reset(running.moid)
    wait_until(lambda: fault.injected == 1, "the guest to boot and hang")
    with pytest.raises(ToolsNotRunningError):
        vcd.hypervisor.wait_for_tools(running.moid, LIMIT_S)
    vcd.hypervisor.reset(running.moid)
    vcd.hypervisor.wait_for_tools(running.moid, LIMIT_S)


def test_a_program_that_is_started_fails_or_hangs(vcd: Simulator, running: Machine) -> None:
    vcd.faults.add(program="*echo done*", error=ProgramFails(exit_code=3, stderr="it's broken"))
    assert running.run("echo done") == 3
    assert (running.read("/tmp/out"), running.read("/tmp/err")) == ("", "it's broken\n")
    assert running.run("echo done") == 0
    vcd.faults.add(program="bash", error=ProgramHangs())
    pid = running.start("-c true")
    assert running.run("true") == 0
    assert running.exit_code(pid) is None
    running.content.guestOperationsManager.processManager.TerminateProcessInGuest(running.vm, running.login, pid)
    running.wait_for_the_end(pid)


def test_a_stand_in_fails_and_all_programs_are_counted(vcd: Simulator, running: Machine) -> None:
    vcd.faults.add(program="hostnamectl set*", error=ProgramFails(exit_code=9, stderr="no bus"))
    vcd.faults.add(program="hostnamectl", delay_s=0.01)
    assert running.run("hostnamectl set-hostname x; exit $?") == 9
    assert running.read("/tmp/err") == "no bus\n"
    assert running.run("hostnamectl set-hostname x") == 0
    # Programs are counted when they have ended, by the thread that has waited for them.
    wait_until(lambda: vcd.stats.total("program", "hostnamectl", "root") == 2, "both calls to be counted")
    (standin,) = vcd.stats.find("program", "hostnamectl", "root")
    assert (standin.count, standin.errors) == (2, 1)
    wait_until(lambda: vcd.stats.total("program", "bash", "root") == 2, "both programs to be counted")


def test_a_full_disk_takes_no_file_and_lets_programs_write_nothing(vcd: Simulator, running: Machine) -> None:
    manager = running.content.guestOperationsManager.fileManager
    attributes = vim.vm.guest.FileManager.PosixFileAttributes(permissions=0o644)
    arguments = (running.vm, running.login, "/tmp/new", attributes, 5, True)
    url = manager.InitiateFileTransferToGuest(*arguments)
    fault = vcd.faults.add(guest=running.name, error=DiskFull(), times=None)
    with pytest.raises(vim.fault.FileFault) as caught:
        manager.InitiateFileTransferToGuest(*arguments)
    assert "no space left" in str(caught.value.msg).lower()
    with requests.put(url, b"12345", verify=vcd.ca_file, timeout=LIMIT_S) as reply:
        assert (reply.status_code, "No space left" in reply.text) == (500, True)
    assert running.run("echo something") != 0
    assert running.read("/tmp/out") == ""
    vcd.faults.remove(fault)
    assert running.run("echo something") == 0
    assert running.read("/tmp/out") == "something\n"


def test_calls_fail_with_a_fault_a_status_or_no_answer(vcd: Simulator, running: Machine) -> None:
    vcd.faults.add(soap="CurrentTime", error=SoapFault(fault="HostConnectFault", message="away"))
    with pytest.raises(vim.fault.HostConnectFault):
        running.session.CurrentTime()
    vcd.faults.add(soap="CurrentTime", error=HttpError(status=503))
    with pytest.raises(Exception, match="503"):
        running.session.CurrentTime()
    vcd.faults.add(soap="CurrentTime", error=ConnectionReset(), user="cse@vsphere.local")
    with pytest.raises(ConnectionError):
        running.session.CurrentTime()
    assert running.session.CurrentTime() is not None
    (counter,) = vcd.stats.find("soap", "CurrentTime", "cse@vsphere.local")
    assert (counter.count, counter.errors) == (4, 3)


def test_a_session_of_the_vcenter_expires(vcd: Simulator, running: Machine) -> None:
    vcd.faults.add(soap="StartProgramInGuest", guest=running.name, error=SessionExpired())
    with pytest.raises(vim.fault.NotAuthenticated):
        running.start("-c true")
    endpoint = vcd.vcenters["vc1"]
    running.content.sessionManager.Login(endpoint.user, endpoint.password)
    assert running.run("true") == 0


def test_a_transfer_that_was_reset_can_be_repeated(vcd: Simulator, running: Machine) -> None:
    attributes = vim.vm.guest.FileManager.PosixFileAttributes(permissions=0o644)
    manager = running.content.guestOperationsManager.fileManager
    url = manager.InitiateFileTransferToGuest(running.vm, running.login, "/tmp/new", attributes, 5, True)
    vcd.faults.add(at="transfer", method="PUT", guest=running.name, error=ConnectionReset())
    with pytest.raises(requests.ConnectionError):
        requests.put(url, b"12345", verify=vcd.ca_file, timeout=LIMIT_S)
    with requests.put(url, b"12345", verify=vcd.ca_file, timeout=LIMIT_S) as reply:
        assert reply.status_code == 200
    assert running.read("/tmp/new") == "12345"
    assert vcd.stats.total("transfer", "PUT /guestFile") == 2
