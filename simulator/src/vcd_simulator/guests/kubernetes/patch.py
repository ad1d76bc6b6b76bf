"""`kubectl patch`: strategic, merge and JSON patches."""

import copy
from collections.abc import Callable
from typing import Any

import yaml

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.kubernetes import views
from vcd_simulator.guests.kubernetes.cluster import Cluster, Manifest, Node
from vcd_simulator.guests.kubernetes.get import find_node, find_object
from vcd_simulator.guests.kubernetes.json_patch import JsonPatchError, apply_operations
from vcd_simulator.guests.kubernetes.kinds import NODE_KINDS, singular
from vcd_simulator.guests.kubernetes.manifests import display_name
from vcd_simulator.guests.kubernetes.node_roles import taints_of
from vcd_simulator.guests.kubernetes.texts import load
from vcd_simulator.guests.standins.options import Options

_MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "env": "name",
    "imagePullSecrets": "name",
    "volumeMounts": "mountPath",
    "ports": "containerPort",
    "taints": "key",
    "conditions": "type",
    "addresses": "type",
    "ownerReferences": "uid",
}
"""What tells the elements of a list apart that strategic patches merge; all other lists are replaced."""
_CORDON_TAINT = "node.kubernetes.io/unschedulable"


async def patch(call: Call, cluster: Cluster, options: Options) -> int:
    """`kubectl patch KIND NAME -p PATCH [--type strategic|merge|json]`."""
    kind, slash, name = (options.words or [""])[0].partition("/")
    names = [name, *options.words[1:]] if slash else options.words[1:]
    if not names:
        raise UsageError("error: one or more resources must be specified as <resource> <name> or <resource>/<name>")
    change = _change(options)
    for one in names:
        if kind in NODE_KINDS:
            changed = _patch_node(cluster, find_node(cluster, one), change)
            await call.out(f"node/{one} patched{'' if changed else ' (no change)'}")
            continue
        before = find_object(cluster, singular(kind), options.last("namespace", "default"), one)
        after = _checked(before, change(copy.deepcopy(before)))
        if after != before:
            cluster.apply([after])
        await call.out(f"{display_name(after)} patched{'' if after != before else ' (no change)'}")
    return 0


def _change(options: Options) -> Callable[[Manifest], Manifest]:
    """What the patch on the command line makes of an object. Raises UsageError."""
    kind = options.last("type", "strategic")
    if not options.last("patch"):
        raise UsageError("error: Must specify -p to patch")
    try:
        given = load(options.last("patch"))
    except yaml.YAMLError as exc:
        raise UsageError(f'error: unable to parse "{options.last("patch")}": {exc}') from None
    if kind == "json":
        return lambda before: _json_patched(before, given)
    if kind not in ("strategic", "merge"):
        raise UsageError(f"error: --type must be one of [json merge strategic], not {kind!r}")
    if not isinstance(given, dict):
        raise UsageError(f'error: unable to parse "{options.last("patch")}": it is no object')
    return lambda before: _merged(before, given, strategic=kind == "strategic")


def _json_patched(before: Manifest, operations: Any) -> Manifest:
    try:
        after = apply_operations(before, operations)
    except JsonPatchError as exc:
        raise UsageError(f"The request is invalid: {exc}") from None
    if not isinstance(after, dict):
        raise UsageError("The request is invalid: the object is gone")
    return after


def _merged(before: Any, change: Any, *, strategic: bool, key: str = "") -> Any:
    """A value after a patch; `key` is the name of the property that it belongs to."""
    if isinstance(change, dict):
        directive = change.get("$patch") if strategic else None
        rest = {name: value for name, value in change.items() if not (strategic and str(name).startswith("$"))}
        after = dict(before) if isinstance(before, dict) and directive != "replace" else {}
        for name, value in rest.items():
            if value is None:
                after.pop(name, None)
            else:
                after[name] = _merged(after.get(name), value, strategic=strategic, key=str(name))
        return after
    by = _MERGE_KEYS.get(key)
    if strategic and by and isinstance(change, list) and all(isinstance(one, dict) for one in change):
        return _merged_list(before if isinstance(before, list) else [], change, by)
    return change


def _merged_list(before: list[Any], change: list[dict[str, Any]], by: str) -> list[Any]:
    if any(one.get("$patch") == "replace" for one in change):
        return [one for one in change if "$patch" not in one]
    after = list(before)
    for one in change:
        if by not in one:
            raise UsageError(f"error: map: {one} does not contain declared merge key: {by}")
        at = next((n for n, known in enumerate(after) if isinstance(known, dict) and known.get(by) == one[by]), None)
        if one.get("$patch") == "delete":
            after = [known for n, known in enumerate(after) if n != at]
        elif at is None:
            after.append(_merged({}, one, strategic=True))
        else:
            after[at] = _merged(after[at], one, strategic=True)
    return after


def _checked(before: Manifest, after: Manifest) -> Manifest:
    """Raises UsageError: the patch changes what an object is."""
    for name in ("kind", "apiVersion"):
        if after.get(name) != before[name]:
            raise UsageError(f"The request is invalid: {name}: Invalid value: {after.get(name)!r}: may not be changed")
    if not isinstance(after.get("metadata"), dict) or after["metadata"].get("name") != before["metadata"]["name"]:
        raise UsageError("The request is invalid: metadata.name: field is immutable")
    return after


def _patch_node(cluster: Cluster, node: Node, change: Callable[[Manifest], Manifest]) -> bool:
    """Change what a node keeps: labels, annotations, taints, and whether it takes pods. False: nothing is new."""
    before = views.node_object(cluster, node)
    after = _checked(before, change(copy.deepcopy(before)))
    shown, spec = before["metadata"]["labels"], after.get("spec") or {}
    labels = after["metadata"].get("labels") or {}
    taints = [one for one in spec.get("taints") or [] if one.get("key") != _CORDON_TAINT]
    changes: dict[str, Any] = {
        "annotations": after["metadata"].get("annotations") or {},
        # What the role brings is computed, so only what differs from that is kept.
        "labels": {key: value for key, value in labels.items() if shown.get(key) != value or key in node.labels},
        "cordoned": bool(spec.get("unschedulable")),
    }
    wanted = tuple((str(one.get("key")), str(one.get("value") or ""), str(one.get("effect"))) for one in taints)
    if wanted != tuple(taints_of(node)):
        changes["taints"] = wanted
    if all(getattr(node, name) == value for name, value in changes.items()):
        return False
    cluster.change_node(node.name, **changes)
    return True
