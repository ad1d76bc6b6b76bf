"""What requests take from their surroundings."""

from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter
from requests.models import PreparedRequest

from cse_vcd.transport import PooledAdapter, equip

PROXY = "http://proxy.test:3128"


class Sent:
    """What reached the network."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.options: list[dict[str, object]] = []
        monkeypatch.setattr(HTTPAdapter, "send", self._send)

    def _send(self, request: PreparedRequest, *_args: object, **options: object) -> requests.Response:
        self.options.append(options)
        answer = requests.Response()
        answer.status_code, answer.url, answer.request = 200, str(request.url), request
        answer._content = b""
        return answer


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    for name in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    return Sent(monkeypatch)


def session() -> requests.Session:
    return equip(requests.Session(), PooledAdapter(connect_timeout_s=1, read_timeout_s=1, pool_size=1))


def test_a_proxy_of_the_environment_is_used(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", "near.test")
    one = session()
    for host in ("vcd.test", "near.test:8443"):
        one.get(f"https://{host}/api")
    assert [options["proxies"] for options in sent.options] == [{"https": PROXY, "no": "near.test"}, {}]


def test_the_environment_is_read_once_for_each_server(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def proxies_of(url: str) -> dict[str, str]:
        asked.append(url)
        return {}

    monkeypatch.setattr("cse_vcd.transport.get_environ_proxies", proxies_of)
    one = session()
    for path in ("api", "api/session"):
        one.get(f"https://vcd.test/{path}")
    assert asked == ["https://vcd.test"]
    assert len(sent.options) == 2


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_bundle_of_the_environment_is_trusted_where_certificates_are_checked(
    sent: Sent, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setenv(name, str(tmp_path / "ca.pem"))
    one = session()
    for verify in (True, False, "/etc/own.pem"):
        one.get("https://vcd.test/api", verify=verify)
    assert [options["verify"] for options in sent.options] == [str(tmp_path / "ca.pem"), False, "/etc/own.pem"]
