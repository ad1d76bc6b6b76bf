"""kubeadm and kubectl in guests: what a script that uses the real ones relies on."""

import json
import re
from pathlib import Path

import pytest
import yaml

from cse_testing.simulated import Boot, Shell, Times
from cse_testing.waiting import LIMIT_S

CNI = "kubectl --kubeconfig /etc/kubernetes/admin.conf apply -f https://github.com/weaveworks/weave/releases/w.yaml"
CONFIG = "export KUBECONFIG=/etc/kubernetes/admin.conf\n"
PRINT_JOIN = "kubeadm token create --ttl 1h --print-join-command"


@pytest.fixture
def control_plane(boot: Boot) -> Shell:
    shell = boot("mstr-1", "10.0.0.2")
    shell.succeed(f"kubeadm init --pod-network-cidr 10.32.0.0/12 && {CNI}")
    return shell


@pytest.fixture
def worker(boot: Boot) -> Shell:
    return boot("node-1", "10.0.0.3")


def nodes(control_plane: Shell) -> dict[str, str]:
    """Names of nodes with the status of their condition Ready."""
    items = json.loads(control_plane.succeed(CONFIG + "kubectl get nodes -o json"))["items"]
    return {
        item["metadata"]["name"]: next(c["status"] for c in item["status"]["conditions"] if c["type"] == "Ready")
        for item in items
    }


def test_workers_join_with_the_printed_command(control_plane: Shell, worker: Shell) -> None:
    line = control_plane.succeed(PRINT_JOIN)
    assert re.fullmatch(
        r"kubeadm join 10\.0\.0\.2:6443 --token [a-z0-9]{6}\.[a-z0-9]{16} "
        r"--discovery-token-ca-cert-hash sha256:[0-9a-f]{64}\s*",
        line,
    )
    worker.succeed(line)
    assert nodes(control_plane) == {"mstr-1": "True", "node-1": "True"}
    assert control_plane.succeed(CONFIG + "kubectl get nodes -o name").split() == ["node/mstr-1", "node/node-1"]
    rows = [row.split() for row in control_plane.succeed(CONFIG + "kubectl get nodes").splitlines()]
    assert rows[0] == ["NAME", "STATUS", "ROLES", "AGE", "VERSION"]
    assert [row[:3] for row in rows[1:]] == [["mstr-1", "Ready", "master"], ["node-1", "Ready", "<none>"]]
    assert worker.succeed("cat /etc/kubernetes/pki/ca.crt") == control_plane.succeed("cat /etc/kubernetes/pki/ca.crt")


def test_the_ca_hash_is_that_of_the_certificate_on_disk(control_plane: Shell) -> None:
    script = (
        "openssl x509 -pubkey -in /etc/kubernetes/pki/ca.crt | openssl rsa -pubin -outform der 2>/dev/null "
        "| openssl dgst -sha256 -hex | sed 's/^.* //'"
    )
    assert f"sha256:{control_plane.succeed(script).strip()}" in control_plane.succeed(PRINT_JOIN)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("--token \\S+", "--token aaaaaa.bbbbbbbbbbbbbbbb"), 'could not find a JWS signature .* token ID "aaaaaa"'),
        (("sha256:\\S+", "sha256:" + "0" * 64), "none of the public keys .* are pinned"),
        (("10.0.0.2:6443", "10.0.0.77:6443"), "10.0.0.77:6443: connect: no route to host"),
        (("10.0.0.2:6443", "10.0.0.2:6444"), "was refused"),
    ],
)
def test_a_join_that_cannot_be_trusted_fails_and_leaves_nothing(
    control_plane: Shell, worker: Shell, change: tuple[str, str], message: str
) -> None:
    line = re.sub(*change, control_plane.succeed(PRINT_JOIN))
    assert re.search(message, worker.fail(line).err)
    worker.fail("test -e /etc/kubernetes/kubelet.conf")
    assert list(nodes(control_plane)) == ["mstr-1"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("--discovery-token-ca-cert-hash \\S+", ""), "caCertHashes.* can be unsafe"),
        (("sha256:\\S+", "md5:abc"), "invalid public key hash"),
        (("--token \\S+", "--token UPPER"), "the bootstrap token is invalid"),
        (("10.0.0.2:6443", "10.0.0.2"), "address must be host:port"),
        (("--token", "--tokn"), "unknown flag: --tokn"),
    ],
)
def test_a_malformed_join_is_a_mistake_of_the_caller(
    control_plane: Shell, worker: Shell, change: tuple[str, str], message: str
) -> None:
    result = worker.fail(re.sub(*change, control_plane.succeed(PRINT_JOIN)))
    assert re.search(message, result.err)
    assert result.code in (1, 3)


