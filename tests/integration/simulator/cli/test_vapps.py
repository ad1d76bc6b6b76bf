"""What a tenant does with vApps, tasks and searches."""

import json
from typing import Any

from cse_testing.vcd_cli import VcdCli

PHOTON = "photon-custom-hw11-2.0-304b817-k8s"


def rows(cli: VcdCli, *command: str) -> list[dict[str, Any]]:
    """What a command lists, as vcd-cli's JSON."""
    printed = cli.ok("-j", *command).strip()
    listed: list[dict[str, Any]] = json.loads(printed) if printed else []
    return listed


def test_a_template_is_read_before_it_is_used(alice: VcdCli, published_catalog: str) -> None:
    shown = alice.ok("catalog", "info", published_catalog, PHOTON)
    for value in ("2 virtual CPU(s)", "2048 MB of memory", "Hard disk 1", "Powered off"):
        assert value in shown
    assert PHOTON in alice.ok("search", "catalogitem", "-f", "name==photon*")


def test_a_vapp_from_a_template_lives_through_every_state(alice: VcdCli, published_catalog: str) -> None:
    create = ["vapp", "create", "web", "-c", published_catalog, "-t", PHOTON, "-n", "acme-net", "-i", "pool"]
    alice.ok(*create, "--accept-all-eulas")
    assert "already exists" in alice.refused(*create, "--accept-all-eulas")
    shown = alice.ok("vapp", "info", "web")
    for value in ("Powered on", "POOL: 10.10.0.", "acme-net", "vm-1: password", "alice"):
        assert value in shown
    (listed,) = rows(alice, "vapp", "list")
    assert (listed["name"], listed["status"], listed["numberOfVMs"]) == ("web", "POWERED_ON", "1")

    for command, status in (
        (["power-off", "-y"], "Powered off"),
        (["power-on"], "Powered on"),
        (["shutdown", "-y"], "Powered off"),
        (["power-on"], "Powered on"),
        (["reset", "-y"], "Powered on"),
        (["suspend"], "Suspended"),
        (["power-on"], "Powered on"),
        (["undeploy", "-y"], "Powered off"),
    ):
        alice.ok("vapp", command[0], "web", *command[1:])
        assert status in alice.ok("vapp", "info", "web"), f"after {command[0]}"
    alice.ok("vapp", "power-on", "web")
    alice.ok("vapp", "update", "web", "-n", "web-2")
    alice.ok("vapp", "delete", "-y", "-f", "web-2")
    assert rows(alice, "vapp", "list") == []


def test_a_vapp_is_shared_and_described(alice: VcdCli) -> None:
    alice.ok("vapp", "create", "shared", "-d", "for all")
    assert "for all" in alice.ok("vapp", "info", "shared")
    alice.ok("vapp", "acl", "share", "shared", "--access-level", "Change")
    alice.ok("vapp", "acl", "add", "shared", "user:bob:FullControl")
    listed = alice.ok("vapp", "acl", "list", "shared")
    assert "FullControl" in listed
    assert "Change" in listed
    alice.ok("vapp", "acl", "remove", "-y", "shared", "user:bob")
    assert "bob" not in alice.ok("vapp", "acl", "list", "shared")
    alice.ok("vapp", "delete", "-y", "shared")


def test_tasks_are_listed_shown_and_waited_for(alice: VcdCli) -> None:
    alice.ok("vapp", "create", "brief")
    newest = rows(alice, "task", "list", "SUCCESS")[0]
    assert (newest["name"], newest["objectName"], newest["ownerName"]) == ("vdcComposeVapp", "brief", "alice")
    shown = alice.ok("task", "info", newest["id"])
    for value in ("success", "vdcComposeVapp", "com.vmware.vcloud"):
        assert value in shown
    assert "result: success" in alice.ok("task", "wait", newest["id"])
    assert rows(alice, "task", "list", "RUNNING") == []
    alice.ok("vapp", "delete", "-y", "brief")


def test_another_tenant_sees_nothing_of_it(alice: VcdCli, carol: VcdCli) -> None:
    alice.ok("vapp", "create", "private")
    task = rows(alice, "task", "list", "SUCCESS")[0]["id"]
    assert rows(carol, "vapp", "list") == []
    assert "not found" in carol.refused("vapp", "info", "private")
    carol.refused("task", "info", task)
    assert "private" not in carol.ok("search", "vapp")
    alice.ok("vapp", "delete", "-y", "private")


def test_an_administrator_finds_vapps_by_their_metadata(alice: VcdCli, admin: VcdCli) -> None:
    for name in ("cluster", "plain"):
        alice.ok("vapp", "create", name)
    alice.ok("vapp", "update", "cluster", "-n", "cluster", "-d", "cluster 1")
    admin.ok("org", "use", "acme")
    (found,) = rows(admin, "search", "adminvapp", "-f", "name==clu*")
    assert found["name"] == "cluster"
    assert "not found" in admin.ok("search", "adminvapp", "-f", "metadata:cse.cluster.id!=STRING:")
    for name in ("cluster", "plain"):
        alice.ok("vapp", "delete", "-y", name)
