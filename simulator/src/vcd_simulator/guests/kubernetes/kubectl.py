"""The stand-in for kubectl: asks the API server that its kubeconfig names."""

import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.kubernetes import edit, views
from vcd_simulator.guests.kubernetes.access import find_kubeconfig, reach
from vcd_simulator.guests.kubernetes.cluster import Cluster, Manifest, Node, key_of
from vcd_simulator.guests.kubernetes.get import find_node, find_object, get, select_nodes
from vcd_simulator.guests.kubernetes.kinds import NODE_KINDS, singular
from vcd_simulator.guests.kubernetes.manifests import display_name, read_manifests
from vcd_simulator.guests.kubernetes.preflight import kubelet_version
from vcd_simulator.guests.kubernetes.texts import dump
from vcd_simulator.guests.standins.options import Options, duration_s, parse
from vcd_simulator.guests.standins.registry import Commands

command = Commands()

_VALUES = (
    "kubeconfig",
    "namespace",
    "output",
    "filename",
    "selector",
    "request-timeout",
    "context",
    "cluster",
    "user",
    "server",
    "v",
    "timeout",
    "grace-period",
    "for",
    "containers",
    "sort-by",
    "field-selector",
    "pod-selector",
    "type",
    "patch",
    "cascade",
    "template",
    "from-literal",
    "from-file",
    "clusterrole",
    "serviceaccount",
    "replicas",
)
_SWITCHES = (
    "all-namespaces",
    "ignore-daemonsets",
    "delete-local-data",
    "delete-emptydir-data",
    "force",
    "all",
    "no-headers",
    "ignore-not-found",
    "short",
    "client",
    "recursive",
    "wait",
    "watch",
    "overwrite",
    "validate",
    "show-labels",
    "now",
    "disable-eviction",
    "save-config",
    "raw",
    "minify",
    "help",
    "insecure-skip-tls-verify",
    "list",
    "dry-run",
)
_SHORT = {
    "n": "namespace",
    "o": "output",
    "f": "filename",
    "l": "selector",
    "A": "all-namespaces",
    "R": "recursive",
    "v": "v",
    "s": "server",
    "c": "containers",
    "w": "watch",
    "h": "help",
    "p": "patch",
}

_NOT_HERE = (
    "api-resources", "api-versions", "attach", "auth", "autoscale", "certificate", "completion", "cp", "diff", "edit",
    "exec", "explain", "expose", "kustomize", "logs", "patch", "plugin", "port-forward", "proxy", "replace", "run",
    "top",
)  # fmt: skip
"""What the real one can do and this one cannot."""

Verb = Callable[[Call, Cluster, Options], Awaitable[int]]


@command("kubectl", packaged=True)
async def kubectl(call: Call) -> int | None:
    """Dispatch to the subcommand."""
    options = parse(call.arguments, values=_VALUES, switches=_SWITCHES, short=_SHORT, unknown="Error: unknown flag: {}")
    if not options.words or options.has("help"):
        await call.out("kubectl controls the Kubernetes cluster manager.\n\nUsage:\n  kubectl [flags] [options]")
        return 0
    verb = options.words.pop(0)
    if verb == "version":
        return await _version(call, options)
    if verb == "config":
        return await _config(call, options)
    if verb in _NOT_HERE:
        raise UsageError(f'error: the simulator\'s kubectl has no "{verb}"')
    if verb not in _VERBS:
        raise UsageError(f'Error: unknown command "{verb}" for "kubectl"\nRun \'kubectl --help\' for usage.')
    return await _VERBS[verb](call, await reach(call, options.last("kubeconfig")), options)


async def _apply(call: Call, cluster: Cluster, options: Options) -> int:
    if not options.values.get("filename"):
        raise UsageError("error: must specify one of -f and -k")
    for source in options.values["filename"]:
        manifests = await read_manifests(call, source)
        if options.last("namespace"):
            manifests = [_in_namespace(one, options.last("namespace")) for one in manifests]
        await call.wait(call.guest.platform.latency.delay("guest.process.kubectl-apply"))
        for manifest, change in cluster.apply(manifests):
            await call.out(f"{display_name(manifest)} {change}")
    return 0


def _in_namespace(manifest: Manifest, namespace: str) -> Manifest:
    return {**manifest, "metadata": {"namespace": namespace, **manifest["metadata"]}}


