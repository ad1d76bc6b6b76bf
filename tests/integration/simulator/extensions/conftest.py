"""A whole simulator beside a real broker."""

from collections.abc import Iterator

import pytest

from cse_lab.rabbitmq import PrivateRabbitMQ
from vcd_simulator.inventory import Inventory
from vcd_simulator.simulator import Simulator


@pytest.fixture
def vcd(broker: PrivateRabbitMQ) -> Iterator[Simulator]:
    """The lab's inventory, without latency."""
    with Simulator(Inventory.lab(), profile="instant", amqp=broker.url) as running:
        yield running
