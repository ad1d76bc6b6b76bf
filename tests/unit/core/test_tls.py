"""Whom connections trust, seen in handshakes between two ends in memory."""

import ssl
from pathlib import Path

import pytest
import structlog

from cse_core.settings import SettingsError
from cse_core.tls import check_authorities, client_context, prepare, why_not_trusted
from vcd_simulator.tls import TlsFiles, make_certificate

HOST = "broker.test"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    """A server's certificate, and the private authority that has signed it."""
    return make_certificate(tmp_path_factory.mktemp("tls"), [HOST])


@pytest.fixture(autouse=True)
def machine_without_private_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CSE_CA_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


def shake_hands(client_side: ssl.SSLContext, files: TlsFiles, host: str = HOST) -> None:
    """Raises what the client makes of the server's certificate."""
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(files.certificate, files.key)
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_side.wrap_bio(back, there, server_hostname=host)
    server = server_side.wrap_bio(there, back, server_side=True)
    waiting = [client, server]
    while waiting:
        for end in tuple(waiting):
            try:
                end.do_handshake()
                waiting.remove(end)
            except ssl.SSLWantReadError:
                continue


def refusal(files: TlsFiles, host: str = HOST) -> str:
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        shake_hands(client_context(verify=True), files, host)
    return why_not_trusted(caught.value)


def test_a_private_authority_is_trusted_when_the_environment_names_it(
    files: TlsFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "is not trusted" in refusal(files)
    assert "name a file that holds it in CSE_CA_FILE" in refusal(files)
    monkeypatch.setenv("CSE_CA_FILE", str(files.ca))
    shake_hands(client_context(verify=True), files)


def test_the_bundle_that_cse_1_2_was_started_with_is_trusted(files: TlsFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(files.ca))
    shake_hands(client_context(verify=True), files)


def test_our_own_variable_comes_first(files: TlsFiles, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = make_certificate(tmp_path, [HOST])
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(files.ca))
    monkeypatch.setenv("CSE_CA_FILE", str(other.ca))
    assert "is not trusted" in refusal(files)


def test_authorities_of_the_machine_stay_trusted(
    files: TlsFiles, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(files.ca))  # where OpenSSL takes the machine's from
    monkeypatch.setenv("CSE_CA_FILE", str(make_certificate(tmp_path, [HOST]).ca))
    shake_hands(client_context(verify=True), files)


def test_another_name_is_told_apart_from_another_authority(files: TlsFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSE_CA_FILE", str(files.ca))
    for host in ("elsewhere.test", "127.0.0.1"):
        assert "is made out to another name" in refusal(files, host)
        assert "CSE_CA_FILE" not in refusal(files, host)


def test_an_expired_certificate_is_called_so() -> None:
    error = ssl.SSLCertVerificationError("certificate has expired")
    error.verify_code, error.verify_message = 10, "certificate has expired"
    assert why_not_trusted(error) == "has expired; renew it"


def test_whatever_is_shown_is_taken_without_verification(files: TlsFiles) -> None:
    shake_hands(client_context(verify=False), files, "elsewhere.test")


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "cannot be read: No such file or directory"), ("not a certificate", "holds no certificates in PEM form")],
    ids=["missing", "not-pem"],
)
def test_a_file_that_cannot_be_used_is_named_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None, problem: str
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("CSE_CA_FILE", str(path))
    with pytest.raises(SettingsError) as caught:
        prepare({"vcd": True})
    assert str(caught.value) == f"CSE_CA_FILE: {str(path)!r} {problem}"


def test_a_file_that_is_meant_for_us_must_be_usable_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSE_CA_FILE", "/nonexistent.pem")
    with pytest.raises(SettingsError, match="CSE_CA_FILE"):
        check_authorities(needed=False)


def test_a_file_that_is_meant_for_others_matters_where_something_is_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent.pem")
    check_authorities(needed=False)
    with pytest.raises(SettingsError, match="REQUESTS_CA_BUNDLE"):
        check_authorities(needed=True)


def test_what_is_not_verified_is_warned_of_by_name() -> None:
    with structlog.testing.capture_logs() as lines:
        prepare({"vcd": True, "vcs vc1": False})
    assert lines == [{"event": "certificate_not_checked", "of": "vcs vc1", "log_level": "warning"}]
