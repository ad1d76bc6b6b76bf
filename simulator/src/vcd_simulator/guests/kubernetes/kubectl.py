"""The stand-in for kubectl: asks the API server that its kubeconfig names."""

import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.kubernetes import views
from vcd_simulator.guests.kubernetes.access import find_kubeconfig, reach
from vcd_simulator.guests.kubernetes.cluster import Cluster, Manifest, Node, key_of
from vcd_simulator.guests.kubernetes.jsonpath import evaluate
from vcd_simulator.guests.kubernetes.manifests import display_name, read_manifests
from vcd_simulator.guests.kubernetes.preflight import kubelet_version
from vcd_simulator.guests.kubernetes.texts import dump
from vcd_simulator.guests.standins.options import Options, duration_s, parse, table
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
_NODE_KINDS = ("node", "nodes", "no")
_PLURALS = {
    "po": "pod",
    "pods": "pod",
    "ns": "namespace",
    "namespaces": "namespace",
    "ds": "daemonset",
    "daemonsets": "daemonset",
    "deploy": "deployment",
    "deployments": "deployment",
    "svc": "service",
    "services": "service",
    "cm": "configmap",
    "configmaps": "configmap",
    "sa": "serviceaccount",
    "serviceaccounts": "serviceaccount",
    "secrets": "secret",
    "clusterroles": "clusterrole",
    "clusterrolebindings": "clusterrolebinding",
    "daemonset.apps": "daemonset",
    "deployment.apps": "deployment",
}

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
    if verb not in _VERBS:
        raise UsageError(f'Error: unknown command "{verb}" for "kubectl"\nRun \'kubectl --help\' for usage.')
    return await _VERBS[verb](call, await reach(call, options.last("kubeconfig")), options)


async def _get(call: Call, cluster: Cluster, options: Options) -> int:
    if not options.words:
        raise UsageError(
            'You must specify the type of resource to get. Use "kubectl api-resources" for a complete list of supported resources.\n\nerror: Required resource not specified.'
        )
    first, names = options.words[0], options.words[1:]
    kind, slash, name = first.partition("/")
    if slash:
        names = [name, *(word.partition("/")[2] or word for word in names)]
    if kind.lower() in _NODE_KINDS:
        nodes = _nodes(cluster, names, options)
        rows = [views.node_row(cluster, node, wide=options.last("output") == "wide") for node in nodes]
        heading = ["NAME", "STATUS", "ROLES", "AGE", "VERSION"]
        wide = ["INTERNAL-IP", "EXTERNAL-IP", "OS-IMAGE", "KERNEL-VERSION", "CONTAINER-RUNTIME"]
        heading = [*heading, *wide] if options.last("output") == "wide" else heading
        documents = [views.node_object(cluster, node) for node in nodes]
        return await _print(call, options, documents, [heading, *rows], single=len(names) == 1)
    objects = _objects(cluster, _singular(kind), names, options)
    rows = [_row(one, everywhere=options.has("all-namespaces")) for one in objects]
    heading = ["NAME", "STATUS", "AGE"]
    return await _print(
        call,
        options,
        objects,
        [["NAMESPACE", *heading] if options.has("all-namespaces") else heading, *rows],
        single=len(names) == 1,
    )


def _nodes(cluster: Cluster, names: list[str], options: Options) -> list[Node]:
    """The nodes of these names; without names, all that the selector wants. Raises UsageError."""
    if names:
        return [_node(cluster, name) for name in names]
    return [node for node in cluster.nodes() if _selected(views.node_object(cluster, node), options.last("selector"))]


def _node(cluster: Cluster, name: str) -> Node:
    node = cluster.node(name.removeprefix("node/"))
    if node is None:
        raise UsageError(f'Error from server (NotFound): nodes "{name}" not found')
    return node


def _selected(document: Manifest, selector: str) -> bool:
    """Whether an object's labels fit an equality selector, e.g. `role=x,!other`."""
    labels = document["metadata"].get("labels") or {}
    for term in filter(None, selector.split(",")):
        key, operator, value = term.replace("==", "=").partition("=")
        if operator and key.endswith("!"):
            fits = labels.get(key[:-1]) != value
        elif operator:
            fits = labels.get(key) == value
        else:
            fits = key.lstrip("!") not in labels if key.startswith("!") else key in labels
        if not fits:
            return False
    return True


def _objects(cluster: Cluster, kind: str, names: list[str], options: Options) -> list[Manifest]:
    namespace = options.last("namespace", "default")
    if kind == "namespace":
        found: list[Manifest] = [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}, "status": {"phase": "Active"}}
            for name in views.namespaces(cluster)
        ]
    else:
        every = views.pods(cluster) if kind == "pod" else cluster.objects(kind)
        found = [
            one
            for one in every
            if options.has("all-namespaces") or key_of(one)[1] == namespace or kind.startswith("cluster")
        ]
    found = [one for one in found if _selected(one, options.last("selector"))]
    by_name = {one["metadata"]["name"]: one for one in found}
    for name in names:
        if name not in by_name:
            raise UsageError(f'Error from server (NotFound): {kind}s "{name}" not found')
    return [by_name[name] for name in names] if names else found


