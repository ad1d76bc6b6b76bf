"""The commands of vcd-cli for extensions and the broker."""

from pathlib import Path

import pytest

from cse_lab.rabbitmq import PrivateRabbitMQ
from cse_testing.vcd_cli import VcdCli, VcdCliServer
from vcd_simulator.simulator import Simulator


@pytest.fixture(params=["31.0", "36.0"])
def cli(request: pytest.FixtureRequest, vcd: Simulator, vcd_cli: VcdCliServer, tmp_path: Path) -> VcdCli:
    cli = VcdCli(vcd_cli, tmp_path / "home", vcd.url)
    cli.login("System", "administrator", "vcd-secret", request.param)
    return cli


def test_an_extension_is_created_shown_and_deleted(cli: VcdCli) -> None:
    cli.ok("system", "extension", "create", "cse", "cse", "cse", "cse-ext", "/api/cse, /api/cse/.*")
    listed = cli.ok("system", "extension", "list")
    assert "cse-ext" in listed
    shown = cli.ok("system", "extension", "info", "cse", "cse")
    for value in ("/api/cse", "/api/cse/.*", "cse-ext", "filter_2"):
        assert value in shown
    cli.ok("system", "extension", "delete", "-y", "cse", "cse")
    assert "cse-ext" not in cli.ok("system", "extension", "list")
    assert "not found" in cli.refused("system", "extension", "info", "cse", "cse")


def test_the_broker_settings_are_shown_without_the_password(cli: VcdCli, broker: PrivateRabbitMQ) -> None:
    shown = cli.ok("system", "amqp", "info")
    for value in (str(broker.port), broker.user, "systemExchange", "vcd"):
        assert value in shown
    assert broker.password not in shown
