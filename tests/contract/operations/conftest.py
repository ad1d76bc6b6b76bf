"""The engines that the contract holds for."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cse_lab.postgres import PrivatePostgres
from cse_operations import database
from cse_testing.operations.benches import EngineBench, Make, durable, in_memory, sqlite_url
from cse_testing.waiting import LIMIT_S

DURABLE = ("sqlite", "postgres")


@pytest.fixture(autouse=True, scope="session")
def _patient_postgres() -> Iterator[None]:
    """A replica that stalls for seconds loses its connections, so that others can take over. Here there are none."""
    limit_ms = int(LIMIT_S * 1000)
    settings = ("idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout")
    patient = {
        "connect_timeout": f"{LIMIT_S:.0f}",
        "tcp_user_timeout": f"{limit_ms}",
        "options": " ".join(f"-c {name}={limit_ms}" for name in settings),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in patient.items():
            patch.setitem(database._POSTGRES_OPTIONS, name, value)
        yield


@pytest.fixture(scope="session")
def blank_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that is set up, so that not each test has to."""
    directory = tmp_path_factory.mktemp("blank")
    EngineBench(durable(sqlite_url(directory))).operations.close(LIMIT_S)
    return directory / "operations.db"


@pytest.fixture(scope="session")
def blank_postgres(postgres: PrivatePostgres) -> str:
    url = postgres.create_database()
    EngineBench(durable(url)).operations.close(LIMIT_S)
    return url


def maker(name: str, request: pytest.FixtureRequest, directory: Path) -> Make:
    if name == "memory":
        return in_memory
    if name == "sqlite":
        shutil.copy(request.getfixturevalue("blank_sqlite"), directory)
        return durable(sqlite_url(directory))
    postgres: PrivatePostgres = request.getfixturevalue("postgres")
    return durable(postgres.create_database(template=request.getfixturevalue("blank_postgres")))


@pytest.fixture(params=["memory", *DURABLE])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EngineBench]:
    """Each engine in turn; all must end what was begun, or be able to hand it back."""
    bench = EngineBench(maker(request.param, request, tmp_path))
    yield bench
    assert bench.operations.close(LIMIT_S)


@pytest.fixture(params=DURABLE)
def lasting(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EngineBench]:
    """Each engine that outlives its process."""
    bench = EngineBench(maker(request.param, request, tmp_path))
    yield bench
    assert bench.operations.close(LIMIT_S)
