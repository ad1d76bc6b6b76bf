"""Stand-ins for the commands of an operating system, in the ways that node scripts use them."""

import pytest

from cse_testing.simulated import Boot, Shell, Times
from vcd_simulator.guests import Hypervisor
from vcd_simulator.guests.archive import pack
from vcd_simulator.guests.errors import LoginError

BASES = {"debian": "ubuntu-base", "rpm": "photon-base"}


@pytest.fixture(params=["ubuntu", "photon"])
def either(boot: Boot, request: pytest.FixtureRequest) -> Shell:
    return boot("node-1", image=request.param)


def test_chpasswd_changes_who_may_log_in(shell: Shell) -> None:
    shell.succeed('/bin/echo "root:new pass:$word" | chpasswd')
    shell.guest.log_in("root", "new pass:")
    with pytest.raises(LoginError):
        shell.guest.log_in("root", "vmware")
    shell.succeed("printf '%s\\n' 'root:it'\\''s \"quoted\"' | /usr/sbin/chpasswd")
    shell.guest.log_in("root", 'it\'s "quoted"')


@pytest.mark.parametrize("line", ["root", "nobody-there:x", "root:good\nbroken"])
def test_chpasswd_changes_nothing_when_a_line_is_wrong(shell: Shell, line: str) -> None:
    shell.guest.tree.write("/tmp/lines", line)
    assert "changes ignored" in shell.fail("chpasswd < /tmp/lines").err
    shell.guest.log_in("root", "vmware")


def test_passwd_wants_the_password_twice(shell: Shell) -> None:
    shell.succeed("printf 'a b\\na b\\n' | passwd")
    shell.guest.log_in("root", "a b")
    assert "do not match" in shell.fail("printf 'a\\nb\\n' | passwd root").err
    shell.succeed("passwd -l root")
    with pytest.raises(LoginError):
        shell.guest.log_in("root", "a b")


def test_accounts_come_and_go(shell: Shell) -> None:
    shell.succeed("useradd -m -s /bin/bash -G sudo alice && echo alice:secret | chpasswd")
    assert "alice:x:1000:1000" in shell.succeed("cat /etc/passwd")
    assert shell.succeed("id -u alice; getent passwd alice | cut -d: -f6; chown alice:alice /home/alice").split() == [
        "1000",
        "/home/alice",
    ]
    shell.guest.log_in("alice", "secret")
    assert "already exists" in shell.fail("useradd alice").err
    assert "does not exist" in shell.fail("useradd -G nonsense bob").err
    shell.succeed("userdel -r alice")
    assert "invalid user" in shell.fail("chown alice /root").err
    shell.fail("test -e /home/alice")


def test_services_follow_systemctl(either: Shell) -> None:
    run = either.run
    assert either.succeed("systemctl is-active docker; systemctl is-enabled docker").split() == ["active", "enabled"]
    assert run("systemctl stop docker; systemctl is-active docker").code == 3
    assert run("systemctl disable docker; systemctl is-enabled docker").out == "disabled\n"
    assert run("systemctl enable --now docker; systemctl is-active --quiet docker").code == 0
    assert run("systemctl start nonsense").code == 5
    assert "Unit nonsense.service not found" in run("systemctl start nonsense").err
    assert run("systemctl enable nonsense").code == 1
    assert run("systemctl status docker").code == 0
    assert run("systemctl mask docker; systemctl stop docker; systemctl start docker").code == 1
    assert run("systemctl frobnicate docker").code == 1
    assert run("systemctl show -p ActiveState --value docker").out == "inactive\n"


def test_a_unit_that_a_script_writes_can_be_started(shell: Shell) -> None:
    shell.succeed(
        "printf '[Service]\\nExecStart=/bin/true\\n' > /etc/systemd/system/mine.service; systemctl daemon-reload"
    )
    assert shell.succeed("systemctl enable --now mine; systemctl is-active mine") == "active\n"


