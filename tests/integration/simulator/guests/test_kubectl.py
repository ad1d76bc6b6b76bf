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


POD = (
    "apiVersion: v1\nkind: Pod\nmetadata: {name: alone, labels: {app: x}}\n"
    "spec: {nodeName: node-1, containers: [{name: c, image: busybox}], volumes: [{name: v, emptyDir: {}}]}\n"
)


def test_draining_tells_what_is_in_the_way_and_what_it_evicts(cluster: Shell) -> None:
    cluster.guest.tree.write("/root/pod.yaml", POD)
    cluster.succeed("kubectl apply -f pod.yaml; kubectl create deployment web --image=nginx --replicas=2")
    refused = cluster.fail("kubectl drain node-1 --ignore-daemonsets").err
    assert "pods with local storage (use --delete-local-data to override): default/alone" in refused
    assert "(use --force to override): default/alone" in refused
    assert "use --ignore-daemonsets" not in refused
    cluster.succeed("kubectl uncordon node-1; kubectl drain node-1 --ignore-daemonsets --pod-selector app=web")
    cluster.succeed("kubectl uncordon node-1")
    assert len(rows(cluster, "get pods --field-selector spec.nodeName=node-1 --no-headers")) == 3
    dry = "kubectl drain node-1 --ignore-daemonsets --force --delete-emptydir-data --dry-run=client"
    assert cluster.succeed(dry).splitlines() == ["node/node-1 cordoned (dry run)", "node/node-1 drained (dry run)"]
    out = cluster.succeed(dry.removesuffix(" --dry-run=client")).splitlines()
    assert (out[0], out[-1], len(out)) == ("node/node-1 cordoned", "node/node-1 drained", 5)
    assert "pod/alone evicted" in out
    assert {row[2] for row in rows(cluster, "get pods --no-headers")} == {"Pending"}, "only the deployment's are left"


def test_pods_that_were_made_by_themselves(cluster: Shell) -> None:
    cluster.guest.tree.write("/root/pod.yaml", POD)
    assert cluster.succeed("kubectl apply -f pod.yaml --dry-run=client") == "pod/alone created (dry run)\n"
    assert cluster.run("kubectl get pods -o name").out == ""
    cluster.succeed("kubectl apply -f pod.yaml")
    ready = "kubectl get pod alone -o jsonpath='{.status.containerStatuses[*].ready} {.status.hostIP}'"
    assert cluster.succeed(ready) == "true 10.0.0.3"
    cluster.succeed("kubectl label pod alone note=yes; kubectl wait --for=condition=Ready pod -l note=yes")
    web = "kubectl create deployment web --image=nginx >/dev/null; kubectl get pods -l app=web -o name"
    assert "only pods that were made by themselves" in cluster.fail(f"kubectl label $({web}) a=b").err
    assert cluster.succeed("kubectl delete pod alone nobody --ignore-not-found") == 'pod "alone" deleted\n'
    cluster.succeed("kubectl delete pods -l app=web; test $(kubectl get pods -l app=web -o name | wc -l) = 1")
    assert "(NotFound)" in cluster.fail("kubectl delete pod alone").err


def test_workloads_tell_what_became_of_their_pods(cluster: Shell) -> None:
    cluster.succeed(
        "kubectl create deployment web --image=nginx --replicas=3; kubectl create deployment web-b --image=b"
    )
    status = "kubectl get deploy web -o jsonpath='{.status.readyReplicas}/{.status.replicas}'"
    assert cluster.succeed(status) == "3/3"
    cluster.succeed("kubectl scale deploy web --replicas=0")
    assert cluster.run("kubectl get pods -l app=web -o name").out == ""
    daemons = "kubectl -n kube-system get ds weave-net kube-proxy -o jsonpath='{.items[*].status.numberReady}'"
    assert cluster.succeed(daemons) == "2 2"
    assert "restarted" in cluster.succeed("kubectl -n kube-system rollout restart deployment/coredns")
    assert "no duration" in cluster.fail("kubectl -n kube-system rollout status deploy/coredns --timeout=soon").err


def test_conditions_that_are_not_met_can_be_waited_for(cluster: Shell) -> None:
    assert "timed out" in cluster.fail("kubectl wait --for=condition=Ready=false node/node-1 --timeout=0").err
    cluster.succeed("kubectl wait --for=condition=Ready=True node/node-1 --timeout=0s")
    cluster.succeed("kubectl wait --for=condition=Ready node/node-1 --timeout=-1s")


def test_an_index_beyond_a_list_is_an_error(cluster: Shell) -> None:
    beyond = cluster.fail("kubectl get pods -o jsonpath='{.items[0].metadata.name}'")
    assert "array index out of bounds: index 0, length 0" in beyond.err
    assert "does not watch" in cluster.fail("kubectl get nodes -w").err


