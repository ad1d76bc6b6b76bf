"""`kubectl apply`, `replace`, `delete` and `set`: objects as a whole."""

import json

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.kubernetes.cluster import Cluster, Manifest, key_of
from vcd_simulator.guests.kubernetes.documents import listed
from vcd_simulator.guests.kubernetes.get import find_objects, select_nodes
from vcd_simulator.guests.kubernetes.kinds import KINDS, NODE_KINDS, UNBOUND, singular
from vcd_simulator.guests.kubernetes.manifests import display_name, read_manifests
from vcd_simulator.guests.kubernetes.pods import owner_kind
from vcd_simulator.guests.standins.options import Options


async def apply(call: Call, cluster: Cluster, options: Options) -> int:
    """`kubectl apply -f …`."""
    if not options.values.get("filename"):
        raise UsageError("error: must specify one of -f and -k")
    for source in options.values["filename"]:
        manifests = [_in_namespace(one, options.last("namespace")) for one in await read_manifests(call, source)]
        if options.has("dry-run"):
            await call.out("".join(f"{display_name(one)} {_change(cluster, one)} (dry run)\n" for one in manifests))
            continue
        await call.wait(call.guest.platform.latency.delay("guest.process.kubectl-apply"))
        for manifest, change in cluster.apply(manifests):
            await call.out(f"{display_name(manifest)} {change}")
    return 0


def _change(cluster: Cluster, manifest: Manifest) -> str:
    return "created" if cluster.object(*key_of(manifest)) is None else "configured"


async def replace(call: Call, cluster: Cluster, options: Options) -> int:
    """`kubectl replace -f …`, for objects that are there; nothing is changed unless all of them are."""
    if not options.values.get("filename"):
        raise UsageError("error: must specify one of -f and -k")
    found = [one for source in options.values["filename"] for one in await read_manifests(call, source)]
    placed = [_in_namespace(one, options.last("namespace")) for one in found]
    for manifest in placed:
        kind, _, name = key_of(manifest)
        if cluster.object(*key_of(manifest)) is None:
            raise UsageError(f'Error from server (NotFound): {kind}s "{name}" not found')
    for manifest, _ in cluster.apply(placed):
        await call.out(f"{display_name(manifest)} replaced")
    return 0


def _in_namespace(manifest: Manifest, namespace: str) -> Manifest:
    """An object in a namespace, unless it is in one already, or in none at all."""
    kind = str(manifest["kind"]).lower()
    if kind in UNBOUND or not (namespace or kind in KINDS):
        return manifest
    return {**manifest, "metadata": {"namespace": namespace or "default", **manifest["metadata"]}}


async def delete(call: Call, cluster: Cluster, options: Options) -> int:
    """`kubectl delete -f …`, or of a kind by names, by a selector, or all of it."""
    if options.values.get("filename"):
        code = 0
        for source in options.values["filename"]:
            for manifest in await read_manifests(call, source):
                one = _in_namespace(manifest, options.last("namespace"))
                code |= await _delete_object(call, cluster, *key_of(one), display=display_name(one), options=options)
        return code
    kind, slash, name = (options.words or [""])[0].partition("/")
    names = [name, *options.words[1:]] if slash else options.words[1:]
    if not names and not options.has("all") and not options.last("selector"):
        raise UsageError("error: resource(s) were provided, but no name, label selector, or --all flag specified")
    if kind in NODE_KINDS:
        return await _delete_nodes(
            call, cluster, names or [one.name for one in select_nodes(cluster, [], options)], options
        )
    kind = singular(kind)
    if kind == "pod":
        return await _delete_pods(call, cluster, names, options)
    code = 0
    for known in names or [one["metadata"]["name"] for one in find_objects(cluster, kind, options)]:
        namespace = options.last("namespace", "default")
        code |= await _delete_object(call, cluster, kind, namespace, known, display=f"{kind}/{known}", options=options)
    return code


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


async def _delete_pods(call: Call, cluster: Cluster, names: list[str], options: Options) -> int:
    """A pod that belongs to something comes up again at once; one that was made by itself is gone."""
    found = {one["metadata"]["name"]: one for one in find_objects(cluster, "pod", options)} if not names else {}
    for name in names:
        found |= {one["metadata"]["name"]: one for one in find_objects(cluster, "pod", options, name)}
    for name, pod in found.items():
        if not owner_kind(pod):
            cluster.delete_object("pod", pod["metadata"]["namespace"], name)
        await call.out(f'pod "{name}" deleted')
    missing = [] if options.has("ignore-not-found") else [name for name in names if name not in found]
    for name in missing:
        await call.error(f'Error from server (NotFound): pods "{name}" not found')
    return 1 if missing else 0


async def _delete_object(
    call: Call, cluster: Cluster, kind: str, namespace: str, name: str, *, display: str, options: Options
) -> int:
    if not cluster.delete_object(kind, namespace, name):
        if options.has("ignore-not-found"):
            return 0
        await call.error(f'Error from server (NotFound): {kind}s "{name}" not found')
        return 1
    await call.out(f'{display.partition("/")[0]} "{name}" deleted')
    return 0


async def set_environment(call: Call, cluster: Cluster, options: Options) -> int:
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
    for container in listed(changed, "spec", "template", "spec", "containers"):
        if wanted in ("*", container.get("name")):
            kept = [entry for entry in listed(container, "env") if entry.get("name") not in pairs]
            container["env"] = [*kept, *({"name": key, "value": value} for key, value in pairs.items())]
    ((_, change),) = cluster.apply([changed])
    if change != "unchanged":
        await call.out(f"{display_name(changed)} env updated")
    return 0