def test_the_ca_can_be_left_unchecked_on_purpose(control_plane: Shell, worker: Shell) -> None:
    line = re.sub("--discovery-token-ca-cert-hash \\S+", "", control_plane.succeed(PRINT_JOIN)).strip()
    worker.succeed(f"{line} --discovery-token-unsafe-skip-ca-verification")
    assert "node-1" in nodes(control_plane)


def test_an_expired_or_deleted_token_is_useless(control_plane: Shell, worker: Shell) -> None:
    expired = control_plane.succeed("kubeadm token create --ttl 1ms --print-join-command")
    assert "JWS" in worker.fail(expired).err
    line = control_plane.succeed(PRINT_JOIN)
    token = line.split()[4]
    assert token in control_plane.succeed("kubeadm token list")
    control_plane.succeed(f"kubeadm token delete {token[:6]}")
    assert "JWS" in worker.fail(line).err
    assert "not found" in control_plane.fail(f"kubeadm token delete {token[:6]}").err


def test_initialising_twice_fails_preflight_until_a_reset(control_plane: Shell) -> None:
    again = control_plane.fail("kubeadm init")
    assert again.code == 2
    assert "[ERROR Port-6443]: Port 6443 is in use" in again.err
    assert "[ERROR FileAvailable--etc-kubernetes-manifests-kube-apiserver.yaml]" in again.err
    before = control_plane.succeed("sha256sum /etc/kubernetes/admin.conf")
    control_plane.succeed("kubeadm reset --force && kubeadm init")
    assert control_plane.succeed("sha256sum /etc/kubernetes/admin.conf") != before


def test_joining_twice_fails_preflight_until_a_reset(control_plane: Shell, worker: Shell) -> None:
    line = control_plane.succeed(PRINT_JOIN)
    worker.succeed(line)
    again = worker.fail(line)
    assert again.code == 2
    assert "/etc/kubernetes/kubelet.conf already exists" in again.err
    worker.succeed("echo y | kubeadm reset")
    assert nodes(control_plane)["node-1"] == "Unknown"
    worker.succeed(line)
    assert nodes(control_plane)["node-1"] == "True"


def test_a_reset_asks_first(control_plane: Shell) -> None:
    assert "Aborted" in control_plane.fail("kubeadm reset < /dev/null").err
    assert nodes(control_plane) == {"mstr-1": "True"}


def test_a_second_node_of_the_same_name_is_refused(control_plane: Shell, worker: Shell, boot: Boot) -> None:
    line = control_plane.succeed(PRINT_JOIN)
    worker.succeed(line)
    twin = boot("node-2", "10.0.0.4")
    assert (
        'a Node with name "node-1" and status "Ready" already exists'
        in twin.fail(f"{line.strip()} --node-name node-1").err
    )


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        ("systemctl stop docker", r"\[ERROR CRI\]: container runtime is not running"),
        ("swapon -a", r"\[ERROR Swap\]"),
        ("sysctl -w net.ipv4.ip_forward=0", r"\[ERROR FileContent--proc-sys-net-ipv4-ip_forward\]"),
    ],
)
def test_preflight_sees_what_is_wrong_with_the_machine(worker: Shell, prepare: str, message: str) -> None:
    worker.succeed(prepare)
    result = worker.fail("kubeadm init")
    assert result.code == 2
    assert re.search(message, result.err)
    worker.succeed("kubeadm init --ignore-preflight-errors=all")


