"""`kubeadm upgrade`: a control plane of another version, step by step as the real one insists."""

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.kubernetes import preflight
from vcd_simulator.guests.kubernetes.access import ADMIN_CONFIG, reach
from vcd_simulator.guests.kubernetes.cluster import Cluster
from vcd_simulator.guests.kubernetes.preflight import parsed_version
from vcd_simulator.guests.kubernetes.static_pods import write_static_pods
from vcd_simulator.guests.standins.options import Options, parse

_VALUES = (
    "certificate-renewal",
    "config",
    "etcd-upgrade",
    "feature-gates",
    "ignore-preflight-errors",
    "kubeconfig",
    "kubelet-version",
    "patches",
    "v",
)
_SWITCHES = (
    "allow-experimental-upgrades",
    "allow-release-candidate-upgrades",
    "dry-run",
    "force",
    "print-config",
    "yes",
)
_MISSING = 'couldn\'t create a Kubernetes client from file "{0}": failed to load admin kubeconfig: open {0}: {1}'
_KUBELET_CONFIG = "kind: KubeletConfiguration\napiVersion: kubelet.config.k8s.io/v1beta1\n"


async def upgrade(call: Call, arguments: tuple[str, ...]) -> int:
    """Carry out `kubeadm upgrade plan|apply|node`. Raises UsageError."""
    options = parse(arguments, values=_VALUES, switches=_SWITCHES, short={"y": "yes", "f": "force"})
    verb = options.words.pop(0) if options.words else ""
    preflight.require_root(call)
    if verb == "plan":
        return await _plan(call, options)
    if verb == "apply":
        return await _apply(call, options)
    if verb == "node":
        return await _node(call, options)
    raise UsageError(f"kubeadm upgrade: the simulator knows plan, apply and node, not {verb!r}")


async def _plan(call: Call, options: Options) -> int:
    cluster = await _control_plane(call, options)
    own = preflight.kubeadm_version(call.guest)
    await call.out(
        "[preflight] Running pre-flight checks.\n[upgrade] Making sure the cluster is healthy:\n"
        f"[upgrade/versions] Cluster version: v{cluster.version}\n[upgrade/versions] kubeadm version: v{own}\n"
    )
    if parsed_version(own) <= parsed_version(cluster.version):
        await call.out("Awesome, you're up-to-date! Enjoy!")
        return 0
    await call.out(
        f"You can now apply the upgrade by executing the following command:\n\n\tkubeadm upgrade apply v{own}\n"
    )
    return 0


async def _apply(call: Call, options: Options) -> int:
    if len(options.words) != 1:
        raise UsageError("missing one or more required arguments. Required arguments: [version]")
    cluster = await _control_plane(call, options)
    version = options.words[0].removeprefix("v")
    if version.startswith(("stable", "latest")):
        version = preflight.kubeadm_version(call.guest)
    await call.out("[preflight] Running pre-flight checks.\n[upgrade] Making sure the cluster is healthy:")
    _check_health(cluster, options)
    await call.out(f'[upgrade/version] You have chosen to change the cluster version to "v{version}"')
    _check_version(call, cluster, version, forced=options.has("force"))
    if not options.has("yes") and not options.has("force"):
        await call.out("[upgrade/confirm] Are you sure you want to proceed with the upgrade? [y/N]: ")
        if (await call.standard_input()).strip().lower() not in ("y", "yes"):
            raise UsageError("[upgrade/confirm] won't proceed; the user didn't answer (Y|y) in order to continue")
    if options.has("dry-run"):
        await call.out("[dryrun] Finished dryrunning successfully!")
        return 0
    await call.out(f'[upgrade/apply] Upgrading your Static Pod-hosted control plane to version "v{version}"...')
    await call.wait(call.guest.platform.latency.delay("guest.process.kubeadm-upgrade"))
    await write_static_pods(call, version)
    cluster.version = version
    await call.out(
        "[addons] Applied essential addon: CoreDNS\n[addons] Applied essential addon: kube-proxy\n\n"
        f'[upgrade/successful] SUCCESS! Your cluster was upgraded to "v{version}". Enjoy!\n\n'
        "[upgrade/kubelet] Now that your control plane is upgraded, please proceed with upgrading your kubelets if you "
        "haven't already done so."
    )
    return 0


