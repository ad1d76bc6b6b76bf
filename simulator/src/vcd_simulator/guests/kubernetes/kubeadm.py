"""The stand-in for kubeadm: makes control planes and joins nodes to them."""

import asyncio
import ipaddress
import json
import re
import time

import yaml

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.kubernetes import preflight
from vcd_simulator.guests.kubernetes.access import kubeconfig
from vcd_simulator.guests.kubernetes.cluster import Cluster, Node
from vcd_simulator.guests.kubernetes.control_plane_images import config
from vcd_simulator.guests.kubernetes.join import join
from vcd_simulator.guests.kubernetes.pki import ClusterPki
from vcd_simulator.guests.kubernetes.static_pods import write_static_pods
from vcd_simulator.guests.kubernetes.texts import dump, load_all
from vcd_simulator.guests.kubernetes.tokens import DEFAULT_TTL, TOKEN, join_command, token
from vcd_simulator.guests.kubernetes.upgrade import upgrade
from vcd_simulator.guests.standins.options import Options, duration_s, parse
from vcd_simulator.guests.standins.registry import Commands

command = Commands()

_INIT_VALUES = (
    "apiserver-advertise-address",
    "apiserver-bind-port",
    "apiserver-cert-extra-sans",
    "cert-dir",
    "config",
    "control-plane-endpoint",
    "cri-socket",
    "feature-gates",
    "ignore-preflight-errors",
    "image-repository",
    "kubernetes-version",
    "node-name",
    "pod-network-cidr",
    "service-cidr",
    "service-dns-domain",
    "skip-phases",
    "token",
    "token-ttl",
    "v",
    "certificate-key",
    "patches",
)
_INIT_SWITCHES = ("skip-token-print", "dry-run", "upload-certs", "skip-certificate-key-print")
_CONFIGS = ("admin", "kubelet", "controller-manager", "scheduler")


@command("kubeadm", packaged=True)
async def kubeadm(call: Call) -> int | None:
    """Dispatch to the subcommand."""
    verb = call.arguments[0] if call.arguments else ""
    rest = call.arguments[1:]
    if verb == "init":
        return await _init(call, parse(rest, values=_INIT_VALUES, switches=_INIT_SWITCHES, short={"v": "v"}))
    if verb == "join":
        return await join(call, rest)
    if verb == "reset":
        return await _reset(call, rest)
    if verb == "token":
        return await token(call, rest)
    if verb == "version":
        return await _version(call, rest)
    if verb == "config":
        return await config(call, rest)
    if verb == "upgrade":
        return await upgrade(call, rest)
    if verb in ("", "-h", "--help", "help"):
        await call.out(
            "Usage:\n  kubeadm [command]\n\nAvailable Commands:\n  config, init, join, reset, token, upgrade, version"
        )
        return 0
    raise UsageError(
        f'unknown command "{verb}" for "kubeadm"\nTo see the stack trace of this error execute with --v=5 or higher'
    )


async def _init(call: Call, options: Options) -> int:
    if options.words:
        raise UsageError(
            f"kubeadm init: the simulator's kubeadm does all of it or nothing, and no {options.words[0]!r}"
        )
    guest = call.guest
    settings = await _init_settings(call, options)
    version = preflight.plan_version(call, settings["version"])
    errors = await preflight.init_errors(call)
    await call.out(f"[init] Using Kubernetes version: v{version}\n[preflight] Running pre-flight checks")
    preflight.check(errors, options.every("ignore-preflight-errors"))
    await call.execute("mkdir", "-p", "/etc/kubernetes/manifests", "/etc/kubernetes/pki", "/var/lib/kubelet")
    await write_static_pods(call, version)
    await call.out(
        '[certs] Generated "ca" certificate and key\n[control-plane] Using manifest folder "/etc/kubernetes/manifests"'
    )
    await call.wait(guest.platform.latency.delay("guest.process.kubeadm-init"))
    settle_s = guest.platform.latency.delay("guest.process.node-ready")
    cluster = Cluster(
        version=version,
        address=settings["address"],
        pod_subnet=settings["pods"],
        service_subnet=settings["services"],
        pki=await asyncio.to_thread(ClusterPki.create),
        settle_s=settle_s,
    )
    first = cluster.create_token(ttl_s=duration_s(settings["ttl"]), token=settings["token"] or None)
    await _write_control_plane_files(call, cluster)
    now = time.time()
    cluster.register(
        Node(
            name=settings["name"],
            guest=guest,
            control_plane=True,
            registered=now,
            ready_at=now + settle_s,
            kubelet_version=preflight.kubelet_version(guest),
        )
    )
    with guest.lock:
        guest.cluster = cluster
        guest.joined = (cluster, settings["name"])
        guest.services.change("kubelet", active=True)
    await call.out(_success(cluster, "" if options.has("skip-token-print") else first.token))
    return 0


