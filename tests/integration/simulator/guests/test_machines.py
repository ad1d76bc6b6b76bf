"""Guests as machines: boot, customization, power, images."""

from pathlib import Path

import pytest

from cse_testing.simulated import Boot, Shell, Times
from cse_testing.waiting import LIMIT_S, wait_until
from vcd_simulator.guests import GuestSpec, Hypervisor, PowerState, ToolsState, UnknownGuestError, UnknownImageError
from vcd_simulator.guests.errors import LoginError, PowerStateError, ToolsNotRunningError

SCRIPT = (
    '#!/bin/bash\necho "$1 $(hostname)" >> /root/phases\n[ "$1" != postcustomization ] || echo "ready" > /root/ready\n'
)


def test_tools_do_not_answer_before_the_boot_is_over(hypervisor: Hypervisor, times: Times) -> None:
    times.seconds["guest.boot"] = 3600
    hypervisor.create("vm-1", "photon", "vc1")
    assert hypervisor.power_state("vm-1") is PowerState.OFF
    with pytest.raises(PowerStateError):
        hypervisor.guest("vm-1").log_in("root", "vmware")
    hypervisor.power_on("vm-1", GuestSpec(name="vm-1", computer_name="c"))
    assert hypervisor.power_state("vm-1") is PowerState.ON
    assert hypervisor.tools_state("vm-1") is ToolsState.NOT_RUNNING
    with pytest.raises(ToolsNotRunningError):
        hypervisor.guest("vm-1").log_in("root", "vmware")
    with pytest.raises(TimeoutError):
        hypervisor.wait_for_tools("vm-1", 0.01)
    hypervisor.power_off("vm-1")
    with pytest.raises(PowerStateError):
        hypervisor.wait_for_tools("vm-1", LIMIT_S)


def test_customization_sets_name_and_password_and_runs_the_script_twice(boot: Boot) -> None:
    shell = boot("mstr-1", admin_password="Xy$ 'z", customization_script=SCRIPT)
    assert shell.succeed("cat /root/phases /root/ready").splitlines() == [
        "precustomization ubuntu",
        "postcustomization mstr-1",
        "ready",
    ]
    shell.guest.log_in("root", "Xy$ 'z")
    with pytest.raises(LoginError):
        shell.guest.log_in("root", "vmware")


def test_without_customization_a_boot_changes_nothing(boot: Boot) -> None:
    shell = boot("vm-7", customize=False, admin_password="ignored", customization_script=SCRIPT)
    assert shell.succeed("hostname; ls /root") == "ubuntu\n"
    shell.guest.log_in("root", "vmware")


def test_a_failing_customization_script_does_not_stop_the_boot(boot: Boot) -> None:
    shell = boot(customization_script="#!/bin/bash\necho oh no >&2\nexit 9\n")
    assert shell.succeed("cat /var/log/customization.log").splitlines() == ["oh no", "oh no"]


def test_tools_are_running_only_after_the_customization_script(boot: Boot, hypervisor: Hypervisor) -> None:
    hypervisor.create("vm-2", "ubuntu", "vc1")
    slow = "#!/bin/bash\nuntil [ -e /tmp/go ]; do sleep 0.02; done\n"
    hypervisor.power_on("vm-2", GuestSpec(name="vm-2", computer_name="c", customize=True, customization_script=slow))
    with pytest.raises(TimeoutError):
        hypervisor.wait_for_tools("vm-2", 0.2)
    wait_until(lambda: hypervisor.tools_state("vm-2") is ToolsState.STARTING, "the tools to start")
    hypervisor.guest("vm-2").tree.write("/tmp/go", "")
    hypervisor.wait_for_tools("vm-2", LIMIT_S)


def test_files_outlive_a_power_cycle_and_processes_do_not(shell: Shell) -> None:
    shell.succeed("echo kept > /root/file; mount -t tmpfs none /mnt; nohup sleep 1000 >/dev/null 2>&1 &")
    shell.hypervisor.reset(shell.moid)
    shell.hypervisor.wait_for_tools(shell.moid, LIMIT_S)
    assert shell.succeed("cat /root/file") == "kept\n"
    assert "/mnt" not in shell.succeed("mount")
    assert len([program for program in shell.guest.programs.all() if program.exit_code is None]) == 0


