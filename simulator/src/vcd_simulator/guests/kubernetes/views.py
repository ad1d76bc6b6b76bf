"""What the API server shows: nodes, and the objects that kubectl prints."""

import hashlib
import ipaddress
import time
from typing import Any

from vcd_simulator.guests.kubernetes.cluster import Cluster, Manifest, Node
from vcd_simulator.guests.kubernetes.node_roles import role_labels, role_names, taints_of
from vcd_simulator.guests.kubernetes.pods import WORKLOADS, pods, with_status
from vcd_simulator.guests.kubernetes.times import stamp
from vcd_simulator.guests.standins.options import age

_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")


def roles(node: Node) -> str:
    """The column ROLES."""
    return ",".join(role_names(node)) or "<none>"


def node_status(cluster: Cluster, node: Node) -> str:
    """The column STATUS."""
    ready = "Ready" if cluster.is_ready(node) else "NotReady"
    return f"{ready},SchedulingDisabled" if node.cordoned else ready


def node_object(cluster: Cluster, node: Node) -> Manifest:
    """A node as `-o json` shows it."""
    status, reason = cluster.status_of(node)
    labels = {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/hostname": node.name,
        **role_labels(node),
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
        "lastHeartbeatTime": stamp(time.time()),
        "lastTransitionTime": stamp(max(node.registered, min(node.ready_at, time.time()))),
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
            "creationTimestamp": stamp(node.registered),
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


def namespaces(cluster: Cluster) -> list[str]:
    """Names of all namespaces."""
    return sorted({*_NAMESPACES, *(manifest["metadata"]["name"] for manifest in cluster.objects("namespace"))})


def objects(cluster: Cluster, kind: str) -> list[Manifest]:
    """All objects of a kind: those that were applied, and those that kubeadm made."""
    found = cluster.objects(kind)
    known = {(one["metadata"].get("namespace"), one["metadata"]["name"]) for one in found}
    made = [one for one in _from_kubeadm(cluster) if one["kind"].lower() == kind]
    new = [one for one in made if (one["metadata"]["namespace"], one["metadata"]["name"]) not in known]
    if kind not in WORKLOADS:
        return [*new, *found]
    running = pods(cluster)
    return [with_status(cluster, one, running) for one in [*new, *found]]


def _from_kubeadm(cluster: Cluster) -> list[Manifest]:
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


def _uid(text: str) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"
