"""What the page about control shows works as it is written there: Python, HTTP, the command, profiles."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.integration.simulator.control.conftest import Control

from cse_testing.pyvcloud_client import Tenant, logged_in
from cse_testing.waiting import LIMIT_S
from vcd_simulator.inventory import Inventory, lab_text
from vcd_simulator.latency import Latency, Profile
from vcd_simulator.simulator import Simulator

PAGE = (Path(__file__).parents[4] / "docs" / "simulator" / "control.md").read_text(encoding="utf-8")
GUEST = "mstr-1"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def commands(block: str) -> str:
    """The lines of a console block that a user types."""
    typed: list[str] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            typed.append(line.removeprefix("$ "))
        elif typed and typed[-1].endswith("\\"):
            typed.append(line)
    return "\n".join(typed)


@pytest.fixture(scope="module")
def vcd() -> Iterator[Simulator]:
    """The lab with a cluster's control plane in it."""
    published = lab_text().replace("vdc: cse-provider-vdc\n", "vdc: cse-provider-vdc\n        published: true\n")
    with Simulator(Inventory.parse(published, "the lab")) as running:
        with logged_in(running, "alice", "31.0") as client:
            tenant = Tenant(client)
            vapp = tenant.compose("shown")
            tenant.wait(vapp.add_vms([tenant.machine(GUEST)]))
        guest = running.guests.find(GUEST)
        running.hypervisor.wait_for_tools(guest.moid, LIMIT_S)
        made = running.guests.execute(
            GUEST, "kubeadm init && mkdir -p /root/.kube && cp /etc/kubernetes/admin.conf /root/.kube/config"
        )
        assert made.exit_code == 0, made.stderr
        yield running


@pytest.fixture(autouse=True)
def _place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("number", range(len(blocks("json"))))
def test_faults_are_set_over_http(vcd: Simulator, control: Control, number: int) -> None:
    fault = control.call("POST", "/faults", 201, data=blocks("json")[number])
    assert [one["id"] for one in control.call("GET", "/faults")["faults"]] == [fault["id"]]
    control.call("DELETE", "/faults", 204)


def test_the_command_and_http_look_into_guests(vcd: Simulator, tmp_path: Path) -> None:
    facts = {"url": vcd.url, "ca_file": vcd.ca_file, "control_token": vcd.control_token}
    (tmp_path / "ready.json").write_text(json.dumps(facts))
    (block,) = [one for one in blocks("console") if "vcd-simulator guest" in one]
    script = commands(block).replace("https://127.0.0.1:8443", vcd.url)
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "token": vcd.control_token,
        "no_proxy": "*",
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {"exit_code": 0, "stdout": f"{GUEST}\n", "stderr": ""}
    assert (tmp_path / "config").read_text().startswith("apiVersion: v1")


def test_python_does_it_all(vcd: Simulator) -> None:
    """In the order of the page; the last of them resets the simulator."""
    for number, block in enumerate(blocks("python")):
        exec(compile(block, f"example {number} of the page", "exec"), {"vcd": vcd, "Path": Path})
    vcd.faults.clear()


def test_a_profile_decides_how_long_things_take() -> None:
    (text,) = [one for one in blocks("yaml") if "delays:" in one]
    latency = Latency(Profile.model_validate(yaml.safe_load(text)), seed=1)
    same = Latency(Profile.model_validate(yaml.safe_load(text)), seed=1)
    assert latency.delay("task.vdcRecomposeVapp") == same.delay("task.vdcRecomposeVapp") != 0
    assert latency.delay("vcenter.PowerOnVM_Task") != latency.delay("vcenter.PowerOnVM_Task")
    assert 55 * 0.65 <= latency.delay("guest.boot") <= 55 * 1.35
    assert latency.delay("task.anything") > latency.delay("rest.query")
    assert latency.delay("nobody.names.it") == 0
