"""The search for secrets finds every form of them, and says what it has found without saying it."""

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from cse_testing.secrets import KnownSecrets, files_below, leaks

SECRET = 'it\'s "s3cret"/+ü'
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\nqDOr0W3LTyoIxVZTMgg\n-----END RSA PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    "form",
    [SECRET, quote(SECRET, safe=""), json.dumps(SECRET)[1:-1], base64.b64encode(SECRET.encode()).decode()],
    ids=["plain", "url", "json", "base64"],
)
def test_a_secret_is_found_in_every_form(form: str) -> None:
    known = KnownSecrets()
    known.add("password of root", SECRET)
    found = leaks(known, iter([("fine.log", b"x"), ("bad.log", f"a{form}b".encode())]))
    assert found == ["bad.log holds password of root"]


def test_a_line_of_a_private_key_is_enough() -> None:
    known = KnownSecrets()
    known.learn_state({"guests": {"clusters": [{"pki": {"ca_key": PEM}}]}, "sessions": {"key": "0123456789"}})
    assert known.seen_in(b"x qDOr0W3LTyoIxVZTMgg y") == {"guests clusters pki ca_key"}
    assert known.seen_in(base64.b64encode(PEM.encode())) == {"guests clusters pki ca_key"}
    assert known.seen_in(b"0123456789") == {"key that JWTs are signed with"}
    assert known.seen_in(b"-----BEGIN RSA PRIVATE KEY-----") == set()


def test_words_are_no_secrets() -> None:
    known = KnownSecrets()
    known.learn({"amqp": {"password": "guest"}, "vcd": {"password": "vcd-secret"}})
    assert known.seen_in(b"guest") == set()
    assert known.seen_in(b"vcd-secret") == {"vcd password"}


def test_a_kubeconfig_gives_its_credentials() -> None:
    known = KnownSecrets()
    known.learn_kubeconfig("users: [{user: {client-key-data: TFMwdExTMUNS, client-certificate-data: cHVibGljIQ==}}]")
    assert known.seen_in(b"cHVibGljIQ== TFMwdExTMUNS") == {"kubeconfig's client-key-data"}


def test_every_file_is_looked_at_but_those_for_secrets(tmp_path: Path) -> None:
    for name in ("a.log", "home/token", "store/db-wal", "store/db.key"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    found = dict(files_below(tmp_path, but=frozenset({"home", "store/db.key"})))
    assert found == {"a.log": b"a.log", "store/db-wal": b"store/db-wal"}
