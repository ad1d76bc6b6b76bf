"""States over HTTP, and what becomes of guests."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cse_testing.guests import Machine, mint
from cse_testing.vcd_rest import XML, VcdRest
from cse_testing.waiting import LIMIT_S, wait_until
from vcd_simulator.guests import GuestSpec
from vcd_simulator.guests.spec import PowerState
from vcd_simulator.simulator import Simulator
from vcd_simulator.state import StateError


@pytest.fixture
def clean(vcd: Simulator) -> Iterator[Simulator]:
    vcd.reset()
    yield vcd
    vcd.reset()


def boot(vcd: Simulator, name: str, address: str) -> Machine:
    vcd.hypervisor.create(name, "photon", "vc1")
    spec = GuestSpec(
        name=name, computer_name=name, ip_addresses=(address,), cpu_count=2, memory_mb=2048, customize=True
    )
    vcd.hypervisor.power_on(name, spec)
    return Machine(vcd.hypervisor, name, "photon")


def test_a_state_travels_over_http_and_a_reset_forgets_it(clean: Simulator, control: Any) -> None:
    with clean.cloud.lock:
        org = clean.cloud.orgs.first("name", "acme")
        assert org is not None
        org.description = "changed"
    saved = control.call("GET", "/state")
    control.call("POST", "/state/reset", 204)
    assert "changed" not in json.dumps(control.call("GET", "/state"))
    alice = VcdRest.login(clean.address, org="acme", user="alice", password="alice-secret")
    control.call("PUT", "/state", 204, data=json.dumps(saved))
    assert alice.send("GET", "/api/session", accept=XML).status == 401, "all sessions have ended"
    assert control.call("GET", "/state")["tables"] == saved["tables"]


def test_a_state_with_sessions_lets_clients_go_on(clean: Simulator, control: Any) -> None:
    alice = VcdRest.login(clean.address, org="acme", user="alice", password="alice-secret")
    saved = control.call("GET", "/state?sessions=true")
    control.call("POST", "/state/reset", 204)
    control.call("PUT", "/state", 204, data=json.dumps(saved))
    assert alice.send("GET", "/api/session", accept=XML).status == 200


def test_nonsense_is_refused_and_nothing_changes(clean: Simulator, control: Any) -> None:
    saved = control.call("GET", "/state")
    assert "not JSON" in control.call("PUT", "/state", 400, data=b"{")["error"]
    assert "is true or false" in control.call("GET", "/state?files=maybe", 400)["error"]
    assert "--state FILE" in control.call("POST", "/state/save", 409)["error"]
    assert control.call("GET", "/state")["tables"] == saved["tables"]
    saved["tables"]["orgs"] = []
    assert "contradicts itself" in control.call("PUT", "/state", 400, data=json.dumps(saved))["error"]
    VcdRest.login(clean.address, org="acme", user="alice", password="alice-secret")


def test_a_kubernetes_cluster_outlives_a_restart(clean: Simulator) -> None:
    control_plane, worker = boot(clean, "cp", "10.9.0.1"), boot(clean, "w", "10.9.0.2")
    control_plane.succeed("kubeadm init --pod-network-cidr 10.244.0.0/16\n")
    join = mint_after_copy(control_plane)
    control_plane.files.write("/root/it's here\n", b"\x00\xff")
    saved = clean.saved()
    clean.reset()
    clean.restore(saved)
    control_plane, worker = (Machine(clean.hypervisor, name, "photon") for name in ("cp", "w"))
    assert control_plane.files.read("/root/it's here\n") == b"\x00\xff"
    assert control_plane.succeed("hostname") == "cp\n"
    line = f"kubeadm join {join.endpoint} --token {join.token} --discovery-token-ca-cert-hash {join.ca_hash}\n"
    worker.succeed(line)
    nodes = control_plane.succeed("KUBECONFIG=/etc/kubernetes/admin.conf kubectl get nodes -o name\n")
    assert nodes.split() == ["node/cp", "node/w"]


def mint_after_copy(control_plane: Machine) -> Any:
    control_plane.succeed("mkdir -p /root/.kube && cp /etc/kubernetes/admin.conf /root/.kube/config\n")
    return mint(control_plane)


def test_captured_images_and_power_states_come_back_and_files_only_if_wanted(clean: Simulator) -> None:
    hypervisor = clean.hypervisor
    source = boot(clean, "source", "10.9.0.3")
    source.files.write("/root/mark", "first")
    image = hypervisor.capture("source")
    hypervisor.create("copy", image, "vc1")
    hypervisor.suspend("source")
    clean.restore(clean.saved())
    assert hypervisor.power_state("source") is PowerState.SUSPENDED
    assert hypervisor.power_state("copy") is PowerState.OFF
    assert hypervisor.guest("copy").tree.read("/root/mark") == b"first"
    clean.restore(clean.saved(files=False))
    assert not hypervisor.guest("source").tree.exists("/root/mark")
    assert hypervisor.guest("copy").tree.exists("/root/mark"), "an image's files are always kept"


def test_a_guest_that_was_booting_boots(clean: Simulator) -> None:
    fault = clean.faults.add(guest="slow", at="boot", delay_s=LIMIT_S * 10)
    clean.hypervisor.create("slow", "photon", "vc1")
    clean.hypervisor.power_on("slow", GuestSpec(name="slow", computer_name="slow"))
    wait_until(lambda: fault.injected == 1, "the boot")
    clean.restore(clean.saved())
    clean.hypervisor.wait_for_tools("slow", LIMIT_S)


def wait_until_ready(process: "subprocess.Popen[bytes]", ready: Path) -> None:
    wait_until(lambda: ready.exists() or process.poll() is not None, "the ready file")
    assert ready.exists(), process.communicate()


def test_the_command_continues_where_it_ended(tmp_path: Path) -> None:
    state, ready = tmp_path / "state.json.gz", tmp_path / "ready.json"
    arguments = ["--listen", "127.0.0.1:0", "--state", str(state), "--ready-file", str(ready)]
    for run in range(2):
        program = Path(sys.executable).with_name("vcd-simulator")
        process = subprocess.Popen([program, "serve", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            wait_until_ready(process, ready)
            facts = json.loads(ready.read_text())
            assert ready.stat().st_mode & 0o777 == 0o600
            vcd = VcdRest(facts["address"])
            headers = {"x-simulator-token": facts["control_token"]}
            whole = vcd.send("GET", "/simulator/state", headers=headers).json()
            org = next(one for one in whole["tables"]["orgs"] if one["name"] == "acme")
            if run:
                assert org["description"] == "kept"
                assert whole["tables"]["vim_servers"][0]["url"] == f"https://{facts['vcenters']['vc1']['address']}"
            org["description"] = "kept"
            assert vcd.send("PUT", "/simulator/state", whole, headers=headers).status == 204
            assert vcd.send("POST", "/simulator/state/save", headers=headers).json() == {"saved": str(state)}
            os.kill(process.pid, signal.SIGTERM)
            _, err = process.communicate(timeout=LIMIT_S)
            assert (process.returncode, b"Traceback" in err) == (0, False), err
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()
    state.write_bytes(b"x")
    with pytest.raises(StateError, match="cannot read the state"):
        Simulator(state_file=state).start()
