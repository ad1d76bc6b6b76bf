"""A simulated vCD with the real services beside it: templates and clusters, each on a gRPC port of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import grpc
import requests
from cryptography.fernet import Fernet
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.message import Message
from lxml import etree

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2, cluster_service_pb2_grpc
from cse.operations.v1 import operation_pb2, operation_service_pb2, operation_service_pb2_grpc
from cse.system.v1 import orphan_pb2, system_service_pb2, system_service_pb2_grpc
from cse_clusters import bootstrap as clusters_bootstrap
from cse_clusters.application.guest_work import Limits
from cse_clusters.settings import ClustersSettings
from cse_core.config import Config, parse_config
from cse_core.secret import Secret
from cse_templates import bootstrap as templates_bootstrap
from cse_templates.settings import TemplatesSettings
from cse_testing.clusters.landscape import SESSION_TYPE, config_data, inventory, session_id
from cse_testing.operation_ends import ended
from cse_testing.operations.benches import settings_in
from cse_testing.waiting import LIMIT_S, wait_until
from vcd_simulator.simulator import Simulator

VCLOUD: Final = {"v": "http://www.vmware.com/vcloud/v1.5"}
"""Namespace of vCD's documents, for `find`."""

Metadata = tuple[tuple[str, str], ...]


@dataclass
class Site:
    """What a test needs of it. `config` is what the services were given."""

    vcd: Simulator
    config: Config
    service: clusters_bootstrap.ClustersService
    channel: grpc.Channel

    def __post_init__(self) -> None:
        self.clusters = cluster_service_pb2_grpc.ClusterServiceStub(self.channel)
        self.system = system_service_pb2_grpc.SystemServiceStub(self.channel)
        self.operations = operations_pb2_grpc.OperationsStub(self.channel)
        self.watching = operation_service_pb2_grpc.OperationServiceStub(self.channel)

    def login(self, user: str, org: str, password: str) -> Metadata:
        """A session with vCD, as the metadata of calls."""
        return (
            ("x-vcloud-authorization", session_id(self.vcd, user, org, password)),
            ("x-vcloud-api-version", "31.0"),
        )

    def jwt(self, user: str, org: str, password: str) -> Metadata:
        """A session of a vCD 10, as the metadata of calls."""
        answer = requests.post(
            f"{self.vcd.url}/cloudapi/1.0.0/sessions",
            auth=(f"{user}@{org}", password),
            headers={"Accept": "application/json;version=36.0"},
            verify=self.vcd.ca_file,
            timeout=LIMIT_S,
        )
        answer.raise_for_status()
        token = answer.headers["x-vmware-vcloud-access-token"]
        return (("authorization", f"Bearer {token}"), ("x-vcloud-api-version", "36.0"))

    def send(self, method: str, href: str, metadata: Metadata) -> etree._Element:
        """The document that vCD's REST API answers to the session that the metadata carries."""
        return etree.fromstring(self._request(method, href, metadata))

    def change(self, href: str, metadata: Metadata) -> None:
        """Posts to vCD, for example a power action, and waits for the task that it answers with."""
        task = str(self.send("POST", href, metadata).get("href"))

        def outcome() -> str:
            status = str(self.send("GET", task, metadata).get("status"))
            return "" if status in ("queued", "preRunning", "running") else status

        assert wait_until(outcome, f"the end of {task}") == "success"

    def share(self, vapp_href: str, metadata: Metadata, level: str) -> None:
        """Lets everybody in the org see a vApp (`ReadOnly`), or change it (`Change`)."""
        body = (
            '<ControlAccessParams xmlns="http://www.vmware.com/vcloud/v1.5"><IsSharedToEveryone>true</IsSharedToEveryone>'
            f"<EveryoneAccessLevel>{level}</EveryoneAccessLevel></ControlAccessParams>"
        )
        kind = "application/vnd.vmware.vcloud.controlAccess+xml"
        self._request("POST", f"{vapp_href}/action/controlAccess", metadata, body=body, kind=kind)

    def logout(self, metadata: Metadata) -> None:
        """Ends the session with vCD."""
        self._request("DELETE", f"{self.vcd.url}/api/session", metadata)

    def vapps(self, metadata: Metadata) -> list[str]:
        """Names of the vApps that the session sees."""
        found = self.send("GET", f"{self.vcd.url}/api/query?type=vApp&format=records", metadata)
        return sorted(str(record.get("name")) for record in found.iterfind("v:VAppRecord", VCLOUD))

    def _request(self, method: str, href: str, metadata: Metadata, *, body: str | None = None, kind: str = "") -> bytes:
        headers = {"Accept": SESSION_TYPE, "x-vcloud-authorization": dict(metadata)["x-vcloud-authorization"]}
        answer = requests.request(
            method,
            href,
            headers={**headers, "Content-Type": kind} if body is not None else headers,
            data=body,
            verify=self.vcd.ca_file,
            timeout=LIMIT_S,
        )
        answer.raise_for_status()
        return answer.content

    def watch(self, operation: operations_pb2.Operation, metadata: Metadata) -> Iterator[operation_pb2.OperationEvent]:
        """The operation's events as they come."""
        request = operation_service_pb2.WatchOperationRequest(name=operation.name)
        for answer in self.watching.WatchOperation(request, metadata=metadata, timeout=LIMIT_S):
            yield answer.event

    def wait_for_event(self, operation: operations_pb2.Operation, metadata: Metadata, beginning: str) -> None:
        """Until the operation tells of something with these words."""
        assert any(event.message.startswith(beginning) for event in self.watch(operation, metadata)), beginning

    def ended(self, operation: operations_pb2.Operation, metadata: Metadata) -> operations_pb2.Operation:
        """The operation as it ended; fails if it does not end in time."""
        return ended(self.operations, operation.name, metadata)

    def succeeded(self, operation: operations_pb2.Operation, metadata: Metadata) -> operations_pb2.Operation:
        """The operation as it ended; fails if it does not end well."""
        found = self.ended(operation, metadata)
        assert not found.HasField("error"), found.error.message
        return found

    def resulting(self, operation: operations_pb2.Operation, metadata: Metadata) -> cluster_pb2.Cluster:
        """The cluster that the operation resolves to; fails if it does not end well."""
        found = cluster_pb2.Cluster()
        assert self.succeeded(operation, metadata).response.Unpack(found)
        return found

    # ---- clusters, by their names alone

    def names(self, metadata: Metadata) -> list[str]:
        """Of all clusters that the session sees."""
        request = cluster_service_pb2.ListClustersRequest(parent="orgs/-/vdcs/-")
        answer = self.clusters.ListClusters(request, metadata=metadata, timeout=LIMIT_S)
        return [cluster.name.rpartition("/")[2] for cluster in answer.clusters]

    def cluster(self, metadata: Metadata, name: str) -> cluster_pb2.Cluster:
        request = cluster_service_pb2.GetClusterRequest(name=resource_name(name))
        found: cluster_pb2.Cluster = self.clusters.GetCluster(request, metadata=metadata, timeout=LIMIT_S)
        return found

    def create(self, metadata: Metadata, name: str = "demo", **fields: Any) -> operations_pb2.Operation:
        """Begins to create a cluster in a VDC of acme, on the network that is called like it."""
        vdc = fields.pop("vdc", "acme-vdc")
        pool = cluster_pb2.NodePool(node_count=fields.pop("workers", 2), **fields.pop("pool", {}))
        rollback = fields.pop("rollback_on_failure", True)
        cluster = cluster_pb2.Cluster(network=f"{vdc.removesuffix('-vdc')}-net", worker_pool=pool, **fields)
        request = cluster_service_pb2.CreateClusterRequest(
            parent=f"orgs/-/vdcs/{vdc}", cluster_id=name, cluster=cluster, rollback_on_failure=rollback
        )
        return self._begun(self.clusters.CreateCluster, request, metadata)

    def delete(self, metadata: Metadata, name: str) -> operations_pb2.Operation:
        """Begins to delete it."""
        request = cluster_service_pb2.DeleteClusterRequest(name=resource_name(name))
        return self._begun(self.clusters.DeleteCluster, request, metadata)

    def add_nodes(self, metadata: Metadata, name: str, count: int = 1, **fields: Any) -> operations_pb2.Operation:
        """Begins to add nodes, workers unless told otherwise."""
        pool = cluster_pb2.NodePool(node_count=count, **fields.pop("pool", {}))
        fields.setdefault("rollback_on_failure", True)
        request = cluster_service_pb2.AddNodesRequest(name=resource_name(name), pool=pool, **fields)
        return self._begun(self.clusters.AddNodes, request, metadata)

    def remove_nodes(self, metadata: Metadata, name: str, *nodes: str, force: bool = False) -> operations_pb2.Operation:
        """Begins to remove nodes, by their ids or their resource names."""
        ids = [node.rpartition("/")[2] for node in nodes]
        request = cluster_service_pb2.RemoveNodesRequest(name=resource_name(name), node_ids=ids, force=force)
        return self._begun(self.clusters.RemoveNodes, request, metadata)

    def resize(self, metadata: Metadata, name: str, workers: int) -> operations_pb2.Operation:
        """Begins to make it have so many workers."""
        request = cluster_service_pb2.ResizeClusterRequest(name=resource_name(name), worker_count=workers)
        return self._begun(self.clusters.ResizeCluster, request, metadata)

    # ---- orphans, for administrators

    def orphans(self, admin: Metadata) -> list[orphan_pb2.Orphan]:
        answer = self.system.ListOrphans(system_service_pb2.ListOrphansRequest(), metadata=admin, timeout=LIMIT_S)
        return list(answer.orphans)

    def reclaimed(self, admin: Metadata, *names: str, execute: bool = True) -> list[orphan_pb2.ReclaimResult]:
        """What became of these orphans, or of all that need not be named."""
        request = system_service_pb2.ReclaimRequest(names=names, execute=execute)
        ended = self.succeeded(self.system.Reclaim(request, metadata=admin, timeout=LIMIT_S), admin)
        response = system_service_pb2.ReclaimResponse()
        assert ended.response.Unpack(response)
        return list(response.results)

    def _begun(self, call: Any, request: Message, metadata: Metadata) -> operations_pb2.Operation:
        answer: operations_pb2.Operation = call(request, metadata=metadata, timeout=LIMIT_S)
        return answer


