"""Logs hold no secrets."""

import json
import logging

import pytest
import structlog

from cse_core.logs import configure, redact, tail
from cse_core.secret import Secret

SECRETS = [
    "x-vcloud-authorization: 9f2c4b7e1d6a4c03b8e5f7a0d1c2b3a4",
    "Authorization: Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln",
    "{'password': 'hunter2-secret'}",
    """{"password": "it's hunter2 secret", "user": "cse"}""",
    "password='correct hunter2 staple'",
    "client-key-data: hunter2LS0tLS1CRUdJTi=",
    "--certificate-key=hunter2hunter2",
    "api_key: 'hunter2'",
    "amqp://guest:hunter2-secret@localhost:5672/",
    "kubeadm join 10.0.0.2:6443 --token abcdef.0123456789abcdef",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
]


@pytest.mark.parametrize("text", SECRETS)
def test_what_looks_like_a_secret_is_masked(text: str) -> None:
    shown = redact(text)
    assert "***" in shown
    for secret in ("9f2c4b7e", "eyJzdWIi", "hunter2", "0123456789abcdef", "MIIE"):
        assert secret not in shown


def test_plain_texts_stay_as_they_are() -> None:
    text = "cluster 'demo' in VDC 'dev' has 3 workers at 10.0.0.2:6443; the secret is that it has no api key"
    assert redact(text) == text


def test_what_stands_behind_a_secret_is_still_said() -> None:
    assert redact("""{"password": "a b", "user": "cse"}""") == """{"password": "***", "user": "cse"}"""


def test_of_a_long_output_the_end_is_shown_without_its_secrets() -> None:
    output = "line\n" * 100_000 + "token: hunter2\nthe end\n"
    assert tail(output) == "line | line | line | token: *** | the end"


@pytest.fixture
def restored_logging() -> object:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.mark.usefixtures("restored_logging")
def test_a_json_line_has_its_fields_and_no_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    configure(service="gateway", level="info", form="json")
    headers = {"Accept": "*/*", "x-vcloud-authorization": "9f2c4b7e"}
    structlog.get_logger().info(
        "request_taken", headers=headers, token=Secret("t"), path="/api/cse", error=ValueError("password=hunter2"), n=1
    )
    logging.getLogger("foreign").warning("password=%s", "hunter2-secret")
    ours, foreign = map(json.loads, capsys.readouterr().err.splitlines())
    assert (ours["event"], ours["service"], ours["path"], ours["level"]) == (
        "request_taken",
        "gateway",
        "/api/cse",
        "info",
    )
    assert ours["headers"] == {"Accept": "*/*", "x-vcloud-authorization": "***"}
    assert ours["token"] == "***"
    assert (ours["error"], ours["n"]) == ("ValueError('password=***')", 1)
    assert foreign["event"] == "password=***"
