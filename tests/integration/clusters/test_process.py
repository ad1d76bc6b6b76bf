"""`cse-clusters` as a process: its start and its end."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
import yaml
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cse.operations.v1 import operation_pb2
from cse.system.v1 import system_service_pb2, system_service_pb2_grpc
from cse_testing.clusters.site import config_data, session_id, site, with_script
from vcd_simulator.simulator import Simulator

WAIT_S = 30.0


@pytest.fixture(scope="module")
def vcd() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def config(vcd: Simulator, tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(config_data(vcd)))
    path.chmod(0o600)
    return path


@contextmanager
def running(config: Path, folder: Path) -> Iterator[tuple[subprocess.Popen[str], grpc.Channel]]:
    """The process, serving, and a channel to it."""
    address = f"unix:{folder}/clusters.sock"
    with subprocess.Popen(
        [sys.executable, "-m", "cse_clusters", "--config", str(config)],
        env={**os.environ, "CSE_CLUSTERS_LISTEN": address, "CSE_LOG_FORMAT": "json"},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            with grpc.insecure_channel(address) as channel:
                health = health_pb2_grpc.HealthStub(channel)
                answer = health.Check(health_pb2.HealthCheckRequest(), wait_for_ready=True, timeout=WAIT_S)
                assert answer.status == health_pb2.HealthCheckResponse.SERVING
                yield process, channel
        finally:
            process.kill()


def test_sigterm_ends_it_cleanly(config: Path, tmp_path: Path) -> None:
    with running(config, tmp_path) as (process, _):
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT_S) == 0
        assert process.stderr is not None
        lines = [json.loads(line) for line in process.stderr if line.startswith("{")]
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
        seen = system.GetSystem(system_service_pb2.GetSystemRequest(), metadata=metadata, timeout=WAIT_S)
        assert seen.config_file == str(config)
        system.DisableSystem(system_service_pb2.DisableSystemRequest(), metadata=metadata, timeout=WAIT_S)
        answer = system.StopSystem(system_service_pb2.StopSystemRequest(), metadata=metadata, timeout=WAIT_S)
        assert answer.operations_in_progress == 0
        began = time.monotonic()
        assert process.wait(WAIT_S) == 0
        assert time.monotonic() - began < 10


def test_a_creation_that_the_end_of_the_service_cuts_off_says_so_in_its_task(tmp_path: Path) -> None:
    with_script(tmp_path, "photon-v2", "mstr.sh", "sleep 60")
    with site(templates_dir=tmp_path) as vcd:
        alice = vcd.login("alice", "acme", "alice-secret")
        creation = vcd.create(alice, "cut-off", workers=1)
        for event in vcd.watch(creation, alice):
            if event.message.startswith("Initializing control plane"):
                break
        vcd.service.stop(2.0)
        metadata = operation_pb2.OperationMetadata()
        assert creation.metadata.Unpack(metadata)
        task = vcd.send("GET", metadata.task_href, alice)
        assert task.get("status") == "error"
        (error,) = task.findall("{http://www.vmware.com/vcloud/v1.5}Error")
        assert error.get("minorErrorCode") == "SERVICE_STOPPING"
        message = error.get("message") or ""
        assert "the service was stopped before the operation ended" in message
        assert message.endswith("delete the cluster to remove it.")
