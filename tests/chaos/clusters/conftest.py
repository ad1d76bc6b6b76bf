"""Fixtures of the chaos of cluster operations."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from cse_lab.postgres import PrivatePostgres
from cse_testing.chaos.field import Field, open_field
from cse_testing.chaos.report import Row

Tell = Callable[[list[Row]], None]
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


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """Puts rows into the table at the end."""

    def tell_all(rows: list[Row]) -> None:
        for row in rows:
            record_property(*row.as_property())

    return tell_all
