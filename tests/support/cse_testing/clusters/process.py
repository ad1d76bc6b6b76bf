"""`cse-clusters` as a process, for tests of its start and its end."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import yaml
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cse_testing.clusters.landscape import config_data
from cse_testing.waiting import LIMIT_S, wait_until
from vcd_simulator.simulator import Simulator


def config_in(folder: Path, vcd: Simulator) -> Path:
    """A configuration file for the simulated vCD."""
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config_data(vcd)))
    path.chmod(0o600)
    return path


def log_of(folder: Path) -> str:
    """What the processes have written that ran there, whole lines of JSON and whatever came between them."""
    return (folder / "clusters.log").read_text()


@contextmanager
def running(config: Path, folder: Path, **variables: str) -> Iterator[tuple[subprocess.Popen[bytes], grpc.Channel]]:
    """The process, which serves and has said so, and a channel to it; `log_of` has what it writes."""
    address, log_file = f"unix:{folder}/clusters.sock", folder / "clusters.log"
    log_file.touch()
    begins = len(log_of(folder))
    with (
        log_file.open("ab") as log,
        subprocess.Popen(
            [sys.executable, "-m", "cse_clusters", "--config", str(config)],
            env={**os.environ, "CSE_CLUSTERS_LISTEN": address, "CSE_LOG_FORMAT": "json", **variables},
            stderr=log,
        ) as process,
    ):
        try:
            with grpc.insecure_channel(address) as channel:
                health = health_pb2_grpc.HealthStub(channel)
                answer = health.Check(health_pb2.HealthCheckRequest(), wait_for_ready=True, timeout=LIMIT_S)
                assert answer.status == health_pb2.HealthCheckResponse.SERVING
                wait_until(lambda: "service_started" in log_of(folder)[begins:], "the end of the start")
                yield process, channel
        finally:
            process.kill()
