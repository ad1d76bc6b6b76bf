"""The process `cse-gateway`: how it starts, shows its health, drains and ends."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from cse_lab.ports import free_port
from cse_lab.rabbitmq import PrivateRabbitMQ
from cse_testing.extension import Cell, request_message
from cse_testing.fake_services import FakeServices, an_operation
from cse_testing.gateway import config_data, health_of, wait_for_health
from cse_testing.waiting import LIMIT_S, wait_until


@dataclass
class Running:
    process: "subprocess.Popen[str]"
    address: str
    cell: Cell
    services: FakeServices
    log: Path


@pytest.fixture
def running(broker: PrivateRabbitMQ, tmp_path: Path) -> Iterator[Running]:
    name = "process"
    services = FakeServices().start()
    cell = Cell(broker.url, exchange=f"{name}-ext", routing_key=name)
    address = f"127.0.0.1:{free_port('127.0.0.1')}"
    log = tmp_path / "gateway.log"
    with log.open("w") as output:
        process = start(
            tmp_path, config_data(broker, exchange=f"{name}-ext", routing_key=name), services, address, output
        )
    try:
        wait_until(lambda: health_of(address) == "SERVING", "a process that serves", seen=log.read_text)
        yield Running(process, address, cell, services, log)
    finally:
        process.kill()
        process.wait()
        cell.close()
        services.stop()


def start(
    directory: Path, config: dict[str, Any], services: FakeServices, address: str, output: Any
) -> "subprocess.Popen[str]":
    path = directory / "config.yaml"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(config))
    environment = {
        **os.environ,
        "CSE_CONFIG": str(path),
        "CSE_CLUSTERS_TARGET": services.address,
        "CSE_TEMPLATES_TARGET": services.address,
        "CSE_GATEWAY_LISTEN": address,
        "CSE_LOG_FORMAT": "json",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "cse_gateway"], env=environment, stdout=output, stderr=output, text=True
    )


def test_on_sigterm_it_finishes_what_is_in_flight_and_takes_nothing_new(running: Running) -> None:
    entered, release = threading.Event(), threading.Event()

    def slow(_request: Any) -> Any:
        entered.set()
        release.wait(LIMIT_S)
        return an_operation()

    running.services.answers["DeleteCluster"] = slow
    in_flight = running.cell.send(request_message("DELETE", "/api/cse/demo"))
    assert entered.wait(LIMIT_S)
    running.process.send_signal(signal.SIGTERM)
    wait_for_health(running.address, "NOT_SERVING")
    wait_until(lambda: running.cell.consumer_count() == 0, "an end of consuming")
    running.cell.send(request_message())
    release.set()
    assert running.cell.reply_to(in_flight).status == 202
    assert running.process.wait(LIMIT_S) == 0
    assert running.cell.message_count("process") == 1  # the new one waits for another gateway
    running.cell.purge("process")


def test_it_ends_by_itself_when_the_service_has(running: Running) -> None:
    cell = running.cell
    assert cell.ask("PUT", "/api/cse/system", body={"stopped": True}).message == "CSE graceful shutdown started."
    assert cell.ask("GET", "/api/cse").status == 503
    assert cell.ask("GET", "/api/cse/system").status == 200  # the service is still there, finishing its operations
    running.services.stop()
    assert running.process.wait(LIMIT_S) == 0


def test_it_does_not_end_when_a_service_that_runs_goes_away(running: Running) -> None:
    running.services.stop()
    running.cell.wait_until(lambda: running.cell.ask("GET", "/api/cse").status == 503, "a service that is away")
    with pytest.raises(subprocess.TimeoutExpired):
        running.process.wait(3)
    running.services.start()
    running.cell.wait_until(lambda: running.cell.ask("GET", "/api/cse").status == 200, "a service that is back")


def test_it_can_be_looked_at_with_standard_tools(running: Running) -> None:
    with grpc.insecure_channel(running.address) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        (response,) = stub.ServerReflectionInfo(iter([request]))
    names = {service.name for service in response.list_services_response.service}
    assert {"grpc.health.v1.Health", "grpc.channelz.v1.Channelz"} <= names


def test_its_log_holds_no_secret(running: Running) -> None:
    canary = "Canary0123456789abcdef"
    headers = {"x-vcloud-authorization": canary, "Authorization": f"Bearer {canary}", "Cookie": f"x={canary}"}
    running.cell.ask("GET", "/api/cse", headers=headers)
    running.cell.send(f'[{{"x-vcloud-authorization": "{canary}"'.encode())
    running.cell.take_dead_letter()
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(LIMIT_S) == 0
    log = running.log.read_text()
    assert "request_answered" in log
    assert "message_dead_lettered" in log
    assert canary not in log


@pytest.mark.parametrize(
    ("variable", "value"),
    [("CSE_GATEWAY_LISTEN", "nowhere"), ("CSE_GATEWAY_REPLY_MARGIN_S", "-1"), ("CSE_LOG_FORMAT", "xml")],
)
def test_a_setting_that_cannot_be_used_is_named(tmp_path: Path, variable: str, value: str) -> None:
    environment = {**os.environ, variable: value, "CSE_CONFIG": str(tmp_path / "config.yaml")}
    done = subprocess.run(
        [sys.executable, "-m", "cse_gateway"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 1
    assert variable in done.stderr
    assert "Traceback" not in done.stderr


def test_an_address_in_use_is_named(running: Running, tmp_path: Path, broker: PrivateRabbitMQ) -> None:
    config = config_data(broker, exchange="process-ext", routing_key="process")
    process = start(tmp_path, config, running.services, running.address, subprocess.PIPE)
    _, output = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1
    assert f"cannot listen on {running.address}" in output
