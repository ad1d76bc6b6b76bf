"""The few web sites that guests reach; everything else is a network without a way out.

Node scripts download pod network manifests and the keys of package repositories. The simulator answers for those
sites with content of its own.
"""

import functools
from dataclasses import dataclass
from urllib.parse import urlsplit

from vcd_simulator.guests.kubernetes.texts import dump

_CNI_SITES = {
    "weave-net": ("cloud.weave.works", "git.io", "github.com/weaveworks", "raw.githubusercontent.com/weaveworks"),
    "calico-node": ("docs.projectcalico.org", "raw.githubusercontent.com/projectcalico"),
    "kube-flannel-ds": (
        "raw.githubusercontent.com/coreos/flannel",
        "raw.githubusercontent.com/flannel-io",
        "github.com/flannel-io",
    ),
    "antrea-agent": ("github.com/antrea-io", "raw.githubusercontent.com/antrea-io", "github.com/vmware-tanzu/antrea"),
}
_KEY_FINGERPRINTS = {  # by host, or the domain that it belongs to
    "apt.kubernetes.io": "54A647F9048D5688D7DA2ABE6A030B21BA07F4FB",
    "download.docker.com": "9DC858229FC7DD38854AE2D88D81803C0EBFCD88",
    "google.com": "54A647F9048D5688D7DA2ABE6A030B21BA07F4FB",
    "packages.vmware.com": "C0B5E0AB66FD4949F0F0B5E0C0B5E0AB66FD4949",
    "pkgs.k8s.io": "DE15B14486CD377B9E876E1A234654DA9A296436",
}
_KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\nFingerprint: {}\n\nc2ltdWxhdGVk\n-----END PGP PUBLIC KEY BLOCK-----\n"


@dataclass(frozen=True)
class Page:
    """What a request came to: an HTTP status with a body, or status 0 with the reason why there was no answer."""

    status: int
    body: str
    error: str = ""


def fetch(url: str) -> Page:
    """Request a URL as a guest would."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return Page(0, "", "malformed URL")
    place = f"{host}{parts.path}"
    for name, sites in _CNI_SITES.items():
        if any(place.startswith(site) for site in sites):
            return Page(200, _cni_manifest(name))
    for site, fingerprint in _KEY_FINGERPRINTS.items():
        if host == site or host.endswith(f".{site}"):
            return Page(200, _KEY.format(fingerprint))
    return Page(0, "", f"dial tcp: lookup {host}: no such host")


@functools.cache
def _cni_manifest(name: str) -> str:
    """A pod network: what it needs to be allowed, and its daemon on every node."""
    account = {"name": name, "namespace": "kube-system", "labels": {"name": name}}
    documents = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": name},
            "rules": [
                {"apiGroups": [""], "resources": ["pods", "namespaces", "nodes"], "verbs": ["get", "list", "watch"]}
            ],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": "kube-system"}],
        },
        {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": account,
            "spec": {
                "selector": {"matchLabels": {"name": name}},
                "template": {
                    "metadata": {"labels": {"name": name}},
                    "spec": {
                        "hostNetwork": True,
                        "serviceAccountName": name,
                        "containers": [{"name": name.removesuffix("-net"), "image": f"{name}:latest", "env": []}],
                    },
                },
            },
        },
    ]
    return dump(*documents)
