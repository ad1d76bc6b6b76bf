"""A whole simulator beside a real broker."""

from collections.abc import Iterator

import pytest

from cse_lab.rabbitmq import PrivateRabbitMQ
from vcd_simulator.extensions.broker import AmqpSettings
from vcd_simulator.inventory import Inventory
from vcd_simulator.simulator import Simulator


@pytest.fixture(scope="session")
def running_vcd(broker: PrivateRabbitMQ) -> Iterator[Simulator]:
    """The lab's inventory, without latency."""
    with Simulator(Inventory.lab(), profile="instant", amqp=broker.url) as running:
        yield running


@pytest.fixture
def vcd(running_vcd: Simulator, broker: PrivateRabbitMQ) -> Iterator[Simulator]:
    """The same for all tests, without the extensions that earlier tests registered."""
    yield running_vcd
    cloud = running_vcd.cloud
    with cloud.lock:
        for service in list(cloud.services):
            cloud.services.remove(service)
        for one in list(cloud.api_filters):
            cloud.api_filters.remove(one)
        for right in [right for right in cloud.rights if right.service_namespace]:
            cloud.rights.remove(right)
    settings = AmqpSettings.from_url(broker.url)
    if running_vcd.forwarder.settings != settings:
        running_vcd.forwarder.configure(settings)
