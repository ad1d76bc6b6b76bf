"""A simulated vCD with the real services beside it: templates and clusters, each on a gRPC port of its own."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import grpc
import requests
import yaml
from cryptography.fernet import Fernet
from google.longrunning import operations_pb2, operations_pb2_grpc
from lxml import etree

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2, cluster_service_pb2_grpc
from cse.operations.v1 import operation_service_pb2, operation_service_pb2_grpc
from cse.operations.v1.operation_pb2 import OperationEvent
from cse.system.v1 import system_service_pb2_grpc
from cse_clusters import bootstrap as clusters_bootstrap
from cse_clusters.application.guest_work import Limits
from cse_clusters.settings import ClustersSettings
from cse_core.config import Config, parse_config
from cse_core.secret import Secret
from cse_templates import bootstrap as templates_bootstrap
from cse_templates.adapters.directories import builtin_directory
from cse_templates.settings import TemplatesSettings
from cse_testing.operation_ends import ended
from cse_testing.operations.benches import settings_in
from cse_testing.waiting import LIMIT_S, wait_until
from vcd_simulator.inventory import Inventory, lab_text
from vcd_simulator.simulator import Simulator

SESSION_TYPE = "application/*+xml;version=31.0"

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

    def watch(self, operation: operations_pb2.Operation, metadata: Metadata) -> Iterator[OperationEvent]:
        """The operation's events as they come."""
        request = operation_service_pb2.WatchOperationRequest(name=operation.name)
        for answer in self.watching.WatchOperation(request, metadata=metadata, timeout=LIMIT_S):
            yield answer.event

    def ended(self, operation: operations_pb2.Operation, metadata: Metadata) -> operations_pb2.Operation:
        """The operation as it ended; fails if it does not end in time."""
        return ended(self.operations, operation.name, metadata)

    def create(self, metadata: Metadata, name: str = "demo", **fields: Any) -> operations_pb2.Operation:
        """Begins to create a cluster in a VDC of acme, on the network that is called like it."""
        vdc = fields.pop("vdc", "acme-vdc")
        pool = cluster_pb2.NodePool(node_count=fields.pop("workers", 2), **fields.pop("pool", {}))
        rollback = fields.pop("rollback_on_failure", True)
        cluster = cluster_pb2.Cluster(network=f"{vdc.removesuffix('-vdc')}-net", worker_pool=pool, **fields)
        request = cluster_service_pb2.CreateClusterRequest(
            parent=f"orgs/-/vdcs/{vdc}", cluster_id=name, cluster=cluster, rollback_on_failure=rollback
        )
        answer: operations_pb2.Operation = self.clusters.CreateCluster(request, metadata=metadata, timeout=LIMIT_S)
        return answer


def session_id(vcd: Simulator, user: str, org: str, password: str) -> str:
    """A session of the classic kind."""
    answer = requests.post(
        f"{vcd.url}/api/sessions",
        auth=(f"{user}@{org}", password),
        headers={"Accept": SESSION_TYPE},
        verify=vcd.ca_file,
        timeout=LIMIT_S,
    )
    answer.raise_for_status()
    return answer.headers["x-vcloud-authorization"]


def config_for(vcd: Simulator, **templates: Any) -> Config:
    """A provider's configuration for the simulator; `templates` are further keys of each template."""
    return parse_config(config_data(vcd, **templates))


def config_data(vcd: Simulator, **templates: Any) -> dict[str, Any]:
    """The same as it is in the file."""
    host, _, port = vcd.address.rpartition(":")
    return {
        "amqp": {"host": "127.0.0.1", "password": "unused"},
        "vcd": {"host": host, "port": int(port), "username": "administrator", "password": "vcd-secret"}
        | {"api_version": "31.0", "verify": False},
        "vcs": [
            {"name": each.name, "username": each.user, "password": each.password, "verify": False}
            for each in vcd.vcenters.values()
        ],
        "broker": {
            "org": "cse-provider",
            "vdc": "cse-provider-vdc",
            "catalog": "cse",
            "network": "cse-net",
            "default_template": "photon-v2",
            "templates": [
                {"name": "photon-v2", "catalog_item": "photon-custom-hw11-2.0-304b817-k8s", **templates},
                {"name": "ubuntu-16.04", "catalog_item": "ubuntu-16.04-server-cloudimg-amd64-k8s", **templates},
            ],
        },
    }


def with_script(folder: Path, template: str, name: str, body: str) -> None:
    """Puts a built-in template into the folder, one of whose scripts is another."""
    shutil.copytree(str(builtin_directory() / template), folder / template)
    (folder / template / name).write_text(f"#!/bin/bash\nset -euo pipefail\n{body}\n")


def inventory(*, lanes: int = 0) -> Inventory:
    """The lab's, with its catalog published as `cse install` leaves it.

    Args:
        lanes: so many more VDCs of acme, `lane0-vdc` and so on, each on a vCenter of its own, `lane0`: what a test does
            to one of those does not touch the others.
    """
    data = yaml.safe_load(lab_text())
    orgs = {org["name"]: org for org in data["orgs"]}
    orgs["cse-provider"]["catalogs"][0]["published"] = True
    vdc = orgs["acme"]["vdcs"][0]
    for lane in (f"lane{number}" for number in range(lanes)):
        data["vcenters"].append({**data["vcenters"][0], "name": lane})
        data["provider_vdcs"].append({**data["provider_vdcs"][0], "name": f"{lane}-pvdc", "vcenter": lane})
        network = {**vdc["networks"][0], "name": f"{lane}-net"}
        orgs["acme"]["vdcs"].append(
            {**vdc, "name": f"{lane}-vdc", "provider_vdc": f"{lane}-pvdc", "networks": [network]}
        )
    return Inventory.parse(yaml.safe_dump(data), "the lab's inventory with a published catalog")


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
