"""The vCD library against the simulator."""

from collections.abc import Callable, Iterator

import pytest

from cse_core.secret import Secret
from cse_vcd import platform
from cse_vcd.account import ServiceAccount
from cse_vcd.catalogs import VmTemplate, get_vm_template
from cse_vcd.session import Vcd, VcdEndpoint, VcdSession
from cse_vcd.tasks import TaskPoller
from cse_vcd.vcenter import Vcenters
from cse_vcd.vcenter_session import VcenterLogin
from cse_vcd.vdcs import Vdc, get_org, get_vdc
from vcd_simulator.simulator import Simulator

PHOTON = "photon-custom-hw11-2.0-304b817-k8s"
VERSIONS = ["31.0", "33.0", "36.0"]

Login = Callable[..., VcdSession]


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    with Simulator(profile="instant") as running:
        yield running


@pytest.fixture(params=VERSIONS)
def vcd(simulator: Simulator, request: pytest.FixtureRequest) -> Iterator[Vcd]:
    """One vCD, at each version of the API that differs."""
    host, port = simulator.address.rsplit(":", 1)
    found = Vcd(VcdEndpoint(host=host, port=int(port), verify=simulator.ca_file, api_version=request.param))
    yield found
    found.close()


@pytest.fixture
def account(vcd: Vcd) -> Iterator[ServiceAccount]:
    found = ServiceAccount(vcd, user="administrator", password=Secret("vcd-secret"))
    yield found
    found.close()


@pytest.fixture
def login(vcd: Vcd) -> Login:
    def log_in(user: str, org: str) -> VcdSession:
        version = vcd.endpoint.api_version
        return vcd.login(org=org, user=user, password=Secret(f"{user}-secret"), api_version=version)

    return log_in


@pytest.fixture
def alice(login: Login) -> VcdSession:
    """An administrator of org acme."""
    return login("alice", "acme")


@pytest.fixture
def carol(login: Login) -> VcdSession:
    """The same of org globex."""
    return login("carol", "globex")


@pytest.fixture
def vdc(alice: VcdSession) -> Vdc:
    return get_vdc(alice, "acme-vdc")


@pytest.fixture
def template(account: ServiceAccount, alice: VcdSession) -> VmTemplate:
    """The machine in a published catalog, as a tenant of another org finds it."""
    catalog, _ = platform.ensure_catalog(account, get_org(account, "cse-provider"), "cse", "")
    platform.publish_catalog(account, catalog)
    return get_vm_template(alice, "cse", PHOTON)


@pytest.fixture
def poller(account: ServiceAccount) -> Iterator[TaskPoller]:
    found = TaskPoller(account)
    yield found
    found.close()


@pytest.fixture
def vcenters(simulator: Simulator, account: ServiceAccount) -> Iterator[Vcenters]:
    logins = {
        name: VcenterLogin(user=vcenter.user, password=Secret(vcenter.password), verify=simulator.ca_file)
        for name, vcenter in simulator.vcenters.items()
    }
    found = Vcenters(account, logins)
    yield found
    found.close()
