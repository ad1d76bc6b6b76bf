"""The use cases over a world in memory."""

from collections.abc import Iterator

import pytest

from cse_testing.clusters.service import HURRIED, ClustersInMemory


@pytest.fixture
def clusters() -> Iterator[ClustersInMemory]:
    with ClustersInMemory() as service:
        yield service


@pytest.fixture
def hurried() -> Iterator[ClustersInMemory]:
    """With limits that are over soon."""
    with ClustersInMemory(limits=HURRIED) as service:
        yield service
