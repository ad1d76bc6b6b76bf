"""Programs and files in guests, through the real pyvmomi."""

import base64
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from pyVmomi import vim, vmodl

from cse_testing.simulated import Endpoint, GuestClient
from cse_testing.waiting import LIMIT_S, wait_until
from vcd_simulator.guests import GuestSpec, Hypervisor

vim_files = vim.vm.guest.FileManager


def test_a_script_runs_as_guest_operations_clients_run_it(guest: GuestClient) -> None:
    """Upload, chmod, run with its output in files, poll, fetch, delete."""
    script = "#!/bin/bash\necho \"héllo $1 $(id -un)\"\necho 'it'\\''s wrong' >&2\nexit 3\n".encode()
    guest.upload("/tmp/s.sh", script)
    assert guest.run("/bin/chmod", "u+rx /tmp/s.sh > /tmp/s.out 2> /tmp/s.err") == 0
    assert guest.download("/tmp/s.err") == b""
    assert guest.run("/tmp/s.sh", "wörld > /tmp/s.out 2> /tmp/s.err") == 3
    assert guest.download("/tmp/s.out").decode() == "héllo wörld root\n"
    assert guest.download("/tmp/s.err") == b"it's wrong\n"
    assert guest.run("/bin/rm", "-rf /tmp/s.*") == 0
    assert [info.path for info in guest.files.ListFilesInGuest(guest.vm, guest.auth, "/tmp").files] == [".", ".."]


def test_a_password_is_changed_through_a_pipe(guest: GuestClient, log_in: Callable[..., GuestClient]) -> None:
    guest.start("/bin/echo", '"root:n3w pässword" | chpasswd')
    changed = log_in("vm-101", password="n3w pässword")

    def is_changed() -> bool:
        try:
            changed.credentials.ValidateCredentialsInGuest(changed.vm, changed.auth)
        except vim.fault.InvalidGuestLogin:
            return False
        return True

    wait_until(is_changed, "the new password")
    with pytest.raises(vim.fault.InvalidGuestLogin):
        guest.credentials.ValidateCredentialsInGuest(guest.vm, guest.auth)


def test_a_megabyte_goes_in_and_out_unchanged(guest: GuestClient) -> None:
    content = os.urandom(1 << 20)
    guest.upload("/root/large", content)
    assert guest.download("/root/large") == content
    assert guest.run("/usr/bin/base64", "-w0 /root/large > /root/text") == 0
    assert base64.b64decode(guest.download("/root/text")) == content


def test_a_large_file_goes_in_and_out_in_one_piece(guest: GuestClient) -> None:
    content = os.urandom(1 << 20) * 70
    guest.upload("/root/large", content)
    assert guest.download("/root/large") == content


def test_permissions_of_an_upload_are_honoured(guest: GuestClient) -> None:
    guest.upload("/tmp/run", b"#!/bin/sh\nexit 7\n", mode=0o700)
    assert guest.run("/tmp/run") == 7
    guest.upload("/tmp/plain", b"x")
    infos = {info.path: info for info in guest.files.ListFilesInGuest(guest.vm, guest.auth, "/tmp").files}
    assert {name: oct(infos[name].attributes.permissions) for name in ("run", "plain")} == {
        "run": "0o700",
        "plain": "0o644",
    }
    with pytest.raises(vim.fault.GuestPermissionDenied):
        guest.start("/tmp/plain")


def test_replacing_an_upload_keeps_or_sets_permissions(guest: GuestClient) -> None:
    guest.upload("/tmp/f", b"one", mode=0o600)
    with pytest.raises(vim.fault.FileAlreadyExists) as refused:
        guest.upload("/tmp/f", b"two")
    assert refused.value.file == "/tmp/f"
    guest.upload("/tmp/f", b"2", mode=0o640, overwrite=True)
    assert guest.download("/tmp/f") == b"2"
    (info,) = guest.files.ListFilesInGuest(guest.vm, guest.auth, "/tmp/f").files
    assert info.attributes.permissions == 0o640


