"""`kubectl logs` and `exec`: containers of pods.

Simulated containers have nothing inside: they print nothing, and there is no program in them to be run.
"""

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.kubernetes.cluster import Cluster, Manifest
from vcd_simulator.guests.kubernetes.get import find_object
from vcd_simulator.guests.kubernetes.kinds import singular
from vcd_simulator.guests.kubernetes.pods import pods
from vcd_simulator.guests.standins.options import Options

_KUBELET_PORT = 10250
_NOT_STARTED = 126
_OWNERS = {"daemonset": "DaemonSet", "deployment": "ReplicaSet", "replicaset": "ReplicaSet"}


async def logs(call: Call, cluster: Cluster, options: Options) -> int:
    """`kubectl logs POD [CONTAINER]`, also of everything that a selector or an owner means."""
    if not options.words and not options.last("selector"):
        raise UsageError(
            "error: expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is required"
        )
    if options.words:
        _check_runs(cluster, _pod(cluster, options.words[0], options))
    while options.has("follow"):
        await call.wait(3600)
    return 0


async def execute(call: Call, cluster: Cluster, options: Options) -> int:
    """`kubectl exec POD -- COMMAND`."""
    if not options.words:
        raise UsageError("error: pod or type/name must be specified")
    pod = _pod(cluster, options.words[0], options)
    if len(options.words) < 2:
        raise UsageError("error: you must specify at least one command for the container")
    _check_runs(cluster, pod)
    await call.error(
        "OCI runtime exec failed: exec failed: container_linux.go:345: starting container process caused "
        f'"exec: \\"{options.words[1]}\\": executable file not found in $PATH": unknown\n'
        f"command terminated with exit code {_NOT_STARTED}"
    )
    return _NOT_STARTED


def _pod(cluster: Cluster, name: str, options: Options) -> Manifest:
    """A pod by its name, or one of an owner's. Raises UsageError."""
    namespace = options.last("namespace", "default")
    kind, slash, rest = name.partition("/")
    here = [pod for pod in pods(cluster) if pod["metadata"]["namespace"] == namespace]
    if slash and singular(kind) in _OWNERS:
        find_object(cluster, singular(kind), namespace, rest)
        owned = [pod for pod in here if pod["metadata"]["name"].startswith(f"{rest}-")]
        if not owned:
            raise UsageError("error: timed out waiting for the condition")
        return owned[0]
    wanted = rest if slash else name
    for pod in here:
        if pod["metadata"]["name"] == wanted:
            return pod
    raise UsageError(f'Error from server (NotFound): pods "{wanted}" not found')


def _check_runs(cluster: Cluster, pod: Manifest) -> None:
    """Raises UsageError: the pod has no node, its container has not started, or its node's kubelet does not answer."""
    name, place = pod["metadata"]["name"], pod["spec"].get("nodeName")
    node = cluster.node(place) if place else None
    if node is None:
        raise UsageError(f"Error from server (BadRequest): pod {name} does not have a host assigned")
    if cluster.status_of(node)[0] == "Unknown":
        raise UsageError(f"Error from server: dial tcp {node.address}:{_KUBELET_PORT}: connect: connection refused")
    if pod["status"]["phase"] != "Running":
        container = name.rpartition("-")[0]
        raise UsageError(
            f'Error from server (BadRequest): container "{container}" in pod "{name}" is waiting to start: '
            "ContainerCreating"
        )
