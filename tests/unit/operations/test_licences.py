"""Conditions under which DBOS is used."""

from importlib import metadata

import pytest


def test_the_free_core_is_installed_and_nothing_of_the_proprietary_part() -> None:
    assert metadata.metadata("dbos")["License"] == "MIT"
    assert metadata.version("dbos").startswith("3.4.")
    for name in ("dbos-enterprise", "dbos_enterprise"):
        with pytest.raises(metadata.PackageNotFoundError):
            metadata.version(name)
