"""What `vcd cse` says when it is refused, or cannot ask at all."""

import json
from typing import Any

import pytest

from cse_testing.cse_answers import Vcd
from cse_testing.scripted_http import Reply, ScriptedHttp


@pytest.mark.parametrize(
    ("reply", "shown"),
    [
        (Reply.of_json({"message": "a cluster 'c1' exists"}, 409), "a cluster 'c1' exists"),
        (
            Reply.of_json({"message": {"reason": "no such vdc", "description": "x", "stacktrace": []}}, 500),
            "no such vdc",
        ),
        (
            Reply(
                '<Error xmlns="http://www.vmware.com/vcloud/v1.5" message="Unauthorized" majorErrorCode="401"/>', 401
            ),
            "run `vcd login` again (the server says: Unauthorized)",
        ),
        (Reply.of_json({"message": "Unauthorized"}, 403), "only system administrators may do that; log in as one"),
        (Reply("", 401), "run `vcd login` again"),
        (Reply("<Error message=\"External service 'cse' failed to respond\"/>", 504), "is running"),
        (Reply("", 504), "no answer in time"),
        (Reply("", 406), "CSE is not installed there"),
        (
            Reply('<Error message="invalid accept header"/>', 406),
            "extension is disabled (vCD says: invalid accept header)",
        ),
        (Reply("<html>oops", 500), "HTTP status 500"),
        (Reply("[1, 2]", 418), "HTTP status 418"),
        (Reply("not json", 200), "is it CSE that serves /api/cse?"),
        (Reply("", 200), "is it CSE that serves /api/cse?"),
        (Reply('{"message": "hello"}', 200), "is it CSE that serves /api/cse?"),
        (Reply("[1]", 200), "is it CSE that serves /api/cse?"),
        (Reply("", 302, {"Location": "http://elsewhere.example.com/"}), "HTTP status 302"),
    ],
)
def test_every_kind_of_refusal_is_shown(vcd: Vcd, server: ScriptedHttp, reply: Reply, shown: str) -> None:
    server.on("GET", "/api/cse", reply)
    result = vcd("cse", "cluster", "list")
    assert result.exit_code == 1
    assert shown in result.stderr
    assert result.stdout == ""
    as_json = vcd("--json", "cse", "cluster", "list")
    assert as_json.exit_code == 1
    assert shown in json.loads(as_json.stdout)["error"]


def test_nobody_logged_in(vcd: Vcd, profile: dict[str, Any]) -> None:
    profile.clear()
    result = vcd("cse", "cluster", "list")
    assert result.exit_code == 1
    assert "vcd login HOST ORG USER" in result.stderr


def test_no_vdc_in_use(vcd: Vcd, profile: dict[str, Any], server: ScriptedHttp) -> None:
    profile["vdc_in_use"] = "None"  # as vcd-cli writes it
    result = vcd("cse", "cluster", "create", "c1", "-n", "net1")
    assert result.exit_code == 1
    assert "choose one with `vcd vdc use NAME`, or say --vdc NAME" in result.stderr
    assert server.asked == []


def test_a_file_of_authorities_that_is_not_there_is_told(
    vcd: Vcd, profile: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    profile.update(host="https://127.0.0.1:9", verify=True)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/file.pem")
    result = vcd("cse", "cluster", "list")
    assert result.exit_code == 1
    assert "correct the variable REQUESTS_CA_BUNDLE" in result.stderr
    assert "/no/such/file.pem" in result.stderr


def test_nobody_listens(vcd: Vcd, profile: dict[str, Any]) -> None:
    profile["host"] = "http://127.0.0.1:9"
    result = vcd("cse", "cluster", "list")
    assert result.exit_code == 1
    assert "cannot be reached" in result.stderr


def test_a_missing_option_is_misuse(vcd: Vcd) -> None:
    assert vcd("cse", "cluster", "create", "c1").exit_code == 2