def test_transfer_urls_work_once_and_one_way(guest: GuestClient, vcenter: Endpoint) -> None:
    guest.upload("/tmp/f", b"x")
    url = guest.files.InitiateFileTransferFromGuest(guest.vm, guest.auth, "/tmp/f").url
    assert url.startswith(f"{vcenter.url}/guestFile?")
    verify = str(vcenter.ca)
    assert requests.put(url, data=b"y", verify=verify, timeout=LIMIT_S).status_code == 404
    assert requests.get(url, verify=verify, timeout=LIMIT_S).content == b"x"
    assert requests.get(url, verify=verify, timeout=LIMIT_S).status_code == 404
    assert requests.get(f"{vcenter.url}/guestFile?id=1&token=guess", verify=verify, timeout=LIMIT_S).status_code == 404


def test_processes_are_listed_with_what_is_known(guest: GuestClient) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    pid = guest.start("/bin/sleep", "60")
    running = guest.info(pid)
    assert (running.name, running.owner, running.cmdLine) == ("sleep", "root", '"/bin/sleep" 60')
    assert (running.endTime, running.exitCode) == (None, None)
    assert running.startTime >= before
    everything = guest.processes.ListProcessesInGuest(guest.vm, guest.auth)
    assert {"systemd", "vmtoolsd", "docker", "sleep"} <= {info.name for info in everything}
    assert guest.processes.ListProcessesInGuest(guest.vm, guest.auth, [4_000_000_000]) == []

    guest.processes.TerminateProcessInGuest(guest.vm, guest.auth, pid)
    assert guest.end_of(pid).exitCode != 0
    for unknown in (pid, 999_999):
        with pytest.raises(vim.fault.GuestProcessNotFound) as refused:
            guest.processes.TerminateProcessInGuest(guest.vm, guest.auth, unknown)
        assert refused.value.pid == unknown


def test_a_program_s_variables_replace_all_others(guest: GuestClient) -> None:
    assert guest.run("/usr/bin/env", "> /tmp/env", envVariables=["ONE=1 = uno", "TWO=ü$x"]) == 0
    variables = dict(line.split("=", 1) for line in guest.download("/tmp/env").decode().splitlines())
    assert (variables["ONE"], variables["TWO"]) == ("1 = uno", "ü$x")
    assert "HOME" not in variables
    assert guest.processes.ReadEnvironmentVariableInGuest(guest.vm, guest.auth, ["HOME", "NONE"]) == ["HOME=/root"]
    every = guest.processes.ReadEnvironmentVariableInGuest(guest.vm, guest.auth)
    assert {"HOME=/root", "USER=root"} < set(every)


def test_the_working_directory(guest: GuestClient) -> None:
    assert guest.run("/bin/pwd", "> /tmp/a") == 0
    assert guest.run("/bin/pwd", "> /tmp/b", workingDirectory="/var/log") == 0
    assert guest.download("/tmp/a") + guest.download("/tmp/b") == b"/root\n/var/log\n"
    with pytest.raises(vim.fault.FileNotFound):
        guest.start("/bin/pwd", workingDirectory="/none")


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("/tmp/none", vim.fault.FileNotFound),
        ("/none/none", vim.fault.FileNotFound),
        ("relative", vmodl.fault.InvalidArgument),
        ("", vmodl.fault.InvalidArgument),
    ],
)
def test_a_program_that_is_not_there(guest: GuestClient, path: str, fault: type[Exception]) -> None:
    with pytest.raises(fault):
        guest.start(path)


def test_a_program_s_path_may_hold_anything(guest: GuestClient) -> None:
    path = "/tmp/a 'b' $(c) \"d\".sh"
    guest.upload(path, b"#!/bin/sh\nexit 5\n", mode=0o755)
    assert guest.run(path) == 5


