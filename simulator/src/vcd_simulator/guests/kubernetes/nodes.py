"""`kubectl cordon`, `uncordon`, `drain` and `describe`: nodes."""

from collections.abc import Iterable
from dataclasses import dataclass

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.kubernetes import views
from vcd_simulator.guests.kubernetes.cluster import Cluster, Manifest, Node
from vcd_simulator.guests.kubernetes.documents import listed
from vcd_simulator.guests.kubernetes.get import select_nodes
from vcd_simulator.guests.kubernetes.kinds import NODE_KINDS
from vcd_simulator.guests.kubernetes.pods import owner_kind, pods_on
from vcd_simulator.guests.kubernetes.selectors import selected
from vcd_simulator.guests.kubernetes.texts import dump
from vcd_simulator.guests.standins.options import Options


async def cordon(call: Call, cluster: Cluster, options: Options) -> int:
    """`kubectl cordon NODE`."""
    return await _set_cordoned(call, cluster, options, cordoned=True)


async def uncordon(call: Call, cluster: Cluster, options: Options) -> int:
    """`kubectl uncordon NODE`."""
    return await _set_cordoned(call, cluster, options, cordoned=False)


async def _set_cordoned(call: Call, cluster: Cluster, options: Options, *, cordoned: bool) -> int:
    for node in _named_nodes(cluster, options):
        await _cordon(call, cluster, node, options, cordoned=cordoned)
    return 0


async def _cordon(call: Call, cluster: Cluster, node: Node, options: Options, *, cordoned: bool = True) -> None:
    already = "already " if node.cordoned is cordoned else ""
    dry = " (dry run)" if options.has("dry-run") else ""
    if not dry:
        cluster.change_node(node.name, cordoned=cordoned)
    await call.out(f"node/{node.name} {already}{'cordoned' if cordoned else 'uncordoned'}{dry}")


def _named_nodes(cluster: Cluster, options: Options) -> list[Node]:
    if not options.words and not options.last("selector"):
        raise UsageError("error: USAGE: NODE [flags]")
    return select_nodes(cluster, options.words, options)


_UNMANAGED = "not managed by ReplicationController, ReplicaSet, Job, DaemonSet or StatefulSet"


@dataclass(frozen=True)
class _Leavers:
    """The pods on a node, by what draining means for them."""

    daemons: list[Manifest]
    alone: list[Manifest]
    """Those that nothing would make again."""
    with_data: list[Manifest]
    """Those whose data would be lost."""
    evicted: list[Manifest]

    @classmethod
    def of(cls, pods: Iterable[Manifest], selector: str) -> "_Leavers":
        here = [pod for pod in pods if owner_kind(pod) != "Node" and selected(pod, selector)]
        evicted = [pod for pod in here if owner_kind(pod) != "DaemonSet"]
        return cls(
            daemons=[pod for pod in here if owner_kind(pod) == "DaemonSet"],
            alone=[pod for pod in evicted if not owner_kind(pod)],
            with_data=[pod for pod in evicted if any("emptyDir" in one for one in listed(pod, "spec", "volumes"))],
            evicted=evicted,
        )

    def problems(self, options: Options) -> list[str]:
        """What is in the way, unless the command line says otherwise."""
        ignores_data = options.has("delete-local-data") or options.has("delete-emptydir-data")
        checks = (
            (
                self.daemons,
                options.has("ignore-daemonsets"),
                "DaemonSet-managed pods (use --ignore-daemonsets to ignore)",
            ),
            (self.with_data, ignores_data, "pods with local storage (use --delete-local-data to override)"),
            (self.alone, options.has("force"), f"pods {_UNMANAGED} (use --force to override)"),
        )
        return [f"{text}: {_names(pods)}" for pods, allowed, text in checks if pods and not allowed]

    def warnings(self) -> list[str]:
        titles = (
            (self.daemons, "Ignoring DaemonSet-managed pods"),
            (self.with_data, "Deleting pods with local storage"),
            (self.alone, f"Deleting pods {_UNMANAGED}"),
        )
        return [f"{title}: {_names(pods)}" for pods, title in titles if pods]


def _names(pods: Iterable[Manifest]) -> str:
    return ", ".join(f"{pod['metadata']['namespace']}/{pod['metadata']['name']}" for pod in pods)


async def drain(call: Call, cluster: Cluster, options: Options) -> int:
    """`kubectl drain NODE`: all of them are cordoned first, and nothing is evicted where something is in the way."""
    nodes = _named_nodes(cluster, options)
    pods = {node.name: pods_on(cluster, node) for node in nodes}
    for node in nodes:
        await _cordon(call, cluster, node, options)
    for number, node in enumerate(nodes):
        leavers = _Leavers.of(pods[node.name], options.last("pod-selector"))
        problems = leavers.problems(options)
        if problems:
            pending = "\n ".join(one.name for one in nodes[number:])
            raise UsageError(
                f'error: unable to drain node "{node.name}", aborting command...\n\n'
                f"There are pending nodes to be drained:\n {pending}\nerror: {'; '.join(problems)}"
            )
        if warnings := leavers.warnings():
            await call.error(f"WARNING: {'; '.join(warnings)}")
        if not options.has("dry-run"):
            await _evict(call, cluster, leavers)
        await call.out(f"node/{node.name} drained{' (dry run)' if options.has('dry-run') else ''}")
    return 0


async def _evict(call: Call, cluster: Cluster, leavers: _Leavers) -> None:
    """Pods of other objects come up elsewhere, since this node takes none; those that stand alone are gone."""
    await call.wait(call.guest.platform.latency.delay("guest.process.kubectl-drain"))
    for pod in leavers.evicted:
        metadata = pod["metadata"]
        cluster.delete_object("pod", metadata["namespace"], metadata["name"])
        await call.out(f"pod/{metadata['name']} evicted")


async def describe(call: Call, cluster: Cluster, options: Options) -> int:
    """`kubectl describe node NODE`."""
    if not options.words or options.words[0] not in NODE_KINDS:
        raise UsageError("error: the simulator's kubectl describes nodes only")
    for node in select_nodes(cluster, options.words[1:], options):
        document = views.node_object(cluster, node)
        await call.out(f"Name: {node.name}\nRoles: {views.roles(node)}\n{dump(document['status'])}")
    return 0
