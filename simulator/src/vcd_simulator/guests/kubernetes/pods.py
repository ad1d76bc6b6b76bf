"""Pods: those of the control plane, those that applied objects ask for, and those that were applied themselves.

None is kept: what there is and where it runs follows from the objects and from the state of the nodes.
"""

import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from vcd_simulator.guests.kubernetes.cluster import Cluster, Manifest, Node, key_of
from vcd_simulator.guests.kubernetes.documents import listed, replicas, texts, within
from vcd_simulator.guests.kubernetes.node_roles import taints_of
from vcd_simulator.guests.kubernetes.static_pods import STATIC_PODS
from vcd_simulator.guests.kubernetes.times import stamp

Owner = tuple[str, str]
"""Kind and name of what a pod belongs to."""
_REPLICATED = {"deployment": "ReplicaSet", "replicaset": "ReplicaSet", "statefulset": "StatefulSet"}
"""By kind of object: what the owner of its pods is called."""
WORKLOADS = frozenset({"daemonset", *_REPLICATED})
"""Kinds of objects that ask for pods."""
_COREDNS: Owner = ("ReplicaSet", "coredns-576cbf47c7")
_MOST_PODS = 5000


def pods(cluster: Cluster) -> list[Manifest]:
    """All pods, by namespace and name; of very many, the first."""
    found = islice(_pods(cluster), _MOST_PODS)
    return sorted(found, key=lambda pod: (pod["metadata"]["namespace"], pod["metadata"]["name"]))


def pods_on(cluster: Cluster, node: Node) -> list[Manifest]:
    """The pods on a node."""
    return [pod for pod in pods(cluster) if pod["spec"].get("nodeName") == node.name]


def pods_of(cluster: Cluster, workload: Manifest, every: Iterable[Manifest]) -> list[Manifest]:
    """Those of a cluster's pods that an object asks for."""
    kind, namespace, name = key_of(workload)
    wanted = [_reference(_owner(cluster, kind, namespace, name))]
    here = (pod for pod in every if pod["metadata"]["namespace"] == namespace)
    return [pod for pod in here if pod["metadata"].get("ownerReferences") == wanted]


def owner_kind(pod: Manifest) -> str:
    """What a pod belongs to; empty for one that was applied by itself."""
    owners = pod["metadata"].get("ownerReferences") or [{}]
    return str(owners[0].get("kind", ""))


def is_running(pod: Manifest) -> bool:
    return bool(pod["status"]["phase"] == "Running")


def with_status(cluster: Cluster, workload: Manifest, every: Iterable[Manifest]) -> Manifest:
    """An object as the API server shows it: with what became of those of a cluster's pods that it asks for."""
    ready = sum(map(is_running, pods_of(cluster, workload, every)))
    is_daemon = str(workload["kind"]).lower() == "daemonset"
    status = _daemon_status(len(cluster.nodes()), ready) if is_daemon else _replica_status(replicas(workload), ready)
    return {**workload, "status": status}


def _daemon_status(nodes: int, ready: int) -> Manifest:
    return {
        "currentNumberScheduled": nodes,
        "desiredNumberScheduled": nodes,
        "numberAvailable": ready,
        "numberMisscheduled": 0,
        "numberReady": ready,
        "observedGeneration": 1,
        "updatedNumberScheduled": nodes,
    }


def _replica_status(wanted: int, ready: int) -> Manifest:
    status: dict[str, Any] = {"observedGeneration": 1, "replicas": wanted, "updatedReplicas": wanted}
    status |= {"availableReplicas": ready, "readyReplicas": ready} if ready else {}
    status |= {"unavailableReplicas": wanted - ready} if wanted > ready else {}
    available = "True" if ready >= wanted else "False"
    conditions = [{"type": "Available", "status": available}, {"type": "Progressing", "status": "True"}]
    return {**status, "conditions": conditions}


def _pods(cluster: Cluster) -> Iterator[Manifest]:
    nodes = cluster.nodes()
    for node in nodes:
        yield from _system_pods(cluster, node)
        for manifest in cluster.objects("daemonset"):
            name = str(manifest["metadata"]["name"])
            owner = "DaemonSet", name
            yield _pod(f"{name}-{_suffix(name + node.name)}", owner, node, manifest, running=cluster.is_ready(node))
    ready = [node for node in nodes if cluster.is_ready(node)]
    first = next((node for node in ready if not node.cordoned), None)
    for number in range(0 if _is_changed(cluster, "deployment", "coredns") else 2):
        name = f"{_COREDNS[1]}-{_suffix(str(number))}"
        yield _pod(name, _COREDNS, first, _of_system("coredns", {"k8s-app": "kube-dns"}))
    open_to_all = [node for node in ready if not any(effect != "PreferNoSchedule" for _, _, effect in taints_of(node))]
    for kind in _REPLICATED:
        for manifest in cluster.objects(kind):
            yield from _replicas(kind, manifest, [node for node in open_to_all if not node.cordoned])
    for manifest in cluster.objects("pod"):
        yield _applied(cluster, manifest, open_to_all)


