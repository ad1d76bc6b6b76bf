"""`kubectl label`, `annotate`, `taint`, `create` and `scale`: changing single things."""

import base64
import json
import re
from collections.abc import Iterable
from typing import Any

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.kubernetes import node_roles, views
from vcd_simulator.guests.kubernetes.cluster import Cluster, Manifest, Node, key_of
from vcd_simulator.guests.kubernetes.get import find_object, select_nodes
from vcd_simulator.guests.kubernetes.kinds import NODE_KINDS, UNBOUND, singular
from vcd_simulator.guests.kubernetes.manifests import display_name, read_manifests
from vcd_simulator.guests.kubernetes.texts import dump
from vcd_simulator.guests.standins.options import Options

_PAIR = re.compile(r"[A-Za-z0-9](?:[\w./-]*[A-Za-z0-9])?")
_TAINT = re.compile(r"(?P<key>[\w./-]+?)(?:=(?P<value>[\w.-]*))?(?::(?P<effect>\w+))?(?P<remove>-)?")
_COUNT = re.compile(r"[0-9]{1,4}")
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


async def label(call: Call, cluster: Cluster, options: Options) -> int:
    """`kubectl label KIND NAME… KEY=VALUE… KEY-`."""
    return await _mark(call, cluster, options, "labels", "labeled")


async def annotate(call: Call, cluster: Cluster, options: Options) -> int:
    """The same for annotations."""
    return await _mark(call, cluster, options, "annotations", "annotated")


async def _mark(call: Call, cluster: Cluster, options: Options, what: str, done: str) -> int:
    kind, names, changes = _targets(options)
    if not changes:
        raise UsageError(f"error: at least one {what.removesuffix('s')} update is required")
    pairs = [(key, None if not equals else value) for key, equals, value in map(_split, changes)]
    if kind in NODE_KINDS:
        for node in select_nodes(cluster, names, options):
            shown = views.node_object(cluster, node)["metadata"].get(what) or {}
            changed = _changed(f"node/{node.name}", shown, pairs, options)
            # What the role brings is computed, so only what differs from that is kept.
            own = {
                key: value for key, value in changed.items() if shown.get(key) != value or key in getattr(node, what)
            }
            cluster.change_node(node.name, **{what: own})
            await call.out(f"node/{node.name} {done if changed != shown else f'not {done}'}")
        return 0
    for name in names:
        manifest = json.loads(json.dumps(find_object(cluster, kind, options.last("namespace", "default"), name)))
        before = manifest["metadata"].get(what) or {}
        manifest["metadata"][what] = _changed(f"{kind}/{name}", before, pairs, options)
        cluster.apply([manifest])
        await call.out(f"{display_name(manifest)} {done}")
    return 0


def _changed(
    name: str, before: dict[str, str], pairs: Iterable[tuple[str, str | None]], options: Options
) -> dict[str, str]:
    """Labels after a change. Raises UsageError: one has another value, and --overwrite was not said."""
    after = dict(before)
    for key, value in pairs:
        if value is None:
            after.pop(key, None)
        elif after.get(key, value) != value and not options.has("overwrite"):
            raise UsageError(
                f"error: '{key}' already has a value ({after[key]}), and --overwrite is false ({name} was not changed)"
            )
        else:
            after[key] = value
    return after


def _targets(options: Options) -> tuple[str, list[str], list[str]]:
    """Kind, names and changes of a command line such as `label node a b role=x other-`."""
    words = list(options.words)
    if not words:
        raise UsageError("error: one or more resources must be specified as <resource> <name> or <resource>/<name>")
    kind, slash, name = words.pop(0).partition("/")
    names = [name] if slash else []
    while words and "=" not in words[0] and not words[0].endswith("-"):
        names.append(words.pop(0))
    if not names and not options.has("all") and not options.last("selector"):
        raise UsageError("error: resource(s) were provided, but no name was specified")
    return singular(kind), names, words


