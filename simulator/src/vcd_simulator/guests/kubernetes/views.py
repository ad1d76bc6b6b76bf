"""What the API server shows: nodes and pods as the objects that kubectl prints."""

import hashlib
import ipaddress
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from vcd_simulator.guests.kubernetes.cluster import Cluster, Manifest, Node
from vcd_simulator.guests.kubernetes.static_pods import STATIC_PODS
from vcd_simulator.guests.standins.options import age

_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")


def roles(node: Node) -> str:
    """The column ROLES."""
    return _control_plane_role(node) if node.control_plane else "<none>"


def node_status(cluster: Cluster, node: Node) -> str:
    """The column STATUS."""
    ready = "Ready" if cluster.is_ready(node) else "NotReady"
    return f"{ready},SchedulingDisabled" if node.cordoned else ready


def taints_of(node: Node) -> tuple[tuple[str, str, str], ...]:
    """Key, value and effect of a node's taints, but for what cordoning adds."""
    if node.taints is not None:
        return node.taints
    return ((f"node-role.kubernetes.io/{_control_plane_role(node)}", "", "NoSchedule"),) if node.control_plane else ()


def node_object(cluster: Cluster, node: Node) -> Manifest:
    """A node as `-o json` shows it."""
    status, reason = cluster.status_of(node)
    labels = {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/hostname": node.name,
        **({f"node-role.kubernetes.io/{_control_plane_role(node)}": ""} if node.control_plane else {}),
        **node.labels,
    }
    taints = [
        {"effect": effect, "key": key, **({"value": value} if value else {})} for key, value, effect in taints_of(node)
    ]
    if node.cordoned:
        taints.append({"effect": "NoSchedule", "key": "node.kubernetes.io/unschedulable"})
    spec: dict[str, Any] = {"podCIDR": cluster.pod_subnet} if cluster.pod_subnet else {}
    spec |= {"taints": taints} if taints else {}
    spec |= {"unschedulable": True} if node.cordoned else {}
    ready = {
        "lastHeartbeatTime": _stamp(time.time()),
        "lastTransitionTime": _stamp(max(node.registered, min(node.ready_at, time.time()))),
        "message": "kubelet is posting ready status" if status == "True" else "runtime network not ready",
        "reason": reason,
        "status": status,
        "type": "Ready",
    }
    resources = {
        "cpu": str(node.guest.spec.cpu_count),
        "memory": f"{node.guest.spec.memory_mb * 1024}Ki",
        "pods": "110",
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            **({"annotations": dict(node.annotations)} if node.annotations else {}),
            "creationTimestamp": _stamp(node.registered),
            "labels": labels,
            "name": node.name,
            "uid": _uid(f"node {node.name} {node.registered}"),
        },
        "spec": spec,
        "status": {
            "addresses": [
                {"address": node.address, "type": "InternalIP"},
                {"address": node.name, "type": "Hostname"},
            ],
            "allocatable": dict(resources),
            "capacity": dict(resources),
            "conditions": [ready],
            "nodeInfo": {
                "architecture": "amd64",
                "containerRuntimeVersion": runtime_version(node),
                "kernelVersion": "4.9.0",
                "kubeletVersion": f"v{node.kubelet_version}",
                "kubeProxyVersion": f"v{node.kubelet_version}",
                "operatingSystem": "linux",
                "osImage": os_image(node),
            },
        },
    }


def node_row(cluster: Cluster, node: Node, *, wide: bool) -> list[str]:
    """A line of `kubectl get nodes`."""
    row = [
        node.name,
        node_status(cluster, node),
        roles(node),
        age(time.time() - node.registered),
        f"v{node.kubelet_version}",
    ]
    return [*row, node.address, "<none>", os_image(node), "4.9.0", runtime_version(node)] if wide else row


def os_image(node: Node) -> str:
    """The name of the node's operating system."""
    text = node.guest.image.distribution.files["etc/os-release"]
    line = next(line for line in text.splitlines() if line.startswith("PRETTY_NAME="))
    return line.partition("=")[2].strip('"')


def runtime_version(node: Node) -> str:
    """The node's container runtime with its version."""
    packages = node.guest.packages
    docker = packages.version_of("docker-ce", "docker.io", "docker")
    if docker:
        return f"docker://{docker.partition('~')[0].partition('-')[0]}"
    return f"containerd://{packages.version_of('containerd.io', 'containerd') or '0'}"


def pods(cluster: Cluster) -> list[Manifest]:
    """All pods: those of the control plane, and those that applied objects ask for."""
    return sorted(_pods(cluster), key=lambda pod: (pod["metadata"]["namespace"], pod["metadata"]["name"]))


def namespaces(cluster: Cluster) -> list[str]:
    """Names of all namespaces."""
    return sorted({*_NAMESPACES, *(manifest["metadata"]["name"] for manifest in cluster.objects("namespace"))})


