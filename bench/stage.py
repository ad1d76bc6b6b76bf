"""What the benchmarks of the cluster manager play on: a simulated vCD, templates and cluster managers, on loopback.

    with Stage(profile="field", scale=0.1) as stage:
        clusters = stage.cluster_manager()
        operation = clusters.create("demo", workers=2)
        clusters.ended(operation)

Each is a process of its own, as in production, so that CPU time and memory can be told apart.
"""

import json
import os
import shutil
import signal
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from ssl import create_default_context
from types import TracebackType
from typing import Any, Self

import grpc
import requests
import yaml
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf import duration_pb2

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2, cluster_service_pb2_grpc
from cse_lab.configuration import lab_config
from cse_lab.health import is_serving
from cse_lab.landscape import Landscape
from cse_lab.ports import free_port
from cse_lab.processes import LabError, ServerProcess, tail, wait_until
from cse_lab.settings import program
from cse_lab.state import write_private
from vcd_simulator.inventory import lab_text

HOST = "127.0.0.1"
API_VERSION = "31.0"
NETWORK = "bench-net"
START_TIMEOUT_S = 60.0
CALL_TIMEOUT_S = 120.0
TENANT, TENANT_PASSWORD = "alice@acme", "alice-secret"

Metadata = tuple[tuple[str, str], ...]


class ClusterManager:
    """One replica, and a tenant who talks to it."""

    def __init__(self, process: ServerProcess, target: str, caller: Metadata) -> None:
        self.process = process
        self.caller = caller
        self.channel = grpc.insecure_channel(target)
        self.clusters = cluster_service_pb2_grpc.ClusterServiceStub(self.channel)
        self.operations = operations_pb2_grpc.OperationsStub(self.channel)

    @property
    def pid(self) -> int:
        return self.process.pid

    def create(self, name: str, *, workers: int) -> operations_pb2.Operation:
        """Has a cluster created; returns as soon as that is accepted."""
        cluster = cluster_pb2.Cluster(network=NETWORK, worker_pool=cluster_pb2.NodePool(node_count=workers))
        request = cluster_service_pb2.CreateClusterRequest(
            parent="orgs/-/vdcs/acme-vdc", cluster_id=name, cluster=cluster, rollback_on_failure=False
        )
        answer: operations_pb2.Operation = self.clusters.CreateCluster(
            request, metadata=self.caller, timeout=CALL_TIMEOUT_S
        )
        return answer

    def names(self) -> list[str]:
        """The first clusters that there are."""
        request = cluster_service_pb2.ListClustersRequest(parent="orgs/-/vdcs/-")
        answer = self.clusters.ListClusters(request, metadata=self.caller, timeout=CALL_TIMEOUT_S)
        return [cluster.name for cluster in answer.clusters]

    def ended(self, operation: operations_pb2.Operation, timeout_s: float) -> operations_pb2.Operation:
        """The operation as it ended; exits if it has not in that time, or has failed."""
        until = time.monotonic() + timeout_s
        found = operation
        while not found.done:  # the service waits for as long as it thinks fit
            left_s = until - time.monotonic()
            if left_s <= 0:
                raise SystemExit(f"{found.name} did not end within {timeout_s:.0f} s")
            request = operations_pb2.WaitOperationRequest(
                name=operation.name, timeout=duration_pb2.Duration(seconds=int(left_s))
            )
            found = self.operations.WaitOperation(request, metadata=self.caller, timeout=left_s + CALL_TIMEOUT_S)
        if found.HasField("error"):
            raise SystemExit(f"{found.name} failed: {found.error.message}")
        return found