def _split(change: str) -> tuple[str, bool, str]:
    """Key, whether it is set, and the value of `KEY=VALUE` or `KEY-`. Raises UsageError."""
    key, equals, value = change.partition("=")
    key = key if equals else key.removesuffix("-")
    if not _PAIR.fullmatch(key):
        raise UsageError(f"error: invalid label spec: {change}")
    return key, bool(equals), value


async def taint(call: Call, cluster: Cluster, options: Options) -> int:
    """`kubectl taint nodes NAME… KEY=VALUE:EFFECT… KEY:EFFECT-`."""
    if not options.words or options.words[0] not in NODE_KINDS:
        raise UsageError("error: invalid resource type, only node types are supported")
    names = [word for word in options.words[1:] if not _is_taint(word)]
    changes = [word for word in options.words[1:] if _is_taint(word)]
    if not changes:
        raise UsageError("error: at least one taint update is required")
    if not names and not options.has("all") and not options.last("selector"):
        raise UsageError("error: at least one resource name must be specified since 'all' parameter is not set")
    code = 0
    for node in select_nodes(cluster, names, options):
        code |= await _taint_node(call, cluster, node, changes, options)
    return code


def _is_taint(word: str) -> bool:
    return ":" in word or "=" in word or word.endswith("-")


async def _taint_node(call: Call, cluster: Cluster, node: Node, changes: list[str], options: Options) -> int:
    taints = list(node_roles.taints_of(node))
    removed = False
    for change in changes:
        match = _TAINT.fullmatch(change)
        if match is None or (match["effect"] not in _EFFECTS and not (match["remove"] and match["effect"] is None)):
            raise UsageError(f"error: invalid taint effect or spec: {change}")
        same = [one for one in taints if one[0] == match["key"] and match["effect"] in (None, one[2])]
        if match["remove"]:
            removed = True
            if not same:
                await call.error(f'error: taint "{change.removesuffix("-")}" not found')
                return 1
        elif same and not options.has("overwrite"):
            raise UsageError(
                f"error: node {node.name} already has {match['key']} taint(s) with same effect(s) "
                "and --overwrite is false"
            )
        taints = [one for one in taints if one not in same]
        if not match["remove"]:
            taints.append((str(match["key"]), match["value"] or "", str(match["effect"])))
    cluster.change_node(node.name, taints=tuple(taints))
    await call.out(f"node/{node.name} {'untainted' if removed else 'tainted'}")
    return 0


async def create(call: Call, cluster: Cluster, options: Options) -> int:
    """`kubectl create -f …`, or one of the simple objects by its values."""
    if options.values.get("filename"):
        made = [one for source in options.values["filename"] for one in await read_manifests(call, source)]
    elif options.words:
        made = [await _from_values(call, options)]
    else:
        raise UsageError("error: must specify one of -f and -k")
    for manifest in made:
        if singular(str(manifest["kind"])) not in UNBOUND:
            manifest["metadata"].setdefault("namespace", options.last("namespace", "default"))
        if options.has("dry-run"):
            await _show(call, manifest, options)
            continue
        if cluster.object(*key_of(manifest)) is not None:
            kind = str(manifest["kind"]).lower()
            raise UsageError(
                f'Error from server (AlreadyExists): {kind}s "{manifest["metadata"]["name"]}" already exists'
            )
        cluster.apply([manifest])
        await _show(call, manifest, options)
    return 0


async def _show(call: Call, manifest: Manifest, options: Options) -> None:
    if options.last("output") == "json":
        await call.out(json.dumps(manifest, indent=4))
    elif options.last("output") == "yaml":
        await call.out(dump(manifest))
    else:
        await call.out(f"{display_name(manifest)} created" + (" (dry run)" if options.has("dry-run") else ""))


