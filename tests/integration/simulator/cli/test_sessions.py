from pathlib import Path

import pytest

from cse_testing.vcd_cli import VcdCli, VcdCliServer
from vcd_simulator.simulator import Simulator


def test_a_login_without_a_version_lasts_until_the_logout(
    vcd: Simulator, vcd_cli: VcdCliServer, tmp_path: Path
) -> None:
    cli = VcdCli(vcd_cli, tmp_path, vcd.url)
    assert "alice logged in, org: 'acme', vdc: 'acme-vdc'" in cli.login("acme", "alice", "alice-secret")
    assert "as 'alice'" in cli.ok("pwd")
    assert "acme" in cli.ok("org", "list")
    assert "alice logged out" in cli.ok("logout")
    cli.refused("org", "list")


@pytest.mark.parametrize("version", ["31.0", "36.0"])
@pytest.mark.parametrize(
    ("org", "user", "password"),
    [("acme", "alice", "wrong"), ("acme", "nobody", "alice-secret"), ("globex", "alice", "alice-secret")],
    ids=["password", "user", "organisation"],
)
def test_wrong_credentials_are_refused(
    vcd: Simulator, vcd_cli: VcdCliServer, tmp_path: Path, org: str, user: str, password: str, version: str
) -> None:
    cli = VcdCli(vcd_cli, tmp_path, vcd.url)
    refusal = cli.refused("login", vcd.url, org, user, "-p", password, "-i", "-w", "-V", version)
    assert "Traceback" not in refusal


def test_an_expired_session_asks_for_a_new_login(vcd: Simulator, alice: VcdCli) -> None:
    with vcd.cloud.lock:
        vcd.sessions.expire_all()
    assert "login" in alice.refused("org", "list")


def test_a_tenant_sees_its_own_organisation_only(alice: VcdCli) -> None:
    listed = alice.ok("org", "list")
    assert "acme" in listed
    assert "globex" not in listed
    assert "not found" in alice.refused("org", "use", "globex")
    assert "ACME Corporation" in alice.ok("org", "info", "acme")


def test_a_tenant_sees_its_vdc(alice: VcdCli) -> None:
    assert "acme-vdc" in alice.ok("vdc", "list")
    assert "acme-vdc" in alice.ok("vdc", "use", "acme-vdc")
    shown = alice.ok("vdc", "info", "acme-vdc")
    for value in ("AllocationVApp", "acme-net", "gold"):
        assert value in shown
    assert "acme-net" in alice.ok("network", "direct", "list")


@pytest.mark.parametrize(
    "command",
    [
        ["vc", "list"],
        ["system", "extension", "list"],
        ["system", "amqp", "info"],
        ["org", "create", "mine", "Mine"],
    ],
    ids=" ".join,
)
def test_the_provider_s_commands_are_not_for_tenants(alice: VcdCli, command: list[str]) -> None:
    alice.refused(*command)


def test_an_administrator_sees_what_the_provider_has(admin: VcdCli, vcd: Simulator) -> None:
    listed = admin.ok("org", "list")
    for name in ("System", "acme", "globex", "cse-provider"):
        assert name in listed
    admin.ok("system", "info")
    assert "vc1" in admin.ok("vc", "list")
    assert vcd.vcenters["vc1"].address in admin.ok("vc", "info", "vc1")
    assert "pvdc1" in admin.ok("pvdc", "list")
    assert "ext-net" in admin.ok("network", "external", "list")
    assert "pool1" in admin.ok("netpool", "list")
