"""What is wrong with a request is said at once, in words that name the field."""

from typing import Any

import pytest

from cse_testing.lab_cli import LabCli
from cse_testing.vcd_rest import VcdRest


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"name": "under_score"}, 400, ["name"]),
        ({"name": "-leading"}, 400, ["name"]),
        ({"name": "a" * 26}, 400, ["name", "25"]),
        ({"name": "system"}, 400, ["name", "reserved"]),
        ({"name": "x;reboot"}, 400, ["name"]),
        ({"name": "$(reboot)"}, 400, ["name"]),
        ({"name": 5}, 400, ["name"]),
        ({"name": None}, 400, ["name"]),
        ({"vdc": "no-such-vdc"}, 404, ["vdc", "no-such-vdc"]),
        ({"vdc": None}, 400, ["vdc"]),
        ({"network": "no-such-network"}, 404, ["network", "no-such-network"]),
        ({"network": None}, 400, ["network"]),
        ({"template": "no-such-template"}, 404, ["template", "no-such-template"]),
        ({"storage_profile": "no-such-profile"}, 404, ["storage", "no-such-profile"]),
        ({"node_count": -1}, 400, ["node_count"]),
        ({"node_count": "many"}, 400, ["node_count"]),
        ({"cpu": -1}, 400, ["cpu"]),
        ({"memory": -5}, 400, ["memory"]),
    ],
)
def test_an_invalid_request_names_the_field(
    tenant_rest: VcdRest, lab: dict[str, str], changes: dict[str, Any], status: int, words: list[str]
) -> None:
    reply = tenant_rest.send("POST", "/api/cse", _request(lab) | changes)
    assert (reply.status, reply.headers["content-type"].split(";")[0]) == (status, "application/json")
    assert all(word in reply.message for word in words), reply.message
    assert tenant_rest.send("GET", "/api/cse").status == 200


def test_a_name_that_exists_already_is_a_conflict(tenant_rest: VcdRest, lab: dict[str, str], cluster: str) -> None:
    reply = tenant_rest.send("POST", "/api/cse", _request(lab) | {"name": cluster})
    assert reply.status == 409
    assert cluster in reply.message


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b"null", b'"text"', b"\xff\xfe"])
def test_a_body_that_is_no_object_is_refused(tenant_rest: VcdRest, body: bytes) -> None:
    reply = tenant_rest.send("POST", "/api/cse", body)
    assert reply.status == 400
    assert reply.message


@pytest.mark.parametrize("path", ["/api/cse/none/info", "/api/cse/none/config"])
def test_an_unknown_cluster_is_not_found(tenant_rest: VcdRest, path: str) -> None:
    reply = tenant_rest.send("GET", path)
    assert (reply.status, "none" in reply.message) == (404, True)


def test_vcd_cli_shows_the_reason_to_the_user(tenant: LabCli, lab: dict[str, str]) -> None:
    refused = tenant.attempt("cse", "cluster", "create", "a" * 26, "-n", lab["LAB_NETWORK"])
    assert refused.exit_code != 0
    assert "25" in refused.text
    refused = tenant.attempt("cse", "cluster", "create", "fine", "-n", "no-such-network")
    assert refused.exit_code != 0
    assert "no-such-network" in refused.text


def _request(lab: dict[str, str]) -> dict[str, Any]:
    return {
        "name": "refused",
        "vdc": lab["LAB_VDC"],
        "network": lab["LAB_NETWORK"],
        "node_count": 1,
        "cpu": None,
        "memory": None,
        "storage_profile": None,
        "ssh_key": None,
        "template": None,
        "enable_nfs": False,
        "disable_rollback": True,
    }
