"""`kubeadm join`: a guest becomes a node of the cluster behind an address."""

import re
import time

import yaml

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.kubernetes import preflight
from vcd_simulator.guests.kubernetes.access import connect, kubeconfig
from vcd_simulator.guests.kubernetes.cluster import Cluster, Node
from vcd_simulator.guests.kubernetes.documents import within
from vcd_simulator.guests.kubernetes.texts import load_all
from vcd_simulator.guests.standins.options import parse

_VALUES = (
    "apiserver-advertise-address",
    "config",
    "cri-socket",
    "discovery-file",
    "discovery-token",
    "discovery-token-ca-cert-hash",
    "feature-gates",
    "ignore-preflight-errors",
    "node-name",
    "tls-bootstrap-token",
    "token",
    "v",
    "certificate-key",
    "skip-phases",
)
_SWITCHES = ("discovery-token-unsafe-skip-ca-verification", "control-plane", "experimental-control-plane")
_ONE_CONTROL_PLANE = "kubeadm join: the simulator's clusters have one control plane"
_TOKEN = re.compile(r"[a-z0-9]{6}\.[a-z0-9]{16}")
_HASH = re.compile(r"sha256:[0-9a-fA-F]{64}")


async def join(call: Call, arguments: tuple[str, ...]) -> int:
    """Carry out `kubeadm join`. Raises UsageError."""
    options = parse(arguments, values=_VALUES, switches=_SWITCHES)
    if options.has("control-plane") or options.has("experimental-control-plane"):
        raise UsageError(_ONE_CONTROL_PLANE, 3)
    settings = {
        "endpoint": options.words[0] if options.words else "",
        "token": options.last("discovery-token") or options.last("token"),
        "name": options.last("node-name"),
    }
    hashes = options.every("discovery-token-ca-cert-hash")
    unsafe = options.has("discovery-token-unsafe-skip-ca-verification")
    if options.last("config"):
        given, given_hashes, given_unsafe = await _read_config(call, options.last("config"))
        settings = {key: value or given.get(key, "") for key, value in settings.items()}
        hashes, unsafe = hashes or given_hashes, unsafe or given_unsafe
    host, port = _validate(settings, hashes, unsafe=unsafe)
    name = (settings["name"] or call.guest.hostname).lower()
    await call.out("[preflight] Running pre-flight checks")
    preflight.check(await preflight.join_errors(call), options.every("ignore-preflight-errors"))
    _discover(call, host, port, settings["token"], hashes, unsafe=unsafe)
    await call.out(f'[discovery] Successfully established connection with API Server "{host}:{port}"')
    latency = call.guest.platform.latency
    await call.wait(latency.delay("guest.process.kubeadm-join"))
    cluster = _discover(call, host, port, settings["token"], hashes, unsafe=unsafe)
    known = cluster.node(name)
    if known is not None and cluster.is_ready(known):
        raise UsageError(
            f'error execution phase kubelet-start: a Node with name "{name}" and status "Ready" already exists in the '
            "cluster. You must delete the existing Node or change the name of this new joining Node"
        )
    await _become_node(call, cluster, name, settle_s=latency.delay("guest.process.node-ready"))
    await call.out(
        "\nThis node has joined the cluster:\n* Certificate signing request was sent to apiserver and a response was "
        "received.\n* The Kubelet was informed of the new secure connection details.\n\n"
        "Run 'kubectl get nodes' on the master to see this node join the cluster.\n"
    )
    return 0


async def _become_node(call: Call, cluster: Cluster, name: str, *, settle_s: float) -> None:
    guest = call.guest
    await call.execute("mkdir", "-p", "/etc/kubernetes/manifests", "/etc/kubernetes/pki", "/var/lib/kubelet")
    await call.write("/etc/kubernetes/pki/ca.crt", cluster.pki.ca_certificate)
    await call.write(
        "/var/lib/kubelet/config.yaml", "kind: KubeletConfiguration\napiVersion: kubelet.config.k8s.io/v1beta1\n"
    )
    now = time.time()
    node = Node(
        name=name,
        guest=guest,
        control_plane=False,
        registered=now,
        ready_at=now + settle_s,
        kubelet_version=preflight.kubelet_version(guest),
    )
    with guest.lock:
        guest.cluster = None
        guest.joined = (cluster, name)
        guest.services.change("kubelet", active=True)
    cluster.register(node)
    await call.write("/etc/kubernetes/kubelet.conf", kubeconfig(cluster, f"system:node:{name}"), mode="0600")


