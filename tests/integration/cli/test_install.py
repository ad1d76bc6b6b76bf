"""`cse install`: what it sets up is there, and running it again changes nothing."""

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import pika
import pytest
from click.testing import Result

from cse_lab.rabbitmq import PrivateRabbitMQ
from cse_testing.vcd_rest import XML, VcdRest
from vcd_simulator.simulator import Simulator

Run = Callable[..., Result]
Data = dict[str, Any]


@pytest.fixture
def sysadmin(simulator: Simulator) -> VcdRest:
    return VcdRest.login(simulator.address, org="System", user="administrator", password="vcd-secret")


def records(rest: VcdRest, kind: str) -> list[dict[str, str]]:
    """What vCD's own query service says, all pages."""
    found: list[dict[str, str]] = []
    for page in range(1, 100):
        reply = rest.send("GET", f"/api/query?type={kind}&format=records&pageSize=128&page={page}", accept=XML)
        document = ET.fromstring(reply.body)
        found += [dict(child.attrib) for child in document if not child.tag.endswith("}Link")]
        if len(found) >= int(document.get("total", "0")):
            break
    return found


def changes(result: Result) -> list[str]:
    return [line for line in result.stdout.splitlines() if line.endswith(("created", "updated"))]


@pytest.mark.parametrize("api_version", ["29.0", "31.0", "33.0", "36.0"])
def test_everything_is_set_up(
    run: Run, data: Data, sysadmin: VcdRest, broker: PrivateRabbitMQ, api_version: str
) -> None:
    data["vcd"]["api_version"] = api_version
    result = run("install", "--ext", "config")
    assert result.exit_code == 0, result.output
    (service,) = records(sysadmin, "adminService")
    assert (service["name"], service["namespace"], service["enabled"]) == ("cse", "cse", "true")
    assert (service["exchange"], service["routingKey"]) == (data["amqp"]["exchange"], data["amqp"]["routing_key"])
    assert {found["urlPattern"] for found in records(sysadmin, "apiFilter")} == {
        "/api/cse",
        "/api/cse/.*",
        "/api/cse/.*/.*",
    }
    rights = {found["name"] for found in records(sysadmin, "right")}
    assert {"{cse}:CSE NATIVE DEPLOY RIGHT", "{cse}:PKS DEPLOY RIGHT"} <= rights
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        channel = connection.channel()
        channel.exchange_declare(data["amqp"]["exchange"], "direct", durable=True)  # fails if it is of another kind
    assert run("check", "--check-install").exit_code == 0


def test_a_tenant_sees_the_catalog_afterwards(run: Run, simulator: Simulator) -> None:
    tenant = VcdRest.login(simulator.address, org="acme", user="alice", password="alice-secret")
    assert "cse" not in {found["name"] for found in records(tenant, "catalog")}
    assert run("install").exit_code == 0
    assert "cse" in {found["name"] for found in records(tenant, "catalog")}


def test_a_catalog_that_is_missing_is_made(run: Run, data: Data, sysadmin: VcdRest) -> None:
    data["broker"]["catalog"] = "fresh"
    result = run("install")
    assert result.exit_code == 0, result.output
    assert "catalog: 'fresh' in org 'cse-provider': created" in result.stdout
    (catalog,) = [found for found in records(sysadmin, "adminCatalog") if found["name"] == "fresh"]
    assert catalog["orgName"] == "cse-provider"
    assert "building templates comes in a later version" in result.stderr
    assert "has no item 'photon-custom-hw11-2.0-304b817-k8s' yet" in result.stdout


def test_installing_again_changes_nothing(run: Run, sysadmin: VcdRest) -> None:
    assert changes(run("install"))
    before = records(sysadmin, "adminService"), records(sysadmin, "apiFilter"), records(sysadmin, "right")
    again = run("install")
    assert again.exit_code == 0
    assert changes(again) == []
    assert (records(sysadmin, "adminService"), records(sysadmin, "apiFilter"), records(sysadmin, "right")) == before


@pytest.mark.parametrize(
    ("arguments", "answer", "code", "routing_key"),
    [
        (["-e", "prompt"], "y\n", 0, "new"),
        (["-e", "prompt"], "n\n", 0, "old"),
        (["-e", "prompt"], None, 1, "old"),
        ([], "y\n", 0, "new"),
        (["-e", "config"], None, 0, "new"),
        (["-e", "skip"], None, 0, "old"),
    ],
)
def test_an_extension_that_differs_is_changed_only_if_that_is_wanted(
    run: Run, data: Data, sysadmin: VcdRest, arguments: list[str], answer: str | None, code: int, routing_key: str
) -> None:
    keys = {"old": str(data["amqp"]["routing_key"]), "new": "another"}
    run("install")
    data["amqp"]["routing_key"] = keys["new"]
    result = run("install", *arguments, answer=answer)
    assert result.exit_code == code
    (service,) = records(sysadmin, "adminService")
    assert service["routingKey"] == keys[routing_key]
    assert len(records(sysadmin, "apiFilter")) == 3
    if code:
        assert "--ext config" in result.stderr


def test_skipping_registers_nothing(run: Run, sysadmin: VcdRest) -> None:
    assert run("install", "-e", "skip").exit_code == 0
    assert records(sysadmin, "adminService") == []


def test_nothing_is_changed_while_something_is_wrong(run: Run, data: Data, sysadmin: VcdRest) -> None:
    data["broker"]["network"] = "nope"
    result = run("install", "-e", "config")
    assert result.exit_code == 1
    assert "FAILED" in result.stdout
    assert "nothing was changed" in result.stderr
    assert records(sysadmin, "adminService") == []


def test_a_template_that_is_not_configured_is_told(run: Run) -> None:
    result = run("install", "-t", "nope")
    assert result.exit_code == 1
    assert "there are: photon-v2, ubuntu-16.04" in result.stderr


def test_no_password_is_shown(run: Run, broker: PrivateRabbitMQ) -> None:
    output = run("install").output
    assert "secret" not in output
    assert broker.password not in output
