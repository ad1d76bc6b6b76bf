"""`kubectl version`, `config` and `cluster-info`: the client itself, and where it turns to."""

import json
from typing import Any

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.kubernetes.access import find_kubeconfig, reach
from vcd_simulator.guests.kubernetes.cluster import Cluster
from vcd_simulator.guests.kubernetes.preflight import kubelet_version
from vcd_simulator.guests.kubernetes.texts import dump
from vcd_simulator.guests.standins.options import Options


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
    lines = [f"Client Version: v{own}"]
    if not options.has("client"):
        cluster = await reach(call, options.last("kubeconfig"))
        lines.append(f"Server Version: v{cluster.version}")
    if options.last("output") in ("json", "yaml"):
        names = ("clientVersion", "serverVersion")
        info = {name: {"gitVersion": line.rpartition(" ")[2]} for name, line in zip(names, lines, strict=False)}
        await call.out(json.dumps(info, indent=2) if options.last("output") == "json" else dump(info))
    else:
        await call.out("\n".join(lines))
    return 0


async def config(call: Call, options: Options) -> int:
    """`kubectl config view`, `current-context` and `get-contexts`."""
    found = await find_kubeconfig(call, options.last("kubeconfig"))
    config = found[1] if found and isinstance(found[1], dict) else {}
    verb = options.words[0] if options.words else "view"
    if verb == "view":
        await call.out(dump(config if options.has("raw") else _redacted(config)))
    elif verb == "current-context":
        if not config.get("current-context"):
            raise UsageError("error: current-context is not set")
        await call.out(str(config["current-context"]))
    elif verb == "get-contexts":
        await call.out("".join(f"{entry['name']}\n" for entry in config.get("contexts") or []))
    else:
        raise UsageError(f'error: the simulator\'s kubectl has no "config {verb}"')
    return 0


def _redacted(config: Any) -> Any:
    hidden = ("certificate-authority-data", "client-certificate-data", "client-key-data")
    if isinstance(config, dict):
        return {key: "DATA+OMITTED" if key in hidden else _redacted(value) for key, value in config.items()}
    return [_redacted(item) for item in config] if isinstance(config, list) else config
