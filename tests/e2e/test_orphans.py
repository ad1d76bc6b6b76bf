"""`cse orphans` of a provider, against the running service: through vCD, RabbitMQ and the gateway."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cse_testing.lab_cli import LabCli
from cse_testing.vcd_rest import VcdRest
from cse_testing.waiting import LIMIT_S


def cse(lab: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cse_cli", "orphans", *arguments, "-c", lab["LAB_CONFIG"]],
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )


@contextmanager
def fault(sysadmin: VcdRest, when: dict[str, str], error: dict[str, Any]) -> Iterator[None]:
    made = sysadmin.send("POST", "/simulator/faults", {"when": when, "error": error, "times": None})
    assert made.status == 201, made
    try:
        yield
    finally:
        sysadmin.send("DELETE", f"/simulator/faults/{made.json()['id']}")


def test_what_could_not_be_taken_back_is_listed_and_reclaimed(
    tenant: LabCli, sysadmin_rest: VcdRest, lab: dict[str, str], cluster: str
) -> None:
    failing = fault(sysadmin_rest, {"program": "kubeadm join*"}, {"kind": "program-fails"})
    refusing = fault(sysadmin_rest, {"method": "DELETE", "route": "/api/vApp/*"}, {"kind": "http", "status": 400})
    with failing, refusing:
        created = tenant.attempt("cse", "cluster", "create", "stranded", "-n", lab["LAB_NETWORK"], "-N", "1")
    assert created.exit_code == 1
    assert "stranded" in tenant.run("vapp", "list").text

    listed = cse(lab, "list", "--output", "json")
    assert listed.returncode == 0, listed.stderr
    (orphan,) = json.loads(listed.stdout)["orphans"]
    assert (orphan["name"], orphan["org"], orphan["cause"]) == ("stranded", lab["LAB_ORG"], "ROLLBACK_FAILED")

    told = cse(lab, "reclaim")
    assert told.returncode == 0, told.stderr
    assert f"{orphan['id']} (stranded): would be reclaimed" in told.stdout
    assert "stranded" in tenant.run("vapp", "list").text

    done = cse(lab, "reclaim", "--execute", "--yes")
    assert done.returncode == 0, done.stderr
    assert f"{orphan['id']} (stranded): reclaimed" in done.stdout
    shown = tenant.run("vapp", "list").text
    assert "stranded" not in shown
    assert cluster in shown
    assert json.loads(cse(lab, "list", "--output", "json").stdout) == {"orphans": []}


def test_tenants_find_no_orphans(lab: dict[str, str], tenant_rest: VcdRest) -> None:
    assert tenant_rest.send("GET", "/api/cse/_orphans").status == 403
    assert tenant_rest.send("POST", "/api/cse/_orphans/reclaim", {"execute": True}).status == 403
