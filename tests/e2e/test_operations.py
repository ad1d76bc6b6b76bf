"""Operations through the real vcd-cli, vCD's extension, RabbitMQ and all services."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cse_testing.lab_cli import LabCli
from cse_testing.vcd_rest import VcdRest
from cse_testing.waiting import wait_until


@pytest.fixture(scope="module")
def created(tenant: LabCli, cluster: str) -> dict[str, Any]:
    """The operation that has created the shared cluster."""
    listed = tenant.run("cse", "operation", "list", "--cluster", cluster, "--kind", "create_cluster", "-o", "json")
    found: list[dict[str, Any]] = json.loads(listed.stdout)
    assert [each["state"] for each in found] == ["SUCCEEDED"]
    return found[0]


def test_watching_replays_what_happened_on_every_node(tenant: LabCli, cluster: str, created: dict[str, Any]) -> None:
    watched = tenant.run("cse", "operation", "watch", created["id"], "--output", "json")
    *events, operation = map(json.loads, watched.stdout.splitlines())
    assert [event["sequence"] for event in events] == list(range(1, created["last_sequence"] + 1))
    nodes = {row["name"] for row in tenant.json("cse", "node", "list", cluster)}
    assert {event["node"] for event in events} == {"", *nodes}
    assert (operation["id"], operation["done"], operation["result"]["name"]) == (created["id"], True, cluster)
    for_people = tenant.run("cse", "operation", "watch", created["id"])
    assert f"create cluster {cluster}: succeeded" in for_people.stdout
    assert all(f"[{node}]" in for_people.stderr for node in nodes)


def test_an_operation_is_shown_to_its_org_and_to_administrators(
    tenant: LabCli, stranger: LabCli, sysadmin: LabCli, cluster: str, created: dict[str, Any]
) -> None:
    for seeing in (tenant, sysadmin):
        assert seeing.json("cse", "operation", "show", created["id"]) == created
    assert not any(each["id"] == created["id"] for each in stranger.json("cse", "operation", "list"))
    for command in ("show", "watch", "cancel"):
        refused = stranger.attempt("cse", "operation", command, created["id"])
        assert refused.exit_code == 1, command
        assert "there is no operation" in refused.text, command


@pytest.fixture
def silent_guests(sysadmin_rest: VcdRest) -> Iterator[None]:
    """Control planes whose tools never start: creations wait for them until they are cancelled."""
    fault = {"when": {"guest": "mstr-*"}, "error": {"kind": "tools-never-start"}, "times": None}
    made = sysadmin_rest.send("POST", "/simulator/faults", fault)
    assert made.status == 201, made
    yield
    sysadmin_rest.send("DELETE", f"/simulator/faults/{made.json()['id']}")


@pytest.mark.usefixtures("silent_guests")
def test_what_does_not_wait_is_followed_and_cancelled_and_everything_is_taken_back(
    tenant: LabCli, lab: dict[str, str]
) -> None:
    arguments = ("cluster", "create", "doomed", "-n", lab["LAB_NETWORK"], "-N", "1", "--no-wait", "-o", "json")
    begun = json.loads(tenant.run("cse", *arguments).stdout)
    operation_id = begun["operation_id"]
    assert f"vcd cse operation watch {operation_id}" in begun["message"]
    active = tenant.json("cse", "operation", "list", "--active", "--cluster", "doomed")
    assert [each["id"] for each in active] == [operation_id]
    # Before that a cancellation may come first, and there is nothing to take back.
    wait_until(lambda: "doomed" in tenant.run("vapp", "list").text, "the vApp that will be taken back")
    cancelled = tenant.run("cse", "operation", "cancel", operation_id, "--yes")
    assert "was cancelled" in cancelled.stdout
    assert "doomed" not in tenant.run("vapp", "list").text
    watched = tenant.attempt("cse", "operation", "watch", operation_id)
    assert (watched.exit_code, "create cluster doomed: cancelled" in watched.stdout) == (3, True)
    late = tenant.attempt("cse", "operation", "cancel", operation_id, "--yes")
    assert (late.exit_code, "has ended already: cancelled" in late.stderr) == (1, True)
