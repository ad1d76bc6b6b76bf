"""Guests that attack the host, the simulator or each other, in ways that go beyond looking for files."""

import struct
import sys
from pathlib import Path

import pytest

from cse_testing.simulated import Boot, Shell
from cse_testing.waiting import LIMIT_S
from vcd_simulator.guests.limits import Limits, disk_usage

CLONE_NEWUSER = 0x10000000
ENOSYS, EPERM = 38, 1

FLOOD = """
use Socket;
my ($wanted, $limit_s) = @ARGV;
$SIG{PIPE} = 'IGNORE';
my @open;
for (1 .. 200) {
    socket(my $s, PF_UNIX, SOCK_STREAM, 0) or last;
    connect($s, pack_sockaddr_un('/usr/.channel')) or last;
    syswrite($s, pack('a1 N', 'C', 4 << 20));
    push @open, $s;
}
my ($refused, $end) = (0, time + $limit_s);
while ($refused < $wanted && time < $end) {
    my $all = '';
    vec($all, fileno($_), 1) = 1 for @open;
    next if select(my $ready = $all, undef, undef, 1) < 1;
    my @left = ();
    for my $s (@open) {
        if (vec($ready, fileno($s), 1) && !sysread($s, my $none, 1)) { $refused++ }
        else { push @left, $s }
    }
    @open = @left;
}
print "$refused\\n";
"""


def syscall(shell: Shell, call: str) -> int:
    """The error number of a system call that a guest makes; 0 if it worked."""
    return int(shell.succeed(f"perl -e 'my $text = q(m); my $r = syscall({call}); print $r == -1 ? $!+0 : 0'"))


class TestKernel:
    @pytest.mark.parametrize(
        ("x86_64", "aarch64", "arguments", "code"),
        [
            pytest.param(272, 97, f"{CLONE_NEWUSER}", EPERM, id="unshare"),
            pytest.param(56, 220, f"{CLONE_NEWUSER} | 17, 0, 0, 0, 0", EPERM, id="clone"),
            pytest.param(435, 435, "0, 0", ENOSYS, id="clone3"),
            pytest.param(319, 279, "$text, 0", EPERM, id="memfd_create"),
            pytest.param(29, 194, "0, 1 << 20, 0700 | 01000", EPERM, id="shmget"),
            pytest.param(64, 190, "0, 100, 0700 | 01000", EPERM, id="semget"),
            pytest.param(250, 219, "0, -3, 1", EPERM, id="keyctl"),
            pytest.param(103, 116, "10, 0, 0", EPERM, id="syslog"),
            pytest.param(425, 425, "8, 0", EPERM, id="io_uring_setup"),
            pytest.param(321, 280, "0, 0, 0", EPERM, id="bpf"),
        ],
    )
    def test_what_only_reaches_for_the_kernel_is_refused(
        self, shell: Shell, x86_64: int, aarch64: int, arguments: str, code: int
    ) -> None:
        number = x86_64 if shell.succeed("uname -m").strip() == "x86_64" else aarch64
        assert syscall(shell, f"{number}, {arguments}") == code

    def test_the_second_set_of_calls_is_no_way_around(self, shell: Shell) -> None:
        if shell.succeed("uname -m").strip() != "x86_64":
            pytest.skip("other machines have no second set")
        assert syscall(shell, f"0x40000000 + 272, {CLONE_NEWUSER}") == ENOSYS

    def test_programs_with_threads_and_pipes_work_all_the_same(self, shell: Shell) -> None:
        assert shell.succeed("seq 3 | sort -r --parallel=4 | xargs -n1 -P3 echo | wc -l") == "3\n"
        assert shell.succeed("perl -e 'print fork ? (wait, $? >> 8)[1] : exit 7'") == "7"
        assert shell.succeed("dd if=/dev/zero bs=1k count=4 2>/dev/null | wc -c; : > /dev/null") == "4096\n"

    def test_settings_of_the_host_s_kernel_are_read_only(self, shell: Shell) -> None:
        """Opening is all that is tried: where it works, it works on the host."""
        script = (
            "use Fcntl; use File::Find; my @open;"
            "my $look = sub { push @open, $_ if !-l && -f && sysopen my $file, $_, O_WRONLY };"
            "find({no_chdir => 1, wanted => $look}, '/proc');"
            'print map { "$_\\n" } @open'
        )
        shell.guest.tree.write("/root/find.pl", script)
        opened = shell.succeed("perl /root/find.pl").splitlines()
        assert opened == []

    @pytest.mark.parametrize("path", ["/proc/kmsg", "/proc/kcore", "/dev/sda", "/dev/mem", "/dev/kmsg"])
    def test_devices_of_the_host_are_not_to_be_had(self, shell: Shell, path: str) -> None:
        shell.fail(f"head -c 1 {path}")

    def test_device_nodes_cannot_be_made(self, shell: Shell) -> None:
        for kind, numbers in (("b", "8 0"), ("c", "1 1")):
            shell.fail(f"mknod /tmp/device {kind} {numbers}")

    def test_a_setuid_program_raises_nobody(self, shell: Shell) -> None:
        shell.succeed("useradd -m alice; cp /usr/.host/bin/id /tmp/id; chmod 4755 /tmp/id")
        assert shell.succeed("su alice -c '/tmp/id -u; /tmp/id -ru'").split() == ["1000", "1000"]
        outside = shell.guest.disk.paths.directory
        closed = [one for one in outside.parents if one.stat().st_mode & 0o077 == 0]
        assert closed, "nobody else on the host reaches the file"


