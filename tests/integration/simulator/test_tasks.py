"""Tasks that take their time, through pyvcloud."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyvcloud.vcd.exceptions import BadRequestException

from cse_testing.pyvcloud_client import Tenant, logged_in
from cse_testing.waiting import wait_until
from vcd_simulator.clock import ManualClock
from vcd_simulator.simulator import Simulator


@pytest.fixture(scope="module")
def clock() -> ManualClock:
    """The time of `slow_vcd`."""
    return ManualClock()


@pytest.fixture(scope="module")
def slow_vcd(clock: ManualClock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Recomposing takes an hour, metadata a minute, other things no time."""
    profile: Path = tmp_path_factory.mktemp("profile") / "slow.yaml"
    profile.write_text("delays: {task.vdcRecomposeVapp: 3600, task.metadataUpdate: 60}\n", encoding="utf-8")
    with Simulator(profile=str(profile), clock=clock) as running:
        yield running


@pytest.fixture(params=["31.0", "36.0"])
def alice(request: pytest.FixtureRequest, slow_vcd: Simulator) -> Iterator[Tenant]:
    with logged_in(slow_vcd, "alice", request.param) as client:
        yield Tenant(client)


def test_a_busy_vapp_refuses_a_second_task_until_the_first_is_canceled(alice: Tenant) -> None:
    vapp = alice.compose("busy")
    task = vapp.add_vms([])
    assert task.get("status") in ("queued", "running")
    with pytest.raises(BadRequestException, match=r"BUSY_ENTITY, .*VDC_RECOMPOSE_VAPP"):
        alice.vdc.delete_vapp("busy", force=True)
    alice.client.post_resource(f"{task.get('href')}/action/cancel", None, None)
    seen = alice.client.get_resource(task.get("href"))
    assert (seen.get("status"), seen.Error.get("minorErrorCode")) == ("canceled", "TASK_CANCELED")
    alice.wait(alice.vdc.delete_vapp("busy", force=True))


def test_a_task_runs_for_a_while_and_then_its_effect_is_there(alice: Tenant, clock: ManualClock) -> None:
    vapp = alice.compose("told")
    task = vapp.set_metadata("GENERAL", "READWRITE", "key", "value")
    assert task.get("status") in ("queued", "running")
    clock.advance(60)
    wait_until(lambda: alice.client.get_resource(task.get("href")).get("status") == "success", "the task to end")
    assert str(vapp.get_metadata().MetadataEntry.Key) == "key"
    alice.wait(alice.vdc.delete_vapp("told"))