async def _node(call: Call, options: Options) -> int:
    """`kubeadm upgrade node`, with `config --kubelet-version` in older releases: the kubelet's configuration."""
    path = "/etc/kubernetes/kubelet.conf"
    if call.guest.joined is None:
        raise UsageError(_MISSING.format(path, "no such file or directory"))
    cluster, _ = call.guest.joined
    if options.words[:1] not in ([], ["config"], ["phase"], ["experimental-control-plane"]):
        raise UsageError(f'unknown command {options.words[0]!r} for "kubeadm upgrade node"')
    version = parsed_version(options.last("kubelet-version") or cluster.version)
    if version[:2] > parsed_version(cluster.version)[:2]:
        raise UsageError(
            f"the kubelet's version may not be higher than the control plane's, which is v{cluster.version}"
        )
    await call.write("/var/lib/kubelet/config.yaml", _KUBELET_CONFIG)
    if call.guest.cluster is cluster:
        await write_static_pods(call, cluster.version)
    await call.out(
        '[kubelet] Writing kubelet configuration to file "/var/lib/kubelet/config.yaml"\n'
        "[upgrade] The configuration for this node was successfully updated!\n"
        "[upgrade] Now you should go ahead and upgrade the kubelet package using your package manager."
    )
    return 0


async def _control_plane(call: Call, options: Options) -> Cluster:
    """The cluster that this machine is the control plane of. Raises UsageError."""
    path = options.last("kubeconfig") or ADMIN_CONFIG
    if not await call.exists(path):
        raise UsageError(_MISSING.format(path, "no such file or directory"))
    cluster = await reach(call, path)
    if call.guest.cluster is not cluster:
        raise UsageError("[upgrade/apply] FATAL: this machine is no control plane of the cluster")
    return cluster


def _check_health(cluster: Cluster, options: Options) -> None:
    waiting = [node.name for node in cluster.nodes() if not cluster.is_ready(node)]
    problems = [("NodeHealth", f"there are NotReady Nodes in the cluster: {waiting}")] if waiting else []
    preflight.check(problems, options.every("ignore-preflight-errors"))


def _check_version(call: Call, cluster: Cluster, version: str, *, forced: bool) -> None:
    """Raises UsageError: kubeadm does not go that far, or there are kubelets that would be left behind."""
    own, now, wanted = preflight.kubeadm_version(call.guest), parsed_version(cluster.version), parsed_version(version)
    fatal, problems = [], []
    if wanted[:2] > (now[0], now[1] + 1):
        fatal.append(
            f'Specified version to upgrade to "v{version}" is too high; kubeadm can upgrade only 1 minor version at a '
            "time"
        )
    if wanted[:2] < now[:2]:
        fatal.append(
            f'Specified version to upgrade to "v{version}" is at least one minor release lower than the cluster\'s '
            f'version "v{cluster.version}"'
        )
    if wanted > parsed_version(own):
        problems.append(
            f'Specified version to upgrade to "v{version}" is higher than the kubeadm version "v{own}". '
            "Upgrade kubeadm first using the tool you used to install kubeadm"
        )
    old = sorted(
        {node.kubelet_version for node in cluster.nodes() if parsed_version(node.kubelet_version)[1] < wanted[1] - 2}
    )
    if old:
        problems.append(f"There are kubelets in this cluster that are too old that have these versions {old}")
    if fatal or (problems and not forced):
        listing = "\n".join(f"\t- {one}" for one in [*fatal, *problems])
        hint = "" if fatal else "\nCan be bypassed if you pass the --force flag"
        raise UsageError(
            f"[upgrade/version] FATAL: the --version argument is invalid due to these errors:\n\n{listing}\n{hint}"
        )
