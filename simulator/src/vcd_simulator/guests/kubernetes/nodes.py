"""`kubectl cordon`, `uncordon`, `drain` and `describe`: nodes."""

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.kubernetes import views
from vcd_simulator.guests.kubernetes.cluster import Cluster, Node
from vcd_simulator.guests.kubernetes.get import select_nodes
from vcd_simulator.guests.kubernetes.kinds import NODE_KINDS
from vcd_simulator.guests.kubernetes.texts import dump
from vcd_simulator.guests.standins.options import Options


async def cordon(call: Call, cluster: Cluster, options: Options) -> int:
    """`kubectl cordon NODE`."""
    return await _set_cordoned(call, cluster, options, cordoned=True)


async def uncordon(call: Call, cluster: Cluster, options: Options) -> int:
    """`kubectl uncordon NODE`."""
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
    return select_nodes(cluster, options.words, options)


async def drain(call: Call, cluster: Cluster, options: Options) -> int:
    """`kubectl drain NODE`."""
    for node in _named_nodes(cluster, options):
        already = "already " if node.cordoned else ""
        cluster.change_node(node.name, cordoned=True)
        await call.out(f"node/{node.name} {already}cordoned")
        daemons = views.daemon_pods_on(cluster, node)
        if daemons and not options.has("ignore-daemonsets"):
            raise UsageError(
                f'error: unable to drain node "{node.name}", aborting command...\n\n'
                f"There are pending nodes to be drained:\n {node.name}\n"
                f"error: DaemonSet-managed pods (use --ignore-daemonsets to ignore): {', '.join(daemons)}"
            )
        if daemons:
            await call.error(f"WARNING: Ignoring DaemonSet-managed pods: {', '.join(daemons)}")
        await call.wait(call.guest.platform.latency.delay("guest.process.kubectl-drain"))
        await call.out(f"node/{node.name} drained")
    return 0


async def describe(call: Call, cluster: Cluster, options: Options) -> int:
    """`kubectl describe node NODE`."""
    if not options.words or options.words[0] not in NODE_KINDS:
        raise UsageError("error: the simulator's kubectl describes nodes only")
    for node in select_nodes(cluster, options.words[1:], options):
        document = views.node_object(cluster, node)
        await call.out(f"Name: {node.name}\nRoles: {views.roles(node)}\n{dump(document['status'])}")
    return 0