def test_apt_installs_what_configured_repositories_have(boot: Boot) -> None:
    shell = boot(image=BASES["debian"])
    shell.fail("command -v kubeadm")
    assert "Unable to locate package kubeadm" in shell.fail("apt-get update && apt-get install -y kubeadm").err
    assert shell.run("apt-get install -y no-such-thing").code == 100
    shell.succeed(
        "curl -fsSL https://apt.kubernetes.io/doc/apt-key.gpg | apt-key add -\n"
        "echo 'deb https://apt.kubernetes.io/ kubernetes-xenial main' > /etc/apt/sources.list.d/kubernetes.list\n"
        "apt-get -q update && apt-get -q -y install docker.io kubelet=1.13.5-00 kubeadm=1.13.5-00\n"
        "kubeadm version"
    )
    assert shell.succeed("kubeadm version -o short; dpkg-query -W -f='${Version}' kubeadm").split() == [
        "v1.13.5",
        "1.13.5-00",
    ]
    assert shell.run("systemctl is-active docker").out == "active\n"
    assert shell.succeed("apt-mark hold kubeadm; apt-mark showhold").splitlines()[-1] == "kubeadm"
    shell.succeed("apt-get remove -y kubeadm")
    shell.fail("kubeadm version")
    assert "tdnf" in shell.fail("tdnf install x").err


def test_a_command_appears_in_a_script_that_runs_already(boot: Boot) -> None:
    shell = boot(image=BASES["rpm"])
    script = "command -v showmount || echo absent; tdnf install -y nfs-utils >/dev/null; command -v showmount"
    assert shell.succeed(script).split() == ["absent", "/usr/sbin/showmount"]


def test_photon_comes_with_a_docker_that_somebody_has_to_enable(boot: Boot) -> None:
    """Scripts of CSE 1.2.6 and earlier install none."""
    shell = boot(image=BASES["rpm"])
    assert shell.run("systemctl is-enabled docker; systemctl is-active docker").out.split() == ["disabled", "inactive"]
    shell.succeed("systemctl enable docker && systemctl start docker && docker info")


def test_tdnf_installs_versions(boot: Boot) -> None:
    shell = boot(image=BASES["rpm"])
    shell.succeed(
        "tdnf makecache -q && tdnf install -y docker-17.06.0-9.ph2 kubernetes-1.12.7-1.ph2 "
        "kubernetes-kubeadm-1.12.7-1.ph2 socat"
    )
    assert shell.succeed("rpm -q docker").strip() == "docker-17.06.0-9.ph2.x86_64"
    assert shell.run("systemctl is-active docker").code == 3
    shell.succeed("systemctl enable --now docker && docker info && kubeadm init")
    assert shell.run("tdnf install -y nonsense").code == 1
    assert shell.run("rpm -q nonsense").code == 1


def test_installing_takes_time_only_when_there_is_something_to_do(shell: Shell, times: Times) -> None:
    times.seconds["guest.process.package-install"] = 3600
    shell.succeed("apt-get install -y docker-ce kubeadm")
    assert shell.run("timeout 0.2 apt-get install -y rsync").code == 124


def test_docker_needs_its_daemon(shell: Shell) -> None:
    shell.succeed("docker pull nginx:1 && docker images | grep -q nginx && docker ps")
    assert "Docker version 18.06.3" in shell.succeed("docker --version")
    shell.succeed("systemctl stop docker")
    assert "Cannot connect to the Docker daemon" in shell.fail("docker ps").err
    shell.fail("crictl ps")


def test_the_kernel(shell: Shell) -> None:
    shell.succeed("modprobe -a br_netfilter overlay; lsmod | grep -q br_netfilter")
    assert "not found in directory" in shell.fail("modprobe nonsense").err
    shell.succeed("sysctl -w net.ipv4.ip_forward=0")
    assert shell.succeed("sysctl -n net.ipv4.ip_forward") == "0\n"
    shell.succeed("echo 'net.ipv4.ip_forward = 1' > /etc/sysctl.d/9.conf; sysctl --system")
    assert shell.succeed("sysctl net.ipv4.ip_forward") == "net.ipv4.ip_forward = 1\n"
    assert "No such file" in shell.fail("sysctl nonsense.key").err
    shell.succeed("swapoff -a; swapon --show")