def test_only_enabled_services_start_at_boot(shell: Shell) -> None:
    shell.succeed(
        "systemctl stop docker; systemctl disable --now containerd; systemctl enable docker; systemctl start ufw"
    )
    shell.hypervisor.reset(shell.moid)
    shell.hypervisor.wait_for_tools(shell.moid, LIMIT_S)
    assert shell.run("systemctl is-active docker containerd ufw").out.split() == ["active", "inactive", "inactive"]


def test_a_guest_can_shut_itself_down(shell: Shell) -> None:
    shell.hypervisor.execute(shell.moid, "shutdown -h now; sleep 60")
    assert shell.hypervisor.power_state(shell.moid) is PowerState.OFF


def test_power_states_forbid_what_makes_no_sense(hypervisor: Hypervisor, shell: Shell) -> None:
    with pytest.raises(PowerStateError):
        hypervisor.power_on(shell.moid, shell.guest.spec)
    hypervisor.suspend(shell.moid)
    assert hypervisor.power_state(shell.moid) is PowerState.SUSPENDED
    for action in (hypervisor.reset, hypervisor.suspend, hypervisor.shut_down):
        with pytest.raises(PowerStateError):
            action(shell.moid)
    hypervisor.power_on(shell.moid, shell.guest.spec)
    hypervisor.wait_for_tools(shell.moid, LIMIT_S)
    hypervisor.power_off(shell.moid)
    hypervisor.power_off(shell.moid)


def test_the_files_of_a_deleted_machine_go_while_others_work(hypervisor: Hypervisor, boot: Boot) -> None:
    shell = boot("vm-1")
    shell.succeed("touch /root/something")
    files = shell.guest.disk.paths.directory
    assert files.is_dir()
    hypervisor.delete("vm-1")
    with pytest.raises(UnknownGuestError):
        hypervisor.guest("vm-1")
    boot("vm-1").succeed("touch /root/of-the-next")
    wait_until(lambda: not files.exists(), "its files to go")
    assert hypervisor.guest("vm-1").disk.tree.exists("/root/of-the-next")


def test_a_captured_image_has_the_disk_and_the_password(hypervisor: Hypervisor, boot: Boot) -> None:
    source = boot("source", image="ubuntu-base", admin_password="of-the-template")
    source.succeed("echo baked > /etc/baked; ln -s /etc/baked /root/link; mkdir -m 0700 /opt/private; mkfifo /tmp/pipe")
    source.succeed("printf '#!/bin/sh\\necho mine\\n' > /usr/local/bin/mine; chmod 755 /usr/local/bin/mine")
    source.succeed("apt-get update; apt-get install -y nfs-kernel-server")
    hypervisor.power_off("source")
    image = hypervisor.capture("source")
    assert hypervisor.image_password(image) == "of-the-template"
    hypervisor.delete("source")

    clone = boot("clone", "10.0.0.9", image)
    assert clone.succeed("cat /root/link; mine; stat -c %a /opt/private; exportfs; hostname").split() == [
        "baked",
        "mine",
        "700",
        "clone",
    ]
    clone.guest.log_in("root", "of-the-template")
    clone.succeed("echo changed > /etc/baked")
    assert boot("second", "10.0.0.10", image).succeed("cat /etc/baked") == "baked\n"


def test_a_running_program_forbids_a_capture(hypervisor: Hypervisor, shell: Shell) -> None:
    root = shell.account("root")
    shell.guest.programs.start(root, ["/bin/sleep", "1000"])
    with pytest.raises(PowerStateError):
        hypervisor.capture(shell.moid)


def test_a_guest_of_a_deleted_image_keeps_working(hypervisor: Hypervisor, shell: Shell, boot: Boot) -> None:
    shell.succeed("echo baked > /etc/baked")
    hypervisor.power_off(shell.moid)
    image = hypervisor.capture(shell.moid)
    hypervisor.create("late", image, "vc1")
    hypervisor.delete_image(image)
    hypervisor.power_on("late", GuestSpec(name="late", computer_name="late"))
    hypervisor.wait_for_tools("late", LIMIT_S)
    assert hypervisor.execute("late", "cat /etc/baked")[1] == "baked\n"
    with pytest.raises(UnknownImageError):
        hypervisor.create("too-late", image, "vc1")


