"""`vcd cse node` and `cluster resize` on the wire, and the options that every command has."""

import json
from pathlib import Path

import pytest

from cse_testing.cse_answers import CLUSTER, TASK, Vcd, accepts
from cse_testing.scripted_http import Reply, ScriptedHttp

WITH_NFS = {**CLUSTER, "nfs_nodes": [{"name": "nfsd-g7h8", "ipAddress": "10.0.0.5"}]}


def test_adding_nodes_sends_what_old_servers_read(vcd: Vcd, server: ScriptedHttp, tmp_path: Path) -> None:
    key = tmp_path / "id.pub"
    key.write_text("ssh-ed25519 AAAA alice\n")
    accepts(server, "POST", "/api/cse/c1/node")
    options = ["-n", "net1", "-N", "3", "-c", "4", "-m", "8192", "-s", "gold", "-k", str(key), "-t", "ubuntu-16.04"]
    result = vcd("cse", "node", "create", "c1", *options, "--type", "nfsd", "--disable-rollback")
    assert result.exit_code == 0, result.output
    assert result.stdout == "nodes are added to cluster 'c1'\n"
    assert server.asked[0].json == {
        "name": "c1",
        "vdc": "acme-vdc",
        "node_count": 3,
        "node_type": "nfsd",
        "cpu": 4,
        "memory": 8192,
        "network": "net1",
        "storage_profile": "gold",
        "ssh_key": "ssh-ed25519 AAAA alice",
        "template": "ubuntu-16.04",
        "disable_rollback": False,
    }


def test_one_worker_like_the_clusters_is_the_default(vcd: Vcd, server: ScriptedHttp) -> None:
    accepts(server, "POST", "/api/cse/c1/node")
    assert vcd("cse", "node", "create", "c1").exit_code == 0
    body = server.asked[0].json
    assert (body["node_count"], body["node_type"], body["disable_rollback"]) == (1, "node", True)
    assert [body[key] for key in ("network", "cpu", "memory", "storage_profile", "ssh_key", "template")] == [None] * 6


def test_removing_nodes_sends_a_delete_with_a_body(vcd: Vcd, server: ScriptedHttp) -> None:
    accepts(server, "DELETE", "/api/cse/c1/node")
    result = vcd("cse", "node", "delete", "c1", "node-c3d4", "nfsd-g7h8", "--force", answer="y\n")
    assert result.exit_code == 0, result.output
    assert "Delete 'node-c3d4', 'nfsd-g7h8' of the cluster 'c1'?" in result.stderr
    assert server.asked[0].json == {
        "name": "c1", "vdc": "acme-vdc", "nodes": ["node-c3d4", "nfsd-g7h8"], "force": True,
    }  # fmt: skip
    assert vcd("cse", "node", "delete", "c1", "node-c3d4", "-y").exit_code == 0
    assert server.asked[2].json["force"] is False


def test_nodes_are_listed_with_what_they_are(vcd: Vcd, server: ScriptedHttp) -> None:
    server.on("GET", "/api/cse/c1/info", Reply.of_json(WITH_NFS))
    rows = [line.split() for line in vcd("cse", "node", "list", "c1").stdout.splitlines()[2:]]
    assert rows == [
        ["mstr-a1b2", "10.0.0.2", "master"],
        ["node-c3d4", "10.0.0.3", "node"],
        ["node-e5f6", "10.0.0.4", "node"],
        ["nfsd-g7h8", "10.0.0.5", "nfsd"],
    ]
    shown = json.loads(vcd("cse", "node", "list", "c1", "-o", "json").stdout)
    assert shown[0] == {"name": "mstr-a1b2", "ipAddress": "10.0.0.2", "node_type": "master"}


def test_a_node_is_shown_with_its_exports(vcd: Vcd, server: ScriptedHttp) -> None:
    found = {"name": "nfsd-g7h8", "node_type": "nfsd", "exports": ["/home", "/data"], "memoryMB": "2048"}
    server.on("GET", "/api/cse/c1/nfsd-g7h8/info", Reply.of_json(found))
    shown = vcd("cse", "node", "info", "c1", "nfsd-g7h8").stdout
    assert "/home" in shown
    assert "/data" in shown
    assert json.loads(vcd("cse", "node", "info", "c1", "nfsd-g7h8", "--output", "json").stdout) == found


