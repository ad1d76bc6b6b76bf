"""`cse` before a simulated vCD and a private RabbitMQ."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from cse_cli.main import cse
from cse_lab.rabbitmq import PrivateRabbitMQ
from cse_testing.logs import logs_restored
from cse_testing.waiting import LIMIT_S
from vcd_simulator.inventory import Inventory
from vcd_simulator.simulator import Simulator

Run = Callable[..., Result]
Data = dict[str, Any]


@pytest.fixture
def simulator(broker: PrivateRabbitMQ) -> Iterator[Simulator]:
    with Simulator(Inventory.lab(), profile="instant", amqp=broker.url, extension_timeout_s=LIMIT_S) as running:
        yield running


@pytest.fixture
def data(simulator: Simulator, broker: PrivateRabbitMQ, request: pytest.FixtureRequest) -> Data:
    """The configuration of that vCD and RabbitMQ; a test may change it. Names at the broker are the test's own."""
    host, _, port = simulator.address.rpartition(":")
    own = request.node.name.replace("[", "-").rstrip("]")
    return {
        "amqp": {
            "host": broker.host,
            "port": broker.port,
            "username": broker.user,
            "password": broker.password,
            "exchange": f"exchange-{own}",
            "routing_key": f"key-{own}",
        },
        "vcd": {
            "host": host,
            "port": int(port),
            "username": "administrator",
            "password": "vcd-secret",
            "verify": False,
        },
        "vcs": [{"name": "vc1", "username": "cse@vsphere.local", "password": "vc-secret", "verify": False}],
        "broker": {
            "org": "cse-provider",
            "vdc": "cse-provider-vdc",
            "network": "cse-net",
            "catalog": "cse",
            "default_template": "photon-v2",
            "templates": [
                {"name": "photon-v2", "catalog_item": "photon-custom-hw11-2.0-304b817-k8s"},
                {"name": "ubuntu-16.04", "catalog_item": "ubuntu-16.04-server-cloudimg-amd64-k8s"},
            ],
        },
    }


@pytest.fixture
def run(data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs `cse …` with the configuration as it is at that moment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CSE_TEMPLATES_DIR", raising=False)
    monkeypatch.setenv("CSE_CONFIG", str(tmp_path / "config.yaml"))

    def invoke(*arguments: str, answer: str | None = None) -> Result:
        path = tmp_path / "config.yaml"
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(data))
        return CliRunner().invoke(cse, list(arguments), input=answer, prog_name="cse")

    with logs_restored():
        yield invoke
