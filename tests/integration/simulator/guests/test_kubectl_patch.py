"""kubectl patch, logs and exec in guests."""

import json
from typing import Any

import pytest

from cse_testing.simulated import Boot, Shell

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  template:
    spec:
      containers:
      - {name: web, image: "web:1", env: [{name: A, value: "1"}]}
      - {name: side, image: "side:1"}
"""


@pytest.fixture
def cluster(boot: Boot) -> Shell:
    """The control plane of a cluster with one worker, node-1, and a deployment of two containers."""
    shell, worker = boot("mstr-1", "10.0.0.2"), boot("node-1", "10.0.0.3")
    shell.succeed("kubeadm init && mkdir -p /root/.kube && cp /etc/kubernetes/admin.conf /root/.kube/config")
    shell.succeed("kubectl apply -f https://github.com/weaveworks/weave/releases/w.yaml")
    worker.succeed(shell.succeed("kubeadm token create --print-join-command"))
    shell.succeed(f"kubectl apply -f - <<'END'{DEPLOYMENT}END")
    return shell


def shown(cluster: Shell, what: str) -> Any:
    return json.loads(cluster.succeed(f"kubectl get {what} -o json"))


def test_a_strategic_patch_merges_lists_by_their_keys(cluster: Shell) -> None:
    change = {
        "metadata": {"labels": {"app": None, "tier": "x"}},
        "spec": {
            "template": {
                "spec": {
                    "containers": [
                        {"name": "web", "image": "web:2", "env": [{"name": "B", "value": "2"}]},
                        {"name": "side", "$patch": "delete"},
                    ]
                }
            }
        },
    }
    assert cluster.succeed(f"kubectl patch deploy web -p '{json.dumps(change)}'") == "deployment.apps/web patched\n"
    document = shown(cluster, "deploy web")
    assert document["metadata"]["labels"] == {"tier": "x"}
    (container,) = document["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "web:2"
    assert [one["name"] for one in container["env"]] == ["A", "B"]
    again = cluster.succeed(f"kubectl patch deployment/web --patch '{json.dumps(change)}'")
    assert again == "deployment.apps/web patched (no change)\n"


def test_a_merge_patch_replaces_lists(cluster: Shell) -> None:
    change = '{"spec":{"template":{"spec":{"containers":[{"name":"one","image":"i"}]}}}}'
    cluster.succeed(f"kubectl patch deploy web --type merge -p '{change}'")
    spec = shown(cluster, "deploy web")["spec"]
    assert spec["template"]["spec"]["containers"] == [{"name": "one", "image": "i"}]
    assert spec["replicas"] == 2


def test_a_json_patch_is_carried_out_wholly_or_not_at_all(cluster: Shell) -> None:
    change = [
        {"op": "test", "path": "/spec/replicas", "value": 2},
        {"op": "replace", "path": "/spec/replicas", "value": 3},
        {"op": "add", "path": "/metadata/labels/a~1b", "value": "c"},
        {"op": "remove", "path": "/spec/template/spec/containers/1"},
    ]
    cluster.succeed(f"kubectl patch deploy web --type=json -p='{json.dumps(change)}'")
    document = shown(cluster, "deploy web")
    assert document["spec"]["replicas"] == 3
    assert document["metadata"]["labels"] == {"app": "web", "a/b": "c"}
    assert len(document["spec"]["template"]["spec"]["containers"]) == 1
    assert "failed" in cluster.fail(f"kubectl patch deploy web --type=json -p='{json.dumps(change)}'").err
    assert shown(cluster, "deploy web") == document


def test_nodes_are_patched_too(cluster: Shell) -> None:
    line = """kubectl patch node node-1 -p '{"spec":{"unschedulable":true},"metadata":{"labels":{"zone":"a"}}}'"""
    assert cluster.succeed(line) == "node/node-1 patched\n"
    assert "SchedulingDisabled" in cluster.succeed("kubectl get node node-1 -l zone=a")
    assert cluster.succeed(line) == "node/node-1 patched (no change)\n"
    taint = '{"spec":{"taints":[{"key":"k","effect":"NoSchedule"}],"unschedulable":false}}'
    cluster.succeed(f"kubectl patch node node-1 --type merge -p '{taint}'")
    assert shown(cluster, "node node-1")["spec"]["taints"] == [{"effect": "NoSchedule", "key": "k"}]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("kubectl patch deploy none -p '{}'", "NotFound"),
        ("kubectl patch deploy web", "Must specify -p"),
        ("kubectl patch deploy web -p '[1'", "unable to parse"),
        ("kubectl patch deploy web -p '3'", "no object"),
        ("kubectl patch deploy web --type odd -p '{}'", "must be one of"),
        ("""kubectl patch deploy web -p '{"kind": "Pod"}'""", "may not be changed"),
        ("""kubectl patch deploy web -p '{"metadata": {"name": "x"}}'""", "immutable"),
        ("""kubectl patch deploy web --type json -p '[{"op":"remove","path":"/x/y"}]'""", "missing path"),
    ],
    ids=["missing", "no-patch", "no-yaml", "no-object", "type", "kind", "name", "path"],
)
def test_what_cannot_be_patched(cluster: Shell, line: str, message: str) -> None:
    assert message in cluster.fail(line).err


def test_containers_say_nothing_and_hold_nothing(cluster: Shell) -> None:
    assert cluster.succeed("kubectl logs -n kube-system etcd-mstr-1 --tail 5; kubectl logs deploy/web -c web") == ""
    assert "NotFound" in cluster.fail("kubectl logs none").err
    result = cluster.fail("kubectl -n kube-system exec -it etcd-mstr-1 -- etcdctl member list --write-out=json")
    assert result.code == 126
    assert '"etcdctl\\": executable file not found' in result.err
    assert "at least one command" in cluster.fail("kubectl exec -n kube-system etcd-mstr-1").err
    assert cluster.run("timeout 1 kubectl logs -f deploy/web").code == 124, "it follows until it is interrupted"


def test_containers_of_a_node_that_is_away(cluster: Shell, boot: Boot) -> None:
    worker = boot("node-2", "10.0.0.4")
    worker.succeed(cluster.succeed("kubeadm token create --print-join-command"))
    pods = "kubectl get pods -n kube-system -o jsonpath='{.items[?(@.spec.nodeName==\"node-2\")].metadata.name}'"
    (name,) = [one for one in cluster.succeed(pods).split() if one.startswith("kube-proxy")]
    worker.succeed("systemctl stop kubelet")
    assert "connection refused" in cluster.fail(f"kubectl logs -n kube-system {name}").err
