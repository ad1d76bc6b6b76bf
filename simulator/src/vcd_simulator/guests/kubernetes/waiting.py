"""`kubectl wait` and `rollout`: until something is as it should be."""

import time

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.kubernetes.cluster import Cluster
from vcd_simulator.guests.kubernetes.get import find_object, find_objects
from vcd_simulator.guests.kubernetes.kinds import singular
from vcd_simulator.guests.kubernetes.tables import is_available
from vcd_simulator.guests.standins.options import Options, duration_s

_KINDS = ("node", "pod", "deployment")
_PAUSE_S = 0.05


async def wait(call: Call, cluster: Cluster, options: Options) -> int:
    """`kubectl wait --for=condition=C KIND NAME…`, or `--for=delete`, for nodes, pods and deployments."""
    kind, names = _targets(options)
    wanted = options.last("for").lower()
    condition = wanted.removeprefix("condition=").removesuffix("=true")
    if kind not in _KINDS or not (wanted == "delete" or wanted.startswith("condition=")):
        raise UsageError(
            "error: the simulator's kubectl waits for conditions and the end of nodes, pods and deployments only"
        )
    try:
        deadline = time.monotonic() + (duration_s(options.last("timeout", "30s")) or 30.0)
    except ValueError as exc:
        raise UsageError(f"error: {exc}") from None
    for name in names or _selected(cluster, kind, options, gone_is_fine=wanted == "delete"):
        while not _is_met(cluster, kind, name, condition, options):
            if time.monotonic() >= deadline:
                raise UsageError(f"error: timed out waiting for the condition on {kind}s/{name}")
            await call.wait(_PAUSE_S)
        shown = f"deployment.apps/{name}" if kind == "deployment" else f"{kind}/{name}"
        await call.out(f"{shown} condition met")
    return 0


def _targets(options: Options) -> tuple[str, list[str]]:
    """The kind, and the names of `KIND NAME…` or `KIND/NAME…`. Raises UsageError."""
    if not options.words:
        raise UsageError("error: You must provide one or more resources by argument or filename.")
    kind, slash, name = options.words[0].partition("/")
    rest = [word.partition("/")[2] or word for word in options.words[1:]]
    return singular(kind.partition(".")[0]), [name, *rest] if slash else rest


def _selected(cluster: Cluster, kind: str, options: Options, *, gone_is_fine: bool) -> list[str]:
    """Names of the objects that --all or a selector means. Raises UsageError: there are none."""
    if not (options.has("all") or options.last("selector")):
        raise UsageError("error: resource(s) were provided, but no name, label selector, or --all flag specified")
    names = [one["metadata"]["name"] for one in find_objects(cluster, kind, options)]
    if not names and not gone_is_fine:
        raise UsageError("error: no matching resources found")
    return names


def _is_met(cluster: Cluster, kind: str, name: str, condition: str, options: Options) -> bool:
    """Raises UsageError: there is no such object, and it is not the end of one that is waited for."""
    found = find_objects(cluster, kind, options, name)
    if condition == "delete":
        return not found
    if not found:
        raise UsageError(f'Error from server (NotFound): {kind}s "{name}" not found')
    if kind == "deployment":
        return condition == "progressing" or (condition == "available" and is_available(cluster, found[0]))
    conditions = found[0]["status"]["conditions"]
    return any(one["type"].lower() == condition and one["status"] == "True" for one in conditions)


async def rollout(call: Call, cluster: Cluster, options: Options) -> int:
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
        await call.wait(_PAUSE_S)
    await call.out(f'{singular(kind)} "{name}" successfully rolled out')
    return 0
