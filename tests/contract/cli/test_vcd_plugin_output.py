"""What `vcd cse` shows is what servers answer: tables, JSON, files, and help."""

import json
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from cse_testing.cse_answers import CLUSTER, Vcd
from cse_testing.scripted_http import Reply, ScriptedHttp

KUBECONFIG = 'apiVersion: v1\nkind: Config\nnote: "a \\ and a \t"\n'


def test_lists_are_tables_and_json(vcd: Vcd, server: ScriptedHttp) -> None:
    server.on("GET", "/api/cse", Reply.of_json([CLUSTER]))
    table = vcd("cse", "cluster", "list")
    assert table.stdout.splitlines()[0].split() == ["name", "control", "plane", "template", "VMs", "vdc", "status"]
    assert table.stdout.splitlines()[2].split() == ["c1", "10.0.0.2", "photon-v2", "3", "acme-vdc", "Powered", "on"]
    assert json.loads(vcd("--json", "cse", "cluster", "list").stdout) == [CLUSTER]


def test_the_list_says_what_is_being_done_with_a_cluster(vcd: Vcd, server: ScriptedHttp) -> None:
    uid = CLUSTER["cluster_id"]
    latest = {"kind": "DELETE_CLUSTER", "target_uid": uid, "state": "QUEUED", "progress_percent": 0}
    first = {"kind": "CREATE_CLUSTER", "target_uid": uid, "state": "ROLLING_BACK", "progress_percent": 40}
    other = {"kind": "RESIZE_CLUSTER", "target_uid": "other", "state": "RUNNING", "progress_percent": 50}
    server.on("GET", "/api/cse", Reply.of_json([CLUSTER, {**CLUSTER, "name": "c2", "cluster_id": "x", "status": ""}]))
    operations = "/api/cse/_operations?done=false&page_size=200"
    server.on("GET", operations, Reply.of_json({"operations": [other, latest, first], "next_page_token": ""}))
    busy, idle = vcd("cse", "cluster", "list").stdout.splitlines()[2:]
    assert busy.endswith("  Powered on, being deleted (0 %)")
    assert idle.split()[-1] == "acme-vdc"
    server.on("GET", operations, Reply.of_json({"operations": [first, "?"]}))
    assert "Powered on, being taken back (40 %)" in vcd("cse", "cluster", "list").stdout
    server.on("GET", "/api/cse", Reply.of_json([{**CLUSTER, "cluster_id": "x", "leader_endpoint": ""}]))
    assert vcd("cse", "cluster", "list").stdout.endswith("  Powered on, unfinished\n")


@pytest.mark.parametrize(
    ("arguments", "path", "answer", "said"),
    [
        (["cluster", "list"], "/api/cse", [], "no clusters that you can see"),
        (["template", "list"], "/api/cse/template", [], "offers no templates"),
        (["node", "list", "c1"], "/api/cse/c1/info", {"name": "c1"}, "cluster 'c1' has no nodes"),
        (["operation", "list"], "/api/cse/_operations?page_size=20", {"operations": []}, "no operations"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else None,
)
def test_an_empty_list_is_empty_and_says_so_beside(
    vcd: Vcd, server: ScriptedHttp, arguments: list[str], path: str, answer: object, said: str
) -> None:
    server.on("GET", path, Reply.of_json(answer))
    result = vcd("cse", *arguments)
    assert (result.exit_code, result.stdout) == (0, "")
    assert said in result.stderr
    as_json = vcd("--json", "cse", *arguments)
    assert (json.loads(as_json.stdout), as_json.stderr) == ([], "")


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


def test_what_is_in_the_way_of_saving_the_kubeconfig_is_told(vcd: Vcd, server: ScriptedHttp, home: Path) -> None:
    server.on("GET", "/api/cse/c1/config", Reply(json.dumps(KUBECONFIG)))
    directory = home / ".kube"
    directory.write_text("a file")
    result = vcd("cse", "cluster", "config", "c1", "--save")
    assert result.exit_code == 1
    assert f"{directory / 'config'} cannot be written (File exists); say where" in result.stderr
    directory.unlink()
    directory.mkdir()
    (directory / "config").write_bytes(b"\xff\xfe is no UTF-8")
    assert vcd("cse", "cluster", "config", "c1", "--save").exit_code == 0
    assert (directory / "config").read_text() == KUBECONFIG
    assert (directory / "config.bak").read_bytes() == b"\xff\xfe is no UTF-8"


def test_version_asks_no_server(vcd: Vcd, server: ScriptedHttp) -> None:
    assert vcd("cse", "version").stdout.startswith(
        "CSE, Container Service Extension for VMware vCloud Director, version "
    )
    assert json.loads(vcd("-j", "cse", "version").stdout)["product"] == "CSE"
    assert server.asked == []


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
