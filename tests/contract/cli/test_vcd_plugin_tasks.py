"""How `vcd cse` follows the tasks that it has begun, as old servers have them."""

import json

import pytest

from cse_testing.cse_answers import TASK, Vcd, a_task, accepted
from cse_testing.scripted_http import Reply, ScriptedHttp


def test_progress_goes_to_stderr_and_the_result_to_stdout(vcd: Vcd, server: ScriptedHttp) -> None:
    server.on("DELETE", "/api/cse/c1", accepted(cluster_name="c1"))
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
    assert result.stdout == "cluster 'c1' is deleted\n"


def test_a_failed_task_is_told_with_its_reason_and_exit_code_1(vcd: Vcd, server: ScriptedHttp) -> None:
    server.on("POST", "/api/cse", accepted(name="c1"))
    server.on("GET", TASK, a_task("error", "rolled back", '<Error message="no address is left in network net1"/>'))
    result = vcd("cse", "cluster", "create", "c1", "-n", "net1")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "no address is left in network net1" in result.stderr


@pytest.mark.parametrize("status", ["error", "canceled", "aborted"])
def test_a_failed_task_without_an_error_is_told_all_the_same(vcd: Vcd, server: ScriptedHttp, status: str) -> None:
    server.on("DELETE", "/api/cse/c1", accepted())
    server.on("GET", TASK, a_task(status, "ended at step 3"))
    result = vcd("cse", "cluster", "delete", "c1", "-y")
    assert result.exit_code == 1
    assert "ended at step 3" in result.stderr


def test_vcd_may_be_away_while_we_wait(vcd: Vcd, server: ScriptedHttp) -> None:
    server.on("DELETE", "/api/cse/c1", accepted())
    server.on("GET", TASK, Reply("", 503), a_task("running"), Reply("<html>", 200), a_task("success"))
    assert vcd("cse", "cluster", "delete", "c1", "-y").exit_code == 0


def test_the_token_goes_to_no_other_machine(vcd: Vcd, server: ScriptedHttp) -> None:
    server.on("DELETE", "/api/cse/c1", accepted())
    server.on("GET", TASK, a_task("success"))
    vcd("cse", "cluster", "delete", "c1", "-y")
    assert [asked.path for asked in server.asked] == ["/api/cse/c1", TASK]


def test_a_session_that_expires_while_we_wait_is_told(vcd: Vcd, server: ScriptedHttp) -> None:
    server.on("DELETE", "/api/cse/c1", accepted())
    server.on("GET", TASK, a_task("running"), Reply("", 401))
    result = vcd("cse", "cluster", "delete", "c1", "-y")
    assert result.exit_code == 1
    assert "run `vcd login` again; the work goes on, follow it with `vcd task wait 1f0c9b6e" in result.stderr


def test_no_wait_returns_at_once(vcd: Vcd, server: ScriptedHttp) -> None:
    server.on("POST", "/api/cse", accepted(name="c1"))
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
    server.on("DELETE", "/api/cse/c1", accepted())
    result = vcd("cse", "cluster", "delete", "c1", "-y")
    assert result.exit_code == 1
    assert "the work goes on, follow it with `vcd task wait 1f0c9b6e" in result.stderr


def test_json_of_a_finished_task(vcd: Vcd, server: ScriptedHttp) -> None:
    server.on("POST", "/api/cse", accepted(name="c1", cluster_id="x"))
    server.on("GET", TASK, a_task("success", "created"))
    shown = json.loads(vcd("--json", "cse", "cluster", "create", "c1", "-n", "net1").stdout)
    assert (shown["name"], shown["cluster_id"], shown["status"]) == ("c1", "x", "success")
