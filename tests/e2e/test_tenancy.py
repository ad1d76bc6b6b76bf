"""Who sees what, and who is let in."""

from xml.etree import ElementTree as ET

import pytest

from cse_testing.extension import Cell
from cse_testing.lab_cli import CliFactory, LabCli
from cse_testing.vcd_rest import VcdRest

_ERROR = "{http://www.vmware.com/vcloud/v1.5}Error"


def test_a_tenant_of_another_organisation_sees_nothing_of_a_cluster(
    stranger: LabCli, lab: dict[str, str], cluster: str
) -> None:
    assert cluster not in stranger.run("cse", "cluster", "list").text
    for command in (["info", cluster], ["config", cluster], ["delete", cluster, "--yes"]):
        refused = stranger.attempt("cse", "cluster", *command)
        assert refused.exit_code != 0
        assert lab["LAB_ORG"] not in refused.text
    assert cluster not in stranger.run("vapp", "list").text
    assert cluster not in stranger.run("task", "list").text


@pytest.mark.parametrize(("method", "path"), [("GET", "info"), ("GET", "config"), ("DELETE", "")])
def test_the_cluster_of_another_organisation_is_not_found(
    lab: dict[str, str], cluster: str, method: str, path: str
) -> None:
    session = VcdRest.login(
        lab["LAB_VCD"], org=lab["LAB2_ORG"], user=lab["LAB2_TENANT"], password=lab["LAB2_TENANT_PASSWORD"]
    )
    assert session.send("GET", "/api/cse").json() == []
    reply = session.send(method, f"/api/cse/{cluster}/{path}".rstrip("/"))
    assert reply.status == 404
    assert cluster in reply.message


def test_two_organisations_may_use_the_same_cluster_name(stranger: LabCli, lab: dict[str, str], cluster: str) -> None:
    stranger.run("cse", "cluster", "create", cluster, "-n", lab["LAB2_NETWORK"], "-N", "0")
    assert cluster in stranger.run("cse", "cluster", "list").text
    stranger.run("cse", "cluster", "delete", cluster, "--yes")
    assert cluster not in stranger.run("cse", "cluster", "list").text


def test_the_system_administrator_sees_the_clusters_of_all(sysadmin: LabCli, cluster: str) -> None:
    assert cluster in sysadmin.run("cse", "cluster", "list").text


def test_a_wrong_token_is_refused(lab: dict[str, str]) -> None:
    assert VcdRest(lab["LAB_VCD"], token="0123456789abcdef0123456789abcdef").send("GET", "/api/cse").status == 401


def test_a_token_that_has_ended_is_refused_and_vcd_cli_says_what_to_do(lab: dict[str, str], log_in: CliFactory) -> None:
    client = log_in(lab["LAB_ORG"], lab["LAB_TENANT"], lab["LAB_TENANT_PASSWORD"], version="31.0")
    session = VcdRest(lab["LAB_VCD"], token=client.token)
    client.run("cse", "cluster", "list")
    assert session.send("DELETE", "/api/session").status == 204
    refused = client.attempt("cse", "cluster", "list")
    assert refused.exit_code != 0
    assert "login" in refused.text
    assert session.send("GET", "/api/cse").status == 401


@pytest.mark.parametrize("path", ["/api/cse", "/api/cse/any/info", "/api/cse/system"])
def test_a_token_that_vcd_let_pass_is_checked_again_and_refused_in_the_form_that_old_clients_read(
    lab: dict[str, str], path: str
) -> None:
    cell = Cell(lab["LAB_AMQP"], exchange=lab["LAB_EXCHANGE"], routing_key=lab["LAB_ROUTING_KEY"])
    try:
        reply = cell.ask("GET", path)
    finally:
        cell.close()
    assert reply.status == 401
    error = ET.fromstring(reply.content)
    assert (error.tag, error.attrib["majorErrorCode"]) == (_ERROR, "401")
