"""Tools that node scripts ask about the machine: its ports, locks, identity and kind."""

import pytest

from cse_testing.simulated import Boot, Shell
from cse_testing.waiting import LIMIT_S


def test_ports_are_those_of_the_services_that_run(boot: Boot) -> None:
    shell, other = boot("mstr-1", "10.0.0.2"), boot("node-1", "10.0.0.3")
    assert shell.succeed("ss -Hlnt | awk '{print $4}'").split() == ["0.0.0.0:22", "0.0.0.0:111", "0.0.0.0:2049"]
    assert other.fail("nc -z -v -w 2 10.0.0.2 6443").err.endswith("(tcp) failed: Connection refused\n")
    shell.succeed("kubeadm init; netstat -lntp | grep -q ':6443 .*kube-apiserver'; ss -tlnp | grep -q kubelet")
    assert "succeeded" in other.run("nc -zv 10.0.0.2 6443").err
    assert "No route to host" in other.fail("nc -zv 10.0.0.9 6443").err
    shell.succeed("systemctl stop docker")
    other.fail("nc -z 10.0.0.2 6443")
    assert "only looks" in other.fail("nc 10.0.0.2 6443").err
    assert shell.succeed("ss -lnu | wc -l") == "1\n"


def test_locks_of_package_managers_are_free(shell: Shell) -> None:
    shell.succeed(
        "while fuser /var/lib/dpkg/lock-frontend >/dev/null 2>&1; do sleep 1; done; ! lsof /var/lib/dpkg/lock"
    )


def test_what_the_machine_is(shell: Shell) -> None:
    assert shell.succeed("systemd-detect-virt") == "vmware\n"
    assert shell.run("systemd-detect-virt --container").out == "none\n"
    shell.succeed("chronyc makestep; hwclock --systohc")


def test_programs_are_ended_by_name(shell: Shell) -> None:
    if shell.run("command -v pkill").code:
        pytest.skip("this host lends its guests no pkill")
    assert shell.succeed("sleep 600 & killall sleep; wait $!; echo $?") == "143\n"
    shell.fail("killall nobody-s-program")


def test_machines_have_ids_of_their_own_which_images_may_leave_out(shell: Shell, boot: Boot) -> None:
    own = shell.succeed("cat /etc/machine-id").strip()
    assert len(own) == 32
    assert own != boot("node-2", "10.0.0.3").succeed("cat /etc/machine-id").strip()
    shell.hypervisor.reset(shell.moid)
    shell.hypervisor.wait_for_tools(shell.moid, LIMIT_S)
    assert shell.succeed("cat /etc/machine-id").strip() == own
    for empty in (False, True):
        if empty:
            shell.succeed("truncate -s 0 /etc/machine-id")
        image = shell.hypervisor.capture(shell.moid)
        clone = boot(f"clone-{empty}", "10.0.0.9", image)
        assert (clone.succeed("cat /etc/machine-id").strip() == own) is not empty
    assert shell.succeed("systemd-machine-id-setup; wc -c < /etc/machine-id") == "33\n"


def test_a_guest_boots_although_its_files_cannot_be_written(shell: Shell) -> None:
    shell.succeed("rm /etc/hostname /etc/shadow; mkfifo /etc/hostname; mkdir /etc/shadow")
    shell.hypervisor.power_off(shell.moid)
    shell.hypervisor.power_on(shell.moid, shell.guest.spec)
    shell.hypervisor.wait_for_tools(shell.moid, LIMIT_S)
    shell.succeed("test -p /etc/hostname")
