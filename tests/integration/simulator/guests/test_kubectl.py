"""kubectl in guests: what it prints, and how it changes single things."""

import json

import pytest

from cse_testing.simulated import Boot, Shell
from vcd_simulator.guests.snapshot import restore_cluster, restore_nodes

CNI = "kubectl apply -f https://github.com/weaveworks/weave/releases/w.yaml"


@pytest.fixture
def cluster(boot: Boot) -> Shell:
    """The control plane of a cluster with one worker, node-1."""
    shell, worker = boot("mstr-1", "10.0.0.2"), boot("node-1", "10.0.0.3")
    shell.succeed(f"kubeadm init && mkdir -p /root/.kube && cp /etc/kubernetes/admin.conf /root/.kube/config && {CNI}")
    worker.succeed(shell.succeed("kubeadm token create --print-join-command"))
    return shell


def rows(cluster: Shell, line: str) -> list[list[str]]:
    return [row.split() for row in cluster.succeed(f"kubectl {line}").splitlines()]


def test_what_is_not_there(cluster: Shell) -> None:
    assert cluster.succeed("kubectl get node nobody --ignore-not-found; kubectl get ds x --ignore-not-found") == ""
    assert cluster.fail("kubectl get node nobody").err == 'Error from server (NotFound): nodes "nobody" not found\n'
    some = cluster.fail("kubectl get node node-1 nobody -o name")
    assert (some.out, some.err) == ("node/node-1\n", 'Error from server (NotFound): nodes "nobody" not found\n')
    assert 'resource type "frobs"' in cluster.fail("kubectl get frobs").err
    nothing = cluster.run("kubectl get statefulsets")
    assert (nothing.code, nothing.out, nothing.err) == (0, "", "No resources found.\n")


def test_tables(cluster: Shell) -> None:
    assert rows(cluster, "get svc")[0] == ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"]
    assert rows(cluster, "get svc --no-headers")[0][:5] == ["kubernetes", "ClusterIP", "10.96.0.1", "<none>", "443/TCP"]
    pods = rows(cluster, "get pods -n kube-system --no-headers")
    assert {tuple(row[1:4]) for row in pods} == {("1/1", "Running", "0")}
    assert rows(cluster, "get pods -A")[0][:2] == ["NAMESPACE", "NAME"]
    assert rows(cluster, "-n kube-system get ds kube-proxy --no-headers")[0][:4] == ["kube-proxy", "2", "2", "2"]
    assert rows(cluster, "get nodes -o custom-columns=N:.metadata.name,K:.kind --no-headers") == [
        ["mstr-1", "Node"],
        ["node-1", "Node"],
    ]
    assert rows(cluster, "get all")[1][0] == "service/kubernetes"


def test_labels_and_annotations(cluster: Shell) -> None:
    cluster.succeed("kubectl label node node-1 role=worker zone=a && kubectl label node node-1 role=worker zone-")
    assert "--overwrite is false" in cluster.fail("kubectl label node node-1 role=other").err
    cluster.succeed("kubectl label nodes --all tier=x; kubectl label --overwrite node/node-1 role=other")
    assert cluster.succeed("kubectl get nodes -l role=other,tier=x -o name") == "node/node-1\n"
    assert "role=other" in cluster.succeed("kubectl get node node-1 --show-labels --no-headers")
    cluster.succeed("kubectl label node node-1 role-")
    assert cluster.run("kubectl get nodes -l role -o name").out == ""
    cluster.succeed("kubectl annotate node node-1 note=yes; kubectl create cm c; kubectl label cm c app=x")
    assert cluster.succeed("kubectl get node node-1 -o jsonpath='{.metadata.annotations.note}'") == "yes"
    assert cluster.succeed("kubectl get cm -l app=x -o name") == "configmap/c\n"
    assert "no name" in cluster.fail("kubectl label node role=x").err


def test_taints_decide_where_pods_go(cluster: Shell) -> None:
    deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {replicas: 2}\n"
    cluster.guest.tree.write("/root/d.yaml", deployment)
    cluster.succeed("kubectl apply -f d.yaml")
    assert {row[-1] for row in rows(cluster, "get pods -o wide --no-headers")} == {"node-1"}
    cluster.succeed("kubectl taint nodes node-1 only=me:NoSchedule")
    assert "already has" in cluster.fail("kubectl taint nodes node-1 only=you:NoSchedule").err
    assert {row[2] for row in rows(cluster, "get pods --no-headers")} == {"Pending"}
    assert rows(cluster, "get deployment d --no-headers")[0][1] == "0/2"
    cluster.succeed("kubectl taint nodes mstr-1 node-role.kubernetes.io/master-; kubectl scale deploy d --replicas 1")
    assert [row[-1] for row in rows(cluster, "get pods -o wide --no-headers")] == ["mstr-1"]
    cluster.succeed("kubectl taint nodes node-1 only:NoSchedule-")
    assert "not found" in cluster.fail("kubectl taint nodes node-1 only:NoSchedule-").err
    taints = json.loads(cluster.succeed("kubectl get nodes -o json"))["items"]
    assert [item["spec"].get("taints") for item in taints] == [None, None]
    assert "invalid taint" in cluster.fail("kubectl taint nodes node-1 a=b:Sometimes").err