async def _delete(call: Call, cluster: Cluster, options: Options) -> int:
    if options.values.get("filename"):
        for source in options.values["filename"]:
            for manifest in await read_manifests(call, source):
                await _delete_object(call, cluster, *key_of(manifest), display=display_name(manifest), options=options)
        return 0
    kind, slash, name = (options.words or [""])[0].partition("/")
    names = [name, *options.words[1:]] if slash else options.words[1:]
    if not names:
        raise UsageError("error: resource(s) were provided, but no name, label selector, or --all flag specified")
    if kind in NODE_KINDS:
        return await _delete_nodes(call, cluster, names, options)
    for name in names:
        await _delete_object(
            call,
            cluster,
            singular(kind),
            options.last("namespace", "default"),
            name,
            display=f"{singular(kind)}/{name}",
            options=options,
        )
    return 0


async def _delete_nodes(call: Call, cluster: Cluster, names: list[str], options: Options) -> int:
    """Every node that is there goes, and those that are not are reported in the end."""
    missing = []
    for name in names:
        if cluster.remove_node(name):
            await call.out(f'node "{name}" deleted')
        else:
            missing.append(name)
    for name in missing:
        if not options.has("ignore-not-found"):
            await call.error(f'Error from server (NotFound): nodes "{name}" not found')
    return 1 if missing and not options.has("ignore-not-found") else 0


async def _delete_object(
    call: Call, cluster: Cluster, kind: str, namespace: str, name: str, *, display: str, options: Options
) -> None:
    if not cluster.delete_object(kind, namespace, name):
        if options.has("ignore-not-found"):
            return
        raise UsageError(f'Error from server (NotFound): {kind}s "{name}" not found')
    await call.out(f'{display.partition("/")[0]} "{name}" deleted')


async def _cordon(call: Call, cluster: Cluster, options: Options) -> int:
    return await _set_cordoned(call, cluster, options, cordoned=True)


async def _uncordon(call: Call, cluster: Cluster, options: Options) -> int:
    return await _set_cordoned(call, cluster, options, cordoned=False)


async def _set_cordoned(call: Call, cluster: Cluster, options: Options, *, cordoned: bool) -> int:
    word = "cordoned" if cordoned else "uncordoned"
    for node in _named_nodes(cluster, options):
        already = "already " if node.cordoned is cordoned else ""
        cluster.change_node(node.name, cordoned=cordoned)
        await call.out(f"node/{node.name} {already}{word}")
    return 0


def _named_nodes(cluster: Cluster, options: Options) -> list[Node]:
    if not options.words and not options.last("selector"):
        raise UsageError("error: USAGE: NODE [flags]")
    return select_nodes(cluster, options.words, options)


async def _drain(call: Call, cluster: Cluster, options: Options) -> int:
    for node in _named_nodes(cluster, options):
        already = "already " if node.cordoned else ""
        cluster.change_node(node.name, cordoned=True)
        await call.out(f"node/{node.name} {already}cordoned")
        daemons = views.daemon_pods_on(cluster, node)
        if daemons and not options.has("ignore-daemonsets"):
            raise UsageError(
                f'error: unable to drain node "{node.name}", aborting command...\n\n'
                f"There are pending nodes to be drained:\n {node.name}\n"
                f"error: DaemonSet-managed pods (use --ignore-daemonsets to ignore): {', '.join(daemons)}"
            )
        if daemons:
            await call.error(f"WARNING: Ignoring DaemonSet-managed pods: {', '.join(daemons)}")
        await call.wait(call.guest.platform.latency.delay("guest.process.kubectl-drain"))
        await call.out(f"node/{node.name} drained")
    return 0


async def _cluster_info(call: Call, cluster: Cluster, _options: Options) -> int:
    await call.out(
        f"Kubernetes master is running at https://{cluster.endpoint}\n"
        f"KubeDNS is running at https://{cluster.endpoint}/api/v1/namespaces/kube-system/services/kube-dns:dns/proxy\n\n"
        "To further debug and diagnose cluster problems, use 'kubectl cluster-info dump'."
    )
    return 0


async def _wait(call: Call, cluster: Cluster, options: Options) -> int:
    """`kubectl wait --for=condition=Ready node …`."""
    if (
        options.last("for").lower() != "condition=ready"
        or not options.words
        or options.words[0].partition("/")[0] not in NODE_KINDS
    ):
        raise UsageError("error: the simulator's kubectl waits for condition=Ready of nodes only")
    try:
        deadline = time.monotonic() + (duration_s(options.last("timeout", "30s")) or 30.0)
    except ValueError as exc:
        raise UsageError(f"error: {exc}") from None
    names = [word.partition("/")[2] or word for word in options.words if word not in NODE_KINDS]
    for node in select_nodes(cluster, names, options):
        while not cluster.is_ready(find_node(cluster, node.name)):
            if time.monotonic() >= deadline:
                raise UsageError(f"error: timed out waiting for the condition on nodes/{node.name}")
            await call.wait(0.05)
        await call.out(f"node/{node.name} condition met")
    return 0


