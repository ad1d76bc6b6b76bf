"""`cse check`: whatever is wrong is found, with the key that it is about and what to do."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pika
import pytest
from click.testing import Result

from cse_cli.checks.amqp import encryption
from cse_core.config import AmqpConfig
from cse_lab.rabbitmq import BrokerCertificate, PrivateRabbitMQ
from vcd_simulator.simulator import Simulator
from vcd_simulator.tls import make_certificate

Run = Callable[..., Result]
Data = dict[str, Any]
Change = Callable[[Data], object]


def check(run: Run, *arguments: str) -> tuple[int, dict[str, dict[str, str]]]:
    """Exit code, and what is not in order by its subject."""
    result = run("check", "-o", "json", *arguments)
    report = json.loads(result.stdout)
    assert report["ok"] is (result.exit_code == 0)
    wrong = {found["subject"]: found for found in report["results"] if found["outcome"] in ("failed", "skipped")}
    assert all(found["remedy"] for found in wrong.values() if found["outcome"] == "failed")
    return result.exit_code, wrong


def test_nothing_is_wrong_with_a_good_configuration(run: Run) -> None:
    assert check(run) == (0, {})


def amqp(**changes: object) -> Change:
    return lambda data: data["amqp"].update(changes)


def vcd(**changes: object) -> Change:
    return lambda data: data["vcd"].update(changes)


def broker_section(**changes: object) -> Change:
    return lambda data: data["broker"].update(changes)


def vcenter(**changes: object) -> Change:
    return lambda data: data["vcs"][0].update(changes)


@pytest.mark.parametrize(
    ("change", "subject", "message"),
    [
        (amqp(password="wrong"), "amqp.username", "refuses user"),
        (amqp(vhost="/nope"), "amqp.vhost", "no access to the virtual host '/nope'"),
        (amqp(port=9), "amqp.port", "nothing listens on 127.0.0.1:9"),
        (amqp(ssl=True), "amqp.ssl", "does not speak TLS"),
        (vcd(password="wrong"), "vcd.username", "refuses user 'administrator'"),
        (vcd(port=9), "vcd.host", "cannot be reached"),
        (vcd(verify=True), "vcd.verify", "is not trusted"),
        (vcenter(password="wrong"), "vcs[0]", "vc1"),
        (vcenter(verify=True), "vcs[0].verify", "is not trusted"),
        (vcenter(name="vc9"), "vcs[0].name", "no vCenter 'vc9' is registered in vCD (there are: vc1)"),
        (lambda data: data["vcs"].append({**data["vcs"][0], "name": "vc2"}), "vcs[1].name", "no vCenter 'vc2'"),
        (broker_section(org="nope"), "broker.org", "'nope'"),
        (broker_section(vdc="nope"), "broker.vdc", "'nope'"),
        (broker_section(vdc="acme-vdc"), "broker.vdc", "'acme-vdc'"),
        (broker_section(network="nope"), "broker.network", "no network 'nope' (there are: cse-net)"),
        (broker_section(storage_profile="nope"), "broker.storage_profile", "no storage profile 'nope'"),
    ],
)
def test_what_is_wrong_is_found(run: Run, data: Data, change: Change, subject: str, message: str) -> None:
    change(data)
    code, wrong = check(run)
    assert code == 1
    assert message in wrong[subject]["message"]
    assert "secret" not in json.dumps(wrong)


def test_a_vcenter_that_is_left_out_is_found(run: Run, data: Data) -> None:
    data["vcs"][0]["name"] = "another"
    _, wrong = check(run)
    assert "vCenter 'vc1' is registered in vCD, but is not in the section" in wrong["vcs"]["message"]


@pytest.fixture
def private_authorities(simulator: Simulator, broker: PrivateRabbitMQ, data: Data, tmp_path: Path) -> Iterator[Path]:
    """A file with the authorities of vCD, its vCenters and a RabbitMQ with TLS, which the configuration names."""
    files = make_certificate(tmp_path, [broker.host])
    bundle = tmp_path / "authorities.pem"
    bundle.write_bytes(Path(simulator.ca_file).read_bytes() + files.ca.read_bytes())
    data["vcd"]["verify"] = data["vcs"][0]["verify"] = True
    with PrivateRabbitMQ(certificate=BrokerCertificate(certificate=files.certificate, key=files.key)) as own:
        data["amqp"].update(port=own.tls_port, username=own.user, password=own.password, ssl=True)
        yield bundle


@pytest.mark.parametrize("variable", ["CSE_CA_FILE", "REQUESTS_CA_BUNDLE"])
def test_one_setting_makes_private_authorities_trusted_everywhere(
    run: Run, private_authorities: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    _, wrong = check(run)
    assert {"amqp.ssl", "vcd.verify"} <= set(wrong)
    assert all("CSE_CA_FILE" in wrong[subject]["message"] for subject in ("amqp.ssl", "vcd.verify"))
    monkeypatch.setenv(variable, str(private_authorities))
    result = run("check")
    assert result.exit_code == 0
    assert "WARNING" not in result.stdout


def test_a_file_of_authorities_that_cannot_be_used_is_a_finding(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSE_CA_FILE", "/nonexistent.pem")
    code, wrong = check(run)
    assert code == 1
    assert "cannot be read" in wrong["CSE_CA_FILE"]["message"]
    assert wrong["vcd"]["outcome"] == wrong["amqp"]["outcome"] == "skipped"


def warnings_of(result: Result) -> dict[str, str]:
    found = json.loads(result.stdout)["results"]
    return {each["subject"]: each["message"] for each in found if each["outcome"] == "warning"}


def test_a_broker_elsewhere_without_tls_is_warned_of() -> None:
    elsewhere = AmqpConfig.model_validate({"host": "mq.example.com", "password": "x"})
    assert [found.subject for found in encryption(elsewhere)] == ["amqp.ssl"]
    for changes in ({"host": "127.0.0.1"}, {"host": "localhost"}, {"host": "::1"}, {"ssl": True}):
        assert not list(encryption(elsewhere.model_copy(update=changes)))


def test_certificates_that_are_not_checked_are_warned_of(
    run: Run, data: Data, private_authorities: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CSE_CA_FILE", str(private_authorities))
    data["amqp"]["ssl_accept_all"] = True
    data["vcd"]["verify"] = data["vcs"][0]["verify"] = False
    result = run("check", "-o", "json")
    assert result.exit_code == 0
    assert set(warnings_of(result)) == {"amqp.ssl_accept_all", "vcd.verify", "vcs"}


def test_several_mistakes_are_told_at_once(run: Run, data: Data) -> None:
    data["amqp"]["password"] = "wrong"
    data["vcs"][0]["password"] = "wrong"
    data["broker"].update(network="nope", storage_profile="nope")
    data["broker"]["templates"].append({"name": "unknown", "catalog_item": "x"})
    _, wrong = check(run)
    assert set(wrong) == {"amqp.username", "vcs[0]", "broker.network", "broker.storage_profile", "broker.templates"}


def test_a_tenant_is_no_service_account(run: Run, data: Data) -> None:
    data["vcd"].update(username="alice", password="alice-secret")
    _, wrong = check(run)
    assert "refuses user 'alice'" in wrong["vcd.username"]["message"]


def test_an_api_version_that_vcd_does_not_offer_is_a_warning(run: Run, data: Data) -> None:
    data["vcd"]["api_version"] = "35.5"
    result = run("check", "-o", "json")
    assert result.exit_code == 0
    found = {entry["subject"]: entry for entry in json.loads(result.stdout)["results"]}
    assert found["vcd.api_version"]["outcome"] == "warning"


# What cse install sets up


@pytest.fixture
def installed(run: Run) -> None:
    assert run("install", "-e", "config").exit_code == 0


def test_before_installing_what_is_missing_is_told(run: Run) -> None:
    code, wrong = check(run, "--check-install")
    assert code == 1
    assert {"amqp.exchange", "extension", "broker.catalog"} <= set(wrong)
    assert all("cse install" in found["remedy"] for found in wrong.values())


@pytest.mark.usefixtures("installed")
def test_after_installing_nothing_is_missing(run: Run) -> None:
    assert check(run, "-i") == (0, {})


@pytest.mark.usefixtures("installed")
def test_an_extension_that_forwards_elsewhere_is_found(run: Run, data: Data) -> None:
    data["amqp"]["routing_key"] = "another"
    _, wrong = check(run, "-i")
    assert "instead of 'another'" in wrong["extension"]["message"]


@pytest.mark.usefixtures("installed")
def test_only_the_template_asked_for_is_looked_for(run: Run, data: Data) -> None:
    data["broker"]["templates"][1]["catalog_item"] = "missing"
    assert check(run, "-i", "-t", "photon-v2") == (0, {})
    assert list(check(run, "-i", "-t", "ubuntu-16.04")[1]) == ["template ubuntu-16.04"]
    assert list(check(run, "-i")[1]) == ["template ubuntu-16.04"]
    assert list(check(run, "-i", "-t", "nope")[1]) == ["--template"]


@pytest.fixture
def topic_exchange(data: Data, broker: PrivateRabbitMQ) -> Iterator[str]:
    name = str(data["amqp"]["exchange"])
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        channel = connection.channel()
        channel.exchange_declare(name, "topic", durable=True)
        yield name
        channel.exchange_delete(name)


def test_an_exchange_of_another_kind_is_told_when_installing(run: Run, topic_exchange: str) -> None:
    result = run("install", "-e", "config")
    assert result.exit_code == 1
    assert f"exchange '{topic_exchange}' exists, but is not direct and durable" in result.stderr