def test_versions_and_settings_of_the_client(cluster: Shell) -> None:
    assert 'Client Version: version.Info{Major:"1", Minor:"13", GitVersion:"v1.13.5"' in cluster.succeed(
        "kubectl version"
    )
    alone = cluster.fail("KUBECONFIG=/nowhere kubectl version --short")
    assert (alone.out, "refused" in alone.err) == ("Client Version: v1.13.5\n", True)
    server = "kubectl config view --minify --flatten -o jsonpath='{.clusters[0].cluster.server}'"
    assert cluster.succeed(server) == "https://10.0.0.2:6443"
    assert cluster.succeed("kubectl config view -o json | grep -c OMITTED") == "3\n"


def test_deleting_by_selector_goes_on_behind_what_is_missing(cluster: Shell) -> None:
    cluster.succeed("kubectl create ns team; for n in a b c; do kubectl -n team create cm $n; done")
    cluster.succeed("kubectl -n team label cm a b mark=x")
    some = cluster.fail("kubectl -n team delete cm none c")
    assert (some.out, "(NotFound)" in some.err) == ('configmap "c" deleted\n', True)
    assert cluster.succeed("kubectl -n team delete cm -l mark=x").count("deleted") == 2
    cluster.succeed("kubectl -n team create cm d; kubectl delete ns team; kubectl create ns team")
    assert cluster.run("kubectl -n team get cm -o name").out == ""
    assert cluster.succeed("kubectl delete nodes -l '!node-role.kubernetes.io/master'") == 'node "node-1" deleted\n'


def test_hostile_settings_are_mistakes_and_hold_nobody_up(cluster: Shell) -> None:
    bomb = "a0: &a0 {x: y}\n" + "".join(f"a{n}: &a{n} {{p: *a{n - 1}, q: *a{n - 1}}}\n" for n in range(1, 40))
    for name, text in (
        ("bomb", bomb),
        ("deep", "[" * 50_000),
        ("odd", "networking: 5\nbootstrapTokens: [1]\nkind: 7\n"),
    ):
        cluster.guest.tree.write(f"/root/{name}", text)
    for name in ("bomb", "deep"):
        assert "error loading config file" in cluster.fail(f"kubectl --kubeconfig {name} config view").err
        assert "yaml" in cluster.fail(f"kubeadm init --config {name}").err
        assert "unable to parse" in cluster.fail(f'kubectl patch cm x -p "$(cat {name})"').err
    assert "internal error" not in cluster.fail("kubeadm init --config odd").err
    assert "internal error" not in cluster.fail("kubeadm join --config odd").err
    assert "strings" in cluster.fail("kubectl apply -f - <<< '{apiVersion: v1, kind: Pod, metadata: {name: 5}}'").err
    strange = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d, labels: 5}\nspec: {replicas: many, template: [1]}\n"
    )
    cluster.guest.tree.write("/root/strange", strange)
    cluster.succeed("kubectl apply -f strange && kubectl get pods && kubectl get deploy && kubectl get all")


def test_etcd_is_full_at_some_point(cluster: Shell) -> None:
    one = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c%d}\n---\n"
    cluster.guest.tree.write("/root/many", "".join(one % number for number in range(5100)))
    assert "database space exceeded" in cluster.fail("kubectl apply -f many").err
    cluster.succeed("kubectl get nodes")


class TestKubeadm:
    def test_trying_without_doing(self, boot: Boot) -> None:
        shell = boot()
        assert "dryrun" in shell.succeed("kubeadm init --dry-run")
        shell.fail("test -e /etc/kubernetes/admin.conf")
        assert shell.guest.cluster is None

    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            ("--control-plane-endpoint 10.0.0.99:6443", "nothing answers at 10.0.0.99:6443"),
            ("--control-plane-endpoint 10.0.0.2:8443", "at port 6443 only"),
            ("--apiserver-bind-port 443", "at port 6443 only"),
        ],
    )
    def test_endpoints_that_nobody_serves(self, boot: Boot, flags: str, message: str) -> None:
        assert message in boot().fail(f"kubeadm init {flags}").err

    def test_tokens_live_as_long_as_the_configuration_says(self, boot: Boot) -> None:
        shell = boot()
        shell.guest.tree.write(
            "/root/init.yaml",
            "kind: InitConfiguration\nbootstrapTokens: [{token: abcdef.0123456789abcdef, ttl: 0s}]\n---\n"
            "kind: ClusterConfiguration\ncontrolPlaneEndpoint: 10.0.0.2:6443\n",
        )
        shell.succeed("kubeadm init --config init.yaml")
        listed = shell.succeed("kubeadm token list").splitlines()
        assert listed[0].split() == ["TOKEN", "TTL", "EXPIRES", "USAGES", "DESCRIPTION", "EXTRA", "GROUPS"]
        assert listed[1].split()[:3] == ["abcdef.0123456789abcdef", "<forever>", "<never>"]
        assert shell.succeed("kubeadm token list -o jsonpath='{.token}'") == "abcdef.0123456789abcdef"
        assert json.loads(shell.succeed("kubeadm token list -o json"))["usages"] == ["authentication", "signing"]
        before = shell.succeed("kubeadm token list")
        shell.succeed("kubeadm token create --dry-run")
        assert shell.succeed("kubeadm token list") == before