def test_a_machine_with_one_cpu_makes_no_control_plane(boot: Boot) -> None:
    assert "[ERROR NumCPU]" in boot("small", cpu_count=1).fail("kubeadm init").err


@pytest.mark.parametrize(
    ("flags", "code", "message"),
    [
        ("--pod-network-cidr nonsense", 3, "couldn't parse subnet"),
        ("--apiserver-advertise-address 1.2.3", 3, "must be ipv4 or ipv6 address"),
        ("--apiserver-advertise-address 10.9.9.9", 1, "on no network card"),
        ("--kubernetes-version v1.99.0", 2, "too high"),
        ("--kubernetes-version v1.5.0", 3, "only supports deploying"),
        ("--kubernetes-version x", 3, "couldn't parse"),
        ("--token short", 3, "bootstrap token is invalid"),
        ("--node-name 'a b'", 3, "not a DNS-1123"),
        ("--token-ttl soon", 1, "invalid argument"),
        ("--config /nonexistent", 3, "no such file"),
        ("--frobnicate", 1, "unknown flag"),
    ],
)
def test_mistakes_in_the_options_of_init(worker: Shell, flags: str, code: int, message: str) -> None:
    result = worker.fail(f"kubeadm init {flags}")
    assert result.code == code
    assert message.lower() in result.err.lower()
    worker.fail("test -e /etc/kubernetes/admin.conf")


def test_init_and_join_read_configuration_files(worker: Shell, boot: Boot) -> None:
    worker.succeed(
        "cat > /root/init.yaml <<'END'\napiVersion: kubeadm.k8s.io/v1beta1\nkind: InitConfiguration\n"
        "bootstrapTokens: [{token: abcdef.0123456789abcdef}]\nnodeRegistration: {name: cp}\n---\n"
        "kind: ClusterConfiguration\nkubernetesVersion: v1.13.5\nnetworking: {podSubnet: 10.1.0.0/16}\nEND\n"
        "kubeadm init --config /root/init.yaml"
    )
    assert list(nodes(worker)) == ["cp"]
    line = worker.succeed(PRINT_JOIN).split()
    second = boot("node-9", "10.0.0.9")
    second.succeed(
        "cat > /root/join.yaml <<END\nkind: JoinConfiguration\ndiscovery:\n  bootstrapToken:\n"
        f"    apiServerEndpoint: {line[2]}\n    token: abcdef.0123456789abcdef\n    caCertHashes: ['{line[6]}']\nEND\n"
        "kubeadm join --config /root/join.yaml"
    )
    assert list(nodes(worker)) == ["cp", "node-9"]


def test_nodes_are_ready_only_with_a_pod_network_and_after_a_while(boot: Boot, times: Times) -> None:
    shell = boot("mstr-1", "10.0.0.2")
    shell.succeed("kubeadm init")
    assert nodes(shell) == {"mstr-1": "False"}
    shell.succeed(CNI)
    assert nodes(shell) == {"mstr-1": "True"}
    times.seconds["guest.process.node-ready"] = 3600
    worker = boot("node-1", "10.0.0.3")
    worker.succeed(shell.succeed(PRINT_JOIN))
    assert nodes(shell) == {"mstr-1": "True", "node-1": "False"}
    assert "timed out" in shell.fail(CONFIG + "kubectl wait --for=condition=Ready node node-1 --timeout=100ms").err
    shell.succeed(CONFIG + "kubectl wait --for=condition=Ready node/mstr-1 --timeout=100ms")


def test_a_node_whose_machine_or_kubelet_is_gone_is_not_ready(control_plane: Shell, worker: Shell) -> None:
    worker.succeed(control_plane.succeed(PRINT_JOIN))
    worker.succeed("systemctl stop kubelet")
    assert nodes(control_plane)["node-1"] == "Unknown"
    worker.succeed("systemctl start kubelet; systemctl enable kubelet")
    assert nodes(control_plane)["node-1"] == "True"
    worker.hypervisor.power_off(worker.moid)
    assert nodes(control_plane)["node-1"] == "Unknown"
    worker.hypervisor.power_on(worker.moid, worker.guest.spec)
    worker.hypervisor.wait_for_tools(worker.moid, LIMIT_S)
    assert nodes(control_plane)["node-1"] == "True"


