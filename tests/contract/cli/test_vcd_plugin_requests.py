"""What `vcd cse` sends is what old servers read, with the session of the profile, and nothing else."""

from pathlib import Path
from typing import Any

import pytest

from cse_testing.cse_answers import CLUSTER, TASK, Vcd, a_task, accepted, accepts
from cse_testing.scripted_http import Reply, ScriptedHttp


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
    server.on("POST", "/api/cse", accepted(name="c1", cluster_id="x"))
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
    server.on("POST", "/api/cse", accepted())
    server.on("GET", TASK, a_task("success"))
    assert vcd("cse", "cluster", "create", "c1", "-n", "net1").exit_code == 0
    body = server.asked[0].json
    assert body["node_count"] == 2
    assert [body[key] for key in ("cpu", "memory", "storage_profile", "ssh_key", "template")] == [None] * 5
    assert body["enable_nfs"] is False


@pytest.mark.parametrize(("option", "sent"), [([], True), (["--disable-rollback"], False)])
def test_rollback_is_inverted_on_the_wire(vcd: Vcd, server: ScriptedHttp, option: list[str], sent: bool) -> None:
    server.on("POST", "/api/cse", accepted())
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


@pytest.mark.parametrize(
    ("in_use", "options", "path", "vdc"),
    [
        (("System", "acme"), [], "/api/cse?org=acme", "acme-vdc"),
        (("System", "acme"), ["--org", "a & b", "--vdc", "other"], "/api/cse?org=a%20%26%20b", "other"),
        (("acme", "acme"), ["--vdc", "other"], "/api/cse", "other"),
        (("acme", "None"), [], "/api/cse", "acme-vdc"),
    ],
    ids=["an administrator's `vcd org use`", "an administrator's options", "a tenant's option", "nothing said"],
)  # fmt: skip
def test_a_cluster_is_created_where_it_is_wanted(
    vcd: Vcd,
    server: ScriptedHttp,
    profile: dict[str, Any],
    in_use: tuple[str, str],
    options: list[str],
    path: str,
    vdc: str,
) -> None:
    profile["org"], profile["org_in_use"] = in_use
    accepts(server, "POST", path)
    result = vcd("cse", "cluster", "create", "c1", "-n", "net1", *options)
    assert result.exit_code == 0, result.output
    assert (server.asked[0].path, server.asked[0].json["vdc"]) == (path, vdc)


def test_lists_are_narrowed_to_an_org_and_a_vdc(vcd: Vcd, server: ScriptedHttp) -> None:
    server.on("GET", "/api/cse?vdc=v1&org=acme", Reply.of_json([]))
    assert vcd("cse", "cluster", "list", "--vdc", "v1", "--org", "acme").exit_code == 0
