"""One simulator for all commands of vcd-cli; tests make what they change."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cse_testing.vcd_cli import VcdCli, VcdCliServer
from vcd_simulator.inventory import Inventory
from vcd_simulator.simulator import Simulator


@pytest.fixture(scope="session")
def vcd() -> Iterator[Simulator]:
    with Simulator(Inventory.lab(), profile="instant") as running:
        yield running


@pytest.fixture(scope="session", params=["31.0", "36.0"])
def version(request: pytest.FixtureRequest) -> str:
    """The versions where vcd-cli differs most: the login, the links of an organisation, the filters."""
    return str(request.param)


@pytest.fixture
def admin(vcd: Simulator, vcd_cli: VcdCliServer, version: str, tmp_path: Path) -> VcdCli:
    cli = VcdCli(vcd_cli, tmp_path / "administrator", vcd.url)
    cli.login("System", "administrator", "vcd-secret", version)
    return cli


@pytest.fixture
def alice(vcd: Simulator, vcd_cli: VcdCliServer, version: str, tmp_path: Path) -> VcdCli:
    """An administrator of the organisation acme."""
    cli = VcdCli(vcd_cli, tmp_path / "alice", vcd.url)
    cli.login("acme", "alice", "alice-secret", version)
    return cli


@pytest.fixture
def carol(vcd: Simulator, vcd_cli: VcdCliServer, version: str, tmp_path: Path) -> VcdCli:
    """An administrator of the organisation globex."""
    cli = VcdCli(vcd_cli, tmp_path / "carol", vcd.url)
    cli.login("globex", "carol", "carol-secret", version)
    return cli


@pytest.fixture
def published_catalog(admin: VcdCli) -> str:
    """The provider's catalog with the ready-made templates, shared with every organisation."""
    admin.ok("org", "use", "cse-provider")
    admin.ok("catalog", "share", "cse")
    return "cse"
