"""Stores for processes that are killed; a conftest imports what it needs."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cse_lab.postgres import PrivatePostgres
from cse_testing.operations.benches import sqlite_url
from cse_testing.operations.supervisor import Field


@pytest.fixture
def field_on(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Field]]:
    """Makes a field with a store of a kind: `sqlite` or `postgres`."""
    made = list[Field]()

    def make(kind: str) -> Field:
        if kind == "sqlite":
            url = sqlite_url(tmp_path)
        else:
            postgres: PrivatePostgres = request.getfixturevalue("postgres")
            url = postgres.create_database()
        made.append(Field(tmp_path, url))
        return made[-1]

    yield make
    for field in made:
        field.close()