async def _init_settings(call: Call, options: Options) -> dict[str, str]:
    """Settings of `init` from its flags, or from the file that `--config` names. Raises UsageError."""
    own = call.guest.spec.ip_addresses
    settings = {
        "version": options.last("kubernetes-version"),
        "address": options.last("apiserver-advertise-address"),
        "name": options.last("node-name"),
        "pods": options.last("pod-network-cidr"),
        "services": options.last("service-cidr"),
        "token": options.last("token"),
        "ttl": options.last("token-ttl", DEFAULT_TTL),
    }
    if options.last("config"):
        given = await _read_config(call, options.last("config"))
        settings = {key: value or given.get(key, "") for key, value in settings.items()}
    settings["name"] = (settings["name"] or call.guest.hostname).lower()
    settings["services"] = settings["services"] or "10.96.0.0/12"
    if not settings["address"]:
        if not own:
            raise UsageError("unable to select an IP from default routes.", 3)
        settings["address"] = own[0]
    _validate(settings)
    if settings["address"] not in own:
        raise UsageError(
            "[ERROR EtcdAddress]: the address is on no network card of this machine\n"
            "error execution phase wait-control-plane: couldn't initialize a Kubernetes cluster"
        )
    return settings


def _validate(settings: dict[str, str]) -> None:
    try:
        ipaddress.ip_address(settings["address"])
    except ValueError:
        raise UsageError(
            f'couldn\'t use "{settings["address"]}" as "apiserver-advertise-address", must be ipv4 or ipv6 address', 3
        ) from None
    for name, key in (("podSubnet", "pods"), ("serviceSubnet", "services")):
        try:
            if settings[key]:
                ipaddress.ip_network(settings[key], strict=False)
        except ValueError:
            raise UsageError(f'{name}: Invalid value: "{settings[key]}": couldn\'t parse subnet', 3) from None
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", settings["name"]):
        raise UsageError(f'nodeRegistration.name: Invalid value: "{settings["name"]}": not a DNS-1123 subdomain', 3)
    if settings["token"] and not TOKEN.fullmatch(settings["token"]):
        raise UsageError(f'token: Invalid value: "{settings["token"]}": the bootstrap token is invalid', 3)
    try:
        duration_s(settings["ttl"])
    except ValueError:
        raise UsageError(f'invalid argument "{settings["ttl"]}" for "--token-ttl" flag') from None


async def _read_config(call: Call, path: str) -> dict[str, str]:
    """What a kubeadm configuration file says about the settings that we know. Raises UsageError."""
    try:
        documents = [doc for doc in load_all(await call.read(call.path(path))) if isinstance(doc, dict)]
    except OSError as exc:
        raise UsageError(f'unable to read config from "{path}" : open {path}: {exc.strerror}', 3) from None
    except yaml.YAMLError as exc:
        raise UsageError(f"yaml: {getattr(exc, 'problem', None) or exc}", 3) from None
    merged: dict[str, str] = {}
    for doc in documents:
        networking = doc.get("networking") or {}
        endpoint = doc.get("localAPIEndpoint") or doc.get("apiEndpoint") or doc.get("api") or {}
        registration = doc.get("nodeRegistration") or {}
        bootstrap: dict[str, object] = next(iter(doc.get("bootstrapTokens") or []), {})
        found = {
            "version": str(doc.get("kubernetesVersion") or ""),
            "address": endpoint.get("advertiseAddress"),
            "name": registration.get("name"),
            "pods": networking.get("podSubnet"),
            "services": networking.get("serviceSubnet"),
            "token": bootstrap.get("token"),
        }
        merged |= {key: str(value) for key, value in found.items() if value}
    return merged


