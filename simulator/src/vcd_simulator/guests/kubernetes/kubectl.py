"""The stand-in for kubectl: asks the API server that its kubeconfig names."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.kubernetes import client, containers, edit, nodes, objects, patch, waiting
from vcd_simulator.guests.kubernetes.access import reach
from vcd_simulator.guests.kubernetes.cluster import Cluster, ClusterFullError
from vcd_simulator.guests.kubernetes.get import get
from vcd_simulator.guests.standins.options import Options, parse
from vcd_simulator.guests.standins.registry import Commands

command = Commands()

_VALUES = (
    "kubeconfig",
    "namespace",
    "output",
    "filename",
    "selector",
    "request-timeout",
    "context",
    "cluster",
    "user",
    "server",
    "v",
    "timeout",
    "grace-period",
    "for",
    "containers",
    "sort-by",
    "field-selector",
    "pod-selector",
    "type",
    "patch",
    "cascade",
    "template",
    "from-literal",
    "from-file",
    "clusterrole",
    "serviceaccount",
    "replicas",
)
_SWITCHES = (
    "all-namespaces",
    "ignore-daemonsets",
    "delete-local-data",
    "delete-emptydir-data",
    "force",
    "all",
    "no-headers",
    "ignore-not-found",
    "short",
    "client",
    "recursive",
    "wait",
    "watch",
    "overwrite",
    "validate",
    "show-labels",
    "now",
    "disable-eviction",
    "save-config",
    "raw",
    "minify",
    "help",
    "insecure-skip-tls-verify",
    "list",
    "dry-run",
)
_SHORT = {
    "n": "namespace",
    "o": "output",
    "f": "filename",
    "l": "selector",
    "A": "all-namespaces",
    "R": "recursive",
    "v": "v",
    "s": "server",
    "c": "containers",
    "w": "watch",
    "h": "help",
    "p": "patch",
}

_NOT_HERE = (
    "api-resources", "api-versions", "attach", "auth", "autoscale", "certificate", "completion", "cp", "diff", "edit",
    "explain", "expose", "kustomize", "plugin", "port-forward", "proxy", "run",
    "top",
)  # fmt: skip
"""What the real one can do and this one cannot."""

Verb = Callable[[Call, Cluster, Options], Awaitable[int]]


@dataclass(frozen=True)
class Flags:
    """Options that one verb has for itself, or spells like another one's."""

    values: tuple[str, ...] = ()
    switches: tuple[str, ...] = ()
    short: dict[str, str] = field(default_factory=dict)


_OWN_FLAGS = {
    "exec": Flags(
        ("container", "pod-running-timeout"), ("stdin", "tty", "quiet"), {"c": "container", "i": "stdin", "t": "tty"}
    ),
    "get": Flags(("raw", "chunk-size"), ("watch-only", "show-kind", "allow-missing-template-keys")),
    "config": Flags((), ("flatten",)),
    "drain": Flags(("skip-wait-for-delete-timeout",)),
    "wait": Flags(("field-manager",)),
    "create": Flags(("image",)),
    "logs": Flags(
        ("container", "tail", "since", "since-time", "limit-bytes", "max-log-requests"),
        ("follow", "previous", "timestamps", "all-containers", "prefix"),
        {"c": "container", "f": "follow", "p": "previous"},
    ),
}


@command("kubectl", packaged=True)
async def kubectl(call: Call) -> int | None:
    """Dispatch to the subcommand."""
    options = _parse(call.arguments)
    if not options.words or options.has("help"):
        await call.out("kubectl controls the Kubernetes cluster manager.\n\nUsage:\n  kubectl [flags] [options]")
        return 0
    verb = options.words.pop(0)
    if verb == "version":
        return await client.version(call, options)
    if verb == "config":
        return await client.config(call, options)
    if verb in _NOT_HERE:
        raise UsageError(f'error: the simulator\'s kubectl has no "{verb}"')
    if verb not in _VERBS:
        raise UsageError(f'Error: unknown command "{verb}" for "kubectl"\nRun \'kubectl --help\' for usage.')
    try:
        return await _VERBS[verb](call, await reach(call, options.last("kubeconfig")), options)
    except ClusterFullError:
        raise UsageError("Error from server: etcdserver: mvcc: database space exceeded") from None


def _parse(arguments: Sequence[str]) -> Options:
    """Read a command line by the verb that is in it. Raises UsageError."""
    own = _OWN_FLAGS.get(_verb(arguments), Flags())
    return parse(
        arguments,
        values=(*_VALUES, *own.values),
        switches=(*_SWITCHES, *own.switches),
        short=_SHORT | own.short,
        unknown="Error: unknown flag: {}",
    )


def _verb(arguments: Sequence[str]) -> str:
    """The first word that is neither an option nor an option's value."""
    pending = iter(arguments)
    for word in pending:
        if not word.startswith("-"):
            return word
        name = word.lstrip("-")
        if _SHORT.get(name, name) in _VALUES:
            next(pending, None)
    return ""


_VERBS: dict[str, Verb] = {
    "annotate": edit.annotate,
    "apply": objects.apply,
    "cluster-info": client.cluster_info,
    "cordon": nodes.cordon,
    "create": edit.create,
    "delete": objects.delete,
    "describe": nodes.describe,
    "drain": nodes.drain,
    "exec": containers.execute,
    "get": get,
    "label": edit.label,
    "logs": containers.logs,
    "patch": patch.patch,
    "replace": objects.replace,
    "rollout": waiting.rollout,
    "scale": edit.scale,
    "set": objects.set_environment,
    "taint": edit.taint,
    "uncordon": nodes.uncordon,
    "wait": waiting.wait,
}
