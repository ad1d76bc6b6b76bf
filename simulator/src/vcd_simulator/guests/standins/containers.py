"""Container tools: docker, containerd, crictl, ctr. Images are names; nothing runs in them."""

import hashlib
import json

import yaml

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.kubernetes.pods import pods
from vcd_simulator.guests.kubernetes.texts import dump, load
from vcd_simulator.guests.standins.options import Options, parse
from vcd_simulator.guests.standins.registry import Commands

command = Commands()

_CRICTL_SETTINGS = ("runtime-endpoint", "image-endpoint", "timeout", "debug", "pull-image-on-create")


def _require(call: Call, *services: str, message: str) -> None:
    if not call.guest.services.is_active(*services):
        raise UsageError(message)


def _running(call: Call) -> list[str]:
    """Names of the pods on this machine."""
    if call.guest.joined is None:
        return []
    cluster, name = call.guest.joined
    return [pod["metadata"]["name"] for pod in pods(cluster) if pod["spec"].get("nodeName") == name]


@command("docker", packaged=True)
async def docker(call: Call) -> int:
    """version, info, images, pull, load, tag, rmi, ps and login."""
    words = [word for word in call.arguments if not word.startswith("-")]
    version = (
        (call.guest.packages.version_of("docker-ce", "docker.io", "docker") or "").partition("~")[0].partition("-")[0]
    )
    if "--version" in call.arguments or "-v" in call.arguments[:1]:
        await call.out(f"Docker version {version}, build 0000000")
        return 0
    if words[:1] == ["image"] or words[:1] == ["container"]:
        words = words[1:]
    verb = words[0] if words else ""
    _require(
        call,
        "docker",
        message="Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
    )
    images = call.guest.system.container_images
    if verb in ("images", "ls", "ps") and {"-q", "--quiet"} & set(call.arguments):
        names = _running(call) if verb == "ps" else sorted(images)
        await call.out("".join(f"{hashlib.sha256(name.encode()).hexdigest()[:12]}\n" for name in names))
    elif verb in ("version", "info", "images", "ls", "ps"):
        await call.out(_describe(call, verb, version))
    elif verb == "pull" and len(words) > 1:
        await call.wait(call.guest.platform.latency.delay("guest.process.image-pull"))
        images.add(words[1] if ":" in words[1] else f"{words[1]}:latest")
        await call.out(f"Status: Downloaded newer image for {words[1]}")
    elif verb == "tag" and len(words) > 2:
        images.add(words[2])
    elif verb == "rmi":
        images.difference_update(words[1:])
    elif verb == "load" and "-i" not in call.arguments:
        await call.standard_input()
    elif verb not in ("login", "load", "rm", "stop", "kill", "prune", "system"):
        raise UsageError(f"docker: the simulator's docker has no '{verb}'")
    return 0


def _describe(call: Call, verb: str, version: str) -> str:
    """What docker prints about itself, its images and its containers."""
    images = call.guest.system.container_images
    if verb == "version":
        short = any("format" in word for word in call.arguments)
        return version if short else f"Client:\n Version: {version}\n\nServer:\n Version: {version}"
    if verb == "info":
        return (
            f"Containers: {len(_running(call))}\nImages: {len(images)}\nServer Version: {version}\n"
            "Storage Driver: overlay2\nCgroup Driver: cgroupfs"
        )
    if verb == "ps":
        return "CONTAINER ID  IMAGE  STATUS  NAMES\n" + "".join(f"{name}\n" for name in _running(call))
    return "REPOSITORY TAG\n" + "".join(f"{' '.join(image.rpartition(':')[::2])}\n" for image in sorted(images))


@command("containerd", "dockerd", "kubelet", packaged=True)
async def daemon(call: Call) -> int:
    """Daemons run under systemd; by hand they only tell their version, and containerd its default configuration."""
    packages = call.guest.packages
    if any(word in ("--version", "-v", "version") for word in call.arguments):
        version = packages.version_of(call.name, "containerd.io", "docker-ce", "docker", "kubernetes") or ""
        await call.out(
            f"Kubernetes v{version.partition('-')[0]}" if call.name == "kubelet" else f"{call.name} {version}"
        )
    elif call.name == "containerd" and call.arguments[:2] == ("config", "default"):
        await call.out(
            'version = 2\n[plugins]\n  [plugins."io.containerd.grpc.v1.cri"]\n'
            '    sandbox_image = "k8s.gcr.io/pause:3.1"\n'
            '    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]\n      SystemdCgroup = false'
        )
    else:
        raise UsageError(f"{call.name}: start it with systemctl")
    return 0