def test_unknown_names_are_refused(hypervisor: Hypervisor, shell: Shell) -> None:
    with pytest.raises(UnknownImageError, match="known images: blank, photon"):
        hypervisor.create("x", "windows", "vc1")
    with pytest.raises(UnknownGuestError, match="vm-404"):
        hypervisor.power_off("vm-404")
    with pytest.raises(ValueError, match="already"):
        hypervisor.create(shell.moid, "photon", "vc1")
    with pytest.raises(UnknownImageError):
        hypervisor.delete_image("photon")


def test_guests_that_are_never_used_cost_no_files(hypervisor: Hypervisor, tmp_path: Path) -> None:
    before = sum(1 for _ in tmp_path.rglob("*"))
    for number in range(2000):
        hypervisor.create(f"vm-{number}", "photon", "vc1")
        hypervisor.power_on(
            f"vm-{number}",
            GuestSpec(name="n", computer_name="n", ip_addresses=(f"10.1.{number // 250}.{number % 250}",)),
        )
    for number in range(2000):
        hypervisor.wait_for_tools(f"vm-{number}", LIMIT_S)
    assert sum(1 for _ in tmp_path.rglob("*")) == before


def test_networks_keep_guests_of_the_same_address_apart(boot: Boot) -> None:
    ours = boot("ours", "10.0.0.5", network_ids=("net-a",))
    theirs = boot("theirs", "10.0.0.5", network_ids=("net-b",))
    peer = boot("peer", "10.0.0.6", network_ids=("net-b",))
    ours.succeed("kubeadm init")
    peer.succeed("ping -c 1 10.0.0.5")
    assert peer.run("curl -sk https://10.0.0.5:6443/healthz").code == 7
    theirs.succeed("kubeadm init")
    assert peer.succeed("curl -sk https://10.0.0.5:6443/healthz") == "ok"


def test_a_guest_reports_its_customization_once_its_tools_run(hypervisor: Hypervisor, times: Times) -> None:
    reported: list[str] = []
    hypervisor.on_customized(reported.append)
    hypervisor.create("vm-1", "ubuntu", "vc1")
    hypervisor.create("vm-2", "ubuntu", "vc1")
    hypervisor.power_on("vm-2", GuestSpec(name="vm-2", computer_name="c"))
    hypervisor.wait_for_tools("vm-2", LIMIT_S)
    hypervisor.power_on("vm-1", GuestSpec(name="vm-1", computer_name="c", customize=True))
    wait_until(lambda: reported == ["vm-1"], "the report")
    hypervisor.reset("vm-1")
    wait_until(lambda: reported == ["vm-1", "vm-1"], "the report at the next boot")
    times.seconds["guest.report"] = 3600
    hypervisor.reset("vm-1")
    hypervisor.wait_for_tools("vm-1", LIMIT_S)
    assert reported == ["vm-1", "vm-1"], "it takes as long as the profile says"


def test_a_machine_without_an_operating_system_runs_and_does_nothing(hypervisor: Hypervisor) -> None:
    reported: list[str] = []
    hypervisor.on_customized(reported.append)
    hypervisor.create("vm-1", "blank", "vc1")
    hypervisor.power_on("vm-1", GuestSpec(name="vm-1", computer_name="c", customize=True))
    with pytest.raises(ToolsNotRunningError):
        hypervisor.wait_for_tools("vm-1", LIMIT_S)
    assert (hypervisor.power_state("vm-1"), hypervisor.guest("vm-1").is_up) == (PowerState.ON, False)
    with pytest.raises(ToolsNotRunningError):
        hypervisor.shut_down("vm-1")
    with pytest.raises(ToolsNotRunningError, match="no operating system"):
        hypervisor.execute("vm-1", "true")
    hypervisor.suspend("vm-1")
    hypervisor.power_on("vm-1", GuestSpec(name="vm-1", computer_name="c"))
    hypervisor.power_off("vm-1")
    image = hypervisor.capture("vm-1")
    hypervisor.create("vm-2", image, "vc1")
    hypervisor.power_on("vm-2", GuestSpec(name="vm-2", computer_name="c"))
    with pytest.raises(ToolsNotRunningError):
        hypervisor.wait_for_tools("vm-2", LIMIT_S)
    assert reported == []
