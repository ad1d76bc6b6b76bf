"""Tables as `kubectl get` prints them for people."""

import time

from vcd_simulator.guests.kubernetes import views
from vcd_simulator.guests.kubernetes.cluster import Cluster, Manifest, key_of
from vcd_simulator.guests.kubernetes.kinds import UNBOUND
from vcd_simulator.guests.kubernetes.pods import is_running
from vcd_simulator.guests.standins.options import Options, age


def rows_of(cluster: Cluster, kind: str, documents: list[Manifest], options: Options, prefix: str) -> list[list[str]]:
    """Heading and rows, as kubectl prints them for people."""
    wide = options.last("output") == "wide"
    if kind == "node":
        heading = ["NAME", "STATUS", "ROLES", "AGE", "VERSION"]
        heading += ["INTERNAL-IP", "EXTERNAL-IP", "OS-IMAGE", "KERNEL-VERSION", "CONTAINER-RUNTIME"] if wide else []
        nodes = [node for one in documents if (node := cluster.node(one["metadata"]["name"])) is not None]
        rows = [views.node_row(cluster, node, wide=wide) for node in nodes]
    else:
        heading, columns = _COLUMNS.get(kind, (["NAME", "STATUS"], _status_columns))
        old = age(time.time() - cluster.created)
        rows = [[prefix + one["metadata"]["name"], *columns(cluster, one), old] for one in documents]
        heading = [*heading, "AGE"]
        if wide and kind == "pod":
            heading = [*heading, "NODE"]
            rows = [[*row, one["spec"].get("nodeName", "<none>")] for row, one in zip(rows, documents, strict=True)]
    if options.has("show-labels"):
        heading = [*heading, "LABELS"]
        rows = [[*row, _labels(one)] for row, one in zip(rows, documents, strict=True)]
    if options.has("all-namespaces") and kind not in UNBOUND:
        heading = ["NAMESPACE", *heading]
        rows = [[key_of(one)[1], *row] for row, one in zip(rows, documents, strict=True)]
    return [heading, *rows]


def _labels(document: Manifest) -> str:
    labels = document["metadata"].get("labels") or {}
    return ",".join(f"{key}={value}" for key, value in labels.items()) or "<none>"


def _status_columns(_cluster: Cluster, document: Manifest) -> list[str]:
    return [str((document.get("status") or {}).get("phase", "Active"))]


def _pod_columns(_cluster: Cluster, document: Manifest) -> list[str]:
    count = len(document["spec"]["containers"]) or 1
    return [f"{count if is_running(document) else 0}/{count}", document["status"]["phase"], "0"]


def is_available(deployment: Manifest) -> bool:
    """Whether all pods of a deployment, as the API server shows it, run."""
    wanted, ready = _replicas(deployment)
    return ready >= wanted


def _deployment_columns(_cluster: Cluster, document: Manifest) -> list[str]:
    wanted, ready = _replicas(document)
    return [f"{ready}/{wanted}", str(wanted), str(ready)]


def _replicas(document: Manifest) -> tuple[int, int]:
    """How many pods a deployment wants, and how many of them run."""
    status = document["status"]
    return status["replicas"], status.get("readyReplicas", 0)


def _daemonset_columns(_cluster: Cluster, document: Manifest) -> list[str]:
    names = ("desiredNumberScheduled", "currentNumberScheduled", "numberReady")
    return [str(document["status"][name]) for name in names]


def _service_columns(_cluster: Cluster, document: Manifest) -> list[str]:
    spec = document.get("spec") or {}
    ports = ",".join(f"{port.get('port')}/{port.get('protocol', 'TCP')}" for port in spec.get("ports") or [])
    return [str(spec.get("type", "ClusterIP")), str(spec.get("clusterIP", "<none>")), "<none>", ports or "<none>"]


def _data_columns(_cluster: Cluster, document: Manifest) -> list[str]:
    return [str(len(document.get("data") or {}))]


def _secret_columns(_cluster: Cluster, document: Manifest) -> list[str]:
    return [str(document.get("type", "Opaque")), str(len(document.get("data") or {}))]


_COLUMNS = {
    "pod": (["NAME", "READY", "STATUS", "RESTARTS"], _pod_columns),
    "deployment": (["NAME", "READY", "UP-TO-DATE", "AVAILABLE"], _deployment_columns),
    "daemonset": (["NAME", "DESIRED", "CURRENT", "READY"], _daemonset_columns),
    "service": (["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)"], _service_columns),
    "configmap": (["NAME", "DATA"], _data_columns),
    "secret": (["NAME", "TYPE", "DATA"], _secret_columns),
}
