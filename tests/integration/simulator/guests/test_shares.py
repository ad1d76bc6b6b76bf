"""NFS between guests: what is mounted are the server's files."""

from pathlib import Path

import pytest

from cse_testing.simulated import Boot, Shell
from cse_testing.waiting import LIMIT_S, wait_until
from vcd_simulator.guests import Hypervisor
from vcd_simulator.guests.machine import Guest
from vcd_simulator.guests.shares import BoundShare, bound_shares

EXPORT = "systemctl enable --now nfs-kernel-server >/dev/null && exportfs -ra"


@pytest.fixture
def server(boot: Boot) -> Shell:
    shell = boot("nfsd-1", "10.0.0.5")
    shell.succeed(
        "mkdir -p /home/share/sub /home/read; echo hello > /home/share/sub/f; "
        "echo '/home/read 10.0.0.3(ro)' > /etc/exports"
    )
    shell.succeed(f"echo '/home/share *(rw,sync)' >> /etc/exports; {EXPORT}")
    return shell


@pytest.fixture
def client(boot: Boot, server: Shell) -> Shell:
    return boot("node-1", "10.0.0.3")


def test_files_are_shared_both_ways(server: Shell, client: Shell) -> None:
    script = "mkdir /mnt/n; echo mine > /mnt/n/covered; mount -t nfs 10.0.0.5:/home/share /mnt/n; cat /mnt/n/sub/f"
    assert client.succeed(f"{script}; ls /mnt/n; echo back > /mnt/n/back") == "hello\nsub\n"
    assert server.succeed("cat /home/share/back; echo more >> /home/share/back") == "back\n"
    assert client.succeed("cat /mnt/n/back; cd /mnt/n/sub; cat f") == "back\nmore\nhello\n"
    assert client.guest.tree.read("/mnt/n/back") == b"back\nmore\n"
    client.guest.tree.write("/mnt/n/outside", "x")
    assert server.succeed("cat /home/share/outside") == "x"
    assert client.succeed("umount /mnt/n; cat /mnt/n/covered; test ! -L /mnt/n && mountpoint -q /mnt/n || echo no") == (
        "mine\nno\n"
    )


def test_what_is_for_reading_cannot_be_written(server: Shell, client: Shell) -> None:
    server.succeed("echo x > /home/read/x")
    client.succeed("mkdir /mnt/r /mnt/s; mount 10.0.0.5:/home/read /mnt/r; mount -o ro 10.0.0.5:/home/share/sub /mnt/s")
    for path in ("/mnt/r/y", "/mnt/s/y"):
        assert "Read-only file system" in client.fail(f"cat /mnt/r/x /mnt/s/f; touch {path}").err
        with pytest.raises(OSError, match="Read-only"):
            client.guest.tree.write(path, "x")


def test_only_those_who_are_named_may_mount(boot: Boot, server: Shell, client: Shell) -> None:
    stranger = boot("node-2", "10.0.0.4")
    far = boot("far", "10.0.0.3", network_ids=("another",))
    assert "access denied" in stranger.fail("mkdir /mnt/r; mount 10.0.0.5:/home/read /mnt/r").err
    assert "No route to host" in far.fail("mkdir /mnt/r; mount 10.0.0.5:/home/share /mnt/r").err
    assert len(client.succeed("ls /usr/.nfs").split()) == 3
    assert len(stranger.succeed("ls /usr/.nfs").split()) == 2
    assert far.succeed("ls /usr/.nfs") == ""
    server.succeed("exportfs -ua")
    assert client.succeed("ls /usr/.nfs") == ""


def test_a_mount_lasts_until_the_machine_stops(hypervisor: Hypervisor, server: Shell, client: Shell) -> None:
    client.succeed("mkdir /mnt/n; touch /mnt/n/own; mount 10.0.0.5:/home/share /mnt/n")
    client.succeed("test -e /mnt/n/sub/f")
    hypervisor.reset(client.moid)
    hypervisor.wait_for_tools(client.moid, LIMIT_S)
    assert client.succeed("ls /mnt/n; mount | grep -c nfs || true") == "own\n0\n"
    client.succeed("mount 10.0.0.5:/home/share /mnt/n")
    hypervisor.power_off(server.moid)
    client.fail("cat /mnt/n/sub/f")


def test_a_program_that_is_older_than_the_export(boot: Boot, client: Shell, server: Shell) -> None:
    server.succeed("exportfs -ua; echo '/srv *(rw)' > /etc/exports; touch /srv/new")
    root = client.account("root")
    wait = "until mount 10.0.0.5:/srv /mnt 2>/tmp/err; do sleep 0.02; done; mount | grep -c /srv > /tmp/out"
    program = client.guest.programs.start(root, ["/bin/bash", "-c", wait])
    wait_until(lambda: client.guest.tree.exists("/tmp/err"), "the mount to begin")
    server.succeed("exportfs -ra")
    assert program.finished.result(LIMIT_S) == 0
    assert client.succeed("cat /tmp/out /tmp/err; ls /mnt").splitlines() == [
        "1",
        "mount.nfs: the files of 10.0.0.5:/srv appear in programs that are started from now on",
        "new",
    ]


def test_another_directory_than_the_one_that_was_meant_is_not_shown(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A server might exchange its directory for a link, just before it is mounted into a client's sandbox."""
    (tmp_path / "canary").write_text("of the host")
    wrong = [BoundShare("0123456789abcdef", str(tmp_path), "1:2", writable=True)]
    monkeypatch.setattr("vcd_simulator.guests.program_table.bound_shares", lambda _guest: wrong)
    result = shell.run("cat /usr/.nfs/*/canary")
    assert (result.code, result.out) == (137, "")


def test_a_server_that_is_deleted_at_this_moment_keeps_no_program_from_starting(
    server: Shell, client: Shell, hypervisor: Hypervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.succeed("mount 10.0.0.5:/home/share /mnt")

    def deleted_meanwhile(guest: Guest) -> list[BoundShare]:
        found = bound_shares(guest)
        files = server.guest.disk.paths.directory
        hypervisor.delete(server.moid)
        wait_until(lambda: not files.exists(), "the server's files to go")
        return found

    monkeypatch.setattr("vcd_simulator.guests.program_table.bound_shares", deleted_meanwhile)
    result = client.run("ls /usr/.nfs; cat /mnt/sub/f")
    assert (result.code, result.out) == (1, "")
    assert "No such file" in result.err


def test_an_export_that_is_a_link_stays_in_its_guest(server: Shell, client: Shell, tmp_path: Path) -> None:
    (tmp_path / "canary").write_text("of the host")
    server.succeed(f"ln -s {tmp_path} /srv/link; echo '/srv/link *(rw)' > /etc/exports; exportfs -o rw '*:/srv'")
    server.guest.system.exports["/srv/link", "*"] = "rw"
    client.run("mount 10.0.0.5:/srv/link /mnt")
    assert "canary" not in client.run("ls -R /mnt/ /usr/.nfs/ 2>/dev/null").out
