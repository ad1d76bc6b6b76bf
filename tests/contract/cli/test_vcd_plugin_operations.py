"""`vcd cse operation` on the wire, and how other commands follow what they have begun."""

import json
from collections.abc import Iterator
from typing import Any

import click
import pytest

from cse_testing.cse_answers import Vcd
from cse_testing.scripted_http import Reply, ScriptedHttp

ID = "019a8c5e-3b70-7c41-9d02-5f6e7a8b9c0d"
PATH = f"/api/cse/_operations/{ID}"
OPERATION = {
    "id": ID,
    "kind": "CREATE_CLUSTER",
    "target": "orgs/acme/vdcs/dev/clusters/c1",
    "state": "RUNNING",
    "done": False,
    "message": "half way",
    "progress_percent": 50,
    "create_time": "2026-11-22T14:00:00Z",
    "end_time": None,
    "error": None,
    "result": None,
}
ENDED = {**OPERATION, "state": "SUCCEEDED", "done": True, "message": "Created cluster c1", "result": {"name": "c1"}}
FAILED = {**OPERATION, "state": "FAILED", "done": True, "error": "no address is left in network net1"}
CANCELLED = {**OPERATION, "state": "CANCELLED", "done": True, "error": "Creating cluster c1 was cancelled."}


def an_event(sequence: int, message: str, node: str = "") -> dict[str, Any]:
    return {
        "sequence": sequence,
        "time": "",
        "state": "RUNNING",
        "step": "",
        "node": node,
        "message": message,
        "progress_percent": 10 * sequence,
    }


EVENTS = [an_event(1, "adding nodes"), an_event(2, "has joined", "node-7k2p")]


def follows(server: ScriptedHttp, ended: dict[str, Any] = ENDED, before: dict[str, Any] = OPERATION) -> None:
    """The server shows two events, each in an answer of its own, then how it ended."""
    server.on("GET", PATH, Reply.of_json(before), Reply.of_json(ended))
    for since, event in enumerate(EVENTS):
        answer = {"events": [event], "done": event is EVENTS[-1]}
        server.on("GET", f"{PATH}/events?since={since}&wait=30", Reply.of_json(answer))


def test_operations_are_listed_the_latest_first(vcd: Vcd, server: ScriptedHttp) -> None:
    listed = {"operations": [OPERATION, {**ENDED, "end_time": "2026-11-22T14:03:20.5Z"}], "next_page_token": ""}
    server.on("GET", "/api/cse/_operations?page_size=20", Reply.of_json(listed))
    table = vcd("cse", "operation", "list")
    assert table.exit_code == 0, table.output
    head, _, running, ended = table.stdout.splitlines()
    assert head.split() == ["id", "what", "org", "cluster", "state", "done", "begun", "took"]
    assert running.split()[:8] == [ID, "create", "cluster", "acme", "c1", "running", "50", "%"]
    assert ended.split()[-1] == "0:03:20"
    assert json.loads(vcd("cse", "operation", "list", "-o", "json").stdout) == listed["operations"]


def test_filters_and_pages_are_the_servers(vcd: Vcd, server: ScriptedHttp) -> None:
    query = "cluster=c1&kind=CREATE_CLUSTER&state=FAILED&done=true&page_size=100"
    first = {"operations": [FAILED] * 100, "next_page_token": "bmV4dA=="}
    server.on("GET", f"/api/cse/_operations?{query}", Reply.of_json(first))
    rest = {"operations": [FAILED] * 100, "next_page_token": "more"}
    server.on("GET", f"/api/cse/_operations?{query}&page_token=bmV4dA%3D%3D", Reply.of_json(rest))
    filters = ["--cluster", "c1", "--kind", "create_cluster", "--state", "failed", "--ended"]
    shown = vcd("cse", "operation", "list", *filters, "--limit", "120", "--output", "json")
    assert shown.exit_code == 0, shown.output
    assert len(json.loads(shown.stdout)) == 120
    assert len(server.asked) == 2


def test_an_operation_is_shown(vcd: Vcd, server: ScriptedHttp) -> None:
    server.on("GET", PATH, Reply.of_json(FAILED))
    assert "no address is left in network net1" in vcd("cse", "operation", "show", ID).stdout
    assert json.loads(vcd("cse", "operation", "show", ID, "-o", "json").stdout) == FAILED


