"""`kubectl wait` and `rollout`: until something is as it should be."""

import time

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.kubernetes.cluster import Cluster
from vcd_simulator.guests.kubernetes.get import find_node, find_object, select_nodes
from vcd_simulator.guests.kubernetes.kinds import NODE_KINDS, singular
from vcd_simulator.guests.standins.options import Options, duration_s


async def wait(call: Call, cluster: Cluster, options: Options) -> int:
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
        await call.wait(0.05)
    await call.out(f'{singular(kind)} "{name}" successfully rolled out')
    return 0