async def _write_control_plane_files(call: Call, cluster: Cluster) -> None:
    for name in _CONFIGS:
        await call.write(f"/etc/kubernetes/{name}.conf", kubeconfig(cluster), mode="0600")
    await call.write("/etc/kubernetes/pki/ca.crt", cluster.pki.ca_certificate)
    await call.write("/etc/kubernetes/pki/ca.key", cluster.pki.ca_key, mode="0600")
    await call.write(
        "/var/lib/kubelet/config.yaml", "kind: KubeletConfiguration\napiVersion: kubelet.config.k8s.io/v1beta1\n"
    )


def _success(cluster: Cluster, token: str) -> str:
    shown = token or "<value withheld>"
    return (
        f"[bootstraptoken] using token: {shown}\n"
        "[addons] Applied essential addon: CoreDNS\n[addons] Applied essential addon: kube-proxy\n\n"
        "Your Kubernetes master has initialized successfully!\n\n"
        "To start using your cluster, you need to run the following as a regular user:\n\n"
        "  mkdir -p $HOME/.kube\n  sudo cp -i /etc/kubernetes/admin.conf $HOME/.kube/config\n"
        "  sudo chown $(id -u):$(id -g) $HOME/.kube/config\n\n"
        "You should now deploy a pod network to the cluster.\n\n"
        "You can now join any number of machines by running the following on each node\nas root:\n\n"
        f"  {join_command(cluster, shown)}\n"
    )


async def _reset(call: Call, arguments: tuple[str, ...]) -> int:
    options = parse(
        arguments,
        values=("cri-socket", "cert-dir", "ignore-preflight-errors", "kubeconfig", "v"),
        switches=("force",),
        short={"f": "force"},
    )
    preflight.require_root(call)
    if not options.has("force"):
        await call.out(
            "[reset] WARNING: changes made to this host by 'kubeadm init' or 'kubeadm join' will be reverted."
        )
        answer = await call.standard_input()
        if answer.strip().lower() not in ("y", "yes"):
            raise UsageError("Aborted reset operation")
    await call.out("[preflight] running pre-flight checks\n[reset] stopping the kubelet service")
    guest = call.guest
    with guest.lock:
        guest.cluster = None
        guest.joined = None
        guest.services.change("kubelet", active=False)
    await call.out("[reset] deleting contents of config directories: [/etc/kubernetes/manifests /etc/kubernetes/pki]")
    files = [f"/etc/kubernetes/{name}.conf" for name in (*_CONFIGS, "bootstrap-kubelet")]
    await call.execute(
        "rm",
        "-rf",
        "/etc/kubernetes/manifests",
        "/etc/kubernetes/pki",
        "/var/lib/etcd",
        "/var/lib/kubelet",
        *files,
    )
    await call.out("\nThe reset process does not reset or clean up iptables rules or IPVS tables.")
    return 0


async def _version(call: Call, arguments: tuple[str, ...]) -> int:
    options = parse(arguments, values=("output", "v"), short={"o": "output"})
    version = preflight.kubeadm_version(call.guest)
    major, minor, _patch = version.split(".")
    info = {"clientVersion": {"major": major, "minor": minor, "gitVersion": f"v{version}", "platform": "linux/amd64"}}
    formats = {
        "short": f"v{version}",
        "json": json.dumps(info, indent=2),
        "yaml": dump(info),
        "": f'kubeadm version: &version.Info{{Major:"{major}", Minor:"{minor}", GitVersion:"v{version}", '
        'Platform:"linux/amd64"}',
    }
    if options.last("output") not in formats:
        raise UsageError(f"invalid output format: {options.last('output')}")
    await call.out(formats[options.last("output")])
    return 0