def _row(document: Manifest, *, everywhere: bool) -> list[str]:
    metadata = document["metadata"]
    row = [metadata["name"], str((document.get("status") or {}).get("phase", "Active")), "1m"]
    return [str(metadata.get("namespace") or ""), *row] if everywhere else row


async def _print(
    call: Call, options: Options, documents: list[Manifest], rows: list[list[str]], *, single: bool
) -> int:
    """Print objects in the format that `-o` asks for."""
    output = options.last("output")
    result: Any = (
        documents[0]
        if single and documents
        else {
            "apiVersion": "v1",
            "items": documents,
            "kind": "List",
            "metadata": {"resourceVersion": "", "selfLink": ""},
        }
    )
    if output == "json":
        await call.out(json.dumps(result, indent=4))
    elif output == "yaml":
        await call.out(dump(result))
    elif output == "name":
        await call.out("".join(f"{display_name(document)}\n" for document in documents))
    elif output.startswith("jsonpath="):
        # kubectl adds no line break to a JSONPath template.
        text = evaluate(output.removeprefix("jsonpath="), result)
        await call.out_exactly(text)
    elif output.startswith("custom-columns="):
        columns = [part.partition(":") for part in output.removeprefix("custom-columns=").split(",")]
        lines = [[evaluate(f"{{{path}}}", document) or "<none>" for _, _, path in columns] for document in documents]
        await call.out(table([[title for title, _, _ in columns], *lines]))
    elif output in ("", "wide"):
        if not documents:
            await call.error("No resources found.")
        else:
            await call.out(table(rows[1:] if options.has("no-headers") else rows))
    else:
        raise UsageError(f'error: unable to match a printer suitable for the output format "{output}"')
    return 0


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
    if kind in _NODE_KINDS:
        return await _delete_nodes(call, cluster, names, options)
    for name in names:
        await _delete_object(
            call,
            cluster,
            _singular(kind),
            options.last("namespace", "default"),
            name,
            display=f"{_singular(kind)}/{name}",
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
    return _nodes(cluster, options.words, options)


async def _drain(call: Call, cluster: Cluster, options: Options) -> int:
    for node in _named_nodes(cluster, options):
        already = "already " if node.cordoned else ""
        cluster.change_node(node.name, cordoned=True)
        await call.out(f"node/{node.name} {already}cordoned")
        daemons = views.daemon_pods_on(cluster, node)
        if daemons and not options.has("ignore-daemonsets"):
            raise UsageError(
                f'error: unable to drain node "{node.name}", aborting command...\n\nThere are pending nodes to be drained:\n'
                f" {node.name}\nerror: DaemonSet-managed pods (use --ignore-daemonsets to ignore): {', '.join(daemons)}"
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
        or options.words[0].partition("/")[0] not in _NODE_KINDS
    ):
        raise UsageError("error: the simulator's kubectl waits for condition=Ready of nodes only")
    try:
        deadline = time.monotonic() + (duration_s(options.last("timeout", "30s")) or 30.0)
    except ValueError as exc:
        raise UsageError(f"error: {exc}") from None
    names = [word.partition("/")[2] or word for word in options.words if word not in _NODE_KINDS]
    for node in _nodes(cluster, names, options):
        while not cluster.is_ready(_node(cluster, node.name)):
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
    manifest = cluster.object(_singular(kind), options.last("namespace", "default"), name)
    if manifest is None:
        raise UsageError(f'Error from server (NotFound): {_singular(kind)}s "{name}" not found')
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
    if not options.words or options.words[0] not in _NODE_KINDS:
        raise UsageError("error: the simulator's kubectl describes nodes only")
    for node in _nodes(cluster, options.words[1:], options):
        document = views.node_object(cluster, node)
        await call.out(f"Name: {node.name}\nRoles: {views.roles(node)}\n{dump(document['status'])}")
    return 0


async def _rollout(call: Call, cluster: Cluster, options: Options) -> int:
    """`kubectl rollout status KIND/NAME` waits until the nodes that carry the pods are ready."""
    if options.words[:1] != ["status"] or len(options.words) < 2:
        raise UsageError("error: the simulator's kubectl knows `rollout status KIND/NAME` only")
    kind, slash, name = options.words[1].partition("/")
    name = name if slash else (options.words[2] if len(options.words) > 2 else "")
    if cluster.object(_singular(kind), options.last("namespace", "default"), name) is None:
        raise UsageError(f'Error from server (NotFound): {_singular(kind)}s "{name}" not found')
    limit = duration_s(options.last("timeout", "0s"))
    deadline = time.monotonic() + limit if limit else float("inf")
    while not all(cluster.is_ready(node) for node in cluster.nodes()):
        if time.monotonic() >= deadline:
            raise UsageError("error: timed out waiting for the condition")
        await call.wait(0.05)
    await call.out(f'{_singular(kind)} "{name}" successfully rolled out')
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


def _singular(kind: str) -> str:
    kind = kind.lower()
    return _PLURALS.get(kind, kind)


_VERBS: dict[str, Verb] = {
    "apply": _apply,
    "cluster-info": _cluster_info,
    "cordon": _cordon,
    "create": _apply,
    "delete": _delete,
    "describe": _describe,
    "drain": _drain,
    "get": _get,
    "rollout": _rollout,
    "set": _set,
    "uncordon": _uncordon,
    "wait": _wait,
}