def test_objects_are_created_by_values(cluster: Shell) -> None:
    cluster.guest.tree.write("/root/file", "con\ntent\n")
    values = "--from-literal=a=b=c --from-file=file"
    cluster.succeed(f"kubectl create ns team; kubectl -n team create secret generic s {values}")
    assert cluster.succeed("kubectl -n team get secret s -o jsonpath='{.data.a}' | base64 -d") == "b=c"
    assert cluster.succeed("kubectl -n team get secret s -o jsonpath='{.data.file}' | base64 -d") == "con\ntent\n"
    assert "AlreadyExists" in cluster.fail("kubectl create namespace team").err
    assert "(NotFound)" in cluster.fail("kubectl get secret s").err
    cluster.succeed("kubectl create configmap dry --from-literal=k=v --dry-run=client -o yaml | kubectl apply -f -")
    assert cluster.succeed("kubectl get cm dry -o jsonpath='{.data.k}'") == "v"
    cluster.succeed("kubectl create clusterrolebinding all --clusterrole=cluster-admin --serviceaccount=team:default")
    assert "exactly one NAME" in cluster.fail("kubectl create namespace").err
    assert "cannot create" in cluster.fail("kubectl create job x").err


def test_what_is_changed_outlasts_a_saved_state(cluster: Shell) -> None:
    cluster.succeed("kubectl label node node-1 a=b; kubectl annotate node node-1 n=m")
    cluster.succeed("kubectl taint node node-1 k:NoExecute")
    record = cluster.hypervisor.record(files=False)
    restored = restore_cluster(record.clusters[0])
    guests = {moid: cluster.hypervisor.guest(moid) for moid in ("mstr-1", "node-1")}
    restore_nodes(restored, record.clusters[0], guests)
    node = restored.node("node-1")
    assert node is not None
    assert (node.labels, node.annotations, node.taints) == ({"a": "b"}, {"n": "m"}, (("k", "", "NoExecute"),))


def test_waiting_for_pods_and_deployments(cluster: Shell) -> None:
    system = "kubectl -n kube-system wait --timeout=20s"
    assert cluster.succeed(f"{system} --for=condition=Available deployment/coredns") == (
        "deployment.apps/coredns condition met\n"
    )
    lines = cluster.succeed(f"{system} --for=condition=ready pod -l k8s-app=kube-dns").splitlines()
    assert [line.rpartition("-")[0] for line in lines] == ["pod/coredns-576cbf47c7"] * 2
    assert len(cluster.succeed("kubectl wait --for=condition=Ready=true nodes --all").splitlines()) == 2
    assert "NotFound" in cluster.fail("kubectl wait --for=condition=Ready pod/none").err
    assert "no matching resources" in cluster.fail("kubectl wait --for=condition=Ready pod -l a=b").err
    cluster.succeed("kubectl wait --for=delete pod/none")
    assert "timed out" in cluster.fail("kubectl wait --for=condition=DiskPressure node/node-1 --timeout=10ms").err
    assert "no name" in cluster.fail("kubectl wait --for=condition=Ready pod").err


def test_deployments_are_created_scaled_and_waited_for(cluster: Shell) -> None:
    cluster.succeed("kubectl create deployment web --image=registry.example/team/nginx:1.25 --replicas=2")
    cluster.succeed("kubectl wait --for=condition=available deployment web")
    pods = "kubectl get pods -l app=web -o jsonpath='{.items[*].status.phase}'"
    assert cluster.succeed(pods).split() == ["Running", "Running"]
    assert cluster.succeed("kubectl get deploy web -o jsonpath='{.metadata.name} {.spec.replicas}'") == "web 2"
    cluster.succeed("kubectl cordon node-1 && kubectl scale deploy web --replicas=3")
    assert "timed out" in cluster.fail("kubectl wait --for=condition=available deploy/web --timeout=10ms").err
    assert "image" in cluster.fail("kubectl create deployment other").err
    assert "replicas" in cluster.fail("kubectl create deployment other --image=x --replicas=-1").err


def test_replacing_what_is_there(cluster: Shell) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: %s}\n"
    one = f"kubectl replace -f - <<'EOF'\n{text % 'two'}EOF\n"
    assert "NotFound" in cluster.fail(one).err
    cluster.succeed(f"kubectl create -f - <<'EOF'\n{text % 'one'}EOF\n")
    assert cluster.succeed(one) == "configmap/c replaced\n"
    assert cluster.succeed("kubectl get cm c -o jsonpath='{.data.a}'") == "two"


def test_the_api_server_says_that_it_is_well(cluster: Shell) -> None:
    assert cluster.succeed("kubectl get --raw /healthz; kubectl get --raw=/readyz") == "okok"
    version = json.loads(cluster.succeed("kubectl get --raw /version"))
    assert version["gitVersion"].startswith("v1.")
    cluster.fail("kubectl get --raw /nonsense")


def test_no_part_of_kubeadm_init_does_all_of_it(boot: Boot) -> None:
    shell = boot()
    assert "all of it or nothing" in shell.fail("kubeadm init phase upload-certs --upload-certs").err
    assert shell.guest.cluster is None
