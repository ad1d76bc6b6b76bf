from collections.abc import Iterator

import pytest

from cse_lab.rabbitmq import PrivateRabbitMQ
from cse_testing.gateway import Bench, running_gateway


@pytest.fixture(scope="session")
def shared(broker: PrivateRabbitMQ) -> Iterator[Bench]:
    with running_gateway(broker, "cse") as bench:
        yield bench


@pytest.fixture
def bench(shared: Bench) -> Bench:
    """A running gateway that tests share; they must leave it as they found it."""
    shared.services.reset()
    shared.cell.wait_until(lambda: shared.cell.ask().status == 200, "a service that is open")
    shared.cell.wait_until(lambda: shared.gateway.counters.in_flight == 0, "the end of what earlier tests have begun")
    shared.cell.purge(shared.cell.dead_letter_queue)
    shared.services.calls.clear()
    return shared
