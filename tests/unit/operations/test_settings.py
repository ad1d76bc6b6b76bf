"""What the engine is told by its environment."""

from datetime import timedelta

import pytest

from cse_core.secret import Secret
from cse_core.settings import SettingsError
from cse_operations import OperationsSettings
from cse_operations.database import Database


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


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://cse:s3cret@word@db/cse",
        "postgresql://cse:s3@cret:word@db/cse",
        "postgresql://cse:pass@db:s3cret/cse",
        "postgresql://cse:x@h1:1,h2:s3cret/cse",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///s3cret.db?mode=memory&uri=true",
    ],
    ids=["an at sign", "an at sign and a colon", "a port", "hosts", "no file", "memory", "options"],
)
def test_a_url_that_means_something_else_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^CSE_OPERATIONS_DATABASE: ") as caught:
        OperationsSettings.read("sqlite:///x", {"CSE_OPERATIONS_DATABASE": url})
    error: BaseException | None = caught.value
    assert "s3cret" not in str(error)
    assert "cret" not in str(error)
    assert error is not None
    assert error.__suppress_context__ or error.__context__ is None


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://cse:p%40ss@[::1]:5433/cse?sslmode=verify-full&sslrootcert=/etc/cse/ca.pem",
        "postgresql:///cse?host=/run/postgresql",
        "postgresql://cse@db",
        "sqlite:////var/lib/cse/operations.db",
    ],
)
def test_urls_of_stores_are_taken(url: str) -> None:
    settings = OperationsSettings.read("sqlite:///x", {"CSE_OPERATIONS_DATABASE": url})
    assert settings.database.reveal() == url


@pytest.mark.parametrize(
    ("url", "known"),
    [
        ("sqlite:///x", True),
        ("postgresql:///cse", True),
        ("postgresql://cse@127.0.0.1/cse", True),
        ("postgresql:///cse?host=/run/postgresql", True),
        ("postgresql://db/cse?sslmode=verify-full", True),
        ("postgresql://db/cse", False),
        ("postgresql:///cse?host=db", False),
        ("postgresql://db/cse?sslmode=require", False),
    ],
)
def test_a_database_that_anybody_could_pass_for_is_known_as_such(
    monkeypatch: pytest.MonkeyPatch, url: str, known: bool
) -> None:
    monkeypatch.delenv("PGSSLMODE", raising=False)
    assert Database(Secret(url)).is_server_known == known
    if url == "postgresql://db/cse":
        monkeypatch.setenv("PGSSLMODE", "verify-full")
        assert Database(Secret(url)).is_server_known
