"""Fixtures of the chaos of cluster operations."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from cse_lab.postgres import PrivatePostgres
from cse_testing.chaos.field import Field, open_field

Open = Callable[..., Field]


@pytest.fixture
def field_on(request: pytest.FixtureRequest) -> Iterator[Open]:
    """Opens a field with a store of a kind, `sqlite` or `postgres`, and more environment for its processes."""
    with ExitStack() as stack:

        def make(kind: str, **environment: str) -> Field:
            store = ""
            if kind == "postgres":
                postgres: PrivatePostgres = request.getfixturevalue("postgres")
                store = postgres.create_database()
            return stack.enter_context(open_field(store, **environment))

        yield make
