"""What requests take from their surroundings."""

import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter
from requests.models import PreparedRequest

from cse_core import patience
from cse_vcd import load
from cse_vcd.load import Server
from cse_vcd.transport import PooledAdapter, equip
from vcd_simulator.tls import make_certificate

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
    for name in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"):
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


def context_for(adapter: PooledAdapter, verify: bool | str) -> ssl.SSLContext:
    """What a new connection would use."""
    request = requests.Request("GET", "https://vcd.test/api").prepare()
    _, pool = adapter.build_connection_pool_key_attributes(request, verify)
    context = pool["ssl_context"]
    assert isinstance(context, ssl.SSLContext)
    assert not pool["ca_certs"]
    return context


def test_authorities_that_the_environment_names_are_trusted_besides_the_machines(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = context_for(PooledAdapter(connect_timeout_s=1, read_timeout_s=1, pool_size=1), True).get_ca_certs()
    monkeypatch.setenv("CSE_CA_FILE", str(make_certificate(tmp_path, ["vcd.test"]).ca))
    adapter = PooledAdapter(connect_timeout_s=1, read_timeout_s=1, pool_size=1)
    assert len(context_for(adapter, True).get_ca_certs()) == len(before) + 1
    assert not context_for(adapter, False).get_ca_certs()


def test_connections_share_a_context_that_checks_what_it_is_told() -> None:
    adapter = PooledAdapter(connect_timeout_s=1, read_timeout_s=1, pool_size=1)
    checking, trusting = context_for(adapter, True), context_for(adapter, False)
    assert (checking.verify_mode, checking.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert (trusting.verify_mode, trusting.check_hostname) == (ssl.CERT_NONE, False)
    assert checking.get_ca_certs()
    assert context_for(adapter, True) is checking
    assert context_for(adapter, False) is trusting


@pytest.mark.usefixtures("sent")
def test_requests_count_for_the_work_that_sends_them() -> None:
    one = session()
    vcenter = PooledAdapter(connect_timeout_s=1, read_timeout_s=1, pool_size=1, server=Server.VCENTER)
    other = equip(requests.Session(), vcenter)
    one.get("https://vcd.test/api")
    with ThreadPoolExecutor(1) as threads, load.counted() as outer:
        one.get("https://vcd.test/api")
        threads.submit(copy_context().run, other.get, "https://vcenter.test/sdk").result()
        threads.submit(one.get, "https://vcd.test/of-nobody").result()
        with load.counted() as inner:
            one.get("https://vcd.test/api")
    one.get("https://vcd.test/api")
    assert [outer.sent_to(server) for server in (Server.VCD, Server.VCENTER)] == [1, 1]
    assert [inner.sent_to(server) for server in (Server.VCD, Server.VCENTER)] == [1, 0]


def test_what_is_looked_up_is_waited_for_no_longer_than_somebody_waits_for_it(sent: Sent) -> None:
    one = equip(requests.Session(), PooledAdapter(connect_timeout_s=5, read_timeout_s=60, pool_size=1))
    for seconds in (None, 1000, 20, 0):
        with patience.within(seconds):
            one.get("https://vcd.test/api")
            one.post("https://vcd.test/api")
    reads, changes = sent.options[::2], sent.options[1::2]
    assert [each["timeout"] for each in changes] == [(5, 60)] * 4
    forever, long, short, over = (each["timeout"] for each in reads)
    assert forever == long == (5, 60)
    assert isinstance(short, tuple)
    assert short[0] == 5
    assert 5 < short[1] <= 20
    assert over == (1, 1)


def test_a_server_that_hangs_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cse_vcd.transport.get_environ_proxies", lambda _: {})
    with socket.create_server(("127.0.0.1", 0)) as server:  # which takes connections, and says nothing
        one = equip(requests.Session(), PooledAdapter(connect_timeout_s=60, read_timeout_s=0.2, pool_size=1))
        with pytest.raises(requests.exceptions.ReadTimeout):
            one.get(f"http://127.0.0.1:{server.getsockname()[1]}/api")
        server.setblocking(False)
        server.accept()[0].close()
        with pytest.raises(BlockingIOError):
            server.accept()
