"""`cse orphans`: what it asks the service for, what it shows, and how it ends."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cse_cli.checks.result import failed
from cse_cli.checks.vcd import VcdCheckError
from cse_cli.main import cse
from cse_cli.vcd_plugin.errors import ServerError
from cse_testing.logs import logs_restored

CONFIG = Path(__file__).parents[3] / "cli" / "src" / "cse_cli" / "sample.yaml"


def an_orphan(number: int, cause: str = "ROLLBACK_FAILED", **fields: Any) -> dict[str, Any]:
    return {
        "id": f"vapp-{number}",
        "kind": "vapp",
        "name": f"c{number}",
        "href": "",
        "org": "acme",
        "vdc": "dev",
        "cluster": f"c{number}",
        "cluster_id": "7c",
        "cause": cause,
        "operation_id": "op-1",
        "operation_time": "2026-11-22T14:00:00.5Z",
        "explanation": f"no route to host {number}",
        "vm_count": 3,
        "must_be_named": cause == "LEFT_FOR_INSPECTION",
        **fields,
    }


class Service:
    """The service as `cse orphans` sees it."""

    def __init__(self) -> None:
        self.orphans = [
            an_orphan(1),
            an_orphan(2, org="globex"),
            an_orphan(3, "LEFT_FOR_INSPECTION"),
            an_orphan(4, "HALF_DELETED", kind="vm", id="vm-4", name="node-7k2p\x1b[2J"),
        ]
        self.outcomes: dict[str, str] = {}
        self.asked: list[dict[str, Any]] = []
        self.error: Exception | None = None

    def fields(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        if self.error is not None:
            raise self.error
        if path == "/cse/_orphans":
            return {"orphans": self.orphans}
        if method == "POST":
            self.asked.append(body)
            return {"id": "op-9"}
        if "/events" in path:
            return {"events": [{"sequence": 1, "message": "Looking for orphans"}], "done": True}
        assert path == "/cse/_operations/op-9"
        body = self.asked[-1]
        done = "RECLAIMED" if body["execute"] else "WOULD_BE_RECLAIMED"
        results = [
            {"outcome": self.outcomes.get(each["id"], done), "message": "m", "orphan": each}
            for each in self.orphans
            if each["id"] in body["orphans"]
        ]
        return {"id": "op-9", "state": "SUCCEEDED", "done": True, "result": {"results": results}}


Run = Callable[..., Result]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    made = Service()

    @contextmanager
    def reached(_config: object) -> Iterator[Service]:
        yield made

    monkeypatch.setattr("cse_cli.commands.orphans.service", reached)
    return made


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    config = tmp_path / "config.yaml"
    config.touch(mode=0o600)
    config.write_text(CONFIG.read_text())
    monkeypatch.setenv("CSE_CONFIG", str(config))
    with logs_restored():
        yield lambda *arguments, answer=None: CliRunner().invoke(
            cse, ["orphans", *arguments], input=answer, prog_name="cse"
        )


def test_a_list_is_a_line_for_each_and_json(run: Run, service: Service) -> None:
    table = run("list")
    assert table.exit_code == 0, table.output
    head, *rows = table.stdout.splitlines()
    assert head.split()[:6] == ["id", "org", "vdc", "cluster", "VMs", "cause"]
    assert [row.split()[0] for row in rows] == ["vapp-1", "vapp-2", "vapp-3", "vm-4"]
    assert "2026-11-22 14:00:00" in rows[0]
    assert "no route to host 1" in rows[0]
    assert "(name it to reclaim it)" in rows[2]
    assert "c4: node-7k2p[2J" in rows[3]
    assert table.stderr == "4 found\n"
    assert json.loads(run("list", "--output", "json").stdout) == {"orphans": service.orphans}
    assert [each["id"] for each in json.loads(run("list", "--org", "globex", "-o", "json").stdout)["orphans"]] == [
        "vapp-2"
    ]


def test_an_empty_list_says_so(run: Run, service: Service) -> None:
    service.orphans = []
    assert (run("list").stdout, run("list").stderr) == ("", "nothing was left behind\n")
    assert (run("reclaim", "--execute", "--yes").stderr, service.asked) == ("nothing to reclaim\n", [])
    assert json.loads(run("reclaim", "--execute", "--yes", "-o", "json").stdout) == {"executed": True, "results": []}


def test_reclaiming_says_what_would_be_deleted_and_deletes_nothing(run: Run, service: Service) -> None:
    shown = run("reclaim")
    assert shown.exit_code == 0, shown.output
    assert service.asked == [{"orphans": ["vapp-1", "vapp-2", "vm-4"], "execute": False}]
    assert shown.stdout.splitlines()[0] == "vapp-1 (c1): would be reclaimed: m"
    assert "nothing was deleted; say --execute" in shown.stderr
    assert "Looking for orphans" in shown.stderr


def test_execute_shows_what_will_be_deleted_and_asks(run: Run, service: Service) -> None:
    refused = run("reclaim", "--execute", answer="n\n")
    assert (refused.exit_code, service.asked) == (1, [])
    assert "no route to host 2" in refused.stderr
    assert "Delete 3 objects from vCD?" in refused.stderr
    done = run("reclaim", "--execute", answer="y\n")
    assert done.exit_code == 0
    assert service.asked == [{"orphans": ["vapp-1", "vapp-2", "vm-4"], "execute": True}]
    assert done.stdout.splitlines()[0] == "vapp-1 (c1): reclaimed: m"


def test_where_nobody_can_be_asked_it_says_what_to_say(run: Run, service: Service) -> None:
    refused = run("reclaim", "--execute")
    assert (refused.exit_code, service.asked) == (1, [])
    assert "nobody has agreed; say --yes to be asked nothing" in refused.stderr


def test_what_is_spared_is_told(run: Run, service: Service) -> None:
    told = "1 object must be named, or say --all; see `cse orphans list`"
    service.orphans = [each for each in service.orphans if each["must_be_named"]]
    for arguments in ([], ["--org", "acme"]):
        shown = run("reclaim", *arguments)
        assert (shown.exit_code, shown.stderr.splitlines()) == (0, ["nothing to reclaim", told])
    for arguments in (["--all"], ["vapp-3"], ["--org", "globex"], ["-o", "json"]):
        assert told not in run("reclaim", *arguments).stderr


def test_yes_alone_deletes_nothing(run: Run, service: Service) -> None:
    assert run("reclaim", "--yes").exit_code == 0
    assert [each["execute"] for each in service.asked] == [False]


def test_yes_deletes_without_a_question(run: Run, service: Service) -> None:
    done = run("reclaim", "--execute", "--yes", "--org", "acme", "--output", "json")
    assert done.exit_code == 0, done.output
    assert service.asked == [{"orphans": ["vapp-1", "vm-4"], "execute": True}]
    shown = json.loads(done.stdout)
    assert shown["executed"] is True
    assert [each["outcome"] for each in shown["results"]] == ["RECLAIMED"] * 2
    assert done.stderr == ""


def test_what_somebody_may_still_want_has_to_be_named_or_asked_for(run: Run, service: Service) -> None:
    run("reclaim", "vapp-3", "--execute", "--yes")
    run("reclaim", "--all", "--org", "acme", "--execute", "--yes")
    assert service.asked == [
        {"orphans": ["vapp-3"], "execute": True},
        {"orphans": ["vapp-1", "vapp-3", "vm-4"], "execute": True},
    ]


def test_a_name_that_is_none_stops_everything(run: Run, service: Service) -> None:
    wrong = run("reclaim", "vapp-1", "vapp-9\x1b[2J", "--yes")
    assert (wrong.exit_code, service.asked) == (1, [])
    assert "no such orphan: vapp-9[2J; see `cse orphans list`" in wrong.stderr


@pytest.mark.parametrize("output", ["table", "json"])
def test_what_could_not_be_deleted_is_told_by_the_exit_code(run: Run, service: Service, output: str) -> None:
    service.outcomes["vapp-2"] = "FAILED"
    assert run("reclaim", "--execute", "--yes", "-o", output).exit_code == 1
    assert run("reclaim", "vapp-1", "--yes", "-o", output).exit_code == 0


def test_a_service_that_does_not_answer_is_told(run: Run, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    service.error = ServerError("no answer in time", status=504)
    assert "no answer in time" in run("list").stderr

    def refuse(_config: object) -> None:
        raise VcdCheckError(failed("vcd.username", "vCD refuses user 'x'", "correct it"))

    monkeypatch.setattr("cse_cli.commands.orphans.service", refuse)
    result = run("list")
    assert (result.exit_code, "vcd.username: vCD refuses user 'x'; correct it" in result.stderr) == (1, True)


def test_a_wrong_configuration_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("vcd: 1\n")
    result = run("list")
    assert (result.exit_code, "`cse check` says more" in result.stderr) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["list"], "no answer in time"),
        (["reclaim", "--execute", "--yes"], "no answer in time"),
        (["list", "-c", "missing.yaml"], "`cse check` says more"),
    ],
    ids=["list", "reclaim", "configuration"],
)
def test_errors_are_json_where_that_was_asked_for(run: Run, service: Service, arguments: list[str], told: str) -> None:
    service.error = ServerError("no answer in time", status=504)
    result = run(*arguments, "--output", "json")
    assert (result.exit_code, result.stderr) == (1, "")
    assert told in json.loads(result.stdout)["error"]


@pytest.mark.parametrize(
    "sent", [None, {"id": "vapp-1"}, ["vapp-1"], [{"id": "vapp-1"}]], ids=["nothing", "object", "texts", "no org"]
)
def test_an_answer_that_is_no_list_of_orphans_is_told(run: Run, service: Service, sent: Any) -> None:
    service.orphans = sent
    result = run("list")
    assert (result.exit_code, "no list of orphans" in result.stderr) == (1, True)


@pytest.mark.parametrize("arguments", [["list", "--execute"], ["reclaim", "--output", "xml"], ["other"]])
def test_what_makes_no_sense_is_misuse(run: Run, service: Service, arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2
    assert service.asked == []
