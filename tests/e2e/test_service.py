"""What a system administrator does with the service, and what it survives."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cse_lab.lab import broker_of, down, up
from cse_lab.settings import LabSettings
from cse_lab.state import LabState
from cse_testing.lab_cli import LabCli
from cse_testing.vcd_cli import VcdCliServer
from cse_testing.vcd_rest import VcdRest
from cse_testing.waiting import LIMIT_S, wait_until

_DISABLED = "CSE service is disabled. Contact the System Administrator."


def test_everybody_sees_the_product_and_administrators_its_state(tenant_rest: VcdRest, sysadmin_rest: VcdRest) -> None:
    seen = tenant_rest.send("GET", "/api/cse/system").json()
    assert seen["product"] == "CSE"
    assert {"description", "version"} <= seen.keys()
    assert "status" not in seen
    known = sysadmin_rest.send("GET", "/api/cse/system").json()
    assert known["status"] == "Running"
    assert {"python", "consumer_threads", "all_threads", "requests_in_progress", "config_file"} <= known.keys()


def test_a_tenant_can_neither_disable_nor_stop(tenant_rest: VcdRest) -> None:
    for change in ({"enabled": False}, {"stopped": True}):
        assert tenant_rest.send("PUT", "/api/cse/system", change).status == 403
    assert tenant_rest.send("GET", "/api/cse").status == 200


def test_while_disabled_every_command_but_system_says_so(
    sysadmin: LabCli, tenant: LabCli, tenant_rest: VcdRest, lab: dict[str, str]
) -> None:
    assert "Updated" in sysadmin.run("cse", "system", "disable").text
    try:
        for command in (
            ["cluster", "list"],
            ["cluster", "info", "any"],
            ["cluster", "config", "any"],
            ["cluster", "create", "any", "-n", lab["LAB_NETWORK"]],
            ["cluster", "delete", "any", "--yes"],
            ["template", "list"],
        ):
            refused = tenant.attempt("cse", *command)
            assert refused.exit_code != 0, command
            assert _DISABLED in refused.text, command
        assert tenant_rest.send("GET", "/api/cse").message == _DISABLED
        assert "Disabled" in sysadmin.run("cse", "system", "info").text
        assert tenant.run("cse", "system", "info").text
    finally:
        sysadmin.run("cse", "system", "enable")
    assert tenant_rest.send("GET", "/api/cse").status == 200


def test_the_service_is_not_stopped_while_it_is_enabled(sysadmin: LabCli, sysadmin_rest: VcdRest) -> None:
    refused = sysadmin.attempt("cse", "system", "stop", "--yes")
    assert "Cannot stop CSE while is enabled. Disable the service first." in refused.text
    assert sysadmin_rest.send("GET", "/api/cse/system").json()["status"] == "Running"


def test_after_rabbitmq_was_killed_the_gateway_is_back_and_loses_nothing(
    lab_directory: Path, tenant_rest: VcdRest, cluster: str
) -> None:
    broker = broker_of(lab_directory)
    broker.flush()
    broker.kill()
    broker.start()
    wait_until(lambda: _answers(tenant_rest), "an answer")
    replies = [tenant_rest.send("GET", "/api/cse") for _ in range(50)]
    assert {reply.status for reply in replies} == {200}
    assert all(cluster in [entry["name"] for entry in reply.json()] for reply in replies)


def test_a_restart_of_rabbitmq_in_good_order_is_survived_as_well(lab_directory: Path, tenant_rest: VcdRest) -> None:
    broker_of(lab_directory).restart()
    wait_until(lambda: _answers(tenant_rest), "an answer")
    assert {tenant_rest.send("GET", "/api/cse/template").status for _ in range(20)} == {200}


@pytest.fixture
def short_lived_lab(tmp_path: Path) -> Iterator[LabState]:
    yield up(LabSettings(directory=tmp_path / "lab", profile="instant", extension_timeout_s=LIMIT_S))
    down(tmp_path / "lab")


def test_a_disabled_service_can_be_stopped_and_ends(
    short_lived_lab: LabState, vcd_cli: VcdCliServer, tmp_path: Path
) -> None:
    lab = short_lived_lab.variables
    administrator = LabCli(vcd_cli, tmp_path / "home", host=lab["LAB_VCD"])
    administrator.login("System", lab["LAB_SYSADMIN"], lab["LAB_SYSADMIN_PASSWORD"])
    administrator.run("cse", "system", "disable")
    assert "CSE graceful shutdown started." in administrator.run("cse", "system", "stop", "--yes").text
    gateway = short_lived_lab.processes["gateway"]
    wait_until(lambda: not gateway.alive, "the end of the gateway")


def _answers(session: VcdRest) -> bool:
    try:
        return session.send("GET", "/api/cse").status == 200
    except OSError:
        return False
