"""`kubectl get`, in all its formats."""

import json
from typing import Any

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.kubernetes import views
from vcd_simulator.guests.kubernetes.cluster import Cluster, Manifest, Node, key_of
from vcd_simulator.guests.kubernetes.jsonpath import evaluate, select
from vcd_simulator.guests.kubernetes.kinds import KINDS, UNBOUND, singular
from vcd_simulator.guests.kubernetes.manifests import display_name
from vcd_simulator.guests.kubernetes.pods import pods
from vcd_simulator.guests.kubernetes.selectors import has_fields, selected
from vcd_simulator.guests.kubernetes.tables import rows_of
from vcd_simulator.guests.kubernetes.texts import dump
from vcd_simulator.guests.standins.options import Options, table


async def get(call: Call, cluster: Cluster, options: Options) -> int:
    """Carry out `kubectl get`. Raises UsageError."""
    if options.last("raw"):
        return await _raw(call, cluster, options.last("raw"))
    if options.has("watch") or options.has("watch-only"):
        raise UsageError("error: the simulator's kubectl does not watch; use `kubectl wait`, or ask again")
    if not options.words:
        raise UsageError(
            'You must specify the type of resource to get. Use "kubectl api-resources" for a complete list of '
            "supported resources.\n\nerror: Required resource not specified."
        )
    if options.words[0] == "all":
        return await _everything(call, cluster, options)
    kind, slash, name = options.words[0].partition("/")
    names = options.words[1:]
    if slash:
        names = [name, *(word.partition("/")[2] or word for word in names)]
    kind = singular(kind)
    _check_kind(cluster, kind)
    documents, missing = _found(cluster, kind, names, options)
    code = 0
    if documents or not names:
        code = await _print(call, cluster, options, kind, documents, single=len(names) == 1)
    if not options.has("ignore-not-found"):
        for name in missing:
            await call.error(f'Error from server (NotFound): {kind}s "{name}" not found')
            code = 1
    return code


async def _raw(call: Call, cluster: Cluster, path: str) -> int:
    """`kubectl get --raw`: whether the API server is well, and its version."""
    if path in ("/healthz", "/livez", "/readyz"):
        await call.out_exactly("ok")
    elif path == "/version":
        major, minor, _ = cluster.version.split(".")
        await call.out(json.dumps({"major": major, "minor": minor, "gitVersion": f"v{cluster.version}"}, indent=2))
    else:
        raise UsageError("Error from server (NotFound): the server could not find the requested resource")
    return 0


async def _everything(call: Call, cluster: Cluster, options: Options) -> int:
    """`kubectl get all`: the kinds that it means, each in a table of its own."""
    found = False
    for kind in ("pod", "service", "daemonset", "deployment"):
        documents, _ = _found(cluster, kind, [], options)
        if documents:
            if found and options.last("output") in ("", "wide"):
                await call.out("\n")
            await _print(call, cluster, options, kind, documents, single=False, prefix=f"{kind}/")
            found = True
    if not found:
        await call.error("No resources found.")
    return 0


def _check_kind(cluster: Cluster, kind: str) -> None:
    """Raises UsageError: the API server knows no such kind, and nobody has applied one."""
    if kind not in KINDS and not cluster.objects(kind):
        raise UsageError(f'error: the server doesn\'t have a resource type "{kind}"')


def _found(cluster: Cluster, kind: str, names: list[str], options: Options) -> tuple[list[Manifest], list[str]]:
    """The objects that are asked for, and the names that nothing has."""
    if kind == "node":
        every = [views.node_object(cluster, node) for node in cluster.nodes()]
    else:
        every = _objects(cluster, kind, options)
    if not names:
        labels, fields = options.last("selector"), options.last("field-selector")
        return _sorted([one for one in every if selected(one, labels) and has_fields(one, fields)], options), []
    by_name = {one["metadata"]["name"]: one for one in every}
    return [by_name[name] for name in names if name in by_name], [name for name in names if name not in by_name]


def _sorted(documents: list[Manifest], options: Options) -> list[Manifest]:
    """Objects in the order that `--sort-by` asks for. Raises UsageError: the path is not understood."""
    path = options.last("sort-by").removeprefix("{").removesuffix("}")
    return sorted(documents, key=lambda one: list(map(str, select(path, one)))) if path else documents


def find_objects(cluster: Cluster, kind: str, options: Options, name: str | None = None) -> list[Manifest]:
    """Objects of a kind in the namespace that is asked for: the one of a name, or those that the selector wants."""
    return _found(cluster, kind, [] if name is None else [name], options)[0]


def find_object(cluster: Cluster, kind: str, namespace: str, name: str) -> Manifest:
    """One object, be it applied or made by kubeadm. Raises UsageError."""
    for one in views.objects(cluster, kind):
        _, place, known = key_of(one)
        if known == name and (place == namespace or kind in UNBOUND):
            return one
    if kind == "pod" and any(one["metadata"]["name"] == name for one in pods(cluster)):
        raise UsageError("error: the simulator's kubectl changes only pods that were made by themselves")
    raise UsageError(f'Error from server (NotFound): {kind}s "{name}" not found')


def select_nodes(cluster: Cluster, names: list[str], options: Options) -> list[Node]:
    """The nodes of these names; without names, all that the selector wants. Raises UsageError."""
    if names:
        return [find_node(cluster, name) for name in names]
    return [node for node in cluster.nodes() if selected(views.node_object(cluster, node), options.last("selector"))]


def find_node(cluster: Cluster, name: str) -> Node:
    """A node by name, as `node/NAME` too. Raises UsageError."""
    node = cluster.node(name.removeprefix("node/"))
    if node is None:
        raise UsageError(f'Error from server (NotFound): nodes "{name}" not found')
    return node


def _objects(cluster: Cluster, kind: str, options: Options) -> list[Manifest]:
    namespace = options.last("namespace", "default")
    if kind == "namespace":
        return [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}, "status": {"phase": "Active"}}
            for name in views.namespaces(cluster)
        ]
    every = pods(cluster) if kind == "pod" else views.objects(cluster, kind)
    if options.has("all-namespaces") or kind in UNBOUND:
        return every
    return [one for one in every if key_of(one)[1] == namespace]


async def _print(
    call: Call,
    cluster: Cluster,
    options: Options,
    kind: str,
    documents: list[Manifest],
    *,
    single: bool,
    prefix: str = "",
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
        heading = [] if options.has("no-headers") else [[title for title, _, _ in columns]]
        if heading or lines:
            await call.out(table([*heading, *lines]))
    elif output in ("", "wide"):
        if not documents:
            await call.error("No resources found.")
        else:
            rows = rows_of(cluster, kind, documents, options, prefix)
            await call.out(table(rows[1:] if options.has("no-headers") else rows))
    else:
        raise UsageError(f'error: unable to match a printer suitable for the output format "{output}"')
    return 0
