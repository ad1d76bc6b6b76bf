"""The built-in scripts in simulated guests: they make a cluster, and running them again changes nothing."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from cse_templates.domain.template import Scripts
from cse_testing.guests import Machine, mint
from cse_testing.waiting import wait_until

Boot = Callable[..., Machine]

MASTER = {"CSE_CLUSTER_NAME": "c1", "CSE_NODE_NAME": "mstr-a1b2", "CSE_POD_SUBNET": "10.32.0.0/12"}


def nodes(control_plane: Machine) -> dict[str, Any]:
    """By name: whether the node is ready."""
    found = json.loads(control_plane.succeed("kubectl --kubeconfig /root/.kube/config get nodes -o json\n"))
    return {
        node["metadata"]["name"]: any(
            condition["type"] == "Ready" and condition["status"] == "True" for condition in node["status"]["conditions"]
        )
        for node in found["items"]
    }


@pytest.fixture
def control_plane(boot: Boot, image: str, scripts: Scripts) -> Machine:
    machine = boot("mstr-a1b2", "10.0.0.2", image)
    assert machine.succeed(scripts.control_plane, **MASTER).splitlines() == ["10.0.0.2"]
    return machine


def test_the_kubeconfig_is_where_the_cluster_manager_looks(control_plane: Machine) -> None:
    kubeconfig = yaml.safe_load(control_plane.files.read("/root/.kube/config"))
    assert kubeconfig["clusters"][0]["cluster"]["server"] == "https://10.0.0.2:6443"
    assert control_plane.succeed("stat -c %a /root/.kube /root/.kube/config\n").split() == ["700", "600"]


def test_the_container_network_is_applied(control_plane: Machine) -> None:
    wait_until(lambda: nodes(control_plane) == {"mstr-a1b2": True}, "the control plane to be ready")
    assert "weave-net" in control_plane.succeed(
        "kubectl --kubeconfig /root/.kube/config -n kube-system get daemonsets\n"
    )


def test_no_join_token_is_in_the_output(control_plane: Machine, scripts: Scripts) -> None:
    token = mint(control_plane).token
    again = control_plane.run(scripts.control_plane, **MASTER)
    assert token not in again.stdout + again.stderr


def test_initialising_again_changes_nothing(control_plane: Machine, scripts: Scripts) -> None:
    before = control_plane.files.read("/etc/kubernetes/admin.conf")
    assert control_plane.succeed(scripts.control_plane, **MASTER).splitlines() == ["10.0.0.2"]
    assert control_plane.files.read("/etc/kubernetes/admin.conf") == before
    assert list(nodes(control_plane)) == ["mstr-a1b2"]


def test_an_initialisation_that_was_interrupted_starts_afresh(control_plane: Machine, scripts: Scripts) -> None:
    control_plane.succeed("rm /etc/cse/initialised\n")
    before = control_plane.files.read("/etc/kubernetes/admin.conf")
    assert control_plane.succeed(scripts.control_plane, **MASTER).splitlines() == ["10.0.0.2"]
    assert control_plane.files.read("/etc/kubernetes/admin.conf") != before


def test_workers_join_and_become_ready(control_plane: Machine, boot: Boot, image: str, scripts: Scripts) -> None:
    join = mint(control_plane)
    for number, name in ((3, "node-c3d4"), (4, "node-e5f6")):
        boot(name, f"10.0.0.{number}", image).succeed(scripts.worker, CSE_NODE_NAME=name, **join.variables)
    expected = {"mstr-a1b2": True, "node-c3d4": True, "node-e5f6": True}
    wait_until(lambda: nodes(control_plane) == expected, "all nodes to be ready")


def test_joining_again_changes_nothing(control_plane: Machine, boot: Boot, image: str, scripts: Scripts) -> None:
    worker = boot("node-c3d4", "10.0.0.3", image)
    first, second = mint(control_plane), mint(control_plane)
    worker.succeed(scripts.worker, CSE_NODE_NAME="node-c3d4", **first.variables)
    done = worker.run(scripts.worker, CSE_NODE_NAME="node-c3d4", **second.variables)
    assert (done.exit_code, done.stdout) == (0, "")
    assert "has joined already" in done.stderr
    assert len(nodes(control_plane)) == 2


def test_a_join_that_was_interrupted_is_made_up_for(
    control_plane: Machine, boot: Boot, image: str, scripts: Scripts
) -> None:
    worker = boot("node-c3d4", "10.0.0.3", image)
    worker.succeed("mkdir -p /etc/kubernetes/pki && touch /etc/kubernetes/pki/ca.crt\n")
    worker.succeed(scripts.worker, CSE_NODE_NAME="node-c3d4", **mint(control_plane).variables)
    assert len(nodes(control_plane)) == 2


@pytest.mark.parametrize(
    "wrong", [{"CSE_JOIN_TOKEN": "aaaaaa.bbbbbbbbbbbbbbbb"}, {"CSE_JOIN_CA_HASH": "sha256:" + "0" * 64}]
)
def test_wrong_credentials_fail_and_the_right_ones_work_afterwards(
    control_plane: Machine, boot: Boot, image: str, scripts: Scripts, wrong: dict[str, str]
) -> None:
    worker = boot("node-c3d4", "10.0.0.3", image)
    join = mint(control_plane)
    failed = worker.run(scripts.worker, CSE_NODE_NAME="node-c3d4", **{**join.variables, **wrong})
    assert failed.exit_code != 0
    assert failed.stderr
    worker.succeed(scripts.worker, CSE_NODE_NAME="node-c3d4", **join.variables)
    assert len(nodes(control_plane)) == 2


def test_another_pod_subnet_reaches_the_container_network(boot: Boot, image: str, scripts: Scripts) -> None:
    machine = boot("mstr-a1b2", "10.0.0.2", image)
    machine.succeed(scripts.control_plane, **{**MASTER, "CSE_POD_SUBNET": "10.99.0.0/16"})
    shown = machine.succeed("kubectl --kubeconfig /root/.kube/config -n kube-system get daemonset weave-net -o json\n")
    containers = json.loads(shown)["spec"]["template"]["spec"]["containers"]
    assert {"name": "IPALLOC_RANGE", "value": "10.99.0.0/16"} in containers[0]["env"]


def test_the_nfs_node_exports_its_share(boot: Boot, image: str, scripts: Scripts) -> None:
    machine = boot("nfsd-x9y8", "10.0.0.9", image)
    for _ in range(2):
        machine.succeed(scripts.nfs, CSE_NODE_NAME="nfsd-x9y8")
    assert machine.files.read("/etc/exports").decode().count("/home *(") == 1
    assert machine.succeed("showmount -e\n").splitlines()[1].split()[0] == "/home"


def test_an_nfs_disk_that_is_not_there_is_told(boot: Boot, image: str, scripts: Scripts) -> None:
    done = boot("nfsd-x9y8", "10.0.0.9", image).run(scripts.nfs, CSE_NODE_NAME="nfsd-x9y8", CSE_NFS_DISK="/dev/sdz")
    assert done.exit_code != 0
    assert "there is no disk /dev/sdz" in done.stderr


@pytest.mark.parametrize("phase", ["precustomization", "postcustomization"])
def test_customization_works_on_the_image_that_is_built_from(
    boot: Boot, image: str, scripts: Scripts, phase: str
) -> None:
    boot("base", "10.0.0.5", f"{image}-base").succeed(scripts.init, phase)


def test_a_machine_that_was_customized_can_become_a_control_plane(boot: Boot, image: str, scripts: Scripts) -> None:
    machine = boot("mstr-a1b2", "10.0.0.2", f"{image}-base")
    for _ in range(2):
        machine.succeed(scripts.customize)
    assert machine.files.read("/etc/cse/cni.yaml")
    assert machine.succeed(scripts.control_plane, **MASTER).splitlines() == ["10.0.0.2"]
