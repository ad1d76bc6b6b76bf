"""The pytest plug-in of all tests: the closed network and servers that many tests share."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import structlog

from cse_lab.postgres import PrivatePostgres
from cse_lab.rabbitmq import PrivateRabbitMQ
from cse_testing.network import close_network

_HYPOTHESIS = "steady"
hypothesis.settings.register_profile(
    _HYPOTHESIS,
    deadline=None,  # a busy machine is no fault of the code
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize=True,  # the same examples in every run: what fails is what was changed
)


def pytest_configure(config: pytest.Config) -> None:
    """A run that is ended with SIGTERM, as by `timeout`, ends like one with Ctrl-C.

    It says where it was, and what fixtures have started ends, too.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    hypothesis.settings.load_profile(_HYPOTHESIS)
    config.pluginmanager.register(_Workers(config))


class _Workers:
    """The processes of pytest-xdist, which would kill them before their fixtures can end anything."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_keyboard_interrupt(self) -> None:
        if not self._config.pluginmanager.hasplugin("dsession"):
            return
        me = os.getpid()
        for pid in Path(f"/proc/{me}/task/{me}/children").read_text().split():
            os.kill(int(pid), signal.SIGTERM)


@pytest.fixture(autouse=True, scope="session")
def _plain_stacks() -> None:
    """Logs of tests show no variables of every frame: drawing them takes seconds for each error that is provoked."""
    renderer = structlog.get_config()["processors"][-1]
    assert isinstance(renderer, structlog.dev.ConsoleRenderer)
    renderer.exception_formatter = structlog.dev.plain_traceback


@pytest.fixture(autouse=True, scope="session")
def _closed_network() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        close_network(patch)
        yield


@pytest.fixture(scope="session")
def broker() -> Iterator[PrivateRabbitMQ]:
    """One running RabbitMQ for the whole run; a test that stops or kills it starts it again."""
    with PrivateRabbitMQ() as running:
        yield running


@pytest.fixture
def own_broker() -> Iterator[PrivateRabbitMQ]:
    """A RabbitMQ for one test alone, which may do with it what it likes; costs about 6 seconds."""
    with PrivateRabbitMQ() as running:
        yield running


@pytest.fixture(scope="session")
def postgres() -> Iterator[PrivatePostgres]:
    """One running PostgreSQL for the whole run; each test makes a database of its own in it."""
    with PrivatePostgres() as running:
        yield running


@pytest.fixture
def own_postgres() -> Iterator[PrivatePostgres]:
    """A PostgreSQL for one test alone, which may do with it what it likes; costs about 2 seconds."""
    with PrivatePostgres() as running:
        yield running
