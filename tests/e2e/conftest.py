"""One lab for all end-to-end tests: a private RabbitMQ, the simulator and the three services as processes.

In the end nothing that it has written or answered may hold a secret of the run.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cse_lab.lab import down, up
from cse_lab.settings import LabSettings
from cse_lab.state import LabState
from cse_lab.vcd_cli import write_profiles
from cse_testing.lab_cli import CliFactory, LabCli
from cse_testing.lab_secrets import LabSecrets
from cse_testing.vcd_cli import VcdCliServer
from cse_testing.vcd_rest import VcdRest
from cse_testing.waiting import LIMIT_S


@pytest.fixture(scope="session")
def lab_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabState]:
    directory = tmp_path_factory.mktemp("lab")
    state = up(LabSettings(directory=directory, profile="instant", extension_timeout_s=LIMIT_S))
    yield state
    down(directory)


@pytest.fixture(scope="session", autouse=True)
def secrets(lab_state: LabState) -> Iterator[LabSecrets]:
    """The secrets of the run. Wherever one of them was written or answered fails the run when it ends."""
    with LabSecrets(lab_state) as secrets:
        yield secrets
        secrets.learn()
        assert secrets.leaks() == []


@pytest.fixture(autouse=True)
def _secrets_of_each_test(secrets: LabSecrets) -> Iterator[None]:
    """What has its secrets taken along when it is deleted is looked at before."""
    yield
    secrets.learn()


@pytest.fixture(scope="session")
def lab(lab_state: LabState) -> dict[str, str]:
    """The variables of `lab.env`."""
    return lab_state.variables


@pytest.fixture(scope="session")
def vcd_cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VcdCliServer]:
    home = tmp_path_factory.mktemp("vcd-cli")
    write_profiles(home)
    with VcdCliServer(home) as running:
        yield running


@pytest.fixture(scope="session")
def log_in(vcd_cli: VcdCliServer, lab: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> CliFactory:
    def factory(org: str, user: str, password: str, *, version: str | None = None) -> LabCli:
        cli = LabCli(vcd_cli, tmp_path_factory.mktemp(f"home-{user}"), host=lab["LAB_VCD"])
        cli.login(org, user, password, version=version)
        return cli

    return factory


@pytest.fixture(scope="session")
def tenant(lab: dict[str, str], log_in: CliFactory) -> LabCli:
    """An organisation administrator."""
    return log_in(lab["LAB_ORG"], lab["LAB_TENANT"], lab["LAB_TENANT_PASSWORD"])


@pytest.fixture(scope="session")
def stranger(lab: dict[str, str], log_in: CliFactory) -> LabCli:
    """An administrator of another organisation."""
    return log_in(lab["LAB2_ORG"], lab["LAB2_TENANT"], lab["LAB2_TENANT_PASSWORD"])


@pytest.fixture(scope="session")
def sysadmin(lab: dict[str, str], log_in: CliFactory) -> LabCli:
    return log_in("System", lab["LAB_SYSADMIN"], lab["LAB_SYSADMIN_PASSWORD"])


@pytest.fixture
def tenant_rest(lab: dict[str, str]) -> VcdRest:
    return VcdRest.login(
        lab["LAB_VCD"], org=lab["LAB_ORG"], user=lab["LAB_TENANT"], password=lab["LAB_TENANT_PASSWORD"]
    )


@pytest.fixture
def sysadmin_rest(lab: dict[str, str]) -> VcdRest:
    return VcdRest.login(lab["LAB_VCD"], org="System", user=lab["LAB_SYSADMIN"], password=lab["LAB_SYSADMIN_PASSWORD"])


@pytest.fixture(scope="session")
def cluster(tenant: LabCli, lab: dict[str, str]) -> str:
    """A cluster with two workers that the tenant created; no test deletes it."""
    name = "shared"
    tenant.run("cse", "cluster", "create", name, "-n", lab["LAB_NETWORK"], "-N", "2")
    return name


@pytest.fixture
def lab_directory(lab_state: LabState) -> Path:
    return lab_state.directory
