"""The control plane's own pods, which its kubelet starts from files."""

from vcd_simulator.guests.channel import Call
from vcd_simulator.guests.kubernetes.texts import dump

STATIC_PODS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")


async def write_static_pods(call: Call, version: str) -> None:
    """Write the manifests of a control plane, for a version without `v`."""
    for name in STATIC_PODS:
        await call.write(f"/etc/kubernetes/manifests/{name}.yaml", _static_pod(name, version), mode="0600")


def _static_pod(name: str, version: str) -> str:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "kube-system", "labels": {"component": name, "tier": "control-plane"}},
        "spec": {"containers": [{"name": name, "image": f"k8s.gcr.io/{name}:v{version}"}], "hostNetwork": True},
    }
    return dump(pod)