def test_resizing_asks_before_workers_are_removed(vcd: Vcd, server: ScriptedHttp) -> None:
    server.on("GET", "/api/cse/c1/info", Reply.of_json(WITH_NFS))
    accepts(server, "POST", "/api/cse/_clusters/c1/resize")
    refused = vcd("cse", "cluster", "resize", "c1", "-N", "0", answer="n\n")
    assert refused.exit_code == 1
    assert "Remove the newest 2 workers of the cluster 'c1'?" in refused.stderr
    assert [each.method for each in server.asked] == ["GET"]
    assert vcd("cse", "cluster", "resize", "c1", "-N", "1", answer="y\n").exit_code == 0
    assert vcd("cse", "cluster", "resize", "c1", "-N", "0", "--yes").exit_code == 0
    grown = vcd("cse", "cluster", "resize", "c1", "--nodes", "5")
    assert grown.stdout == "cluster 'c1' is resized\n"
    assert [each.json for each in server.asked if each.method == "POST"] == [
        {"node_count": 1}, {"node_count": 0}, {"node_count": 5},
    ]  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [
        ["node", "create", "c1", "--no-wait"],
        ["node", "delete", "c1", "node-c3d4", "-y", "--no-wait"],
        ["cluster", "delete", "c1", "-y", "--no-wait"],
        ["cluster", "create", "c1", "-n", "net1", "--no-wait"],
        ["cluster", "resize", "c1", "-N", "5", "--no-wait"],
    ],
)
def test_nobody_waits_who_does_not_want_to(vcd: Vcd, server: ScriptedHttp, arguments: list[str]) -> None:
    server.on("GET", "/api/cse/c1/info", Reply.of_json(WITH_NFS))
    for method, path in (
        ("POST", "/api/cse"),
        ("DELETE", "/api/cse/c1"),
        ("POST", "/api/cse/c1/node"),
        ("DELETE", "/api/cse/c1/node"),
        ("POST", "/api/cse/_clusters/c1/resize"),
    ):
        accepts(server, method, path)
    result = vcd("cse", *arguments, "-o", "json")
    assert result.exit_code == 0, result.output
    assert TASK not in [each.path for each in server.asked]
    assert json.loads(result.stdout)["task_href"].endswith(TASK)


@pytest.mark.parametrize(
    ("arguments", "method", "path"),
    [
        (["cluster", "info", "c1"], "GET", "/api/cse/c1/info"),
        (["cluster", "config", "c1"], "GET", "/api/cse/c1/config"),
        (["cluster", "delete", "c1", "-y"], "DELETE", "/api/cse/c1"),
        (["cluster", "resize", "c1", "-N", "3"], "POST", "/api/cse/_clusters/c1/resize"),
        (["node", "list", "c1"], "GET", "/api/cse/c1/info"),
        (["node", "info", "c1", "node-c3d4"], "GET", "/api/cse/c1/node-c3d4/info"),
        (["node", "create", "c1"], "POST", "/api/cse/c1/node"),
        (["node", "delete", "c1", "node-c3d4", "-y"], "DELETE", "/api/cse/c1/node"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else None,
)
def test_every_command_that_names_a_cluster_can_say_which_of_that_name(
    vcd: Vcd, server: ScriptedHttp, arguments: list[str], method: str, path: str
) -> None:
    place = "?vdc=a%20b%26org%3Dx&org=acme"
    server.on("GET", f"/api/cse/c1/info{place}", Reply.of_json(WITH_NFS))
    if method == "GET":
        server.on(method, f"{path}{place}", Reply.of_json(WITH_NFS))
    else:
        accepts(server, method, f"{path}{place}")
    result = vcd("cse", *arguments, "--vdc", "a b&org=x", "--org", "acme")
    assert result.exit_code == 0, result.output
    assert any((asked.method, asked.path) == (method, f"{path}{place}") for asked in server.asked)


def test_an_option_of_the_command_goes_before_that_of_vcd(vcd: Vcd, server: ScriptedHttp) -> None:
    server.on("GET", "/api/cse", Reply.of_json([]))
    assert vcd("--json", "cse", "cluster", "list", "-o", "table").stdout == ""
    assert json.loads(vcd("--json", "cse", "cluster", "list").stdout) == []


def test_errors_are_json_where_that_was_asked_for(vcd: Vcd, server: ScriptedHttp) -> None:
    server.on("GET", "/api/cse/c1/info", Reply.of_json({"message": {"reason": "there is no cluster 'c1'"}}, 404))
    result = vcd("cse", "node", "list", "c1", "--output", "json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"error": "there is no cluster 'c1'"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["create", "c1", "-N", "0"],
        ["create", "c1", "--type", "mstr"],
        ["create", "../c1"],
        ["info", "c1", ".."],
        ["delete", "c1", "-y"],
        ["list", "a/b"],
        ["list", "c1", "-o", "xml"],
    ],
)
def test_what_makes_no_sense_is_not_sent(vcd: Vcd, server: ScriptedHttp, arguments: list[str]) -> None:
    assert vcd("cse", "node", *arguments).exit_code == 2
    assert server.asked == []