async def _from_values(call: Call, options: Options) -> Manifest:
    kind, *rest = options.words
    kind = singular(kind)
    if kind == "secret" and rest[:1] == ["generic"]:
        rest = rest[1:]
    elif kind not in ("namespace", "configmap", "serviceaccount", "clusterrolebinding", "deployment"):
        raise UsageError(f'error: the simulator\'s kubectl cannot create "{" ".join(options.words[:2])}" by values')
    if len(rest) != 1:
        raise UsageError(f"error: exactly one NAME is required, got {len(rest)}")
    manifest: dict[str, Any] = {"apiVersion": "v1", "metadata": {"name": rest[0]}}
    if kind in ("secret", "configmap"):
        data = await _data(call, options)
        if kind == "secret":
            data = {key: base64.b64encode(text.encode(errors="surrogateescape")).decode() for key, text in data.items()}
        manifest |= {"data": data, **({"type": "Opaque"} if kind == "secret" else {})}
    if kind == "clusterrolebinding":
        group = "rbac.authorization.k8s.io"
        users = [{"apiGroup": group, "kind": "User", "name": user} for user in options.values.get("user", [])]
        accounts = [
            {"kind": "ServiceAccount", "namespace": namespace, "name": name}
            for namespace, _, name in (one.partition(":") for one in options.values.get("serviceaccount", []))
        ]
        role = {"apiGroup": group, "kind": "ClusterRole", "name": options.last("clusterrole")}
        manifest |= {"apiVersion": f"{group}/v1", "roleRef": role, "subjects": [*users, *accounts]}
    if kind == "deployment":
        manifest |= {"apiVersion": "apps/v1", "spec": _deployment(rest[0], options)}
    names = {
        "configmap": "ConfigMap",
        "serviceaccount": "ServiceAccount",
        "clusterrolebinding": "ClusterRoleBinding",
    }
    return manifest | {"kind": names.get(kind, kind.capitalize())}


def _deployment(name: str, options: Options) -> dict[str, Any]:
    """Raises UsageError: no image is given, or the number of pods is none."""
    images = options.values.get("image", [])
    replicas = options.last("replicas", "1")
    if not images:
        raise UsageError('error: required flag(s) "image" not set')
    if not _COUNT.fullmatch(replicas):
        raise UsageError(f'error: invalid argument "{replicas}" for "--replicas" flag')
    labels = {"app": name}
    containers = [
        {"image": image, "name": image.rpartition("/")[2].partition("@")[0].partition(":")[0]} for image in images
    ]
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    return {"replicas": int(replicas), "selector": {"matchLabels": labels}, "template": template}


async def _data(call: Call, options: Options) -> dict[str, str]:
    found = {}
    for pair in options.values.get("from-literal", []):
        key, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"error: invalid literal source {pair}, expected key=value")
        found[key] = value
    for source in options.values.get("from-file", []):
        key, equals, path = source.partition("=")
        path = path if equals else key
        try:
            found[key if equals else path.rpartition("/")[2]] = await call.read(call.path(path))
        except OSError as exc:
            raise UsageError(f"error: error reading {path}: {exc.strerror}") from None
    return found


async def scale(call: Call, cluster: Cluster, options: Options) -> int:
    """`kubectl scale KIND NAME --replicas=N`."""
    if not options.last("replicas").isdecimal() or int(options.last("replicas")) > 10_000:
        raise UsageError("error: The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0")
    kind, slash, name = (options.words or [""])[0].partition("/")
    names = [name, *options.words[1:]] if slash else options.words[1:]
    if singular(kind) not in ("deployment", "replicaset", "statefulset") or not names:
        raise UsageError("error: resource(s) were provided, but no name of something with replicas was specified")
    for one in names:
        manifest = json.loads(
            json.dumps(find_object(cluster, singular(kind), options.last("namespace", "default"), one))
        )
        manifest["spec"] = {**(manifest.get("spec") or {}), "replicas": int(options.last("replicas"))}
        cluster.apply([manifest])
        await call.out(f"{display_name(manifest)} scaled")
    return 0
