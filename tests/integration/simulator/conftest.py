"""A whole simulator without a broker; tests share it and use names of their own."""

from collections.abc import Iterator

import pytest
from pyvcloud.vcd.client import Client

from cse_testing.pyvcloud_client import Tenant, logged_in
from cse_testing.vcd_cli import VcdCliServer
from vcd_simulator.inventory import Inventory, lab_text
from vcd_simulator.simulator import Simulator

VERSIONS = ["31.0", "33.0", "36.0"]
"""One below cloudapi logins, the first with them, and one with the other encoding of filters."""


@pytest.fixture(scope="session")
def shared_vcd() -> Iterator[Simulator]:
    """The lab, with the provider's catalog published."""
    published = lab_text().replace("vdc: cse-provider-vdc\n", "vdc: cse-provider-vdc\n        published: true\n")
    with Simulator(Inventory.parse(published, "the lab"), profile="instant") as running:
        yield running


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def administrator(shared_vcd: Simulator, version: str) -> Iterator[Client]:
    with logged_in(shared_vcd, "administrator", version) as client:
        yield client


@pytest.fixture
def alice(shared_vcd: Simulator, version: str) -> Iterator[Tenant]:
    """An organisation administrator of acme."""
    with logged_in(shared_vcd, "alice", version) as client:
        yield Tenant(client)


@pytest.fixture
def carol(shared_vcd: Simulator, version: str) -> Iterator[Tenant]:
    """An organisation administrator of globex."""
    with logged_in(shared_vcd, "carol", version) as client:
        yield Tenant(client, "globex-vdc")


@pytest.fixture(scope="session")
def vcd_cli() -> Iterator[VcdCliServer]:
    """The real vcd-cli, ready to run commands."""
    with VcdCliServer() as running:
        yield running