def test_directories(guest: GuestClient) -> None:
    files, vm, auth = guest.files, guest.vm, guest.auth
    with pytest.raises(vim.fault.FileNotFound):
        files.MakeDirectoryInGuest(vm, auth, "/srv/a/b", False)
    files.MakeDirectoryInGuest(vm, auth, "/srv/a/b", True)
    with pytest.raises(vim.fault.FileAlreadyExists):
        files.MakeDirectoryInGuest(vm, auth, "/srv/a", False)
    with pytest.raises(vim.fault.DirectoryNotEmpty):
        files.DeleteDirectoryInGuest(vm, auth, "/srv/a", False)
    with pytest.raises(vim.fault.NotAFile):
        files.DeleteFileInGuest(vm, auth, "/srv/a")
    files.MoveDirectoryInGuest(vm, auth, "/srv/a", "/srv/c")
    files.DeleteDirectoryInGuest(vm, auth, "/srv/c", True)
    with pytest.raises(vim.fault.FileNotFound):
        files.DeleteDirectoryInGuest(vm, auth, "/srv/c", True)
    guest.upload("/srv/f", b"")
    with pytest.raises(vim.fault.NotADirectory):
        files.DeleteDirectoryInGuest(vm, auth, "/srv/f", True)


def test_listing_in_pages_and_by_pattern(guest: GuestClient) -> None:
    for name in ("a.out", "b.out", "c.err"):
        guest.upload(f"/srv/{name}", b"12345")
    page = guest.files.ListFilesInGuest(guest.vm, guest.auth, "/srv", 1, 2)
    assert ([info.path for info in page.files], page.remaining) == (["..", "a.out"], 2)
    found = guest.files.ListFilesInGuest(guest.vm, guest.auth, "/srv", matchPattern=r".*\.out")
    assert [(info.path, info.type, info.size) for info in found.files] == [("a.out", "file", 5), ("b.out", "file", 5)]
    with pytest.raises(vim.fault.FileNotFound):
        guest.files.ListFilesInGuest(guest.vm, guest.auth, "/none")
    with pytest.raises(Exception, match="regular expression"):
        guest.files.ListFilesInGuest(guest.vm, guest.auth, "/srv", matchPattern="(")


def test_moving_and_deleting_files(guest: GuestClient) -> None:
    guest.upload("/srv/a", b"a")
    guest.upload("/srv/b", b"b")
    with pytest.raises(vim.fault.FileAlreadyExists):
        guest.files.MoveFileInGuest(guest.vm, guest.auth, "/srv/a", "/srv/b", False)
    guest.files.MoveFileInGuest(guest.vm, guest.auth, "/srv/a", "/srv/b", True)
    assert guest.download("/srv/b") == b"a"
    guest.files.DeleteFileInGuest(guest.vm, guest.auth, "/srv/b")
    for operation in (guest.files.DeleteFileInGuest, guest.files.InitiateFileTransferFromGuest):
        with pytest.raises(vim.fault.FileNotFound) as refused:
            operation(guest.vm, guest.auth, "/srv/b")
        assert refused.value.file == "/srv/b"


def test_a_link_is_deleted_and_not_what_it_leads_to(guest: GuestClient) -> None:
    guest.upload("/srv/real", b"x")
    guest.run("/bin/ln", "-s /srv/real /srv/link")
    (info,) = [one for one in guest.files.ListFilesInGuest(guest.vm, guest.auth, "/srv").files if one.path == "link"]
    assert (info.type, info.attributes.symlinkTarget) == ("symlink", "/srv/real")
    guest.files.DeleteFileInGuest(guest.vm, guest.auth, "/srv/link")
    assert guest.download("/srv/real") == b"x"


def test_temporary_files_and_directories(guest: GuestClient) -> None:
    file = guest.files.CreateTemporaryFileInGuest(guest.vm, guest.auth, "pre ", ".sfx")
    assert file.startswith("/tmp/pre ")
    assert file.endswith(".sfx")
    assert guest.download(file) == b""
    directory = guest.files.CreateTemporaryDirectoryInGuest(guest.vm, guest.auth, "d", "", "/var/tmp")
    guest.upload(f"{directory}/x", b"x")
    with pytest.raises(vim.fault.FileNotFound):
        guest.files.CreateTemporaryFileInGuest(guest.vm, guest.auth, "a", "b", "/none")
    with pytest.raises(Exception, match="slash"):
        guest.files.CreateTemporaryFileInGuest(guest.vm, guest.auth, "../x", "")


