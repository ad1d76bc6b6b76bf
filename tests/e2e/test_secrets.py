"""What must never be written down is not, wherever it was sent to; `secrets` looks again when the run ends."""

import base64
import os
import uuid
from typing import Any

import pytest

from cse_testing.lab_cli import LabCli
from cse_testing.lab_secrets import LabSecrets
from cse_testing.secrets import leaks
from cse_testing.ssh import ssh_key
from cse_testing.vcd_rest import VcdRest

pytestmark = pytest.mark.timeout(240)


def test_secrets_that_are_sent_to_the_wrong_place_are_not_repeated(
    secrets: LabSecrets, tenant: LabCli, tenant_rest: VcdRest, lab: dict[str, str], cluster: str
) -> None:
    """Canaries: what people paste into the wrong field, or a client sends with another mistake in the same request."""
    tenant.run("cse", "cluster", "config", cluster)
    assert tenant_rest.send("GET", f"/api/cse/{cluster}/config").status == 200
    body = {"name": "x", "vdc": 5, "ssh_key": _canary(secrets, "value beside a wrong one")}
    assert tenant_rest.send("POST", "/api/cse", body).status == 400
    private = (
        f"-----BEGIN OPENSSH PRIVATE KEY-----\n{_canary(secrets, 'private key')}\n-----END OPENSSH PRIVATE KEY-----"
    )
    assert tenant_rest.send("POST", "/api/cse", _creation(lab) | {"ssh_key": private}).status == 400
    broken = f'{{"password": "{_canary(secrets, "value in broken JSON")}"'.encode()
    assert tenant_rest.send("POST", "/api/cse", broken).status == 400
    query = f"/api/cse?vdc={lab['LAB_VDC']}&token={_canary(secrets, 'token in a query')}"
    assert tenant_rest.send("GET", query).status == 200
    for scheme in ("Bearer {}", "Basic {}", "{}"):
        headers = {"Authorization": scheme.format(_canary(secrets, "malformed token"))}
        assert VcdRest(lab["LAB_VCD"]).send("GET", "/api/cse", headers=headers).status == 401
    assert VcdRest(lab["LAB_VCD"], token=_canary(secrets, "wrong token")).send("GET", "/api/cse").status == 401
    secrets.learn()
    assert secrets.leaks() == []


def test_the_comment_of_a_key_is_not_written_down_either(
    secrets: LabSecrets, tenant: LabCli, tenant_rest: VcdRest, lab: dict[str, str]
) -> None:
    """Public keys are no secrets, but people put into comments what they would not tell everybody."""
    key = f"{ssh_key()} {_canary(secrets, 'comment of a key')}"
    (tenant.home / "key.pub").write_text(key)
    tenant.run(
        "cse", "cluster", "create", "keyed", "-n", lab["LAB_NETWORK"], "-N", "1", "-k", str(tenant.home / "key.pub")
    )
    secrets.learn()
    tenant.run("cse", "cluster", "delete", "keyed", "--yes")
    assert secrets.leaks() == []


def test_the_search_for_secrets_finds_them(secrets: LabSecrets, tenant_rest: VcdRest, cluster: str) -> None:
    token = str(tenant_rest.token)
    secrets.learn()
    assert len(secrets.known) > 40
    for form in (token, base64.b64encode(token.encode()).decode()):
        assert leaks(secrets.known, iter([("a log", f"x={form};".encode())])) != []
    assert leaks(secrets.known, iter([("a log", b"x=y")])) == []
    looked_at = {name for name, _ in secrets.places()}
    assert {"cse-state/operations.db", "cse-state/operations.db-wal", "the command line of clusters"} <= looked_at
    assert {f"logs/{name}.log" for name in ("gateway", "clusters", "templates", "install")} <= looked_at
    assert any(name.startswith("events of operations/") for name in looked_at)
    assert any(name.startswith("the task create_cluster") for name in looked_at)


def _canary(secrets: LabSecrets, what: str) -> str:
    canary = f"canary{uuid.uuid4().hex}{base64.b32encode(os.urandom(10)).decode()}"
    secrets.known.add(what, canary)
    return canary


def _creation(lab: dict[str, str]) -> dict[str, Any]:
    return {"name": "refused", "vdc": lab["LAB_VDC"], "network": lab["LAB_NETWORK"], "node_count": 0}