@pytest.mark.parametrize(("ended", "code"), [(ENDED, 0), (FAILED, 1), (CANCELLED, 3)])
def test_watching_shows_what_happens_on_every_node_and_ends_as_the_operation_did(
    vcd: Vcd, server: ScriptedHttp, ended: dict[str, Any], code: int
) -> None:
    follows(server, ended)
    result = vcd("cse", "operation", "watch", ID)
    assert result.exit_code == code
    assert [line.split(" %  ")[1] for line in result.stderr.splitlines()] == ["adding nodes", "[node-7k2p] has joined"]
    assert result.stdout == f"create cluster c1: {ended['state'].lower()}: {ended['error'] or ended['message']}\n"


def test_watching_as_json_is_a_line_for_each_event_and_one_for_the_operation(vcd: Vcd, server: ScriptedHttp) -> None:
    follows(server, FAILED)
    result = vcd("cse", "operation", "watch", ID, "--output", "json")
    assert result.exit_code == 1
    assert [json.loads(line) for line in result.stdout.splitlines()] == [*EVENTS, FAILED]
    assert result.stderr == ""


def test_ctrl_c_ends_the_watching_and_not_the_operation(
    vcd: Vcd, server: ScriptedHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cse_cli.vcd_plugin.operations.follow", interrupted)
    server.on("GET", PATH, Reply.of_json(OPERATION))
    result = vcd("cse", "operation", "watch", ID)
    assert (result.exit_code, "the operation goes on" in result.stderr) == (1, True)
    assert [each.method for each in server.asked] == ["GET"]


def test_cancelling_asks_and_waits_until_everything_is_taken_back(vcd: Vcd, server: ScriptedHttp) -> None:
    follows(server, CANCELLED)
    server.on("POST", f"{PATH}/cancel", Reply.of_json({**OPERATION, "cancel_requested": True}, 202))
    result = vcd("cse", "operation", "cancel", ID, answer="y\n")
    assert result.exit_code == 0, result.output
    assert "Cancel 'create cluster c1'?" in result.stderr
    assert "[node-7k2p] has joined" in result.stderr
    assert result.stdout == f"operation {ID} is cancelled: Creating cluster c1 was cancelled.\n"


def test_nothing_is_cancelled_without_a_yes_or_after_its_end(vcd: Vcd, server: ScriptedHttp) -> None:
    server.on("GET", PATH, Reply.of_json(OPERATION))
    assert vcd("cse", "operation", "cancel", ID, answer="n\n").exit_code == 1
    server.on("GET", PATH, Reply.of_json(ENDED))
    late = vcd("cse", "operation", "cancel", ID, "--yes")
    assert (late.exit_code, "has ended already: succeeded" in late.stderr) == (1, True)
    assert [each.method for each in server.asked] == ["GET", "GET"]


def test_what_ended_before_it_could_be_cancelled_is_told(vcd: Vcd, server: ScriptedHttp) -> None:
    follows(server, ENDED)
    server.on("POST", f"{PATH}/cancel", Reply.of_json(OPERATION, 202))
    result = vcd("cse", "operation", "cancel", ID, "-y")
    assert (result.exit_code, "ended before it could be cancelled" in result.stderr) == (1, True)


@pytest.mark.parametrize("arguments", [["cse", "operation", "cancel", ID, "-y", "--no-wait"]])
def test_no_wait_returns_when_the_cancellation_is_on_its_way(
    vcd: Vcd, server: ScriptedHttp, arguments: list[str]
) -> None:
    server.on("GET", PATH, Reply.of_json(OPERATION))
    server.on("POST", f"{PATH}/cancel", Reply.of_json(OPERATION, 202))
    result = vcd(*arguments)
    assert (result.exit_code, f"vcd cse operation watch {ID}" in result.stdout) == (0, True)
    assert [each.method for each in server.asked] == ["GET", "POST"]


@pytest.mark.parametrize("command", ["show", "watch", "cancel"])
@pytest.mark.parametrize("name", ["..", "a/b", "a\nb"])
def test_an_id_cannot_leave_its_place_in_the_path(vcd: Vcd, server: ScriptedHttp, command: str, name: str) -> None:
    assert vcd("cse", "operation", command, name).exit_code == 2
    assert server.asked == []


CHANGES = [
    (["cluster", "create", "c1", "-n", "net1"], "POST", "/api/cse"),
    (["cluster", "resize", "c1", "-N", "9"], "POST", "/api/cse/_clusters/c1/resize"),
    (["cluster", "delete", "c1", "-y"], "DELETE", "/api/cse/c1"),
    (["node", "create", "c1"], "POST", "/api/cse/c1/node"),
    (["node", "delete", "c1", "node-7k2p", "-y"], "DELETE", "/api/cse/c1/node"),
]


def begins(server: ScriptedHttp, method: str, path: str) -> None:
    server.on("GET", "/api/cse/c1/info", Reply.of_json({"name": "c1", "nodes": []}))
    reply = {"cluster_name": "c1", "task_href": "https://vcd.example.com/api/task/1f0c", "operation_id": ID}
    server.on(method, path, Reply.of_json(reply, 202))


@pytest.mark.parametrize(("arguments", "method", "path"), CHANGES, ids=lambda value: str(value)[:30])
def test_every_change_shows_live_what_happens_on_every_node(
    vcd: Vcd, server: ScriptedHttp, arguments: list[str], method: str, path: str
) -> None:
    begins(server, method, path)
    follows(server, before=ENDED)
    result = vcd("cse", *arguments)
    assert result.exit_code == 0, result.output
    assert result.stdout == "Created cluster c1\n"
    assert "[node-7k2p] has joined" in result.stderr
    follows(server, before=FAILED)
    failed = vcd("cse", *arguments)
    assert (failed.exit_code, "no address is left" in failed.stderr) == (1, True)


@pytest.mark.parametrize(("arguments", "method", "path"), CHANGES, ids=lambda value: str(value)[:30])
def test_every_change_has_json_and_no_wait(
    vcd: Vcd, server: ScriptedHttp, arguments: list[str], method: str, path: str
) -> None:
    begins(server, method, path)
    follows(server, before=ENDED)
    shown = vcd("cse", *arguments, "--output", "json")
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert json.loads(shown.stdout) == {
        "message": "Created cluster c1",
        "status": "success",
        "operation_id": ID,
        "cluster_name": "c1",
        "task_href": "https://vcd.example.com/api/task/1f0c",
    }
    for no_wait in (["cse", *arguments, "--no-wait"], ["--no-wait", "cse", *arguments]):
        server.asked.clear()
        at_once = vcd(*no_wait)
        assert at_once.stdout == f"begun; follow it with `vcd cse operation watch {ID}`\n"
        assert not any("_operations" in each.path for each in server.asked)


@pytest.mark.parametrize("command", [[], ["list"], ["show"], ["watch"], ["cancel"]])
def test_help_is_everywhere(vcd: Vcd, command: list[str]) -> None:
    result = vcd("cse", "operation", *command, "-h")
    assert (result.exit_code, result.stdout[:6], "Example" in result.stdout) == (0, "Usage:", True)


def leaves(group: click.Group, *path: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, *path, name)
        else:
            yield " ".join([*path, name]), command


def test_every_command_has_output_and_whatever_begins_something_has_no_wait(vcd_command: click.Group) -> None:
    cse = vcd_command.commands["cse"]
    assert isinstance(cse, click.Group)
    options = {name: {flag for each in command.params for flag in each.opts} for name, command in leaves(cse)}
    assert [name for name, flags in options.items() if not {"-o", "--output"} <= flags] == []
    waiting = {name for name, flags in options.items() if "--no-wait" in flags}
    changes = {" ".join(arguments[:2]) for arguments, *_ in CHANGES}
    assert waiting == {*changes, "operation cancel"}


def test_a_session_that_expires_while_we_wait_leaves_us_with_what_to_do(vcd: Vcd, server: ScriptedHttp) -> None:
    begins(server, "DELETE", "/api/cse/c1")
    follows(server)
    server.on("GET", f"{PATH}/events?since=1&wait=30", Reply("", 401))
    result = vcd("cse", "cluster", "delete", "c1", "-y")
    assert result.exit_code == 1
    assert "run `vcd login` again; the work goes on, follow it with `vcd cse operation watch" in result.stderr
    server.on("POST", f"{PATH}/cancel", Reply.of_json(OPERATION, 202))
    server.on("GET", PATH, Reply.of_json(OPERATION))
    cancelled = vcd("cse", "operation", "cancel", ID, "-y")
    assert cancelled.exit_code == 1
    assert f"it is being cancelled, follow it with `vcd cse operation watch {ID}`" in cancelled.stderr
