"""The services speak for themselves: reflection, health, and the example client of the documentation."""

import os
import re
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from cse_testing.lab_cli import LabCli
from cse_testing.vcd_rest import VcdRest
from cse_testing.waiting import LIMIT_S

_EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "create_cluster.py"
_CLUSTERS = {
    "cse.clusters.v1.ClusterService",
    "cse.system.v1.SystemService",
    "cse.operations.v1.OperationService",
    "google.longrunning.Operations",
}


@pytest.mark.parametrize(
    ("variable", "services"),
    [
        ("LAB_CLUSTERS_GRPC", _CLUSTERS),
        ("LAB_TEMPLATES_GRPC", {"cse.templates.v1.TemplateService"}),
        ("LAB_GATEWAY_GRPC", set()),
    ],
)
def test_reflection_lists_the_services_and_health_says_serving(
    lab: dict[str, str], variable: str, services: set[str]
) -> None:
    with grpc.insecure_channel(lab[variable]) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        [listed] = stub.ServerReflectionInfo(iter([request]), timeout=LIMIT_S)
        names = {service.name for service in listed.list_services_response.service}
        assert services | {"grpc.health.v1.Health"} <= names
        health = health_pb2_grpc.HealthStub(channel)
        for name in ("", *services):
            reply = health.Check(health_pb2.HealthCheckRequest(service=name), timeout=LIMIT_S)
            assert reply.status == health_pb2.HealthCheckResponse.SERVING, name


def test_the_example_client_creates_and_watches_a_cluster(
    lab: dict[str, str], tenant: LabCli, tenant_rest: VcdRest
) -> None:
    where = ("--target", lab["LAB_CLUSTERS_GRPC"], "--vdc", lab["LAB_VDC"], "--network", lab["LAB_NETWORK"])
    done = subprocess.run(
        [sys.executable, str(_EXAMPLE), "by-grpc", "--workers", "1", *where],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "VCD_TOKEN": str(tenant_rest.token)},
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stderr
    events = [line for line in done.stdout.splitlines() if re.match(r" *\d+ % ", line)]
    assert len(events) > 3
    assert events[-1].startswith("100 %")
    assert "clusters/by-grpc is ready" in done.stdout
    assert "by-grpc" in tenant.run("cse", "cluster", "list").stdout
    tenant.run("cse", "cluster", "delete", "by-grpc", "--yes")
