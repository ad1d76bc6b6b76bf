"""A gateway in this process, between a cell that sends requests and services that answer what a test tells them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cse_core.config import Config, parse_config
from cse_gateway.bootstrap import Gateway, create
from cse_gateway.settings import GatewaySettings
from cse_lab.rabbitmq import PrivateRabbitMQ
from cse_testing.extension import Cell
from cse_testing.fake_services import FakeServices
from cse_testing.waiting import LIMIT_S, wait_until


def config_data(broker: PrivateRabbitMQ, *, exchange: str, routing_key: str) -> dict[str, Any]:
    """The provider's configuration as it stands in the file; only what the gateway reads is real."""
    return {
        "amqp": {
            "host": broker.host,
            "port": broker.port,
            "username": broker.user,
            "password": broker.password,
            "exchange": exchange,
            "routing_key": routing_key,
        },
        "vcd": {"host": "vcd.example.com", "password": "x"},
        "vcs": [{"name": "vc1", "username": "x", "password": "x"}],
        "broker": {
            "org": "cse",
            "vdc": "cse",
            "network": "net",
            "default_template": "photon-v2",
            "templates": [{"name": "photon-v2", "catalog_item": "photon-k8s"}],
        },
    }


def gateway_config(broker: PrivateRabbitMQ, *, exchange: str, routing_key: str) -> Config:
    """As `config_data`, read."""
    return parse_config(config_data(broker, exchange=exchange, routing_key=routing_key))


@dataclass
class Bench:
    """A gateway between a cell and fake services."""

    gateway: Gateway
    cell: Cell
    services: FakeServices


def health_of(address: str) -> str:
    """What the gRPC health service at an address says; `DOWN` if nobody listens."""
    with grpc.insecure_channel(address) as channel:
        try:
            response = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=LIMIT_S)
        except grpc.RpcError:
            return "DOWN"
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(response.status))


def wait_for_health(address: str, wanted: str) -> None:
    """Until the service at an address is healthy, or is not: see `health_of`."""
    wait_until(lambda: health_of(address) == wanted, f"health {wanted}", seen=lambda: health_of(address))


@contextmanager
def running_gateway(
    broker: PrivateRabbitMQ,
    name: str,
    *,
    timeout: timedelta = timedelta(seconds=LIMIT_S),
    margin: timedelta = GatewaySettings.reply_margin,
) -> Iterator[Bench]:
    """Starts all three, with an exchange and a queue of that name; the gateway consumes when it comes back."""
    services = FakeServices().start()
    cell = Cell(broker.url, exchange=f"{name}-ext", routing_key=name)
    settings = GatewaySettings(
        clusters_target=services.address,
        templates_target=services.address,
        listen="127.0.0.1:0",
        extension_timeout=timeout,
        reply_margin=margin,
    )
    gateway = create(gateway_config(broker, exchange=f"{name}-ext", routing_key=name), settings)
    try:
        gateway.start()
        wait_for_health(gateway.address, "SERVING")
        yield Bench(gateway, cell, services)
    finally:
        gateway.stop(5)
        cell.close()
        services.stop()
    assert gateway.failure is None
