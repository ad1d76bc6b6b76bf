"""Settings of the machine: its time zone, cloud-init, container tools, and what scripts expect to find."""

import pytest

from cse_testing.simulated import Boot, Shell
from vcd_simulator.guests import Hypervisor


def test_the_time_zone_is_kept_in_the_files_that_say_so(shell: Shell) -> None:
    assert shell.succeed("timedatectl show -p Timezone --value") == "Etc/UTC\n"
    shell.succeed("timedatectl set-timezone Europe/Berlin")
    assert shell.succeed("readlink /etc/localtime; cat /etc/timezone").split() == [
        "/usr/share/zoneinfo/Europe/Berlin",
        "Europe/Berlin",
    ]
    assert "Time zone: Europe/Berlin (CE" in shell.succeed("timedatectl")
    shell.succeed("ln -sf /usr/share/zoneinfo/Asia/Tokyo /etc/localtime")
    assert "Asia/Tokyo (JST, +0900)" in shell.succeed("timedatectl status")
    for zone in ("Mars/Olympus", "../../etc/passwd", "", "/etc/passwd"):
        assert "Invalid or not installed" in shell.fail(f"timedatectl set-timezone '{zone}'").err


def test_the_clock_is_synchronised_by_a_unit(shell: Shell) -> None:
    shell.succeed("timedatectl set-ntp false")
    assert shell.run("systemctl is-active systemd-timesyncd").out == "inactive\n"
    assert "NTP service: inactive" in shell.succeed("timedatectl")
    shell.succeed("systemctl enable --now systemd-timesyncd")
    assert shell.succeed("timedatectl show --property=NTP") == "NTP=yes\n"
    shell.fail("timedatectl set-ntp perhaps")


def test_only_root_changes_the_clock(shell: Shell) -> None:
    shell.succeed("useradd -m alice")
    for change in ("set-timezone Europe/Berlin", "set-ntp false"):
        assert "authentication required" in shell.fail(f"su alice -c 'timedatectl {change}'").err


def test_scripts_wait_for_cloud_init(shell: Shell) -> None:
    assert shell.succeed("cloud-init status --wait") == "status: done\n"
    shell.succeed("cloud-init clean --logs")
    assert shell.succeed("cloud-init status") == "status: not run\n"
    shell.succeed("touch /etc/cloud/cloud-init.disabled")
    assert shell.succeed("cloud-init status") == "status: disabled\n"


@pytest.mark.parametrize("image", ["ubuntu", "photon", "ubuntu-base", "photon-base"])
def test_swap_is_taken_out_of_the_table_of_file_systems(boot: Boot, image: str) -> None:
    assert boot(image=image).succeed("swapoff -a && sed -i '/ swap / s/^/#/' /etc/fstab && cat /etc/fstab") != ""


def test_crictl_is_configured_in_its_file(shell: Shell) -> None:
    shell.succeed("crictl config --set runtime-endpoint=unix:///run/a.sock --set timeout=10")
    shell.succeed("crictl config image-endpoint unix:///run/b.sock")
    assert shell.succeed("grep -c : /etc/crictl.yaml; crictl config --get runtime-endpoint").split() == [
        "3",
        "unix:///run/a.sock",
    ]
    shell.fail("crictl config --set nonsense=1")
    assert "RuntimeName:  docker" in shell.succeed("crictl version")
    shell.succeed("crictl pull k8s.gcr.io/pause:3.2")
    assert shell.succeed("crictl images -q").startswith("sha256:")


def test_a_key_is_made_where_there_is_no_directory_for_it(shell: Shell) -> None:
    shell.succeed("rm -rf /root/.ssh; ssh-keygen -t rsa -b 2048 -N '' -q -f /root/.ssh/id_rsa")
    assert shell.succeed("stat -c %a /root/.ssh /root/.ssh/id_rsa").split() == ["700", "600"]


def test_asking_for_help_reboots_nothing(shell: Shell) -> None:
    shell.succeed("reboot --help; poweroff -h")
    assert shell.guest.boots == 1


def test_deep_directories_are_captured_and_given_away(hypervisor: Hypervisor, shell: Shell) -> None:
    """Made, owned and copied without going in deeper and deeper."""
    shell.succeed(
        "useradd -m alice; mkdir /home/alice/d; cd /home/alice/d; "
        "for n in $(seq 500); do mkdir n && cd n || exit 1; done; echo deepest > f; chown -R alice /home/alice/d"
    )
    image = hypervisor.capture("node-1")
    hypervisor.create("copy", image, "vc1")
    deepest = "/home/alice/d" + "/n" * 500 + "/f"
    tree = hypervisor.guest("copy").tree
    assert (tree.read(deepest), tree.info(deepest).uid) == (b"deepest\n", 1000)