@command("crictl", packaged=True)
async def crictl(call: Call) -> int:
    """info, images, pull, pods and ps."""
    options = parse(
        call.arguments,
        values=("runtime-endpoint", "image-endpoint", "output", "timeout", "config", "set", "get"),
        short={"r": "runtime-endpoint", "i": "image-endpoint", "o": "output", "c": "config", "q": "quiet"},
        lenient=True,
    )
    verb = options.words[0] if options.words else ""
    if verb == "config":
        return await _configure_crictl(call, options)
    _require(
        call,
        "containerd",
        "docker",
        message='level=fatal msg="connect: connect endpoint: dial unix /run/containerd/containerd.sock: '
        'no such file or directory"',
    )
    if verb == "info":
        await call.out(json.dumps({"status": {"conditions": [{"type": "RuntimeReady", "status": True}]}}))
    elif verb == "version":
        runtime = "docker" if call.guest.services.is_active("docker") else "containerd"
        version = call.guest.packages.version_of("docker-ce", "docker.io", "docker", "containerd.io", "containerd")
        await call.out(
            f"Version:  0.1.0\nRuntimeName:  {runtime}\nRuntimeVersion:  {(version or '0').partition('~')[0]}\n"
            "RuntimeApiVersion:  v1alpha2"
        )
    elif verb in ("images", "img") and options.has("quiet"):
        images = sorted(call.guest.system.container_images)
        await call.out("".join(f"sha256:{hashlib.sha256(name.encode()).hexdigest()}\n" for name in images))
    elif verb in ("images", "img"):
        await call.out(
            "IMAGE  TAG\n"
            + "".join(
                f"{' '.join(image.rpartition(':')[::2])}\n" for image in sorted(call.guest.system.container_images)
            )
        )
    elif verb == "pull" and len(options.words) > 1:
        await call.wait(call.guest.platform.latency.delay("guest.process.image-pull"))
        call.guest.system.container_images.add(options.words[1])
        await call.out(f"Image is up to date for {options.words[1]}")
    elif verb in ("pods", "ps"):
        await call.out("NAME\n" + "".join(f"{name}\n" for name in _running(call)))
    elif verb in ("rm", "rmp", "stop", "stopp", "rmi"):
        return 0
    else:
        raise UsageError(f"No help topic for '{verb}'", 3)
    return 0


async def _configure_crictl(call: Call, options: Options) -> int:
    """`config --set KEY=VALUE` and `--get KEY`, or `config KEY VALUE`, in the file that crictl reads."""
    path = options.last("config", "/etc/crictl.yaml")
    try:
        known = load(await call.read(call.path(path)))
    except (OSError, yaml.YAMLError):
        known = None
    settings = dict(known) if isinstance(known, dict) else {}
    pairs = [pair.partition("=")[::2] for pair in options.every("set")]
    if len(options.words) > 2:
        pairs.append((options.words[1], options.words[2]))
    for key, value in pairs:
        if key not in _CRICTL_SETTINGS:
            raise UsageError(f'level=fatal msg="no configuration option named {key[:80]!r}"')
        settings[key] = value
    if pairs:
        await call.write(call.path(path), dump({key: str(value) for key, value in settings.items()}))
    if options.last("get"):
        await call.out(str(settings.get(options.last("get"), "")))
    return 0


@command("ctr", packaged=True)
async def ctr(call: Call) -> int:
    """`ctr [-n NAMESPACE] images ls|pull|tag|rm`."""
    options = parse(
        call.arguments, values=("namespace", "address"), short={"n": "namespace", "a": "address"}, lenient=True
    )
    _require(
        call,
        "containerd",
        "docker",
        message='ctr: failed to dial "/run/containerd/containerd.sock": connection refused',
    )
    what = options.words[:2]
    if what[:1] not in (["images"], ["image"], ["i"], ["version"]):
        raise UsageError(f"No help topic for '{' '.join(what)}'", 3)
    if what[1:] in (["ls"], ["list"]):
        await call.out("REF\n" + "".join(f"{image}\n" for image in sorted(call.guest.system.container_images)))
    elif what[1:] == ["pull"] and len(options.words) > 2:
        await call.wait(call.guest.platform.latency.delay("guest.process.image-pull"))
        call.guest.system.container_images.add(options.words[2])
    elif what[1:] == ["tag"] and len(options.words) > 3:
        if options.words[2] not in call.guest.system.container_images:
            raise UsageError(f'ctr: image "{options.words[2]}": not found')
        call.guest.system.container_images.add(options.words[3])
    elif what[1:] in (["rm"], ["remove"], ["delete"], ["import"]):
        call.guest.system.container_images.difference_update(options.words[2:])
    elif what[0] != "version":
        raise UsageError(f"ctr: the simulator's ctr has no 'images {' '.join(what[1:])}'", 3)
    return 0
