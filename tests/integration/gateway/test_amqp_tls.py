"""The gateway and a broker that speaks TLS, with a certificate of a private authority."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import structlog

from cse_core.config import Config
from cse_core.settings import SettingsError
from cse_gateway.bootstrap import Gateway, create
from cse_gateway.settings import GatewaySettings
from cse_lab.rabbitmq import BrokerCertificate, PrivateRabbitMQ
from cse_testing.extension import Cell
from cse_testing.fake_services import FakeServices
from cse_testing.gateway import gateway_config, health_of
from cse_testing.waiting import LIMIT_S, wait_until
from vcd_simulator.tls import make_certificate

NAME = "encrypted"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PrivateRabbitMQ, Path]]:
    """A broker, and the file with the authority that has signed its certificate for 127.0.0.1."""
    files = make_certificate(tmp_path_factory.mktemp("tls"), ["127.0.0.1"])
    certificate = BrokerCertificate(certificate=files.certificate, key=files.key)
    with PrivateRabbitMQ(certificate=certificate) as running:
        yield running, files.ca


@pytest.fixture
def broker_with_tls(authority: tuple[PrivateRabbitMQ, Path]) -> PrivateRabbitMQ:
    return authority[0]


@pytest.fixture
def ca_file(authority: tuple[PrivateRabbitMQ, Path]) -> str:
    return str(authority[1])


@pytest.fixture(autouse=True)
def machine_without_private_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CSE_CA_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


def config(broker: PrivateRabbitMQ, **amqp: object) -> Config:
    found = gateway_config(broker, exchange=f"{NAME}-ext", routing_key=NAME)
    changed = found.amqp.model_copy(update={"ssl": True, "port": broker.tls_port, **amqp})
    return found.model_copy(update={"amqp": changed})


@contextmanager
def running(broker: PrivateRabbitMQ, **amqp: object) -> Iterator[tuple[Gateway, Cell]]:
    """A gateway that connects with TLS, and a cell that does not need to."""
    services = FakeServices().start()
    cell = Cell(broker.url, exchange=f"{NAME}-ext", routing_key=NAME)
    settings = GatewaySettings(
        clusters_target=services.address,
        templates_target=services.address,
        listen="127.0.0.1:0",
        extension_timeout=timedelta(seconds=LIMIT_S),
    )
    gateway = create(config(broker, **amqp), settings)
    try:
        gateway.start()
        yield gateway, cell
    finally:
        gateway.stop(5)
        cell.close()
        services.stop()


def wait_for_health(gateway: Gateway, status: str = "SERVING") -> None:
    wait_until(lambda: health_of(gateway.address) == status, f"the gateway to be {status}")


@pytest.mark.parametrize("variable", ["CSE_CA_FILE", "REQUESTS_CA_BUNDLE"])
def test_a_private_authority_that_the_environment_names_is_trusted(
    broker_with_tls: PrivateRabbitMQ, ca_file: str, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, ca_file)
    with structlog.testing.capture_logs() as lines, running(broker_with_tls) as (gateway, cell):
        wait_for_health(gateway)
        assert cell.ask().status == 200
    assert not [line for line in lines if line["log_level"] == "warning"]


def test_it_connects_again_with_tls_after_the_broker_was_killed(
    broker_with_tls: PrivateRabbitMQ, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CSE_CA_FILE", ca_file)
    with running(broker_with_tls) as (gateway, cell):
        wait_for_health(gateway)
        broker_with_tls.flush()
        broker_with_tls.kill()
        wait_for_health(gateway, "NOT_SERVING")
        broker_with_tls.start()
        cell.reconnect()
        wait_for_health(gateway)
        assert cell.ask().status == 200
        assert gateway.counters.connections == 2


def test_an_unknown_authority_is_refused_and_told_once_with_what_to_do(broker_with_tls: PrivateRabbitMQ) -> None:
    problem = problem_of(broker_with_tls)
    assert "its certificate is not trusted" in problem
    assert "CSE_CA_FILE" in problem


def test_a_certificate_for_another_name_is_refused(
    broker_with_tls: PrivateRabbitMQ, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CSE_CA_FILE", ca_file)
    problem = problem_of(broker_with_tls, host="localhost")
    assert "its certificate is made out to another name" in problem


def test_a_port_without_tls_is_named(broker_with_tls: PrivateRabbitMQ) -> None:
    assert "does not speak TLS" in problem_of(broker_with_tls, port=broker_with_tls.port)


def problem_of(broker: PrivateRabbitMQ, **amqp: object) -> str:
    """The one line that the gateway logs about why it cannot serve, after several attempts."""
    with structlog.testing.capture_logs() as lines, running(broker, **amqp) as (gateway, _):
        wait_until(lambda: problems(lines), "a problem to be told")
        assert health_of(gateway.address) == "NOT_SERVING"
    (problem,) = problems(lines)
    assert broker.password not in repr(lines)
    return problem


def problems(lines: list[structlog.typing.EventDict]) -> list[str]:
    return [str(line["problem"]) for line in lines if line["event"] == "not_consuming"]


def test_ssl_accept_all_takes_any_certificate_and_warns(broker_with_tls: PrivateRabbitMQ) -> None:
    with (
        structlog.testing.capture_logs() as lines,
        running(broker_with_tls, host="localhost", ssl_accept_all=True) as (gateway, cell),
    ):
        wait_for_health(gateway)
        assert cell.ask().status == 200
    (warning,) = [line for line in lines if line["log_level"] == "warning"]
    assert (warning["event"], warning["of"]) == ("certificate_not_checked", "amqp")


def test_a_file_of_authorities_that_cannot_be_used_keeps_it_from_starting(
    broker_with_tls: PrivateRabbitMQ, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CSE_CA_FILE", str(tmp_path / "none.pem"))
    with pytest.raises(SettingsError, match=r"CSE_CA_FILE: .*none\.pem' cannot be read"):
        create(config(broker_with_tls), GatewaySettings())
