"""How long an administrator waits for a list of 5,000 clusters, and for one of them (`make bench-list`).

Runs the simulator in a process of its own and the cluster manager in this one, on loopback. Fails if a bound is broken;
docs/performance.md has what was measured.
"""

import argparse
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

import grpc
import requests
from measure import Conditions, Latencies, command_line, table, verdict

from cse.clusters.v1 import cluster_service_pb2, cluster_service_pb2_grpc
from cse_clusters import bootstrap
from cse_clusters.settings import ClustersSettings
from cse_core.config import parse_config
from cse_core.logs import configure
from vcd_simulator.inventory import Inventory
from vcd_simulator.model.compute import Vapp
from vcd_simulator.model.metadata import MetadataEntry
from vcd_simulator.simulator import Simulator

MOST_LIST_S = 2.0
"""Median, on a machine with two cores that does nothing else; most of it is the simulator's."""
MOST_CPU_S = 0.8
"""Of the cluster manager, for one list."""
LISTS = 5
READS = 200


def main() -> int:
    parser = command_line(__doc__)
    parser.add_argument("--clusters", type=int, default=5000, help="how many there are (default: %(default)s)")
    parser.add_argument("--profile", default="lab", help="the simulator's latencies (default: %(default)s)")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.clusters, options.profile)
        return 0
    with simulator(options.clusters, options.profile) as facts:
        conditions = Conditions()
        lists, cpu_s, reads = measure(facts)
    rows = [
        [f"list of {options.clusters:,}", *(f"{lists.percentile(share):,.0f}" for share in (0.5, 0.99))],
        ["info of one", *(f"{reads.percentile(share):,.0f}" for share in (0.5, 0.99))],
    ]
    print(table(["call", "p50 ms", "p99 ms"], rows))
    broken = []
    for told, value_s, most_s in (
        ("seconds for a list, p50", lists.percentile(0.5) / 1000, MOST_LIST_S),
        ("seconds of CPU of the cluster manager for one list", cpu_s, MOST_CPU_S),
    ):
        sentence = f"{told}: {value_s:.2f} (at most {most_s:g})"
        print(sentence)
        if value_s > most_s:
            broken.append(sentence)
    print(conditions)
    return verdict("bench-list", broken)


def measure(facts: dict[str, Any]) -> tuple[Latencies, float, Latencies]:
    """How long lists took, the CPU time of one, and how long reading single clusters took."""
    with TemporaryDirectory() as state, serving(facts, state) as address, grpc.insecure_channel(address) as channel:
        stub = cluster_service_pb2_grpc.ClusterServiceStub(channel)
        admin = (("x-vcloud-authorization", login(facts)), ("x-vcloud-api-version", "31.0"))
        names = list_all(stub, admin)  # logs in, and asks for what is remembered
        lists, reads = Latencies(), Latencies()
        before = time.process_time()
        for _ in range(LISTS):
            began = time.perf_counter()
            if len(list_all(stub, admin)) != len(names):
                raise SystemExit("bench-list: not all clusters are listed")
            lists.seconds.append(time.perf_counter() - began)
        cpu_s = (time.process_time() - before) / LISTS
        for name in names[:: max(1, len(names) // READS)]:
            began = time.perf_counter()
            stub.GetCluster(cluster_service_pb2.GetClusterRequest(name=name), metadata=admin, timeout=30)
            reads.seconds.append(time.perf_counter() - began)
        return lists, cpu_s, reads


@contextmanager
def serving(facts: dict[str, Any], state: str) -> Iterator[str]:
    """Where the cluster manager listens; it keeps its operations in the directory `state`."""
    settings = {"CSE_CLUSTERS_LISTEN": "127.0.0.1:0", "CSE_OPERATIONS_DATABASE": f"sqlite:///{state}/operations.db"}
    service = bootstrap.create(parse_config(configuration(facts)), ClustersSettings.read(settings))
    service.start()
    try:
        yield service.address
    finally:
        service.stop(1.0)


def list_all(stub: cluster_service_pb2_grpc.ClusterServiceStub, admin: tuple[tuple[str, str], ...]) -> list[str]:
    """Names of all clusters, page by page."""
    request = cluster_service_pb2.ListClustersRequest(parent="orgs/-/vdcs/-")
    names: list[str] = []
    while True:
        page = stub.ListClusters(request, metadata=admin, timeout=60)
        names += [cluster.name for cluster in page.clusters]
        request.page_token = page.next_page_token
        if not page.next_page_token:
            return names


def login(facts: dict[str, Any]) -> str:
    answer = requests.post(
        f"https://{facts['address']}/api/sessions",
        auth=("administrator@System", "vcd-secret"),
        headers={"Accept": "application/*+xml;version=31.0"},
        verify=facts["ca_file"],
        timeout=10,
    )
    answer.raise_for_status()
    return answer.headers["x-vcloud-authorization"]


def configuration(facts: dict[str, Any]) -> dict[str, Any]:
    host, _, port = facts["address"].rpartition(":")
    template = {"name": "photon-v2", "catalog_item": "photon-custom-hw11-2.0-304b817-k8s"}
    broker = {"org": "cse-provider", "vdc": "cse-provider-vdc", "catalog": "cse", "network": "cse-net"}
    return {
        "amqp": {"host": "127.0.0.1", "password": "unused"},
        "vcd": {"host": host, "port": int(port), "username": "administrator", "password": "vcd-secret"}
        | {"api_version": "31.0", "verify": False},
        "vcs": [{"name": "vc1", "username": "cse@vsphere.local", "password": "vc-secret", "verify": False}],
        "broker": broker | {"default_template": template["name"], "templates": [template]},
    }


@contextmanager
def simulator(clusters: int, profile: str) -> Iterator[dict[str, Any]]:
    """Runs `serve` in another process; gives what it prints."""
    command = [sys.executable, __file__, "--serve", "--clusters", str(clusters), "--profile", profile]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.stdin.close()


def serve(clusters: int, profile: str) -> None:
    """A simulator with so many clusters, until stdin ends."""
    with Simulator(Inventory.lab(), profile=profile) as vcd:
        cloud = vcd.cloud
        vdc = next(each for each in cloud.vdcs.values() if each.name == "acme-vdc")
        user = next(each for each in cloud.users.values() if each.name == "alice")
        for number in range(clusters):
            vapp = Vapp(id=cloud.new_id(), vdc_id=vdc.id, owner_id=user.id, name=f"c{number:05}", transient=None)
            cloud.vapps.add(vapp)
            entries = {"cse.cluster.id": str(uuid.uuid4()), "cse.version": "1.2.7"}
            entries |= {"cse.template": "photon-v2", "cse.master.ip": "10.0.0.1"}
            cloud.metadata.put(vapp.id, [MetadataEntry(key=key, value=value) for key, value in entries.items()])
        print(json.dumps({"address": vcd.address, "ca_file": str(vcd.ca_file)}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    configure(service="bench", level="WARNING")
    sys.exit(main())