async def _set(call: Call, cluster: Cluster, options: Options) -> int:
    """`kubectl set env KIND/NAME NAME=VALUE`."""
    if options.words[:1] != ["env"] or len(options.words) < 3 or "/" not in options.words[1]:
        raise UsageError("error: the simulator's kubectl sets `env KIND/NAME NAME=VALUE` only")
    kind, _, name = options.words[1].partition("/")
    manifest = cluster.object(singular(kind), options.last("namespace", "default"), name)
    if manifest is None:
        raise UsageError(f'Error from server (NotFound): {singular(kind)}s "{name}" not found')
    pairs = dict(word.partition("=")[::2] for word in options.words[2:])
    changed = json.loads(json.dumps(manifest))
    wanted = options.last("containers", "*")
    for container in changed["spec"]["template"]["spec"]["containers"]:
        if wanted in ("*", container["name"]):
            kept = [entry for entry in container.get("env") or [] if entry["name"] not in pairs]
            container["env"] = [*kept, *({"name": key, "value": value} for key, value in pairs.items())]
    ((_, change),) = cluster.apply([changed])
    if change != "unchanged":
        await call.out(f"{display_name(changed)} env updated")
    return 0


async def _describe(call: Call, cluster: Cluster, options: Options) -> int:
    if not options.words or options.words[0] not in NODE_KINDS:
        raise UsageError("error: the simulator's kubectl describes nodes only")
    for node in select_nodes(cluster, options.words[1:], options):
        document = views.node_object(cluster, node)
        await call.out(f"Name: {node.name}\nRoles: {views.roles(node)}\n{dump(document['status'])}")
    return 0


async def _rollout(call: Call, cluster: Cluster, options: Options) -> int:
    """`kubectl rollout status KIND/NAME` waits until the nodes that carry the pods are ready."""
    if options.words[:1] != ["status"] or len(options.words) < 2:
        raise UsageError("error: the simulator's kubectl knows `rollout status KIND/NAME` only")
    kind, slash, name = options.words[1].partition("/")
    name = name if slash else (options.words[2] if len(options.words) > 2 else "")
    find_object(cluster, singular(kind), options.last("namespace", "default"), name)
    limit = duration_s(options.last("timeout", "0s"))
    deadline = time.monotonic() + limit if limit else float("inf")
    while not all(cluster.is_ready(node) for node in cluster.nodes()):
        if time.monotonic() >= deadline:
            raise UsageError("error: timed out waiting for the condition")
        await call.wait(0.05)
    await call.out(f'{singular(kind)} "{name}" successfully rolled out')
    return 0


async def _version(call: Call, options: Options) -> int:
    own = kubelet_version(call.guest)
    lines = [f"Client Version: v{own}"]
    if not options.has("client"):
        cluster = await reach(call, options.last("kubeconfig"))
        lines.append(f"Server Version: v{cluster.version}")
    if options.last("output") in ("json", "yaml"):
        names = ("clientVersion", "serverVersion")
        info = {name: {"gitVersion": line.rpartition(" ")[2]} for name, line in zip(names, lines, strict=False)}
        await call.out(json.dumps(info, indent=2) if options.last("output") == "json" else dump(info))
    else:
        await call.out("\n".join(lines))
    return 0


async def _config(call: Call, options: Options) -> int:
    found = await find_kubeconfig(call, options.last("kubeconfig"))
    config = found[1] if found and isinstance(found[1], dict) else {}
    verb = options.words[0] if options.words else "view"
    if verb == "view":
        await call.out(dump(config if options.has("raw") else _redacted(config)))
    elif verb == "current-context":
        if not config.get("current-context"):
            raise UsageError("error: current-context is not set")
        await call.out(str(config["current-context"]))
    elif verb == "get-contexts":
        await call.out("".join(f"{entry['name']}\n" for entry in config.get("contexts") or []))
    else:
        raise UsageError(f'error: the simulator\'s kubectl has no "config {verb}"')
    return 0


def _redacted(config: Any) -> Any:
    hidden = ("certificate-authority-data", "client-certificate-data", "client-key-data")
    if isinstance(config, dict):
        return {key: "DATA+OMITTED" if key in hidden else _redacted(value) for key, value in config.items()}
    return [_redacted(item) for item in config] if isinstance(config, list) else config


_VERBS: dict[str, Verb] = {
    "annotate": edit.annotate,
    "apply": _apply,
    "cluster-info": _cluster_info,
    "cordon": _cordon,
    "create": edit.create,
    "delete": _delete,
    "describe": _describe,
    "drain": _drain,
    "get": get,
    "label": edit.label,
    "rollout": _rollout,
    "scale": edit.scale,
    "set": _set,
    "taint": edit.taint,
    "uncordon": _uncordon,
    "wait": _wait,
}
