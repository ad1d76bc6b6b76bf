"""The cluster manager's gRPC surface over an in-memory world."""

from collections.abc import Iterator

import pytest

from cse_testing.clusters.clients import Clients, serving
from cse_testing.clusters.service import ClustersInMemory


@pytest.fixture
def clients() -> Iterator[Clients]:
    with ClustersInMemory() as world, serving(world) as clients:
        yield clients
