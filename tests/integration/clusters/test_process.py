"""`cse-clusters` as a process: its start and its end."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
import requests
from google.longrunning import operations_pb2, operations_pb2_grpc
from lxml import etree

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2, cluster_service_pb2_grpc
from cse.operations.v1 import operation_pb2, operation_service_pb2, operation_service_pb2_grpc
from cse.system.v1 import system_service_pb2, system_service_pb2_grpc
from cse_templates import bootstrap as templates_bootstrap
from cse_templates.settings import TemplatesSettings
from cse_testing.clusters.landscape import SESSION_TYPE, config_for, inventory, session_id
from cse_testing.clusters.process import config_in, log_of, running
from cse_testing.clusters.site import Metadata
from cse_testing.operation_ends import ended
from cse_testing.waiting import LIMIT_S, wait_until
from vcd_simulator.simulator import Simulator


@pytest.fixture(scope="module")
def vcd() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def config(vcd: Simulator, tmp_path: Path) -> Path:
    return config_in(tmp_path, vcd)


def test_sigterm_ends_it_cleanly(config: Path, tmp_path: Path) -> None:
    with running(config, tmp_path) as (process, _):
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0
    lines = [json.loads(line) for line in log_of(tmp_path).splitlines() if line.startswith("{")]
    assert [line["event"] for line in lines if line["event"].startswith(("signal", "service"))] == [
        "service_started",
        "signal_received",
        "service_stopped",
    ]
    assert {line["service"] for line in lines} == {"clusters"}


def test_stop_system_ends_it_after_it_has_answered(vcd: Simulator, config: Path, tmp_path: Path) -> None:
    metadata = (("x-vcloud-authorization", session_id(vcd, "administrator", "System", "vcd-secret")),)
    with running(config, tmp_path) as (process, channel):
        system = system_service_pb2_grpc.SystemServiceStub(channel)
        seen = system.GetSystem(system_service_pb2.GetSystemRequest(), metadata=metadata, timeout=LIMIT_S)
        assert seen.config_file == str(config)
        system.DisableSystem(system_service_pb2.DisableSystemRequest(), metadata=metadata, timeout=LIMIT_S)
        answer = system.StopSystem(system_service_pb2.StopSystemRequest(), metadata=metadata, timeout=LIMIT_S)
        assert answer.operations_in_progress == 0
        assert process.wait(LIMIT_S) == 0


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "asked to end"])
def test_a_creation_goes_on_in_the_next_process(tmp_path: Path, end: signal.Signals) -> None:
    with Simulator(inventory(), profile="lab") as vcd, catalogue(vcd) as templates:
        config = config_in(tmp_path, vcd)
        alice = (("x-vcloud-authorization", session_id(vcd, "alice", "acme", "alice-secret")),)
        with running(config, tmp_path, CSE_TEMPLATES_TARGET=templates) as (process, channel):
            creation = create(channel, alice)
            watching = operation_service_pb2_grpc.OperationServiceStub(channel)
            request = operation_service_pb2.WatchOperationRequest(name=creation.name)
            for answer in watching.WatchOperation(request, metadata=alice, timeout=LIMIT_S):
                if answer.event.message.startswith("Initializing control plane"):
                    break
            process.send_signal(end)
            assert process.wait(LIMIT_S) == (-end if end == signal.SIGKILL else 0)
        with running(config, tmp_path, CSE_TEMPLATES_TARGET=templates) as (_, channel):
            outcome = ended(operations_pb2_grpc.OperationsStub(channel), creation.name, alice)
            assert outcome.WhichOneof("result") == "response", outcome
            clusters = cluster_service_pb2_grpc.ClusterServiceStub(channel)
            everywhere = cluster_service_pb2.ListClustersRequest(parent="orgs/-/vdcs/-")
            found = clusters.ListClusters(everywhere, metadata=alice, timeout=LIMIT_S)
            assert [cluster.name.rpartition("/")[2] for cluster in found.clusters] == ["demo"]
        metadata = operation_pb2.OperationMetadata()
        assert outcome.metadata.Unpack(metadata)
        headers = {**dict(alice), "Accept": SESSION_TYPE}
        task = requests.get(metadata.task_href, headers=headers, verify=vcd.ca_file, timeout=LIMIT_S)
        assert etree.fromstring(task.content).get("status") == "success"


def test_a_script_that_was_uploaded_when_the_process_was_killed_does_not_stay_in_the_guest(tmp_path: Path) -> None:
    with Simulator(inventory(), profile="instant") as vcd, catalogue(vcd) as templates:
        config = config_in(tmp_path, vcd)
        alice = (("x-vcloud-authorization", session_id(vcd, "alice", "acme", "alice-secret")),)
        held = vcd.faults.add(soap="StartProgramInGuest", guest="node-*", delay_s=3600, times=1)
        with running(config, tmp_path, CSE_TEMPLATES_TARGET=templates) as (process, channel):
            creation = create(channel, alice)
            wait_until(lambda: held.injected, "a script to be started")
            process.kill()
            process.wait(LIMIT_S)
        vcd.faults.remove(held)
        (worker,) = (each.vm for each in vcd.guests.all() if each.vm.startswith("node-"))
        left = vcd.guests.execute(worker, "cat /tmp/cse-*/script")
        assert "CSE_JOIN_TOKEN=" in left.stdout
        with running(config, tmp_path, CSE_TEMPLATES_TARGET=templates) as (_, channel):
            assert (
                ended(operations_pb2_grpc.OperationsStub(channel), creation.name, alice).WhichOneof("result")
                == "response"
            )
        names = [each.vm for each in vcd.guests.all() if each.vm.startswith(("node-", "mstr-"))]
        assert len(names) == 2
        for name in names:
            found = vcd.guests.execute(name, "find /tmp -name 'cse-*'")
            assert (found.exit_code, found.stdout) == (0, ""), name


def create(channel: grpc.Channel, metadata: Metadata) -> operations_pb2.Operation:
    """Begins to create the cluster `demo` with one worker."""
    cluster = cluster_pb2.Cluster(network="acme-net", worker_pool=cluster_pb2.NodePool(node_count=1))
    request = cluster_service_pb2.CreateClusterRequest(
        parent="orgs/-/vdcs/acme-vdc", cluster_id="demo", cluster=cluster, rollback_on_failure=True
    )
    clusters = cluster_service_pb2_grpc.ClusterServiceStub(channel)
    begun: operations_pb2.Operation = clusters.CreateCluster(request, metadata=metadata, timeout=LIMIT_S)
    return begun


@contextmanager
def catalogue(vcd: Simulator) -> Iterator[str]:
    """Where the templates service listens."""
    service = templates_bootstrap.create(config_for(vcd), TemplatesSettings(listen="127.0.0.1:0"))
    service.start()
    try:
        yield service.address
    finally:
        service.stop(1.0)
