"""What `cse` prints where, and its exit codes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result

from cse_core.config import BrokerConfig, Section, TemplateConfig, VcenterConfig, load_config

Run = Callable[..., Result]

COMMANDS = [
    "sample",
    "check",
    "install",
    "run",
    "orphans",
    "orphans list",
    "orphans reclaim",
    "plugin",
    "plugin install",
    "plugin remove",
    "version",
]


@pytest.mark.parametrize("command", ["", *COMMANDS])
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_is_everywhere_with_examples(run: Run, command: str, option: str) -> None:
    result = run(*command.split(), option)
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: cse")
    assert f"    cse {command or 'sample'}" in result.stdout


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["check", "--nonsense"], ["install", "-e", "sometimes"], ["run", "extra"]]
)
def test_misuse_is_exit_code_2_and_goes_to_stderr(run: Run, arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Usage:" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "meant"), [(["chekc"], "'check'"), (["orphan"], "'orphans'"), (["plugin", "instal"], "'install'")]
)
def test_a_misspelled_command_is_told_what_was_meant(run: Run, arguments: list[str], meant: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert f"No such command {arguments[-1]!r}. Did you mean {meant}?" in result.stderr


def test_version_is_text_or_json(run: Run) -> None:
    assert run("version").stdout.startswith("CSE, Container Service Extension for VMware vCloud Director, version ")
    assert json.loads(run("version", "-o", "json").stdout)["product"] == "CSE"


# sample


def test_the_sample_loads_back_without_findings(run: Run, tmp_path: Path) -> None:
    result = run("sample", "--output", "config.yaml")
    assert (result.exit_code, result.stdout) == (0, "")
    assert (tmp_path / "config.yaml").stat().st_mode & 0o777 == 0o600
    assert load_config(tmp_path / "config.yaml").warnings() == []


def test_every_key_of_the_sample_is_commented_where_it_first_appears(run: Run) -> None:
    bare: set[str] = set()
    commented = False
    known: set[str] = set()
    for line in run("sample").stdout.splitlines():
        key, colon, _ = line.strip().removeprefix("- ").partition(":")
        if line.strip().startswith("#"):
            commented = True
        elif not line.strip():
            commented = False
        elif colon:
            has_comment = commented or " # " in line or key in ("templates", "service", "source_ova_name", "sha256_ova")
            if not has_comment and key not in known:
                bare.add(key)
            known.add(key)
            commented = commented and key == "source_ova"
    assert bare == set()


def test_the_sample_has_every_key_that_is_read(run: Run) -> None:
    data = yaml.safe_load(run("sample").stdout)
    assert set(data) == {"amqp", "vcd", "vcs", "service", "broker", "pks_config"}
    assert set(data["broker"]) == set(BrokerConfig.model_fields)
    assert all(set(entry) == set(TemplateConfig.model_fields) for entry in data["broker"]["templates"])
    assert all(set(entry) == set(VcenterConfig.model_fields) for entry in data["vcs"])
    for name in ("amqp", "vcd", "service"):
        section: type[Section] = load_section(name)
        assert set(data[name]) == set(section.model_fields)


def load_section(name: str) -> Any:
    from cse_core import config

    return {"amqp": config.AmqpConfig, "vcd": config.VcdConfig, "service": config.ServiceConfig}[name]


def test_a_file_that_exists_is_left_as_it_is(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("precious")
    result = run("sample", "-o", "mine.yaml")
    assert result.exit_code == 1
    assert "exists" in result.stderr
    assert (tmp_path / "mine.yaml").read_text() == "precious"


def test_a_sample_that_cannot_be_written_says_so(run: Run) -> None:
    result = run("sample", "-o", "no/such/directory.yaml")
    assert result.exit_code == 1
    assert "No such file or directory" in result.stderr


# check, without anything that answers


def unreachable(tmp_path: Path, **broker: object) -> Path:
    path = tmp_path / "config.yaml"
    path.touch(mode=0o600)
    path.write_text(
        yaml.safe_dump(
            {
                "amqp": {"host": "127.0.0.1", "port": 9, "password": "amqp-secret"},
                "vcd": {"host": "127.0.0.1", "port": 9, "password": "vcd-secret"},
                "vcs": [{"name": "vc1", "username": "u", "password": "vc-secret"}],
                "broker": {
                    "org": "o",
                    "vdc": "v",
                    "network": "n",
                    "default_template": "photon-v2",
                    "templates": [{"name": "photon-v2", "catalog_item": "x"}],
                    **broker,
                },
            }
        )
    )
    return path


def check(run: Run, *arguments: str) -> tuple[int, dict[str, dict[str, str]]]:
    result = run("check", "--output", "json", *arguments)
    report = json.loads(result.stdout)
    assert report["ok"] is (result.exit_code == 0)
    return result.exit_code, {found["subject"]: found for found in report["results"]}


def test_everything_that_does_not_answer_is_told_at_once(run: Run, tmp_path: Path) -> None:
    unreachable(tmp_path)
    code, results = check(run)
    assert code == 1
    assert results["config.yaml"]["outcome"] == "ok"
    assert results["broker.templates"]["outcome"] == "ok"
    assert "nothing listens on 127.0.0.1:9" in results["amqp.port"]["message"]
    assert "cannot be reached" in results["vcd.host"]["message"]
    assert all(results[name]["remedy"] for name in ("amqp.port", "vcd.host"))
    assert results["vcs"]["outcome"] == "skipped"


def test_the_table_says_what_to_do(run: Run, tmp_path: Path) -> None:
    unreachable(tmp_path)
    result = run("check")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    failed = next(index for index, line in enumerate(lines) if line.startswith("FAILED   amqp.port"))
    assert "what to do: start RabbitMQ" in lines[failed + 1]
    assert "checking RabbitMQ" in result.stderr


def test_passwords_are_never_shown(run: Run, tmp_path: Path) -> None:
    unreachable(tmp_path)
    for arguments in (["check"], ["install"], ["run"], ["check", "-o", "json"]):
        assert "secret" not in run(*arguments).output


def test_all_findings_of_the_file_come_at_once_and_the_right_sections_are_tried(run: Run, tmp_path: Path) -> None:
    path = unreachable(tmp_path, default_template="other", cpu=3)
    path.chmod(0o644)
    text = path.read_text().replace("port: 9", "port: ninety", 1)
    path.write_text(text)
    code, results = check(run)
    assert code == 1
    assert "others may read" in results["config.yaml"]["message"]
    assert results["config.yaml"]["remedy"] == "run `chmod 600 config.yaml`"
    assert results["amqp.port"]["outcome"] == "failed"
    assert "no template is called 'other'" in results["broker.default_template"]["message"]
    assert results["amqp"]["outcome"] == "skipped"
    assert "cannot be reached" in results["vcd.host"]["message"]


def test_an_unknown_key_is_a_warning(run: Run, tmp_path: Path) -> None:
    unreachable(tmp_path, catalogue="x")
    _, results = check(run)
    assert results["broker.catalogue"]["outcome"] == "warning"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        ("[1", "not valid YAML"),
        ("- 1", "not a mapping"),
        ("\ud800", "not UTF-8"),
        ("", "not a mapping"),
    ],
)
def test_a_file_that_is_none(run: Run, tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "config.yaml").touch(mode=0o600)
        (tmp_path / "config.yaml").write_bytes(content.encode(errors="surrogatepass"))
    code, results = check(run)
    assert code == 1
    assert message in results["config.yaml"]["message"]


def test_a_template_without_a_directory_is_told(run: Run, tmp_path: Path) -> None:
    templates = [{"name": "photon-v2", "catalog_item": "x"}, {"name": "nope", "catalog_item": "y"}]
    unreachable(tmp_path, templates=templates)
    _, results = check(run)
    assert "'nope' is configured, but has no directory" in results["broker.templates"]["message"]


def test_the_file_is_named_by_the_environment(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unreachable(tmp_path).rename(tmp_path / "other.yaml")
    monkeypatch.setenv("CSE_CONFIG", str(tmp_path / "other.yaml"))
    _, results = check(run)
    assert results[str(tmp_path / "other.yaml")]["outcome"] == "ok"


# install and run, as far as they get


@pytest.mark.parametrize("command", ["install", "run"])
def test_nothing_is_begun_while_something_is_wrong(run: Run, tmp_path: Path, command: str) -> None:
    unreachable(tmp_path)
    result = run(command)
    assert result.exit_code == 1
    assert "FAILED   amqp.port" in result.stdout
    assert "correct what is wrong" in result.stderr


def test_leaving_a_machine_behind_needs_a_key(run: Run) -> None:
    result = run("install", "--no-capture")
    assert result.exit_code == 2
    assert "--no-capture needs --ssh-key" in result.stderr


def test_run_without_checks_still_reads_the_file(run: Run) -> None:
    result = run("run", "--skip-check", "-c", "missing.yaml")
    assert result.exit_code == 1
    assert "missing.yaml: cannot be read" in result.stderr


# plugin


def test_the_plug_in_is_added_and_what_was_there_stays(run: Run, tmp_path: Path) -> None:
    file = tmp_path / ".vcd-cli" / "profiles.yaml"
    file.parent.mkdir()
    before = {"active": "default", "profiles": [{"name": "default", "token": "t"}], "extensions": ["some.module"]}
    file.write_text(yaml.safe_dump(before))
    for _ in range(2):
        assert run("plugin", "install").exit_code == 0
        after = yaml.safe_load(file.read_text())
        assert after == {**before, "extensions": ["some.module", "cse_cli.vcd_plugin.cse"]}
    assert file.stat().st_mode & 0o077 == 0
    assert run("plugin", "remove").exit_code == 0
    assert yaml.safe_load(file.read_text()) == before


def test_the_plug_in_is_added_where_vcd_cli_was_never_used(run: Run, tmp_path: Path) -> None:
    assert run("plugin", "install").exit_code == 0
    assert yaml.safe_load((tmp_path / ".vcd-cli" / "profiles.yaml").read_text()) == {
        "active": None,
        "extensions": ["cse_cli.vcd_plugin.cse"],
    }


@pytest.mark.parametrize("content", ["[1", "- a", "extensions: 3"])
def test_a_profiles_file_that_is_none_is_left_as_it_is(run: Run, tmp_path: Path, content: str) -> None:
    file = tmp_path / ".vcd-cli" / "profiles.yaml"
    file.parent.mkdir()
    file.write_text(content)
    assert run("plugin", "install").exit_code == 1
    assert file.read_text() == content


def test_the_plug_in_of_cse_1_2_is_pointed_out(run: Run, tmp_path: Path) -> None:
    file = tmp_path / ".vcd-cli" / "profiles.yaml"
    file.parent.mkdir()
    file.write_text("extensions: [container_service_extension.client.cse]\n")
    result = run("plugin", "install")
    assert result.exit_code == 0
    assert "vcd profile extension delete container_service_extension.client.cse" in result.stderr
