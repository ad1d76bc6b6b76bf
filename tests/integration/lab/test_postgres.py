"""The private PostgreSQL that tests and benches use."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from cse_lab.postgres import PrivatePostgres


def ask(url: str, statement: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(statement).fetchone()
        return row[0] if row else None


@pytest.fixture
def directory() -> Iterator[Path]:
    """One that the unprivileged user, as whom root runs the server, can get to; pytest's he cannot."""
    with tempfile.TemporaryDirectory(prefix="cse-test-") as made:
        Path(made).chmod(0o711)
        yield Path(made) / "server"


def test_what_was_committed_survives_a_crash(directory: Path) -> None:
    with PrivatePostgres(directory) as server:
        url = server.create_database()
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept (n integer)")
            connection.execute("INSERT INTO kept VALUES (7)")
        server.crash()
        assert server.pid is None
        server.start()
        assert ask(url, "SELECT n FROM kept") == 7
        copy = server.create_database(template=url)
        assert ask(copy, "SELECT n FROM kept") == 7
        assert PrivatePostgres(directory).pid == server.pid
    assert server.pid is None


def test_it_listens_on_loopback_only_asks_for_a_password_and_leaves_nothing_behind() -> None:
    with PrivatePostgres() as server:
        directory, pid = server.log.parent, server.pid
        assert ask(server.url(), "SHOW listen_addresses") == "127.0.0.1"
        assert ask(server.url(), "SHOW unix_socket_directories") == ""
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(server.url(), password="wrong")
        assert directory.exists()
    assert not directory.exists()
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