def test_addresses_are_shown_as_scripts_cut_them_out(boot: Boot) -> None:
    shell = boot(address="10.7.8.9")
    cuts = (
        "hostname -I | awk '{print $1}'",
        "ip route get 8.8.8.8 | awk 'NR==1 {print $NF}'",
        "ip -4 -o addr show scope global | awk '{split($4, p, \"/\"); print p[1]}'",
        "ip addr show | grep 'inet ' | grep -v 127.0.0.1 | awk '{print $2}' | cut -d/ -f1",
    )
    for cut in cuts:
        assert shell.succeed(cut) == "10.7.8.9\n", cut
    assert shell.run("ip addr show dev nonsense0").code == 1
    assert boot("alone", ip_addresses=()).run("ip route get 8.8.8.8").code == 2


def test_the_name_of_the_machine(shell: Shell) -> None:
    shell.succeed("hostnamectl set-hostname first && hostname second")
    assert shell.succeed("hostname; hostname -s; cat /etc/hostname; grep -c second /etc/hosts").split() == [
        "second"
    ] * 3 + ["1"]


def test_the_internet_is_not_there(shell: Shell) -> None:
    assert shell.run("curl -fsS https://example.com/").code == 6
    assert shell.run("wget -q https://example.com/file").code == 4
    assert shell.run("ping -c1 -W1 example.com").code == 2
    assert shell.run("ping -c1 10.0.0.99").code == 1
    shell.succeed("curl -sSL -o /tmp/w.yaml 'https://cloud.weave.works/k8s/net?k8s-version=x'")
    assert shell.succeed("grep -c DaemonSet /tmp/w.yaml") == "1\n"


def test_nfs_between_guests(boot: Boot) -> None:
    server, client = boot("nfsd-1", "10.0.0.5"), boot("node-1", "10.0.0.3")
    assert "Program not registered" in client.fail("systemctl stop nfs-kernel-server && showmount -e").err
    server.succeed("mkdir -p /home/share; echo '/home/share *(rw,sync)' >> /etc/exports")
    server.succeed("systemctl enable --now nfs-kernel-server && exportfs -ra")
    assert client.succeed("showmount -e 10.0.0.5").splitlines() == [
        "Export list for 10.0.0.5:",
        "/home/share (everyone)",
    ]
    client.succeed("mkdir -p /mnt/nfs && mount -t nfs 10.0.0.5:/home/share /mnt/nfs && mountpoint -q /mnt/nfs")
    assert "10.0.0.5:/home/share on /mnt/nfs type nfs" in client.succeed("mount")
    assert "already mounted" in client.fail("mount 10.0.0.5:/home/share /mnt/nfs").err
    assert "access denied" in client.fail("mkdir /mnt/x; mount 10.0.0.5:/etc /mnt/x").err
    assert "mount point does not exist" in client.fail("mount 10.0.0.5:/home/share /mnt/none").err
    client.succeed("umount /mnt/nfs")
    assert "not mounted" in client.fail("umount /mnt/nfs").err
    server.succeed("exportfs -ua")
    assert "access denied" in client.fail("mount 10.0.0.5:/home/share /mnt/nfs").err
    assert "Failed to stat" in server.fail("echo '/nonsense *(rw)' > /etc/exports; exportfs -ra").err


def test_firewall_rules_are_remembered(shell: Shell) -> None:
    rule = "INPUT -p tcp --dport 6443 -j ACCEPT"
    shell.fail(f"iptables -C {rule}")
    shell.succeed(f"iptables -A {rule} && iptables -C {rule} && iptables-save | grep -q 'dport 6443'")
    shell.succeed(f"iptables -D {rule}")
    shell.fail(f"iptables -D {rule}")


def test_properties_reach_the_guest_through_its_tools(boot: Boot) -> None:
    shell = boot(guest_properties={"role": "a 'worker'"}, ssh_keys=("ssh-ed25519 AAAA me",))
    assert shell.succeed("vmtoolsd --cmd 'info-get guestinfo.role'") == "a 'worker'\n"
    assert shell.fail("vmware-rpctool 'info-get guestinfo.none'").err == "No value found\n"
    assert shell.succeed("cat /root/.ssh/authorized_keys; stat -c %a /root/.ssh") == "ssh-ed25519 AAAA me\n700\n"


