"""kubeadm upgrade in guests: from one minor release to the next."""

import pytest

from cse_testing.simulated import Boot, Shell

INIT = "kubeadm init --kubernetes-version v1.12.5"
ADMIN = "mkdir -p /root/.kube && cp /etc/kubernetes/admin.conf /root/.kube/config"
CNI = "kubectl apply -f https://github.com/weaveworks/weave/releases/w.yaml"


@pytest.fixture
def cluster(boot: Boot) -> Shell:
    """The control plane of a cluster of v1.12.5, which its kubeadm 1.13.5 can upgrade, with one worker."""
    shell, worker = boot("mstr-1", "10.0.0.2"), boot("node-1", "10.0.0.3")
    shell.succeed(f"{INIT} && {ADMIN} && {CNI}")
    worker.succeed(shell.succeed("kubeadm token create --print-join-command"))
    return shell


def test_a_control_plane_is_upgraded(cluster: Shell) -> None:
    assert "kubeadm upgrade apply v1.13.5" in cluster.succeed("kubeadm upgrade plan")
    assert "v1.12.5" in cluster.succeed("kubectl version --short")
    assert "Enjoy!" in cluster.succeed("kubeadm upgrade apply -y v1.13.4")
    assert "Server Version: v1.13.4" in cluster.succeed("kubectl version --short")
    assert "v1.13.4" in cluster.succeed("cat /etc/kubernetes/manifests/kube-apiserver.yaml")
    cluster.succeed("echo y | kubeadm upgrade apply v1.13.5")
    assert "up-to-date" in cluster.succeed("kubeadm upgrade plan")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("kubeadm upgrade apply -y v1.14.0", "only 1 minor version"),
        ("kubeadm upgrade apply -y v1.13.9", "higher than the kubeadm version"),
        ("kubeadm upgrade apply -y v1.11.0", "lower than"),
        ("kubeadm upgrade apply -y 1.x", "couldn't parse"),
        ("kubeadm upgrade apply", "missing one or more required arguments"),
        ("echo n | kubeadm upgrade apply v1.13.5", "didn't answer"),
        ("kubeadm upgrade frob", "plan, apply and node"),
    ],
    ids=["two-minors", "newer-than-kubeadm", "downgrade", "no-version", "nothing", "refused", "verb"],
)
def test_what_cannot_be_upgraded_to(cluster: Shell, line: str, message: str) -> None:
    assert message in cluster.fail(line).err
    assert "Server Version: v1.12.5" in cluster.succeed("kubectl version --short")


def test_a_newer_patch_may_be_forced(cluster: Shell) -> None:
    cluster.succeed("kubeadm upgrade apply --force v1.13.9")
    assert "Server Version: v1.13.9" in cluster.succeed("kubectl version --short")


def test_all_nodes_have_to_be_ready(cluster: Shell, boot: Boot) -> None:
    worker = boot("node-2", "10.0.0.4")
    worker.succeed(cluster.succeed("kubeadm token create --print-join-command"))
    worker.succeed("systemctl stop kubelet")
    assert "NotReady Nodes in the cluster: ['node-2']" in cluster.fail("kubeadm upgrade apply -y v1.13.5").err
    cluster.succeed("kubeadm upgrade apply -y v1.13.5 --ignore-preflight-errors=NodeHealth")


def test_only_a_control_plane_can_be_upgraded(cluster: Shell, boot: Boot) -> None:
    other = boot("other", "10.0.0.9")
    assert "no such file" in other.fail("kubeadm upgrade plan").err
    assert "no such file" in other.fail("kubeadm upgrade node").err
    other.succeed("mkdir -p /etc/kubernetes")
    other.guest.tree.write("/etc/kubernetes/admin.conf", cluster.succeed("cat /etc/kubernetes/admin.conf"))
    assert "no control plane" in other.fail("kubeadm upgrade plan").err


def test_a_kubelet_shows_its_new_version_when_it_starts(boot: Boot) -> None:
    shell = boot("mstr-1", "10.0.0.2")
    shell.succeed(
        "apt-get install -y --allow-downgrades kubelet=1.12.7-00 && kubeadm init --kubernetes-version v1.12.5"
    )
    node = "kubectl --kubeconfig /etc/kubernetes/admin.conf get nodes --no-headers"
    assert "v1.12.7" in shell.succeed(node)
    shell.succeed("kubeadm upgrade apply -y v1.13.5 --ignore-preflight-errors=all; kubeadm upgrade node config")
    shell.succeed("apt-get install -y kubelet=1.13.5-00; systemctl restart kubelet")
    assert "v1.13.5" in shell.succeed(node)