def _system_pods(cluster: Cluster, node: Node) -> Iterator[Manifest]:
    """What kubeadm lets a node run."""
    for name in STATIC_PODS if node.control_plane else ():
        labels = {"component": name, "tier": "control-plane"}
        yield _pod(f"{name}-{node.name}", ("Node", node.name), node, _of_system(name, labels), running=True)
    if _is_changed(cluster, "daemonset", "kube-proxy"):
        return
    proxy = _of_system("kube-proxy", {"k8s-app": "kube-proxy"})
    yield _pod(f"kube-proxy-{_suffix(node.name)}", ("DaemonSet", "kube-proxy"), node, proxy, running=True)


def _replicas(kind: str, manifest: Manifest, places: list[Node]) -> Iterator[Manifest]:
    name = str(manifest["metadata"]["name"])
    owner = _replica_owner(kind, name)
    for number in range(replicas(manifest)):
        tail = str(number) if kind == "statefulset" else _suffix(f"{name}{number}")
        place = places[number % len(places)] if places else None
        yield _pod(f"{owner[1]}-{tail}", owner, place, manifest)


def _owner(cluster: Cluster, kind: str, namespace: str, name: str) -> Owner:
    """What the pods of an object belong to."""
    if kind == "daemonset":
        return "DaemonSet", name
    if (kind, namespace, name) == ("deployment", "kube-system", "coredns") and not _is_changed(cluster, kind, name):
        return _COREDNS
    return _replica_owner(kind, name)


def _replica_owner(kind: str, name: str) -> Owner:
    return _REPLICATED[kind], f"{name}-{_suffix(name)}" if kind == "deployment" else name


def _is_changed(cluster: Cluster, kind: str, name: str) -> bool:
    """Whether an object that kubeadm made is another one by now."""
    return cluster.object(kind, "kube-system", name) is not None


def _reference(owner: Owner) -> dict[str, str]:
    return {"kind": owner[0], "name": owner[1]}


def _applied(cluster: Cluster, manifest: Manifest, places: list[Node]) -> Manifest:
    """A pod that somebody made by itself: it stays on its node even if that takes no others any more."""
    name = str(manifest["metadata"]["name"])
    wanted = within(manifest, "spec", "nodeName")
    place = places[int(_suffix(name), 16) % len(places)] if places else None
    template = {"metadata": manifest["metadata"], "spec": {"template": manifest}}
    return _pod(name, None, cluster.node(wanted) if isinstance(wanted, str) else place, template)


def _of_system(name: str, labels: dict[str, str]) -> Manifest:
    """An object of kubeadm's own that asks for a pod."""
    container = {"name": name, "image": f"k8s.gcr.io/{name}"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container], "hostNetwork": True}}
    return {"metadata": {"namespace": "kube-system"}, "spec": {"template": template}}


def _pod(
    name: str, owner: Owner | None, node: Node | None, workload: Manifest, *, running: bool | None = None
) -> Manifest:
    """A pod of an object: running where it has a node, unless told otherwise."""
    runs = node is not None if running is None else running
    template = within(workload, "spec", "template")
    labels = texts(template, "metadata", "labels")
    containers = [
        {"name": str(one.get("name", "")), "image": str(one.get("image", ""))}
        for one in listed(template, "spec", "containers")
    ]
    metadata: dict[str, Any] = {
        **({"labels": labels} if labels else {}),
        "name": name,
        "namespace": str(workload["metadata"].get("namespace") or "default"),
        **({"ownerReferences": [_reference(owner)]} if owner else {}),
    }
    volumes = listed(template, "spec", "volumes")
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {
            "containers": containers,
            **({"nodeName": node.name} if node else {}),
            **({"volumes": volumes} if volumes else {}),
        },
        "status": _status(name, node, containers, runs=runs, on_host=bool(within(template, "spec", "hostNetwork"))),
    }


def _status(name: str, node: Node | None, containers: list[dict[str, str]], *, runs: bool, on_host: bool) -> Manifest:
    ready = "True" if runs else "False"
    conditions = [("Initialized", "True"), ("Ready", ready), ("ContainersReady", ready)]
    status: dict[str, Any] = {
        "phase": "Running" if runs else "Pending",
        "conditions": [
            *({"type": kind, "status": value} for kind, value in conditions if node),
            {"type": "PodScheduled", "status": "True" if node else "False"},
        ],
    }
    if node is not None:
        state = (
            {"running": {"startedAt": stamp(node.ready_at)}} if runs else {"waiting": {"reason": "ContainerCreating"}}
        )
        status["containerStatuses"] = [{**one, "ready": runs, "restartCount": 0, "state": state} for one in containers]
        status["hostIP"] = node.address
        number = int(hashlib.sha256(name.encode()).hexdigest()[:4], 16)
        address = node.address if on_host else f"10.32.{number >> 8}.{number & 255}"
        status |= {"podIP": address} if runs else {}
    return status


def _suffix(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:5]