def test_attributes_can_be_changed(guest: GuestClient) -> None:
    guest.upload("/srv/f", b"x")
    when = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
    attributes = vim_files.PosixFileAttributes(permissions=0o4711, modificationTime=when)
    guest.files.ChangeFileAttributesInGuest(guest.vm, guest.auth, "/srv/f", attributes)
    (info,) = guest.files.ListFilesInGuest(guest.vm, guest.auth, "/srv/f").files
    assert (info.attributes.permissions, info.attributes.modificationTime) == (0o4711, when)


@pytest.mark.parametrize("path", ["/usr/lib/x", "/usr/bin/bash"])
def test_system_directories_cannot_be_written_to(guest: GuestClient, path: str) -> None:
    with pytest.raises((vim.fault.GuestPermissionDenied, vim.fault.FileAlreadyExists)):
        guest.upload(path, b"x")
    with pytest.raises((vim.fault.GuestPermissionDenied, vim.fault.FileNotFound)):
        guest.files.DeleteFileInGuest(guest.vm, guest.auth, path)


def test_faults_before_the_guest_is_ready(
    log_in: Callable[..., GuestClient], hypervisor: Hypervisor, boot: Callable[..., None]
) -> None:
    hypervisor.create("vm-off", "photon", "vc1")
    off = log_in("vm-off")
    with pytest.raises(vim.fault.InvalidPowerState) as refused:
        off.start("/bin/true")
    assert (refused.value.requestedState, refused.value.existingState) == ("poweredOn", "poweredOff")
    slow = "#!/bin/sh\nuntil [ -e /tmp/go ]; do sleep 0.02; done\n"
    spec = GuestSpec(name="n", computer_name="n", customize=True, admin_password="x", customization_script=slow)
    hypervisor.power_on("vm-off", spec)
    with pytest.raises(vim.fault.GuestOperationsUnavailable):
        off.start("/bin/true")
    hypervisor.guest("vm-off").tree.write("/tmp/go", "")
    hypervisor.wait_for_tools("vm-off", LIMIT_S)
    with pytest.raises(vim.fault.InvalidGuestLogin):
        off.start("/bin/true")
    assert log_in("vm-off", password="x").run("/bin/true") == 0


def test_faults_of_who_asks(guest: GuestClient, log_in: Callable[..., GuestClient], client: Any) -> None:
    for user, password in (("root", ""), ("root", "wrong"), ("nobody", ""), ("no-such-user", "vmware"), ("", "")):
        with pytest.raises(vim.fault.InvalidGuestLogin):
            log_in("vm-101", user, password).start("/bin/true")
    auth = vim.vm.guest.NamePasswordAuthentication(username="root", password="vmware", interactiveSession=True)
    with pytest.raises(vim.fault.OperationNotSupportedByGuest):
        guest.credentials.ValidateCredentialsInGuest(guest.vm, auth)
    with pytest.raises(Exception, match="deleted or has not been completely created"):
        log_in("vm-404").start("/bin/true")


def test_other_users_run_as_themselves(guest: GuestClient, log_in: Callable[..., GuestClient]) -> None:
    assert guest.run("/bin/bash", "-c 'useradd -m alice && echo alice:pw | chpasswd'") == 0
    alice = log_in("vm-101", "alice", "pw")
    assert alice.run("/usr/bin/id", "-un > /tmp/who; pwd >> /tmp/who") == 0
    assert alice.download("/tmp/who") == b"alice\n/home/alice\n"


