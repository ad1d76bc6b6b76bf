"""A script can neither read nor write anything outside of its guest."""

import os
import socket
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from cse_testing.simulated import Boot, Shell
from vcd_simulator.guests import Hypervisor
from vcd_simulator.guests.limits import Limits

SECRET = "canary-of-the-host-7f3a"


def test_the_host_s_variables_are_not_there(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST_SECRET", SECRET)
    assert SECRET not in shell.succeed("env; cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'")


@pytest.mark.parametrize("place", ["/home", "/root", "/tmp", "/var/lib", "/etc", "/opt", "/srv", "/var/tmp"])
def test_the_host_s_files_are_not_there(shell: Shell, place: str) -> None:
    """A guest may have files of the same names, but not the same files."""
    before = identities(Path(place))
    there = set(shell.succeed(f"find {place} -maxdepth 1 -printf '%D:%i\\n'").split())
    all_along = before & identities(Path(place))  # numbers of files that have gone are given out again
    assert there
    assert all_along
    assert not all_along & there


def identities(place: Path) -> set[str]:
    """Of a directory of the host and of what is in it: device and inode, whatever the names are."""
    found = set()
    for path in [place, *(place.iterdir() if os.access(place, os.R_OK) else ())]:
        with suppress(FileNotFoundError):  # others work there, too
            status = path.lstat()
            found.add(f"{status.st_dev}:{status.st_ino}")
    return found


def test_a_file_of_the_host_is_found_by_no_path(shell: Shell, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.write_text(SECRET)
    shell.fail(f"cat {canary}")
    shell.fail(f"cat /proc/1/root{canary}")
    shell.fail(f"cat /proc/1/cwd/../../..{canary}")
    assert SECRET not in shell.succeed("cat /oldroot/* /newroot/* /proc/self/mountinfo 2>/dev/null || true")


def test_links_out_of_the_guest_lead_nowhere_from_inside_and_from_outside(shell: Shell, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.write_text(SECRET)
    shell.succeed(f"ln -s {canary} /tmp/file; ln -s {tmp_path} /tmp/directory; ln -s ../../../../../..{canary} /tmp/up")
    for path in ("/tmp/file", "/tmp/directory/canary", "/tmp/up"):
        shell.fail(f"cat {path}")
        with pytest.raises(FileNotFoundError):
            shell.guest.tree.read(path)
    with pytest.raises(FileNotFoundError):
        shell.guest.tree.write("/tmp/directory/new", "x")
    assert [entry.name for entry in tmp_path.iterdir() if entry.name == "new"] == []


def test_replacing_a_system_directory_by_a_link_harms_only_the_guest(shell: Shell, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    shell.succeed(f"mv /etc /etc.old; ln -s {target} /etc")
    with pytest.raises(OSError, match="No such file"):
        shell.guest.disk.write_accounts()
    assert list(target.iterdir()) == []
    shell.succeed("rm /etc; mv /etc.old /etc")


@pytest.mark.parametrize(
    "path", ["/usr/bin/x", "/usr/lib/x", "/usr/share/x", "/bin/x", "/usr/.agent/x", "/usr/.control/x"]
)
def test_the_host_s_system_directories_are_read_only(shell: Shell, path: str) -> None:
    assert "Read-only file system" in shell.fail(f"touch {path}").err
    with pytest.raises(OSError, match="Read-only file system"):
        shell.guest.tree.write(path, "x")


def test_nothing_can_be_mounted_or_remounted(shell: Shell) -> None:
    shell.fail("/usr/.host/bin/mount -t tmpfs none /mnt")
    shell.fail("/usr/.host/bin/mount -o remount,rw /usr")
    shell.fail(
        "/usr/.host/bin/unshare -r true && /usr/.host/bin/unshare -m /usr/.host/bin/mount -o remount,rw,bind /usr"
    )


def test_a_guest_has_no_capability_and_gains_none(shell: Shell) -> None:
    status = dict(line.split(":\t") for line in shell.succeed("cat /proc/self/status").splitlines() if ":\t" in line)
    assert {status[name] for name in ("CapEff", "CapPrm", "CapBnd", "CapInh")} == {"0000000000000000"}
    assert status["NoNewPrivs"] == "1"


def test_a_guest_sees_no_process_of_the_host(shell: Shell) -> None:
    pids = [int(name) for name in shell.succeed("ls /proc").split() if name.isdigit()]
    assert max(pids) < 20
    shell.fail(f"kill -0 {os.getpid()}")


def test_there_is_no_network(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        shell.fail(f"exec 3<>/dev/tcp/127.0.0.1/{port}")
    assert shell.succeed("cat /proc/net/dev").count(":") <= 1


def test_the_simulator_s_own_sockets_and_directories_are_out_of_reach(shell: Shell, boot: Boot) -> None:
    other = boot("node-2", "10.0.0.3")
    other.succeed("echo private > /root/note")
    found = shell.succeed(r"find / -xdev \( -name note -o -type s \) 2>/dev/null; ls -A /usr/.control /usr/.agent")
    assert "note" not in found
    assert found.split() == ["/usr/.agent:", "init.pl", "standin.pl", "/usr/.control:", "commands"]


def test_a_pipe_where_a_file_is_expected_does_not_block_the_simulator(shell: Shell) -> None:
    shell.succeed("mkfifo /tmp/pipe; rm -f /etc/hostname; mkfifo /etc/hostname")
    for path in ("/tmp/pipe", "/etc/hostname"):
        with pytest.raises(OSError, match=r"Permission denied|No such device"):
            shell.guest.tree.read(path)
        with pytest.raises(OSError, match=r"Permission denied|No such device"):
            shell.guest.tree.write(path, "x")


def test_a_link_that_is_swapped_all_the_time_is_never_followed_out(shell: Shell, tmp_path: Path) -> None:
    """The walk looks at a path's parts one by one, and a guest may change them in between."""
    (tmp_path / "prize").write_text(SECRET)
    shell.guest.disk.lay_out()
    root = shell.guest.disk.paths.root
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            (root / "tmp/d").mkdir(exist_ok=True)
            (root / "tmp/d").rmdir()
            (root / "tmp/d").symlink_to(tmp_path)
            (root / "tmp/d").unlink()

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for _ in range(3000):
            with pytest.raises(OSError, match=r"No such file|Not a directory|symbolic links"):
                shell.guest.tree.read("/tmp/d/prize")
    finally:
        stop.set()
        thread.join()


class TestLimits:
    @pytest.fixture
    def limits(self) -> Limits:
        return Limits(wall_s=20.0, cpu_s=1, memory_bytes=200 << 20, file_bytes=1 << 20, processes=50)

    def test_a_busy_loop_is_ended(self, shell: Shell) -> None:
        assert shell.fail("while :; do :; done").code == 137

    def test_memory_is_limited(self, shell: Shell) -> None:
        shell.fail("perl -e 'my $x = \"a\" x (300 << 20)'")

    def test_the_number_of_processes_is_limited(self, shell: Shell) -> None:
        result = shell.fail("for i in $(seq 200); do sleep 60 & done; echo $i > /tmp/count; wait")
        assert (result.code, shell.succeed("echo alive")) == (137, "alive\n")

    def test_the_memory_of_all_processes_together_is_limited(self, shell: Shell) -> None:
        line = "perl -e 'my $x = \"a\" x (90 << 20); sleep 60' & "
        assert shell.fail(line * 4 + "wait").code == 137

    def test_the_size_of_files_is_limited(self, shell: Shell) -> None:
        shell.fail("head -c 2000000 /dev/zero > /tmp/large")
        assert shell.guest.tree.resolved_info("/tmp/large").size <= 1 << 20


class TestTime:
    @pytest.fixture
    def limits(self) -> Limits:
        return Limits(wall_s=3.0)

    def test_a_sleeper_is_ended(self, shell: Shell) -> None:
        assert shell.fail("sleep 60").code == 137


class TestSpace:
    @pytest.fixture
    def limits(self) -> Limits:
        return Limits(wall_s=3600.0, disk_bytes=4 << 20)

    def test_the_disk_is_limited(self, shell: Shell) -> None:
        assert shell.fail("for i in $(seq 9); do head -c 1000000 /dev/urandom > /srv/$i; done; sleep 1800").code == 137


def test_nothing_is_left_when_the_simulator_closes(hypervisor: Hypervisor, boot: Boot, tmp_path: Path) -> None:
    shell = boot()
    shell.succeed("mkdir -p /tmp/a/b; echo x > /tmp/a/b/c; chmod 000 /tmp/a/b /tmp/a")
    assert any(tmp_path.iterdir())
    hypervisor.close()
    assert not any(tmp_path.iterdir())
