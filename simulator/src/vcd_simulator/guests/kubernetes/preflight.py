"""What kubeadm checks before it does anything."""

import re
from typing import TYPE_CHECKING

from vcd_simulator.guests.channel import Call, UsageError

if TYPE_CHECKING:
    from vcd_simulator.guests.machine import Guest

_EXIT_CODE = 2
_MANIFESTS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd")
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)([-+].*)?")

Problem = tuple[str, str]
"""The name of a check, by which it can be ignored, and what it found."""


def require_root(call: Call) -> None:
    """Raises UsageError."""
    if call.account.uid != 0:
        check([("IsPrivilegedUser", "user is not running as root")], [])


def check(problems: list[Problem], ignored: list[str]) -> None:
    """Raises UsageError, listing every problem that is not ignored."""
    names = {name.lower() for name in ignored}
    if "all" in names:
        return
    fatal = [f"\t[ERROR {name}]: {text}" for name, text in problems if name.lower() not in names]
    if fatal:
        listing = "\n".join(fatal)
        raise UsageError(
            f"error execution phase preflight: [preflight] Some fatal errors occurred:\n{listing}\n"
            "[preflight] If you know what you are doing, you can make a check non-fatal with "
            "`--ignore-preflight-errors=...`",
            _EXIT_CODE,
        )


async def init_errors(call: Call) -> list[Problem]:
    """Why `kubeadm init` cannot work here."""
    require_root(call)
    guest = call.guest
    problems = _machine_errors(guest)
    if guest.spec.cpu_count < 2:
        problems.append(("NumCPU", f"the number of available CPUs {guest.spec.cpu_count} is less than the required 2"))
    if guest.joined is not None and guest.services.is_active("kubelet"):
        problems += [(f"Port-{port}", f"Port {port} is in use") for port in (6443, 10250, 2379)]
    for name in _MANIFESTS:
        problems += await _available(call, f"/etc/kubernetes/manifests/{name}.yaml")
    return problems


async def join_errors(call: Call) -> list[Problem]:
    """Why `kubeadm join` cannot work here."""
    require_root(call)
    guest = call.guest
    problems = _machine_errors(guest)
    if guest.joined is not None and guest.services.is_active("kubelet"):
        problems.append(("Port-10250", "Port 10250 is in use"))
    for path in (
        "/etc/kubernetes/bootstrap-kubelet.conf",
        "/etc/kubernetes/kubelet.conf",
        "/etc/kubernetes/pki/ca.crt",
    ):
        problems += await _available(call, path)
    return problems


def runtime_errors(guest: "Guest") -> list[Problem]:
    """Whether containers can run."""
    if guest.services.is_active("docker", "containerd", "crio"):
        return []
    return [("CRI", "container runtime is not running")]


def _machine_errors(guest: "Guest") -> list[Problem]:
    problems = runtime_errors(guest)
    if guest.system.swap_on:
        problems.append(("Swap", "running with swap on is not supported. Please disable swap"))
    for key in ("net.bridge.bridge-nf-call-iptables", "net.ipv4.ip_forward"):
        path = "/proc/sys/" + key.replace(".", "/")
        if guest.system.sysctls.get(key, "0") != "1":
            problems.append((f"FileContent-{path.replace('/', '-')}", f"{path} contents are not set to 1"))
    if guest.services.find("kubelet") is None:
        problems.append(("Service-kubelet", "the kubelet is not installed"))
    return problems


async def _available(call: Call, path: str) -> list[Problem]:
    if not await call.exists(path):
        return []
    return [(f"FileAvailable-{path.replace('/', '-')}", f"{path} already exists")]


def kubeadm_version(guest: "Guest") -> str:
    """Version of the kubeadm that is installed, without a distribution's suffix."""
    return _bare(guest.packages.version_of("kubeadm", "kubernetes-kubeadm"))


def kubelet_version(guest: "Guest") -> str:
    """Version of the kubelet that is installed."""
    return _bare(guest.packages.version_of("kubelet", "kubernetes"))


def plan_version(call: Call, wanted: str) -> str:
    """The version of the cluster that `kubeadm init` makes. Raises UsageError: kubeadm cannot make that one."""
    own = kubeadm_version(call.guest)
    if not wanted or wanted.startswith(("stable", "latest")):
        return own
    parsed = _VERSION.fullmatch(wanted)
    if parsed is None:
        raise UsageError(f'couldn\'t parse kubernetes version "{wanted}"', 3)
    minor, own_minor = int(parsed[2]), int(own.split(".")[1])
    if minor > own_minor:
        raise UsageError(
            f"[preflight] Some fatal errors occurred:\n\t[ERROR KubernetesVersion]: Specified Kubernetes version is "
            f"too high: v{wanted.removeprefix('v')}, kubeadm is v{own}",
            _EXIT_CODE,
        )
    if minor < own_minor - 1:
        raise UsageError(
            f"this version of kubeadm only supports deploying clusters with the control plane version >= "
            f"1.{own_minor - 1}.0. Current version: v{wanted.removeprefix('v')}",
            3,
        )
    return wanted.removeprefix("v")


def parsed_version(version: str) -> tuple[int, int, int]:
    """The numbers of a version, with or without `v`. Raises UsageError."""
    parsed = _VERSION.fullmatch(version)
    if parsed is None:
        raise UsageError(f'couldn\'t parse kubernetes version "{version}"', 3)
    return int(parsed[1]), int(parsed[2]), int(parsed[3])


def _bare(version: str | None) -> str:
    found = _VERSION.match(version or "")
    return f"{found[1]}.{found[2]}.{found[3]}" if found else "0.0.0"
