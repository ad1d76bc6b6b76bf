"""`kubeadm config images`: the images of a control plane."""

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.kubernetes import preflight
from vcd_simulator.guests.standins.options import parse

_VERSIONED = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")
_OTHERS = ("pause:3.1", "etcd:3.2.24", "coredns:1.2.2")


async def config(call: Call, arguments: tuple[str, ...]) -> int:
    """Carry out `kubeadm config images list|pull`. Raises UsageError."""
    options = parse(arguments, values=("kubernetes-version", "config", "cri-socket", "image-repository", "v"))
    if options.words[:1] != ["images"] or options.words[1:] not in (["list"], ["pull"]):
        raise UsageError(
            f"kubeadm config: the simulator knows `images list` and `images pull`, not {' '.join(options.words)!r}"
        )
    version = (options.last("kubernetes-version") or preflight.kubeadm_version(call.guest)).removeprefix("v")
    names = [*(f"{name}:v{version}" for name in _VERSIONED), *_OTHERS]
    images = [f"k8s.gcr.io/{name}" for name in names]
    if options.words[1] == "list":
        await call.out("\n".join(images))
        return 0
    preflight.check(preflight.runtime_errors(call.guest), [])
    await call.wait(call.guest.platform.latency.delay("guest.process.image-pull"))
    call.guest.system.container_images.update(images)
    await call.out("".join(f"[config/images] Pulled {image}\n" for image in images))
    return 0
