"""The provider's configuration file."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from cse_core.config import ConfigError, config_path, load_config, parse_config

GOOD: dict[str, Any] = {
    "amqp": {"host": "mq", "port": 5672, "username": "guest", "password": "amqp-secret", "exchange": "cse-ext"},
    "vcd": {"host": "vcd", "username": "administrator", "password": 12345678, "api_version": 31.0, "verify": False},
    "vcs": [{"name": "vc1", "username": "cse", "password": "vc-secret", "verify": False}],
    "service": {"listeners": 5, "enforce_authorization": False},
    "broker": {
        "type": "default",
        "org": "o",
        "vdc": "v",
        "network": "n",
        "default_template": "photon-v2",
        "templates": [{"name": "photon-v2", "catalog_item": "photon", "admin_password": "guest-secret"}],
    },
    "pks_config": None,
}


def changed(path: str, value: object) -> dict[str, Any]:
    """`GOOD` with the key at `path` (`broker.org`) replaced, or removed if `value` is `...`."""
    data = copy.deepcopy(GOOD)
    *parents, key = path.split(".")
    section: Any = data
    for parent in parents:
        section = section[int(parent) if parent.isdecimal() else parent]
    if value is ...:
        del section[key]
    else:
        section[key] = value
    return data


def write(path: Path, data: object, mode: int = 0o600) -> Path:
    path.write_text(data if isinstance(data, str) else yaml.safe_dump(data))
    path.chmod(mode)
    return path


def test_a_file_of_cse_1_2_loads_with_numbers_where_texts_are_meant(tmp_path: Path) -> None:
    config = load_config(write(tmp_path / "config.yaml", GOOD))
    assert config.vcd.api_version == "31.0"
    assert config.vcd.password.reveal() == "12345678"
    assert config.amqp.routing_key == "cse"
    assert config.warnings() == []


def test_no_secret_is_shown_by_printing_the_configuration() -> None:
    text = repr(parse_config(GOOD)) + str(parse_config(GOOD)) + parse_config(GOOD).model_dump_json()
    assert "***" in text
    assert not any(secret in text for secret in ("amqp-secret", "12345678", "vc-secret", "guest-secret"))


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        ("amqp.host", ..., "amqp.host"),
        ("amqp.port", "many", "amqp.port"),
        ("amqp.port", 0, "amqp.port"),
        ("vcd.verify", "no", "vcd.verify"),
        ("vcd.api_version", "newest", "vcd.api_version"),
        ("vcd.host", "a\nb", "vcd.host"),
        ("vcs", [], "vcs"),
        ("vcs.0.name", "", "vcs[0].name"),
        ("broker", ..., "broker"),
        ("broker.default_template", "other", "broker.default_template"),
        ("broker.templates.0.cpu", 0, "broker.templates[0].cpu"),
        ("broker.templates.0.name", "../../etc", "broker.templates[0].name"),
        ("service.listeners", 2.5, "service.listeners"),
    ],
)
def test_a_wrong_value_is_found_where_it_stands(path: str, value: object, where: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(changed(path, value))
    assert [finding.where for finding in caught.value.findings] == [where]


@pytest.mark.parametrize(
    ("path", "value", "what"),
    [
        ("amqp.port", "5672", "must be a whole number; write it without quotes"),
        ("amqp.port", 70000, "must be at most 65535"),
        ("vcd.port", 0, "must be at least 1"),
        ("vcd.verify", "false", "must be true or false; write it without quotes"),
        ("vcd.password", None, "must be a text"),
        ("vcd.api_version", "newest", "must look like '31.0'"),
        ("vcd.host", "https://vcd", "must be the name or the address of a host, without a scheme, a path or a port"),
        ("amqp.host", "mq:5672", "must be the name or the address of a host, without a scheme, a path or a port"),
        ("vcs", {"name": "vc1"}, "must be a list: each entry begins with `- `"),
        ("vcs", [], "needs at least one entry"),
        ("broker", None, "is empty; give it its keys"),
        ("broker", ["org"], "must be a section with keys of its own"),
        ("broker.ip_allocation_mode", "static", "must be 'pool' or 'dhcp'"),
        ("broker.org", "", "must not be empty"),
        ("broker.org", ..., "is missing"),
    ],
)
def test_a_finding_says_what_would_be_right(path: str, value: object, what: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(changed(path, value))
    (finding,) = caught.value.findings
    assert str(finding) == f"{path}: {what}"


@pytest.mark.parametrize("host", ["vcd.example.com", "10.0.0.1", "::1", "fe80::1%eth0", "vcd_1"])
def test_hosts_are_names_and_addresses(host: str) -> None:
    assert parse_config(changed("amqp.host", host)).amqp.host == host
    assert parse_config(changed("vcd.host", host)).vcd.port == 443


def test_the_port_may_stand_behind_the_host_as_cse_1_2_wants_it() -> None:
    data = changed("vcd.host", "vcd.example.com:8443")
    data["vcd"]["port"] = 443
    config = parse_config(data)
    assert (config.vcd.host, config.vcd.port) == ("vcd.example.com", 8443)


def test_a_section_of_which_all_keys_are_commented_out_has_its_defaults() -> None:
    assert parse_config(changed("service", None)).service.listeners == 5


def test_all_findings_come_at_once_and_show_no_values() -> None:
    data = changed("amqp.password", ["amqp-secret"])
    data["vcd"]["port"] = "vcd-port-value"
    del data["vcs"]
    with pytest.raises(ConfigError) as caught:
        parse_config(data)
    assert {finding.where for finding in caught.value.findings} == {"amqp.password", "vcd.port", "vcs"}
    assert "amqp-secret" not in str(caught.value)


def test_a_misspelled_key_is_a_warning() -> None:
    warnings = parse_config(changed("broker.templates.0.memory", 4096)).warnings()
    assert [warning.where for warning in warnings] == ["broker.templates[0].memory"]


@pytest.mark.parametrize(
    ("path", "value", "what"),
    [
        ("service.processors", 15, "is a key of later releases of CSE, which this one does not read; remove it"),
        ("pks_accounts", [{}], "is about Enterprise PKS, which this release does not serve; remove it"),
    ],
)
def test_keys_that_are_no_mistakes_elsewhere_are_told_apart(path: str, value: object, what: str) -> None:
    warnings = parse_config(changed(path, value)).warnings()
    assert [str(warning) for warning in warnings] == [f"{path}: {what}"]


def test_a_vcenter_that_is_there_twice_is_a_warning() -> None:
    again = {**GOOD["vcs"][0], "password": "other"}
    warnings = parse_config(changed("vcs", [*GOOD["vcs"], again])).warnings()
    assert [str(warning) for warning in warnings] == ["vcs[1].name: another entry has this name; the last one counts"]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o606, 0o620])
def test_a_file_that_others_can_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(ConfigError, match="chmod 600"):
        load_config(write(tmp_path / "config.yaml", GOOD, mode))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: [", "not valid YAML"),
        ("- list", "not a mapping"),
        ("", "not a mapping"),
        ("a: !!python/name:os.system", "YAML"),
        ("amqp:\n\thost: mq", "line 2, column 1: .*; indent with spaces, not with tabs"),
        ("amqp: {host: a}\nvcd: {}\namqp: {host: b}", "in line 3, column 1: the key 'amqp' is there twice"),
        ("base: &base {a: 1}\nb: {<<: *base, a: 2, a: 3}", "in line 2, column 22: the key 'a' is there twice"),
    ],
)
def test_what_is_no_configuration_is_refused(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(write(tmp_path / "config.yaml", content))


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cse sample"):
        load_config(tmp_path / "none.yaml")


def test_the_file_is_the_one_named_or_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSE_CONFIG", "/etc/cse.yaml")
    assert config_path() == Path("/etc/cse.yaml")
    assert config_path("mine.yaml") == Path("mine.yaml")
    monkeypatch.delenv("CSE_CONFIG")
    assert config_path() == Path("config.yaml")