def test_an_api_server_that_is_off_cannot_be_reached(control_plane: Shell, worker: Shell) -> None:
    worker.succeed(control_plane.succeed(PRINT_JOIN))
    control_plane.succeed("systemctl stop docker")
    assert "refused" in control_plane.fail(CONFIG + "kubectl get nodes").err
    control_plane.hypervisor.power_off(control_plane.moid)
    script = "kubectl --kubeconfig /etc/kubernetes/kubelet.conf get nodes"
    assert "no route to host" in worker.fail(script).err


def test_drain_and_delete(control_plane: Shell, worker: Shell) -> None:
    worker.succeed(control_plane.succeed(PRINT_JOIN))
    refused = control_plane.fail(CONFIG + "kubectl drain node-1")
    assert "DaemonSet-managed pods (use --ignore-daemonsets to ignore)" in refused.err
    out = control_plane.succeed(CONFIG + "kubectl drain node-1 --ignore-daemonsets --delete-local-data --force")
    assert out.splitlines() == ["node/node-1 already cordoned", "node/node-1 drained"]
    assert "Ready,SchedulingDisabled" in control_plane.succeed(CONFIG + "kubectl get node node-1")
    control_plane.succeed(CONFIG + "kubectl uncordon node-1")
    assert control_plane.succeed(CONFIG + "kubectl delete node node-1") == 'node "node-1" deleted\n'
    assert list(nodes(control_plane)) == ["mstr-1"]
    missing = control_plane.fail(CONFIG + "kubectl delete node node-1 node-8")
    assert missing.err.splitlines() == [
        f'Error from server (NotFound): nodes "{name}" not found' for name in ("node-1", "node-8")
    ]
    assert 'nodes "node-1" not found' in control_plane.fail(CONFIG + "kubectl drain node-1").err


def test_the_kubeconfig_is_real_and_decides_what_kubectl_may_do(control_plane: Shell, worker: Shell) -> None:
    text = control_plane.succeed("cat /etc/kubernetes/admin.conf")
    config = yaml.safe_load(text)
    assert config["clusters"][0]["cluster"]["server"] == "https://10.0.0.2:6443"
    assert "localhost:8080 was refused" in control_plane.fail("kubectl get nodes").err
    control_plane.succeed("install -D -m 600 /etc/kubernetes/admin.conf /root/.kube/config && kubectl get nodes")
    worker.guest.tree.write("/tmp/good", text)
    worker.succeed("kubectl --kubeconfig=/tmp/good get nodes")
    assert "no such file" in worker.fail("kubectl --kubeconfig /tmp/none get nodes").err
    for key, message in (
        ("certificate-authority-data", "unknown authority"),
        ("client-certificate-data", "Unauthorized"),
    ):
        worker.guest.tree.write("/tmp/bad", re.sub(f"{key}: .*", f"{key}: bm9uZQ==", text))
        assert message in worker.fail("kubectl --kubeconfig /tmp/bad get nodes").err
    worker.guest.tree.write("/tmp/bad", "a: [")
    assert "error loading config file" in worker.fail("kubectl --kubeconfig /tmp/bad get nodes").err


