"""The client in `docs/examples` does what its page says."""

import os
import subprocess
import sys
from pathlib import Path

from cse_clusters.application.ports import ScriptResult
from cse_testing.clusters.clients import Clients
from cse_testing.waiting import LIMIT_S

EXAMPLE = Path(__file__).parents[3] / "docs/examples/create_cluster.py"


def run(clients: Clients, *arguments: str, user: str = "alice") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, EXAMPLE, "--target", clients.address, *arguments],
        env={**os.environ, "VCD_TOKEN": f"token-of-{user}" if user else ""},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def test_it_creates_a_cluster_and_tells_how_it_goes(clients: Clients) -> None:
    ran = run(clients, "--vdc", "dev", "--network", "net", "--workers", "1", "demo")
    assert (ran.returncode, ran.stderr) == (0, "")
    lines = ran.stdout.splitlines()
    assert lines[0] == "  0 % queued"
    assert any(line.startswith("100 % Created cluster demo (") for line in lines)
    assert any(
        line.startswith("orgs/acme/vdcs/dev/clusters/demo is ready; its control plane is 10.0.0.") for line in lines
    )
    (vapp,) = clients.world.vcd.vapps.values()
    assert [line.split()[0] for line in lines[-2:]] == sorted(vapp.machines)


def test_it_says_why_a_request_is_refused(clients: Clients) -> None:
    ran = run(clients, "--vdc", "dev", "--network", "other", "demo")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "NOT_FOUND: cluster.network: VDC 'dev' has no network 'other'; there are: net\n"


def test_it_says_why_a_creation_fails(clients: Clients) -> None:
    clients.world.guests.on("BODY-worker", lambda *_: ScriptResult(exit_code=1, stdout="", stderr="no route to host"))
    ran = run(clients, "--vdc", "dev", "--network", "net", "--workers", "1", "demo")
    assert ran.returncode == 1
    assert "its script ended with 1: no route to host. Everything was taken back." in ran.stderr


def test_it_asks_for_a_token(clients: Clients) -> None:
    ran = run(clients, "--vdc", "dev", "--network", "net", "demo", user="")
    assert ran.returncode == 2
    assert "VCD_TOKEN is not set" in ran.stderr
