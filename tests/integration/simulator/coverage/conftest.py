"""What the tests of pyvcloud's methods share. `docs/simulator/coverage.md` is made of their marks."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pyvcloud.vcd.client import Client
from pyvcloud.vcd.org import Org
from pyvcloud.vcd.vapp import VApp
from pyvcloud.vcd.vdc import VDC
from pyvcloud.vcd.vm import VM

from cse_testing.coverage import Calls
from cse_testing.pyvcloud_client import POLL_S, Tenant, Wait
from cse_testing.waiting import LIMIT_S, wait_until
from vcd_simulator.guests.spec import ToolsState
from vcd_simulator.simulator import Simulator


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "covers(*methods): methods of pyvcloud that the test shows to work")


@pytest.fixture(autouse=True)
def claimed_methods(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test that does not call, with success, what it claims to cover."""
    marker = request.node.get_closest_marker("covers")
    assert marker is not None, "every test here says what it covers"
    calls = Calls(monkeypatch)
    for method in marker.args:
        calls.count(method)
    yield
    assert calls.missing() == []


@pytest.fixture
def uid() -> str:
    """Something that no other test's names contain; a letter first, as no computer is called by digits only."""
    return f"u{uuid.uuid4().hex[:8]}"


@pytest.fixture
def wait(administrator: Client) -> Wait:
    """Wait for a task of the administrator's, which must succeed."""

    def until_done(task: Any) -> Any:
        monitor = administrator.get_task_monitor()
        return monitor.wait_for_success(task, timeout=LIMIT_S, poll_frequency=POLL_S)

    return until_done


@pytest.fixture
def acme(administrator: Client) -> Org:
    """The tenant, as the provider sees it."""
    return Org(administrator, resource=administrator.get_org_by_name("acme"))


@pytest.fixture
def acme_vdc(administrator: Client, acme: Org) -> VDC:
    return VDC(administrator, resource=acme.get_vdc("acme-vdc", is_admin_operation=True))


@pytest.fixture
def vapp(alice: Tenant, uid: str) -> Iterator[VApp]:
    """A vApp with one VM, `one`, that is off."""
    made = alice.compose(f"vapp-{uid}")
    alice.wait(made.add_vms([alice.machine("one")], deploy=False, power_on=False))
    made.reload()
    yield made
    made.reload()
    alice.wait(alice.vdc.delete_vapp(made.get_resource().get("name"), force=True))


@pytest.fixture
def running(alice: Tenant, vapp: VApp) -> VApp:
    """The same vApp, powered on."""
    alice.wait(vapp.power_on())
    vapp.reload()
    return vapp


@pytest.fixture
def tools(shared_vcd: Simulator) -> Callable[[VApp], None]:
    """Wait until the tools of a vApp's first VM run, which is when its guest can be asked to do something."""

    def until_running(vapp: VApp) -> None:
        vapp.reload()
        guest = shared_vcd.hypervisor.guest(vapp.get_vm_moid("one"))
        wait_until(lambda: guest.tools is ToolsState.RUNNING, "the tools to run")

    return until_running


@pytest.fixture
def vm(alice: Tenant, vapp: VApp) -> VM:
    """The VM of `vapp`."""
    return VM(alice.client, resource=vapp.get_vm("one"))


@pytest.fixture
def running_vm(alice: Tenant, running: VApp) -> VM:
    return VM(alice.client, resource=running.get_vm("one"))


@pytest.fixture
def catalog(alice: Tenant, uid: str) -> str:
    """An empty catalog of alice's."""
    name = f"catalog-{uid}"
    alice.wait(alice.org.create_catalog(name, "made for a test").Tasks.Task[0])
    alice.org.reload()
    return name
