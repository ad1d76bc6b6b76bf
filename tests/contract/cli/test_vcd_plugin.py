"""`vcd cse` on the wire: what it sends is what old servers read, and what it shows is what they answered."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import Result

from cse_testing.scripted_http import Reply, ScriptedHttp

Vcd = Callable[..., Result]

TASK = "/api/task/1f0c9b6e-2f2c-4a55-9d3f-0d4a7d1f7b11"
KUBECONFIG = 'apiVersion: v1\nkind: Config\nnote: "a \\ and a \t"\n'
CLUSTER = {
    "name": "c1",
    "leader_endpoint": "10.0.0.2",
    "template": "photon-v2",
    "number_of_vms": 3,
    "vdc_name": "acme-vdc",
    "status": "Powered on",
    "cluster_id": "5d0e6a52-7b0f-4a0c-9d0a-6f2a3f5b9c11",
    "master_nodes": [{"name": "mstr-a1b2", "ipAddress": "10.0.0.2"}],
    "nodes": [{"name": "node-c3d4", "ipAddress": "10.0.0.3"}, {"name": "node-e5f6", "ipAddress": "10.0.0.4"}],
    "nfs_nodes": [],
}


def a_task(status: str, operation: str = "creating", more: str = "") -> Reply:
    return Reply(
        f'<Task xmlns="http://www.vmware.com/vcloud/v1.5" id="urn:vcloud:task:1f0c" status="{status}"'
        f' operation="{operation}" operationName="create_cluster">{more}</Task>'
    )


def accepted(server: ScriptedHttp, **more: str) -> Reply:
    """As vCD writes it: with its public address, which may be another than the one logged in to."""
    return Reply.of_json({**more, "task_href": f"https://vcd.public.example.com{TASK}"}, 202)


# What is sent


@pytest.mark.parametrize(
    ("jwt", "header", "value"),
    [
        (False, "x-vcloud-authorization", "9f2c4b7e1d6a4c03b8e5f7a0d1c2b3a4"),
        (True, "authorization", "Bearer 9f2c4b7e1d6a4c03b8e5f7a0d1c2b3a4"),
    ],
)
def test_both_kinds_of_sessions_are_taken_from_the_profile(
    vcd: Vcd, server: ScriptedHttp, profile: dict[str, Any], jwt: bool, header: str, value: str
) -> None:
    profile["is_jwt_token"] = jwt
    server.on("GET", "/api/cse", Reply.of_json([]))
    assert vcd("cse", "cluster", "list").exit_code == 0
    (asked,) = server.asked
    assert asked.headers[header] == value
    assert ("authorization" in asked.headers) == jwt
    assert asked.headers["accept"] == "application/*+json;version=31.0"


def test_help_is_everywhere_with_examples(vcd_command: click.Command, vcd: Vcd) -> None:
    assert isinstance(vcd_command, click.Group)
    pending = [["cse"]]
    while pending:
        words = pending.pop()
        result = vcd(*words, "--help")
        assert result.exit_code == 0
        assert f"    vcd {' '.join(words)}" in result.stdout.replace("vcd --json", "vcd"), f"no example of {words}"
        group: click.Command = vcd_command
        for word in words:
            assert isinstance(group, click.Group)
            group = group.commands[word]
        if isinstance(group, click.Group):
            pending += [[*words, name] for name in group.commands]


def test_a_netrc_entry_does_not_replace_the_token(
    vcd: Vcd, server: ScriptedHttp, profile: dict[str, Any], home: Path
) -> None:
    (home / ".netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    (home / ".netrc").chmod(0o600)
    profile["is_jwt_token"] = True
    server.on("GET", "/api/cse", Reply.of_json([]))
    assert vcd("cse", "cluster", "list").exit_code == 0
    assert server.asked[0].headers["authorization"].startswith("Bearer ")


def test_create_sends_what_old_servers_read(vcd: Vcd, server: ScriptedHttp, tmp_path: Path) -> None:
    key = tmp_path / "id.pub"
    key.write_text("ssh-ed25519 AAAA alice\n")
    server.on("POST", "/api/cse", accepted(server, name="c1", cluster_id="x"))
    server.on("GET", TASK, a_task("success", "created cluster c1"))
    options = ["-n", "net1", "-N", "3", "-c", "4", "-m", "8192", "-s", "gold", "-k", str(key), "-t", "ubuntu-16.04"]
    result = vcd("cse", "cluster", "create", "c1", *options, "--enable-nfs")
    assert result.exit_code == 0, result.output
    assert server.asked[0].json == {
        "name": "c1",
        "vdc": "acme-vdc",
        "node_count": 3,
        "cpu": 4,
        "memory": 8192,
        "network": "net1",
        "storage_profile": "gold",
        "ssh_key": "ssh-ed25519 AAAA alice",
        "template": "ubuntu-16.04",
        "enable_nfs": True,
        "disable_rollback": True,
    }


def test_what_is_not_asked_for_is_null_and_two_workers_are_the_default(vcd: Vcd, server: ScriptedHttp) -> None:
    server.on("POST", "/api/cse", accepted(server))
    server.on("GET", TASK, a_task("success"))
    assert vcd("cse", "cluster", "create", "c1", "-n", "net1").exit_code == 0
    body = server.asked[0].json
    assert body["node_count"] == 2
    assert [body[key] for key in ("cpu", "memory", "storage_profile", "ssh_key", "template")] == [None] * 5
    assert body["enable_nfs"] is False


@pytest.mark.parametrize(("option", "sent"), [([], True), (["--disable-rollback"], False)])
def test_rollback_is_inverted_on_the_wire(vcd: Vcd, server: ScriptedHttp, option: list[str], sent: bool) -> None:
    server.on("POST", "/api/cse", accepted(server))
    server.on("GET", TASK, a_task("success"))
    vcd("cse", "cluster", "create", "c1", "-n", "net1", *option)
    assert server.asked[0].json["disable_rollback"] is sent


def test_a_private_key_is_never_sent(vcd: Vcd, server: ScriptedHttp, tmp_path: Path) -> None:
    key = tmp_path / "id"
    key.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n")
    result = vcd("cse", "cluster", "create", "c1", "-n", "net1", "-k", str(key))
    assert result.exit_code == 2
    assert "holds a private key" in result.stderr
    assert server.asked == []


@pytest.mark.parametrize(
    "content",
    ["root:x:0:0:root:/root:/bin/bash\n", "", "ssh-ed25519 AAAA alice\nmine: secret\n", "machine a login b password c"],
    ids=["passwd", "empty", "more-than-a-key", "netrc"],
)
def test_another_file_than_a_public_key_is_never_sent(
    vcd: Vcd, server: ScriptedHttp, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "file"
    file.write_text(content)
    result = vcd("cse", "cluster", "create", "c1", "-n", "net1", "-k", str(file))
    assert result.exit_code == 2
    assert "is no SSH public key" in result.stderr
    assert server.asked == []


@pytest.mark.parametrize("name", ["..", "a/b", ".", "a\nb"])
def test_a_name_cannot_leave_its_place_in_the_path(vcd: Vcd, server: ScriptedHttp, name: str) -> None:
    assert vcd("cse", "cluster", "info", name).exit_code == 2
    assert server.asked == []


def test_other_characters_of_a_name_are_escaped(vcd: Vcd, server: ScriptedHttp) -> None:
    server.on("GET", "/api/cse/a%3Fb%23c%25/info", Reply.of_json(CLUSTER))
    assert vcd("cse", "cluster", "info", "a?b#c%").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "body"),
    [(["enable"], {"enabled": True}), (["disable"], {"enabled": False}), (["stop", "--yes"], {"stopped": True})],
)
def test_the_service_is_steered(vcd: Vcd, server: ScriptedHttp, arguments: list[str], body: dict[str, bool]) -> None:
    server.on("PUT", "/api/cse/system", Reply.of_json({"message": "Updated"}))
    result = vcd("cse", "system", *arguments)
    assert (result.exit_code, result.stdout) == (0, "Updated\n")
    assert server.asked[0].json == body


@pytest.mark.parametrize("arguments", [["cluster", "delete", "c1"], ["system", "stop"]])
def test_what_cannot_be_undone_is_asked_first(vcd: Vcd, server: ScriptedHttp, arguments: list[str]) -> None:
    for answer in ("n\n", ""):
        result = vcd("cse", *arguments, answer=answer)
        assert result.exit_code == 1
        assert "?" in result.stderr
        assert "say --yes" in result.stderr  # nobody sits at a terminal here
        assert server.asked == []


# What is shown


def test_lists_are_tables_and_json(vcd: Vcd, server: ScriptedHttp) -> None:
    server.on("GET", "/api/cse", Reply.of_json([CLUSTER]))
    table = vcd("cse", "cluster", "list")
    assert table.stdout.splitlines()[0].split() == ["name", "control", "plane", "template", "VMs", "vdc", "status"]
    assert table.stdout.splitlines()[2].split() == ["c1", "10.0.0.2", "photon-v2", "3", "acme-vdc", "Powered", "on"]
    assert json.loads(vcd("--json", "cse", "cluster", "list").stdout) == [CLUSTER]


def test_an_empty_list_is_empty(vcd: Vcd, server: ScriptedHttp) -> None:
    server.on("GET", "/api/cse", Reply.of_json([]))
    assert vcd("cse", "cluster", "list").stdout == ""
    assert json.loads(vcd("--json", "cse", "cluster", "list").stdout) == []


def test_info_shows_every_node(vcd: Vcd, server: ScriptedHttp) -> None:
    server.on("GET", "/api/cse/c1/info", Reply.of_json(CLUSTER))
    shown = vcd("cse", "cluster", "info", "c1").stdout
    for text in ("mstr-a1b2 10.0.0.2", "node-c3d4 10.0.0.3", "node-e5f6 10.0.0.4", "Powered on"):
        assert text in shown
    assert json.loads(vcd("-j", "cse", "cluster", "info", "c1").stdout) == CLUSTER


def test_templates_and_system_are_shown(vcd: Vcd, server: ScriptedHttp) -> None:
    template = {
        "name": "photon-v2",
        "description": "one\ntwo",
        "catalog": "cse",
        "catalog_item": "x-k8s",
        "is_default": True,
    }
    server.on("GET", "/api/cse/template", Reply.of_json([template]))
    server.on("GET", "/api/cse/system", Reply.of_json({"product": "CSE", "version": "9.9.9", "status": "Running"}))
    assert "x-k8s" in vcd("cse", "template", "list").stdout
    assert "9.9.9" in vcd("cse", "system", "info").stdout


def test_what_a_server_sends_cannot_move_the_cursor(vcd: Vcd, server: ScriptedHttp) -> None:
    server.on("GET", "/api/cse", Reply.of_json([{**CLUSTER, "name": "a\x1b[2Jb\x07"}]))
    assert "\x1b" not in vcd("cse", "cluster", "list").stdout
    server.on("GET", "/api/cse", Reply.of_json({"message": "no\x1b[2Jway"}, 500))
    assert "\x1b" not in vcd("cse", "cluster", "list").stderr


@pytest.mark.parametrize("body", [json.dumps(KUBECONFIG), KUBECONFIG])
def test_the_kubeconfig_comes_out_as_it_is(vcd: Vcd, server: ScriptedHttp, body: str) -> None:
    server.on("GET", "/api/cse/c1/config", Reply(body))
    assert vcd("cse", "cluster", "config", "c1").stdout == KUBECONFIG
    assert server.asked[0].headers["accept"] == "text/x-yaml;version=31.0"


def test_saving_the_kubeconfig_keeps_what_was_there(vcd: Vcd, server: ScriptedHttp, home: Path) -> None:
    server.on("GET", "/api/cse/c1/config", Reply(json.dumps(KUBECONFIG)))
    file = home / ".kube" / "config"
    file.parent.mkdir()
    file.write_text("precious\n")
    result = vcd("cse", "cluster", "config", "c1", "--save")
    assert result.exit_code == 0
    assert yaml.safe_load(file.read_text())["kind"] == "Config"
    assert file.stat().st_mode & 0o777 == 0o600
    assert (home / ".kube" / "config.bak").read_text() == "precious\n"
    assert vcd("cse", "cluster", "config", "c1", "--save").exit_code == 0
    file.write_text("precious too\n")
    vcd("cse", "cluster", "config", "c1", "--save")
    assert (home / ".kube" / "config.bak.1").read_text() == "precious too\n"


def test_version_asks_no_server(vcd: Vcd, server: ScriptedHttp) -> None:
    assert vcd("cse", "version").stdout.startswith(
        "CSE, Container Service Extension for VMware vCloud Director, version "
    )
    assert json.loads(vcd("-j", "cse", "version").stdout)["product"] == "CSE"
    assert server.asked == []


# Tasks


def test_progress_goes_to_stderr_and_the_result_to_stdout(vcd: Vcd, server: ScriptedHttp) -> None:
    server.on("DELETE", "/api/cse/c1", accepted(server, cluster_name="c1"))
    server.on(
        "GET",
        TASK,
        a_task("queued", "waiting"),
        a_task("running", "half way", "<Progress>50</Progress>"),
        a_task("success", "all gone"),
    )
    result = vcd("cse", "cluster", "delete", "c1", "--yes")
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        "create_cluster: waiting",
        "create_cluster: half way, 50%",
        "create_cluster: all gone",
    ]
    assert result.stdout == "cluster 'c1' is deleted (task 1f0c: all gone)\n"


def test_a_failed_task_is_told_with_its_reason_and_exit_code_1(vcd: Vcd, server: ScriptedHttp) -> None:
    server.on("POST", "/api/cse", accepted(server, name="c1"))
    server.on("GET", TASK, a_task("error", "rolled back", '<Error message="no address is left in network net1"/>'))
    result = vcd("cse", "cluster", "create", "c1", "-n", "net1")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "no address is left in network net1" in result.stderr


@pytest.mark.parametrize("status", ["error", "canceled", "aborted"])
def test_a_failed_task_without_an_error_is_told_all_the_same(vcd: Vcd, server: ScriptedHttp, status: str) -> None:
    server.on("DELETE", "/api/cse/c1", accepted(server))
    server.on("GET", TASK, a_task(status, "ended at step 3"))
    result = vcd("cse", "cluster", "delete", "c1", "-y")
    assert result.exit_code == 1
    assert "ended at step 3" in result.stderr


def test_vcd_may_be_away_while_we_wait(vcd: Vcd, server: ScriptedHttp) -> None:
    server.on("DELETE", "/api/cse/c1", accepted(server))
    server.on("GET", TASK, Reply("", 503), a_task("running"), Reply("<html>", 200), a_task("success"))
    assert vcd("cse", "cluster", "delete", "c1", "-y").exit_code == 0


def test_the_token_goes_to_no_other_machine(vcd: Vcd, server: ScriptedHttp) -> None:
    server.on("DELETE", "/api/cse/c1", accepted(server))
    server.on("GET", TASK, a_task("success"))
    vcd("cse", "cluster", "delete", "c1", "-y")
    assert [asked.path for asked in server.asked] == ["/api/cse/c1", TASK]


def test_a_session_that_expires_while_we_wait_is_told(vcd: Vcd, server: ScriptedHttp) -> None:
    server.on("DELETE", "/api/cse/c1", accepted(server))
    server.on("GET", TASK, a_task("running"), Reply("", 401))
    result = vcd("cse", "cluster", "delete", "c1", "-y")
    assert result.exit_code == 1
    assert "vcd login" in result.stderr


def test_no_wait_returns_at_once(vcd: Vcd, server: ScriptedHttp) -> None:
    server.on("POST", "/api/cse", accepted(server, name="c1"))
    result = vcd("--no-wait", "cse", "cluster", "create", "c1", "-n", "net1")
    assert result.exit_code == 0
    assert "vcd task wait 1f0c9b6e-2f2c-4a55-9d3f-0d4a7d1f7b11" in result.stdout
    assert len(server.asked) == 1


def test_ctrl_c_ends_the_waiting_and_not_the_work(
    vcd: Vcd, server: ScriptedHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cse_cli.vcd_plugin.commands.wait_for_task", interrupted)
    server.on("DELETE", "/api/cse/c1", accepted(server))
    result = vcd("cse", "cluster", "delete", "c1", "-y")
    assert result.exit_code == 1
    assert "the work goes on, follow it with `vcd task wait 1f0c9b6e" in result.stderr


def test_json_of_a_finished_task(vcd: Vcd, server: ScriptedHttp) -> None:
    server.on("POST", "/api/cse", accepted(server, name="c1", cluster_id="x"))
    server.on("GET", TASK, a_task("success", "created"))
    shown = json.loads(vcd("--json", "cse", "cluster", "create", "c1", "-n", "net1").stdout)
    assert (shown["name"], shown["cluster_id"], shown["status"]) == ("c1", "x", "success")


# Errors


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
            "Unauthorized",
        ),
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
    assert "vcd vdc use" in result.stderr
    assert server.asked == []


def test_nobody_listens(vcd: Vcd, profile: dict[str, Any]) -> None:
    profile["host"] = "http://127.0.0.1:9"
    result = vcd("cse", "cluster", "list")
    assert result.exit_code == 1
    assert "cannot be reached" in result.stderr


def test_a_missing_option_is_misuse(vcd: Vcd) -> None:
    assert vcd("cse", "cluster", "create", "c1").exit_code == 2


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["cluster"],
        ["cluster", "create"],
        ["cluster", "config"],
        ["template"],
        ["template", "list"],
        ["system"],
        ["version"],
    ],
)
def test_help_is_everywhere(vcd: Vcd, command: list[str]) -> None:
    for option in ("-h", "--help"):
        result = vcd("cse", *command, option)
        assert (result.exit_code, result.stdout[:6]) == (0, "Usage:")


def test_the_token_is_never_shown(vcd: Vcd, server: ScriptedHttp, profile: dict[str, Any]) -> None:
    for reply in (Reply("", 401), Reply("x", 500), Reply.of_json([CLUSTER])):
        server.on("GET", "/api/cse", reply)
        assert profile["token"] not in vcd("cse", "cluster", "list").output