def _discover(call: Call, host: str, port: int, token: str, hashes: list[str], *, unsafe: bool) -> Cluster:
    """Find the cluster and make sure that both sides trust each other. Raises UsageError."""
    failure = "error execution phase preflight: couldn't validate the identity of the API Server: "
    try:
        cluster = connect(call.guest, host, port)
    except UsageError as exc:
        url = f"https://{host}:{port}/api/v1/namespaces/kube-public/configmaps/cluster-info"
        raise UsageError(f"{failure}Get {url}: {str(exc).rpartition('server: ')[2]}") from None
    if token not in {known.token for known in cluster.tokens()}:
        raise UsageError(
            f'{failure}could not find a JWS signature in the cluster-info ConfigMap for token ID "{token[:6]}"'
        )
    if not unsafe and cluster.pki.ca_hash not in {text.lower() for text in hashes}:
        raise UsageError(
            f"{failure}cluster CA found in cluster-info ConfigMap is invalid: "
            f'none of the public keys "{cluster.pki.ca_hash}" are pinned'
        )
    return cluster


def _validate(settings: dict[str, str], hashes: list[str], *, unsafe: bool) -> tuple[str, int]:
    """Check the form of what was given; returns host and port. Raises UsageError."""
    host, colon, port = settings["endpoint"].rpartition(":")
    if not colon or not port.isdecimal() or not host:
        raise UsageError(
            f'discovery.bootstrapToken.apiServerEndpoint: Invalid value: "{settings["endpoint"]}": '
            "address must be host:port",
            3,
        )
    if not _TOKEN.fullmatch(settings["token"]):
        raise UsageError('discovery.bootstrapToken.token: Invalid value: "": the bootstrap token is invalid', 3)
    if not hashes and not unsafe:
        raise UsageError(
            'discovery.bootstrapToken.caCertHashes: Invalid value: "": '
            "using token-based discovery without caCertHashes can be unsafe. "
            "Set unsafeSkipCAVerification as true in your kubeadm config file or pass "
            "--discovery-token-unsafe-skip-ca-verification flag to continue",
            3,
        )
    for text in hashes:
        if not _HASH.fullmatch(text):
            raise UsageError(f'invalid public key hash "{text}"; expected "sha256:" and 64 hexadecimal digits', 3)
    return host.strip("[]"), int(port)


async def _read_config(call: Call, path: str) -> tuple[dict[str, str], list[str], bool]:
    """Settings, CA hashes and whether to do without them, from a JoinConfiguration. Raises UsageError."""
    try:
        documents = [doc for doc in load_all(await call.read(call.path(path))) if isinstance(doc, dict)]
    except OSError as exc:
        raise UsageError(f'unable to read config from "{path}" : open {path}: {exc.strerror}', 3) from None
    except yaml.YAMLError as exc:
        raise UsageError(f"yaml: {getattr(exc, 'problem', None) or exc}", 3) from None
    doc = next((doc for doc in documents if doc.get("kind") in ("JoinConfiguration", "NodeConfiguration")), {})
    if "controlPlane" in doc:
        raise UsageError(_ONE_CONTROL_PLANE, 3)
    discovery = within(doc, "discovery", "bootstrapToken")
    servers = doc.get("discoveryTokenAPIServers")
    tokens = (within(discovery, "token"), within(doc, "discovery", "tlsBootstrapToken"))
    settings = {
        "endpoint": within(discovery, "apiServerEndpoint")
        or (servers[0] if isinstance(servers, list) and servers else ""),
        "token": next(filter(None, (*tokens, doc.get("discoveryToken"), doc.get("token"))), ""),
        "name": within(doc, "nodeRegistration", "name"),
    }
    hashes = within(discovery, "caCertHashes") or doc.get("discoveryTokenCACertHashes")
    unsafe = within(discovery, "unsafeSkipCAVerification") or doc.get("discoveryTokenUnsafeSkipCAVerification")
    known = [str(text) for text in hashes] if isinstance(hashes, list) else []
    return {key: str(value or "") for key, value in settings.items()}, known, bool(unsafe)
