"""`kubectl get`, in all its formats."""

import json
import time
from typing import Any

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.kubernetes import views
from vcd_simulator.guests.kubernetes.cluster import Cluster, Manifest, Node, key_of
from vcd_simulator.guests.kubernetes.jsonpath import evaluate
from vcd_simulator.guests.kubernetes.manifests import display_name
from vcd_simulator.guests.kubernetes.texts import dump
from vcd_simulator.guests.standins.options import Options, age, table

NODE_KINDS = ("node", "nodes", "no")
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


async def get(call: Call, cluster: Cluster, options: Options) -> int:
    """Carry out `kubectl get`. Raises UsageError."""
    if not options.words:
        raise UsageError(
            'You must specify the type of resource to get. Use "kubectl api-resources" for a complete list of '
            "supported resources.\n\nerror: Required resource not specified."
        )
    first, names = options.words[0], options.words[1:]
    kind, slash, name = first.partition("/")
    if slash:
        names = [name, *(word.partition("/")[2] or word for word in names)]
    if kind.lower() in NODE_KINDS:
        nodes = select_nodes(cluster, names, options)
        rows = [views.node_row(cluster, node, wide=options.last("output") == "wide") for node in nodes]
        heading = ["NAME", "STATUS", "ROLES", "AGE", "VERSION"]
        wide = ["INTERNAL-IP", "EXTERNAL-IP", "OS-IMAGE", "KERNEL-VERSION", "CONTAINER-RUNTIME"]
        heading = [*heading, *wide] if options.last("output") == "wide" else heading
        documents = [views.node_object(cluster, node) for node in nodes]
        return await _print(call, options, documents, [heading, *rows], single=len(names) == 1)
    objects = _objects(cluster, singular(kind), names, options)
    rows = [_row(cluster, one, everywhere=options.has("all-namespaces")) for one in objects]
    heading = ["NAME", "STATUS", "AGE"]
    return await _print(
        call,
        options,
        objects,
        [["NAMESPACE", *heading] if options.has("all-namespaces") else heading, *rows],
        single=len(names) == 1,
    )


def select_nodes(cluster: Cluster, names: list[str], options: Options) -> list[Node]:
    """The nodes of these names; without names, all that the selector wants. Raises UsageError."""
    if names:
        return [find_node(cluster, name) for name in names]
    return [node for node in cluster.nodes() if _selected(views.node_object(cluster, node), options.last("selector"))]


def find_node(cluster: Cluster, name: str) -> Node:
    """A node by name, as `node/NAME` too. Raises UsageError."""
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


def _row(cluster: Cluster, document: Manifest, *, everywhere: bool) -> list[str]:
    metadata = document["metadata"]
    row = [
        metadata["name"],
        str((document.get("status") or {}).get("phase", "Active")),
        age(time.time() - cluster.created),
    ]
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


def singular(kind: str) -> str:
    """The name of a kind, of whatever short form or plural a user may write."""
    kind = kind.lower()
    return _PLURALS.get(kind, kind)
