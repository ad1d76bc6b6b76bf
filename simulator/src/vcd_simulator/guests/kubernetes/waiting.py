"""`kubectl wait` and `rollout`: until something is as it should be."""

import time

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.kubernetes.cluster import Cluster
from vcd_simulator.guests.kubernetes.get import find_object, find_objects
from vcd_simulator.guests.kubernetes.kinds import singular
from vcd_simulator.guests.kubernetes.manifests import display_name
from vcd_simulator.guests.kubernetes.tables import is_available
from vcd_simulator.guests.standins.options import Options, duration_s

_KINDS = ("node", "pod", "deployment")
_PAUSE_S = 0.05
_WEEK_S = 7 * 24 * 3600.0


async def wait(call: Call, cluster: Cluster, options: Options) -> int:
    """`kubectl wait --for=condition=C KIND NAME…`, or `--for=delete`, for nodes, pods and deployments."""
    kind, names = _targets(options)
    wanted = options.last("for").lower()
    condition = wanted.removeprefix("condition=")
    if kind not in _KINDS or not (wanted == "delete" or wanted.startswith("condition=")):
        raise UsageError(
            "error: the simulator's kubectl waits for conditions and the end of nodes, pods and deployments only"
        )
    deadline = time.monotonic() + _limit_s(options, "30s")
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
    condition, wanted = _condition(condition)
    if kind == "deployment":
        if condition == "available":
            return is_available(found[0]) is (wanted == "true")
        return condition == "progressing" and wanted == "true"
    conditions = found[0]["status"]["conditions"]
    return any(one["type"].lower() == condition and one["status"].lower() == wanted for one in conditions)


def _condition(text: str) -> tuple[str, str]:
    """Name and status of `ready` or `ready=false`."""
    name, _, status = text.partition("=")
    return name, status or "true"


def _limit_s(options: Options, default: str) -> float:
    """How long to wait: not at all for 0, and a week for less. Raises UsageError."""
    text = options.last("timeout", default)
    try:
        return _WEEK_S if text.startswith("-") else duration_s(text)
    except ValueError as exc:
        raise UsageError(f"error: {exc}") from None


async def rollout(call: Call, cluster: Cluster, options: Options) -> int:
    """`kubectl rollout status KIND/NAME` waits until the nodes that carry the pods are ready; or `restart`."""
    if options.words[:1] not in (["status"], ["restart"]) or len(options.words) < 2:
        raise UsageError("error: the simulator's kubectl knows `rollout status` and `rollout restart` only")
    kind, slash, name = options.words[1].partition("/")
    name = name if slash else (options.words[2] if len(options.words) > 2 else "")
    found = find_object(cluster, singular(kind), options.last("namespace", "default"), name)
    if options.words[0] == "restart":
        await call.out(f"{display_name(found)} restarted")
        return 0
    deadline = time.monotonic() + (_limit_s(options, "0s") or _WEEK_S)
    while not all(cluster.is_ready(node) for node in cluster.nodes()):
        if time.monotonic() >= deadline:
            raise UsageError("error: timed out waiting for the condition")
        await call.wait(_PAUSE_S)
    await call.out(f'{singular(kind)} "{name}" successfully rolled out')
    return 0