def test_a_guest_tells_the_host_something(shell: Shell) -> None:
    shell.succeed("vmtoolsd --cmd 'info-set guestinfo.state half way: 50 %'")
    assert shell.succeed("vmtoolsd --cmd 'info-get guestinfo.state'") == "half way: 50 %\n"
    assert "not 'frobnicate'" in shell.fail("vmtoolsd --cmd 'frobnicate x'").err
    assert shell.guest.information == {"state": "half way: 50 %"}


def test_what_a_stand_in_does_not_know_it_refuses(shell: Shell) -> None:
    for line in ("docker run x", "crictl frob", "kubectl frob", "kubectl attach x", "kubeadm frob", "systemctl frob"):
        result = shell.fail(line)
        assert result.err, line
        assert result.out == "", line


def test_an_ubuntu_s_name_servers_are_made_of_parts(boot: Boot) -> None:
    shell = boot("part", image="ubuntu-base")
    shell.succeed("echo 'nameserver 8.8.8.8' >> /etc/resolvconf/resolv.conf.d/tail; resolvconf -u")
    assert shell.succeed("cat /etc/resolv.conf") == "nameserver 8.8.8.8\n"


def test_a_photon_s_repositories_can_be_moved(boot: Boot) -> None:
    shell = boot("moved", image="photon-base")
    names = [f"photon{suffix}.repo" for suffix in ("-debuginfo", "-extras", "-updates", "")]
    assert shell.succeed("ls /etc/yum.repos.d").split() == names
    shell.succeed("cd /etc/yum.repos.d; sed -i 's/dl.bintray.com/packages.vmware.com/' *.repo")
    shell.succeed("tdnf makecache -q; tdnf install -yq docker-18.06.2-6.ph2; docker --version")


def test_owners_are_kept_and_shown(shell: Shell) -> None:
    shell.succeed("useradd -m -s /bin/bash bob; mkdir -p /srv/a/b; touch /srv/a/b/c; chown -R bob /srv/a")
    owners = shell.succeed("stat -c '%n %U:%G %u' /home/bob /srv/a/b/c /srv; chgrp sudo /srv/a; stat -c %G /srv/a")
    assert owners.splitlines() == ["/home/bob bob:bob 1000", "/srv/a/b/c bob:root 1000", "/srv root:root 0", "sudo"]
    rows = [line.split() for line in shell.succeed("ls -la /srv/a/b; ls -ln /srv/a/b/c").splitlines()[1:]]
    assert [(row[2], row[3], row[-1]) for row in rows] == [
        ("bob", "root", "."),
        ("bob", "sudo", ".."),
        ("bob", "root", "c"),
        ("1000", "0", "/srv/a/b/c"),
    ]
    assert shell.succeed("ls /srv/a/b; ls -1a /srv/a/b").split() == ["c", ".", "..", "c"]
    assert shell.succeed("rm /srv/a/b/c; touch /srv/a/b/c; stat -c %U /srv/a/b/c") == "root\n", "another file"
    assert "Uid: ( 1000/     bob)" in shell.succeed("stat /srv/a")
    shell.succeed("chown --reference=/srv/a /srv/a/b/c && chown 7:8 /tmp && chown $(id -u):$(id -g) /srv/a")
    assert shell.succeed("stat -c %U:%G /srv/a/b/c /srv/a /tmp").split() == ["bob:sudo", "root:root", "7:8"]
    assert "invalid group" in shell.fail("chown bob:nonsense /srv").err
    assert "No such file" in shell.fail("chown bob /none").err


def test_owners_go_with_images_and_saved_states(shell: Shell, hypervisor: Hypervisor) -> None:
    shell.succeed("useradd bob; touch /srv/f; chown bob /srv/f")
    hypervisor.power_off(shell.moid)
    hypervisor.create("copy", hypervisor.capture(shell.moid), "vc1")
    hypervisor.create("saved", "ubuntu", "vc1")
    hypervisor.guest("saved").disk.lay_out(pack(shell.guest.disk.paths.root, shell.guest.disk.paths.local))
    for moid in ("copy", "saved"):
        assert hypervisor.guest(moid).tree.info("/srv/f").uid == 1000