def test_apply_reads_files_directories_and_stdin(control_plane: Shell) -> None:
    manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {key: %s}\n"
    control_plane.guest.tree.make_directory("/root/m")
    control_plane.guest.tree.write("/root/m/a.yaml", manifest % "one")
    run = control_plane.succeed
    assert run(CONFIG + "kubectl apply -f /root/m/a.yaml") == "configmap/settings created\n"
    assert run(CONFIG + "cd /root && kubectl apply -f m") == "configmap/settings unchanged\n"
    assert run(CONFIG + "sed s/one/two/ /root/m/a.yaml | kubectl apply -f -") == "configmap/settings configured\n"
    assert run(CONFIG + "kubectl apply -f <(cat /root/m/a.yaml)") == "configmap/settings configured\n"
    assert run(CONFIG + "kubectl get cm settings -o jsonpath='{.data.key}'") == "one"
    assert run(CONFIG + "kubectl delete -f /root/m/a.yaml") == 'configmap "settings" deleted\n'
    assert "not found" in control_plane.fail(CONFIG + "kubectl get cm settings").err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", "error converting YAML to JSON"),
        ("metadata: {name: x}", "kind not set"),
        ("kind: Pod\nmetadata: {name: x}", "apiVersion not set"),
        ("apiVersion: v1\nkind: Pod", "resource name may not be empty"),
        ("", "no objects passed"),
        (
            "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
            + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(9)),
            "too large",
        ),
        ("a: &a\n  b: *a\n", "contains itself"),
    ],
)
def test_apply_refuses_what_is_no_manifest(control_plane: Shell, text: str, message: str) -> None:
    control_plane.guest.tree.write("/tmp/m.yaml", text)
    assert re.search(message, control_plane.fail(CONFIG + "kubectl apply -f /tmp/m.yaml").err)


def test_the_pod_network_s_settings_can_be_changed(control_plane: Shell) -> None:
    script = CONFIG + "kubectl -n kube-system set env daemonset/weave-net --containers weave IPALLOC_RANGE=10.9.0.0/16"
    assert control_plane.succeed(script) == "daemonset.apps/weave-net env updated\n"
    query = "kubectl -n kube-system get ds weave-net -o jsonpath='{.spec.template.spec.containers[0].env[0].value}'"
    assert control_plane.succeed(CONFIG + query) == "10.9.0.0/16"


def test_jsonpath_of_nodes(control_plane: Shell) -> None:
    template = '{range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}'
    assert control_plane.succeed(f"{CONFIG}kubectl get nodes -o jsonpath='{template}'") == "mstr-1=True\n"
    address = '{.items[0].status.addresses[?(@.type=="InternalIP")].address}'
    assert control_plane.succeed(f"{CONFIG}kubectl get no -o jsonpath='{address}'") == "10.0.0.2"


def test_versions(control_plane: Shell) -> None:
    assert control_plane.succeed("kubeadm version -o short") == "v1.13.5\n"
    assert control_plane.succeed(CONFIG + "kubectl version --short").splitlines() == [
        "Client Version: v1.13.5",
        "Server Version: v1.13.5",
    ]
    assert "10.0.0.2:6443" in control_plane.succeed(CONFIG + "kubectl cluster-info")


def test_work_takes_the_time_of_the_latency_profile(boot: Boot, times: Times) -> None:
    times.seconds["guest.process.kubeadm-init"] = 0.5
    shell = boot()
    assert float(shell.succeed("TIMEFORMAT=%R; { time kubeadm init >/dev/null; } 2>&1")) >= 0.5


def test_two_clusters_side_by_side_do_not_mix(boot: Boot) -> None:
    first, second = (boot(f"mstr-{n}", f"10.0.0.{n}") for n in (1, 2))
    for shell in (first, second):
        shell.succeed("kubeadm init")
    worker = boot("node-1", "10.0.0.3")
    crossed = first.succeed(PRINT_JOIN).replace("10.0.0.1:6443", "10.0.0.2:6443")
    assert "JWS" in worker.fail(crossed).err
    worker.succeed(second.succeed(PRINT_JOIN))
    assert (list(nodes(first)), list(nodes(second))) == (["mstr-1"], ["mstr-2", "node-1"])


def test_only_root_may_use_kubeadm(boot: Boot, tmp_path: Path) -> None:
    shell = boot()
    shell.succeed("useradd -m alice")
    alice = shell.account("alice")
    program = shell.guest.programs.start(alice, ["/bin/sh", "-c", "id -un > /tmp/who; kubeadm init 2> /tmp/err"])
    assert program.finished.result(LIMIT_S) == 2
    assert shell.succeed("cat /tmp/who") == "alice\n"
    assert "not running as root" in shell.succeed("cat /tmp/err")
