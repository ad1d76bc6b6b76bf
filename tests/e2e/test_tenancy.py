"""Who sees what, and who is let in."""

from xml.etree import ElementTree as ET

import pytest

from cse_testing.lab_cli import LabCli
from cse_testing.vcd_rest import VcdRest

pytestmark = pytest.mark.timeout(240)
_ERROR = "{http://www.vmware.com/vcloud/v1.5}Error"


def test_a_tenant_of_another_organisation_sees_nothing_of_a_cluster(
    stranger: LabCli, lab: dict[str, str], cluster: str
) -> None:
    assert cluster not in stranger.run("cse", "cluster", "list").text
    for command in (["info", cluster], ["config", cluster], ["delete", cluster, "--yes"]):
        refused = stranger.attempt("cse", "cluster", *command)
        assert refused.exit_code != 0
        assert lab["LAB_ORG"] not in refused.text
    assert cluster not in [vapp["name"] for vapp in stranger.json("vapp", "list")]
    assert "create_cluster" not in stranger.run("task", "list").text


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


def test_a_wrong_token_is_refused_in_the_form_that_old_clients_read(lab: dict[str, str]) -> None:
    reply = VcdRest(lab["LAB_VCD"], token="0123456789abcdef0123456789abcdef").send("GET", "/api/cse")
    assert reply.status == 401
    assert ET.fromstring(reply.body).attrib["majorErrorCode"] == "401"


def test_a_token_that_has_ended_is_refused_in_the_form_that_old_clients_read(tenant_rest: VcdRest) -> None:
    assert tenant_rest.send("GET", "/api/cse").status == 200
    assert tenant_rest.send("DELETE", "/api/session").status == 204
    reply = tenant_rest.send("GET", "/api/cse")
    assert reply.status == 401
    error = ET.fromstring(reply.body)
    assert (error.tag, error.attrib["majorErrorCode"]) == (_ERROR, "401")
