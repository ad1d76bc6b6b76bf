"""`kubectl version`, `config` and `cluster-info`: the client itself, and where it turns to."""

import json
from typing import Any

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.kubernetes.access import find_kubeconfig, reach
from vcd_simulator.guests.kubernetes.cluster import Cluster
from vcd_simulator.guests.kubernetes.documents import listed
from vcd_simulator.guests.kubernetes.jsonpath import evaluate
from vcd_simulator.guests.kubernetes.preflight import kubelet_version
from vcd_simulator.guests.kubernetes.texts import dump
from vcd_simulator.guests.standins.options import Options

_ALWAYS_SHORT_SINCE = 28
"""The minor release that took the long form of `kubectl version` away."""


async def cluster_info(call: Call, cluster: Cluster, _options: Options) -> int:
    """`kubectl cluster-info`."""
    await call.out(
        f"Kubernetes master is running at https://{cluster.endpoint}\n"
        f"KubeDNS is running at https://{cluster.endpoint}/api/v1/namespaces/kube-system/services/kube-dns:dns/proxy\n\n"
        "To further debug and diagnose cluster problems, use 'kubectl cluster-info dump'."
    )
    return 0


async def version(call: Call, options: Options) -> int:
    """`kubectl version`."""
    own = kubelet_version(call.guest)
    output = options.last("output")
    if output not in ("", "json", "yaml"):
        raise UsageError("error: --output must be 'yaml' or 'json'")
    found = {"clientVersion": _version_info(own)}
    problem = None
    if not options.has("client"):
        try:
            found["serverVersion"] = _version_info((await reach(call, options.last("kubeconfig"))).version)
        except UsageError as exc:
            problem = exc  # what is known is told all the same
    if output:
        await call.out(json.dumps(found, indent=2) if output == "json" else dump(found))
    else:
        short = options.has("short") or int(own.split(".")[1]) >= _ALWAYS_SHORT_SINCE
        await call.out("".join(_version_line(name, info, short=short) for name, info in found.items()))
    if problem is not None:
        raise problem
    return 0


def _version_info(version: str) -> dict[str, str]:
    major, minor, _ = version.split(".")
    return {"major": major, "minor": minor, "gitVersion": f"v{version}", "platform": "linux/amd64"}


def _version_line(name: str, info: dict[str, str], *, short: bool) -> str:
    title = f"{name.removesuffix('Version').capitalize()} Version: "
    if short:
        return f"{title}{info['gitVersion']}\n"
    return (
        f'{title}version.Info{{Major:"{info["major"]}", Minor:"{info["minor"]}", GitVersion:"{info["gitVersion"]}", '
        f'Platform:"{info["platform"]}"}}\n'
    )


async def config(call: Call, options: Options) -> int:
    """`kubectl config view`, `current-context` and `get-contexts`."""
    found = await find_kubeconfig(call, options.last("kubeconfig"))
    config = found[1] if found and isinstance(found[1], dict) else {}
    verb = options.words[0] if options.words else "view"
    if verb == "view":
        await _view(call, config if options.has("raw") else _redacted(config), options.last("output"))
    elif verb == "current-context":
        if not config.get("current-context"):
            raise UsageError("error: current-context is not set")
        await call.out(str(config["current-context"]))
    elif verb == "get-contexts":
        await call.out("".join(f"{entry.get('name')}\n" for entry in listed(config, "contexts")))
    else:
        raise UsageError(f'error: the simulator\'s kubectl has no "config {verb}"')
    return 0


async def _view(call: Call, config: Any, output: str) -> None:
    if output.startswith("jsonpath="):
        await call.out_exactly(evaluate(output.removeprefix("jsonpath="), config))
    elif output == "json":
        await call.out(json.dumps(config, indent=4))
    elif output in ("", "yaml"):
        await call.out(dump(config))
    else:
        raise UsageError(f'error: unable to match a printer suitable for the output format "{output}"')


def _redacted(config: Any) -> Any:
    hidden = ("certificate-authority-data", "client-certificate-data", "client-key-data")
    if isinstance(config, dict):
        return {key: "DATA+OMITTED" if key in hidden else _redacted(value) for key, value in config.items()}
    return [_redacted(item) for item in config] if isinstance(config, list) else config