class TestProcesses:
    def test_guests_cannot_signal_each_other_nor_another_program_of_their_own(self, shell: Shell, boot: Boot) -> None:
        other = boot("node-2", "10.0.0.3")
        programs = [one.guest.programs.start(one.account("root"), ["/bin/sleep", "600"]) for one in (shell, other)]
        shell.succeed("pkill -KILL -x sleep; kill -KILL -1 2>/dev/null; true")
        assert [one.exit_code for one in programs] == [None, None]
        for one in programs:
            one.kill()

    @pytest.fixture
    def limits(self) -> Limits:
        return Limits(wall_s=600.0, processes=60)

    def test_a_chain_of_processes_longer_than_the_stack_is_ended(self, shell: Shell) -> None:
        """Each of them starts the next one; Python's stack holds about a thousand calls."""
        depth = sys.getrecursionlimit() + 500
        line = f"perl -e 'for (1 .. {depth}) {{ last if fork }} wait; sleep 600'"
        assert shell.fail(line).code == 137
        assert shell.succeed("echo alive") == "alive\n"

    def test_threads_count(self, shell: Shell) -> None:
        if shell.run("python3 -c 1").code:
            pytest.skip("this host lends its guests no python3")
        line = "import threading,time; [threading.Thread(target=time.sleep,args=(600,)).start() for _ in range(100)]"
        assert shell.fail(f"python3 -c '{line}'").code == 137

    def test_a_fork_bomb_is_ended(self, shell: Shell) -> None:
        """One that goes out by itself after a thousand processes, so that the test harms nobody."""
        bomb = "bomb() { [ $1 = 0 ] || { bomb $(($1 - 1)) & bomb $(($1 - 1)) & }; sleep 600; }; bomb 9"
        assert shell.fail(bomb).code == 137
        assert shell.succeed("echo alive") == "alive\n"


class TestMemory:
    @pytest.fixture
    def limits(self) -> Limits:
        return Limits(wall_s=600.0, file_bytes=8 << 20, disk_bytes=24 << 20)

    def test_nothing_can_be_written_to_devices_directories(self, shell: Shell) -> None:
        assert "Read-only file system" in shell.fail("head -c 1000 /dev/zero > /dev/file").err
        shell.succeed("echo x > /dev/null; echo y > /dev/shm/file")

    def test_shared_memory_is_as_large_as_the_disk_at_most(self, shell: Shell) -> None:
        line = "for i in $(seq 9); do head -c 7000000 /dev/urandom > /dev/shm/$i; done; sleep 600"
        assert shell.fail(line).code == 137

    def test_shared_memory_is_the_machine_s_until_it_is_turned_off(self, shell: Shell) -> None:
        shell.succeed("echo kept > /dev/shm/note")
        assert shell.succeed("cat /dev/shm/note") == "kept\n"
        assert shell.guest.tree.read("/dev/shm/note") == b"kept\n"
        shell.hypervisor.reset(shell.moid)
        shell.hypervisor.wait_for_tools(shell.moid, LIMIT_S)
        assert shell.succeed("ls -A /dev/shm") == ""


class TestChannel:
    def test_many_callers_cannot_fill_the_simulator(self, shell: Shell) -> None:
        """Every stand-in has one connection to the simulator, and a program may not have more than processes."""
        shell.guest.tree.write("/root/flood.pl", FLOOD)
        assert shell.succeed("perl /root/flood.pl 0 0") == "0\n"
        assert shell.succeed("hostname") == "node-1\n"

    class TestFew:
        @pytest.fixture
        def limits(self) -> Limits:
            return Limits(wall_s=600.0, processes=20)

        def test_more_callers_than_processes_are_turned_away(self, shell: Shell) -> None:
            shell.guest.tree.write("/root/flood.pl", FLOOD)
            assert shell.succeed(f"perl /root/flood.pl 180 {LIMIT_S:.0f}") == "180\n"
            assert shell.succeed("hostname") == "node-1\n"

    @pytest.mark.parametrize(
        "message",
        [
            pytest.param(b"C" + struct.pack(">I", 0xFFFFFFF0), id="endless"),
            pytest.param(b"C" + struct.pack(">I", 3) + b"abc", id="no-length"),
            pytest.param(b"C" + struct.pack(">I", 0), id="empty"),
            pytest.param(b"C" + struct.pack(">I", 12) + struct.pack(">III", 0, 0, 0), id="no-number"),
            pytest.param(b"\0\1", id="cut-off"),
        ],
    )
    def test_nonsense_on_the_channel_harms_nobody(self, shell: Shell, message: bytes) -> None:
        shell.guest.tree.write("/root/message", message)
        script = (
            "use Socket; socket(my $s, PF_UNIX, SOCK_STREAM, 0); connect($s, pack_sockaddr_un('/usr/.channel'));"
            "open(F, '/root/message'); local $/; syswrite($s, <F>); shutdown($s, 1); sysread($s, my $x, 1) and exit 1"
        )
        shell.succeed(f'perl -e "{script.replace("$", chr(92) + "$")}"')
        assert shell.succeed("hostname") == "node-1\n"


class TestSpace:
    def test_a_file_with_many_names_is_counted_once(self, tmp_path: Path) -> None:
        (tmp_path / "one").write_bytes(b"x" * (1 << 20))
        before = disk_usage(tmp_path)
        for number in range(20):
            (tmp_path / f"name-{number}").hardlink_to(tmp_path / "one")
        assert disk_usage(tmp_path) < 2 * before

    def test_files_take_space_even_if_they_are_empty(self, tmp_path: Path) -> None:
        for number in range(500):
            (tmp_path / f"{number}").touch()
        assert disk_usage(tmp_path) >= 500 * 4096