def test_users_may_do_what_permissions_allow(guest: GuestClient, log_in: Callable[..., GuestClient]) -> None:
    assert guest.run("/bin/bash", "-c 'useradd -m alice && echo alice:pw | chpasswd'") == 0
    guest.upload("/srv/root", b"x", mode=0o640)
    guest.upload("/usr/local/bin/tool", b"#!/bin/sh\n", mode=0o744)
    alice = log_in("vm-101", "alice", "pw")
    files, vm, auth = alice.files, alice.vm, alice.auth
    refused: list[Callable[[], object]] = [
        lambda: alice.download("/srv/root"),
        lambda: alice.download("/root/.bashrc"),
        lambda: alice.upload("/srv/root", b"y", overwrite=True),
        lambda: alice.upload("/srv/new", b"y"),
        lambda: files.DeleteFileInGuest(vm, auth, "/srv/root"),
        lambda: files.MakeDirectoryInGuest(vm, auth, "/srv/a/b", True),
        lambda: files.MoveFileInGuest(vm, auth, "/home/alice/f", "/srv/f", False),
        lambda: files.ListFilesInGuest(vm, auth, "/root"),
        lambda: files.CreateTemporaryFileInGuest(vm, auth, "a", "b", "/root"),
        lambda: files.ChangeFileAttributesInGuest(
            vm, auth, "/srv/root", vim_files.PosixFileAttributes(permissions=511)
        ),
        lambda: alice.start("/usr/local/bin/tool"),
    ]
    alice.upload("/home/alice/f", b"mine")
    for operation in refused:
        with pytest.raises(vim.fault.GuestPermissionDenied):
            operation()
    (info,) = files.ListFilesInGuest(vm, auth, "/home/alice/f").files
    assert (info.attributes.ownerId, info.attributes.groupId) == (1000, 1000)
    assert guest.run("/bin/bash", "-c 'stat -c %U /home/alice/f > /tmp/owner'") == 0
    assert guest.download("/tmp/owner") == b"alice\n"
    guest.upload("/tmp/of-root", b"")
    with pytest.raises(vim.fault.GuestPermissionDenied):
        files.DeleteFileInGuest(vm, auth, "/tmp/of-root")
    given = vim_files.PosixFileAttributes(ownerId=1000, groupId=1000)
    guest.files.ChangeFileAttributesInGuest(vm, guest.auth, "/tmp/of-root", given)
    files.DeleteFileInGuest(vm, auth, "/tmp/of-root")


def test_many_programs_at_once(guest: GuestClient) -> None:
    with ThreadPoolExecutor(20) as pool:
        codes = list(
            pool.map(
                lambda number: guest.run("/bin/sh", f"-c 'echo {number} > /tmp/{number}; exit {number}'"), range(40)
            )
        )
    assert codes == list(range(40))


def test_a_user_ends_only_programs_of_its_own(guest: GuestClient, log_in: Callable[..., GuestClient]) -> None:
    guest.run("/usr/sbin/useradd", "-m alice")
    guest.run("/bin/sh", "-c 'echo alice:secret | chpasswd'")
    alice = log_in("vm-101", "alice", "secret")
    own, other = alice.start("/bin/sleep", "600"), guest.start("/bin/sleep", "600")
    with pytest.raises(vim.fault.GuestPermissionDenied):
        alice.processes.TerminateProcessInGuest(alice.vm, alice.auth, other)
    with pytest.raises(vim.fault.GuestPermissionDenied):
        guest.processes.TerminateProcessInGuest(guest.vm, guest.auth, 1)
    alice.processes.TerminateProcessInGuest(alice.vm, alice.auth, own)
    guest.processes.TerminateProcessInGuest(guest.vm, guest.auth, other)
    assert (alice.end_of(own).exitCode, guest.end_of(other).exitCode) == (137, 137)


def test_a_file_may_have_a_name_that_xml_cannot_hold(guest: GuestClient) -> None:
    assert guest.run("/bin/sh", '-c \'mkdir /tmp/odd; cd /tmp/odd; touch "$(printf "\\357\\277\\277a\\001")"\'') == 0
    found = guest.files.ListFilesInGuest(guest.vm, guest.auth, "/tmp/odd")
    assert [one.path for one in found.files] == [".", "..", "\ufffda\ufffd"]