def objects(cluster: Cluster, kind: str) -> list[Manifest]:
    """All objects of a kind: those that were applied, and those that kubeadm made."""
    found = cluster.objects(kind)
    known = {(one["metadata"].get("namespace"), one["metadata"]["name"]) for one in found}
    made = [one for one in _from_kubeadm(cluster) if one["kind"].lower() == kind]
    return [*(one for one in made if (one["metadata"]["namespace"], one["metadata"]["name"]) not in known), *found]


def _from_kubeadm(cluster: Cluster) -> list[Manifest]:
    nodes = cluster.nodes()
    return [
        _service("kubernetes", "default", _service_address(cluster, 1), "443/TCP"),
        _service("kube-dns", "kube-system", _service_address(cluster, 10), "53/UDP,53/TCP"),
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "coredns", "namespace": "kube-system"},
            "spec": {"replicas": 2},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": {"name": "kube-proxy", "namespace": "kube-system"},
            "status": {"desiredNumberScheduled": len(nodes), "numberReady": len(nodes)},
        },
    ]


def _service(name: str, namespace: str, address: str, ports: str) -> Manifest:
    listed = [
        {"port": int(number), "protocol": protocol}
        for number, _, protocol in (port.partition("/") for port in ports.split(","))
    ]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"clusterIP": address, "ports": listed, "type": "ClusterIP"},
    }


def _service_address(cluster: Cluster, number: int) -> str:
    return str(ipaddress.ip_network(cluster.service_subnet, strict=False)[number])


def daemon_pods_on(cluster: Cluster, node: Node) -> list[str]:
    """Names of the pods on a node that a DaemonSet manages, with their namespaces."""
    found = [pod for pod in pods(cluster) if pod["spec"].get("nodeName") == node.name]
    return [
        f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        for pod in found
        if pod["metadata"]["ownerReferences"][0]["kind"] == "DaemonSet"
    ]


def _pods(cluster: Cluster) -> Iterator[Manifest]:
    nodes = cluster.nodes()
    for node in nodes:
        if node.control_plane:
            for name in STATIC_PODS:
                labels = {"component": name, "tier": "control-plane"}
                yield _pod(f"{name}-{node.name}", "kube-system", "Node", node, labels, running=True)
        labels = {"k8s-app": "kube-proxy"}
        yield _pod(f"kube-proxy-{_suffix(node.name)}", "kube-system", "DaemonSet", node, labels, running=True)
        for manifest in cluster.objects("daemonset"):
            metadata = manifest["metadata"]
            name = f"{metadata['name']}-{_suffix(metadata['name'] + node.name)}"
            yield _pod(
                name,
                str(metadata.get("namespace") or "default"),
                "DaemonSet",
                node,
                _pod_labels(manifest),
                running=cluster.is_ready(node),
            )
    ready = [node for node in nodes if cluster.is_ready(node) and not node.cordoned]
    for number in range(2):
        yield _pod(
            f"coredns-576cbf47c7-{_suffix(str(number))}",
            "kube-system",
            "ReplicaSet",
            ready[0] if ready else None,
            {"k8s-app": "kube-dns"},
        )
    workers = [node for node in ready if not any(effect != "PreferNoSchedule" for _, _, effect in taints_of(node))]
    for manifest in cluster.objects("deployment"):
        metadata = manifest["metadata"]
        for number in range(min(int((manifest.get("spec") or {}).get("replicas") or 1), 100)):
            name = f"{metadata['name']}-{_suffix(metadata['name'])}-{_suffix(metadata['name'] + str(number))}"
            place = workers[number % len(workers)] if workers else None
            yield _pod(name, str(metadata.get("namespace") or "default"), "ReplicaSet", place, _pod_labels(manifest))


def _pod_labels(manifest: Manifest) -> dict[str, str]:
    """The labels that an object gives its pods; none where a guest has written something else there."""
    found: Any = manifest
    for name in ("spec", "template", "metadata", "labels"):
        found = found.get(name) if isinstance(found, dict) else None
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _pod(
    name: str, namespace: str, owner: str, node: Node | None, labels: dict[str, str], *, running: bool | None = None
) -> Manifest:
    is_running = node is not None if running is None else running
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            **({"labels": labels} if labels else {}),
            "name": name,
            "namespace": namespace,
            "ownerReferences": [{"kind": owner, "name": name.rpartition("-")[0]}],
        },
        "spec": {"nodeName": node.name} if node else {},
        "status": {
            "phase": "Running" if is_running else "Pending",
            "conditions": [{"type": "Ready", "status": "True" if is_running else "False"}],
        },
    }


def _control_plane_role(node: Node) -> str:
    """Kubernetes renamed the role with version 1.20."""
    return "control-plane" if int(node.kubelet_version.split(".")[1]) >= 20 else "master"


def _suffix(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:5]


def _uid(text: str) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