class Stage:
    """A context manager; all that it has started ends with it.

    Args:
        profile: how long things take in the simulated cloud.
        scale: multiplies the times of the profile.
        seed: decides its jitter.
        keep: a directory for logs and data that stays; by default a temporary one that does not.
    """

    def __init__(self, *, profile: str, scale: float = 1.0, seed: int = 0, keep: Path | None = None) -> None:
        self._profile, self._scale, self._seed = profile, scale, seed
        self._keep = keep is not None
        self.directory = keep or Path(tempfile.mkdtemp(prefix="cse-bench-"))
        self._processes: dict[str, ServerProcess] = {}
        self._managers: list[ClusterManager] = []
        self._facts: dict[str, Any] = {}
        self._templates = f"{HOST}:{free_port(HOST)}"
        self._caller: Metadata = ()

    def __enter__(self) -> Self:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # through `__exit__`
        try:
            self._start_simulator()
            self._start("templates", [program("cse-templates")], {"CSE_TEMPLATES_LISTEN": self._templates})
            self._await("templates", lambda: is_serving(self._templates))
            self._caller = self.login(TENANT, TENANT_PASSWORD)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def cluster_manager(self, name: str = "clusters", **variables: str) -> ClusterManager:
        """Starts a replica; `variables` are of its environment."""
        target = f"{HOST}:{free_port(HOST)}"
        settings = {"CSE_CLUSTERS_LISTEN": target, "CSE_TEMPLATES_TARGET": self._templates}
        self._start(name, [program("cse-clusters")], settings | variables)
        self._await(name, lambda: is_serving(target))
        manager = ClusterManager(self._processes[name], target, self._caller)
        self._managers.append(manager)
        return manager

    def end(self, name: str) -> None:
        """Ends one of the processes in good order."""
        self._processes.pop(name).terminate()

    @property
    def pids(self) -> dict[str, int]:
        """Of all processes, by name."""
        return {name: process.pid for name, process in self._processes.items()}

    def login(self, user: str, password: str) -> Metadata:
        """A new session with vCD, as metadata of calls."""
        answer = requests.post(
            f"{self._facts['url']}/api/sessions",
            auth=(user, password),
            headers={"Accept": f"application/*+xml;version={API_VERSION}"},
            verify=self._facts["ca_file"],
            timeout=30,
        )
        answer.raise_for_status()
        token = answer.headers["x-vcloud-authorization"]
        return (("x-vcloud-authorization", token), ("x-vcloud-api-version", API_VERSION))

    def stats(self) -> dict[str, Any]:
        """The simulator's counters of requests."""
        found: dict[str, Any] = json.loads(self._control("GET", "/simulator/stats"))
        return found

    def reset_stats(self) -> None:
        self._control("DELETE", "/simulator/stats")

    def log_of(self, name: str) -> Path:
        return self.directory / f"{name}.log"

    def _control(self, method: str, path: str) -> bytes:
        request = urllib.request.Request(
            f"{self._facts['url']}{path}", method=method, headers={"x-simulator-token": self._facts["control_token"]}
        )
        context = create_default_context(cafile=self._facts["ca_file"])
        with urllib.request.urlopen(request, context=context, timeout=60) as answer:
            content: bytes = answer.read()
            return content

    def _start_simulator(self) -> None:
        inventory, ready = self.directory / "inventory.yaml", self.directory / "simulator.json"
        inventory.write_text(yaml.safe_dump(_inventory()))
        options = ["--listen", f"{HOST}:0", "--inventory", str(inventory), "--ready-file", str(ready)]
        timing = ["--profile", self._profile, "--scale", str(self._scale), "--seed", str(self._seed)]
        command = [program("vcd-simulator"), "serve", *options, *timing, "--log-level", "warning"]
        self._start("simulator", command, {})
        self._await("simulator", ready.exists)
        self._facts = json.loads(ready.read_text())
        config = lab_config(
            Landscape.parse(inventory.read_text()),
            vcd=self._facts["address"],
            amqp_host=HOST,
            amqp_port=5672,
            amqp_user="nobody",
            amqp_password="unused",
            complete=False,
        )
        write_private(self.directory / "config.yaml", config)

    def _start(self, name: str, command: list[str], variables: Mapping[str, str]) -> None:
        inherited = {
            key: value
            for key, value in os.environ.items()
            if not key.lower().endswith("_proxy") and not key.startswith("CSE_")
        }
        environment = inherited | {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
            "CSE_CONFIG": str(self.directory / "config.yaml"),
            "CSE_LOG_LEVEL": "WARNING",
            **variables,
        }
        self._processes[name] = ServerProcess.start(
            command, log=self.log_of(name), environment=environment, directory=self.directory
        )

    def _await(self, name: str, condition: Any) -> None:
        process = self._processes[name]
        if not wait_until(lambda: not process.alive or condition(), timeout_s=START_TIMEOUT_S) or not process.alive:
            raise LabError(f"{name} did not start; its log ends with\n{tail(self.log_of(name))}")

    def _end(self) -> None:
        for manager in self._managers:
            manager.channel.close()
        for process in reversed(self._processes.values()):
            process.terminate()
        if not self._keep:
            shutil.rmtree(self.directory, ignore_errors=True)


def _inventory() -> dict[str, Any]:
    """The lab's, with its catalog published as `cse install` leaves it, and a network for many thousand machines."""
    document: dict[str, Any] = yaml.safe_load(lab_text())
    orgs = {org["name"]: org for org in document["orgs"]}
    orgs["cse-provider"]["catalogs"][0]["published"] = True
    network = {"name": NETWORK, "gateway": "10.64.0.1", "netmask": "255.192.0.0", "external_network": "ext-net"}
    orgs["acme"]["vdcs"][0]["networks"].append(network | {"ranges": [["10.64.0.2", "10.127.255.250"]]})
    return document
