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
    assert shared.cell.wait_for(lambda: shared.cell.ask().status == 200)
    shared.services.calls.clear()
    return shared