def resource_name(cluster: str) -> str:
    """Of a cluster, wherever it is."""
    return f"orgs/-/vdcs/-/clusters/{cluster}"


@contextmanager
def site(
    profile: str = "instant",
    *,
    templates_dir: Path | None = None,
    limits: Limits | None = None,
    lanes: int = 0,
    enforce_authorization: bool = False,
    database: str = "",
    **templates: Any,
) -> Iterator[Site]:
    """While inside, everything runs on free ports of loopback; one at a time in a process.

    Args:
        profile: latencies of the simulator.
        templates_dir: the provider's own templates.
        limits: how long parts of operations may take.
        lanes: VDCs with vCenters of their own, see `inventory`.
        enforce_authorization: as in the configuration.
        database: URL of the store of operations; SQLite in a temporary folder unless told.
        templates: further keys of each template in the configuration.
    """
    with TemporaryDirectory() as state, Simulator(inventory(lanes=lanes), profile=profile) as vcd:
        service_data = {"service": {"enforce_authorization": enforce_authorization}}
        config = parse_config(config_data(vcd, **templates) | service_data)
        of_catalogue = TemplatesSettings(listen="127.0.0.1:0", directory=templates_dir)
        catalogue = templates_bootstrap.create(config, of_catalogue)
        catalogue.start()
        stored = settings_in(Path(state))
        if database:
            stored = replace(stored, database=Secret(database), key=Secret(Fernet.generate_key().decode()))
        settings = ClustersSettings(
            operations=stored,
            listen="127.0.0.1:0",
            templates_target=_address(catalogue),
            limits=limits or Limits(),
        )
        service = clusters_bootstrap.create(config, settings)
        service.start()
        try:
            with grpc.insecure_channel(_address(service)) as channel:
                yield Site(vcd, config, service, channel)
        finally:
            service.stop(5.0)
            catalogue.stop(1.0)


def _address(service: Any) -> str:
    address: str = service.address
    return address
