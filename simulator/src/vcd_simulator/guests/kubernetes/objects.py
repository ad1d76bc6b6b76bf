"""`kubectl apply`, `delete` and `set`: objects as a whole."""

import json

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.kubernetes.cluster import Cluster, Manifest, key_of
from vcd_simulator.guests.kubernetes.kinds import NODE_KINDS, singular
from vcd_simulator.guests.kubernetes.manifests import display_name, read_manifests
from vcd_simulator.guests.standins.options import Options


async def apply(call: Call, cluster: Cluster, options: Options) -> int:
    """`kubectl apply -f …`."""
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


async def replace(call: Call, cluster: Cluster, options: Options) -> int:
    """`kubectl replace -f …`, for objects that are there; nothing is changed unless all of them are."""
    if not options.values.get("filename"):
        raise UsageError("error: must specify one of -f and -k")
    found = [one for source in options.values["filename"] for one in await read_manifests(call, source)]
    placed = [_in_namespace(one, options.last("namespace", "default")) for one in found]
    for manifest in placed:
        kind, _, name = key_of(manifest)
        if cluster.object(*key_of(manifest)) is None:
            raise UsageError(f'Error from server (NotFound): {kind}s "{name}" not found')
    for manifest, _ in cluster.apply(placed):
        await call.out(f"{display_name(manifest)} replaced")
    return 0


def _in_namespace(manifest: Manifest, namespace: str) -> Manifest:
    return {**manifest, "metadata": {"namespace": namespace, **manifest["metadata"]}}


async def delete(call: Call, cluster: Cluster, options: Options) -> int:
    """`kubectl delete -f …`, or of a kind by names."""
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
    for container in changed["spec"]["template"]["spec"]["containers"]:
        if wanted in ("*", container["name"]):
            kept = [entry for entry in container.get("env") or [] if entry["name"] not in pairs]
            container["env"] = [*kept, *({"name": key, "value": value} for key, value in pairs.items())]
    ((_, change),) = cluster.apply([changed])
    if change != "unchanged":
        await call.out(f"{display_name(changed)} env updated")
    return 0
