"""What the engine is told by its environment."""

from datetime import timedelta

import pytest

from cse_core.settings import SettingsError
from cse_operations import OperationsSettings


def test_without_anything_the_services_own_database_is_used() -> None:
    settings = OperationsSettings.read("sqlite:///clusters.db", {})
    assert settings.database.reveal() == "sqlite:///clusters.db"
    assert (settings.key, settings.key_file, settings.retention) == (None, None, timedelta(days=30))


def test_a_database_with_its_password_is_not_shown() -> None:
    url = "postgresql://cse:s3cret@db/cse"
    settings = OperationsSettings.read("sqlite:///x", {"CSE_OPERATIONS_DATABASE": url, "CSE_OPERATIONS_KEY": "k3y"})
    assert settings.database.reveal() == url
    assert "s3cret" not in repr(settings)
    assert "k3y" not in repr(settings)


@pytest.mark.parametrize("url", ["mysql://x", "/var/lib/x.db", "sqlite:x"])
def test_other_databases_are_refused_without_showing_the_url(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^CSE_OPERATIONS_DATABASE: ") as caught:
        OperationsSettings.read("sqlite:///x", {"CSE_OPERATIONS_DATABASE": url})
    assert url not in str(caught.value)


def test_a_key_and_a_key_file_exclude_each_other() -> None:
    with pytest.raises(SettingsError, match="choose one"):
        OperationsSettings.read("sqlite:///x", {"CSE_OPERATIONS_KEY": "a", "CSE_OPERATIONS_KEY_FILE": "b"})
