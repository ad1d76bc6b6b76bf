"""Guests seen from outside: over HTTP, from Python, and with the command `vcd-simulator guest`."""

import json
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyvcloud.vcd.vapp import VApp
from pyVim.connect import SmartConnect
from pyVmomi import vim as typed_vim
from tests.integration.simulator.control.conftest import Control

from cse_testing.pyvcloud_client import Tenant, logged_in
from cse_testing.waiting import LIMIT_S
from vcd_simulator.control.guests import AmbiguousGuestError
from vcd_simulator.guests.errors import PowerStateError
from vcd_simulator.inventory import Inventory, lab_text
from vcd_simulator.simulator import Simulator

PROGRAM = str(Path(sys.executable).with_name("vcd-simulator"))
vim: Any = typed_vim  # made when it is imported, so untyped
connect: Any = SmartConnect
TEXT = 'ünï "quoted" it\'s $(no) `no` \\n\n\ttab\n'


@pytest.fixture(scope="module")
def vcd() -> Iterator[Simulator]:
    """The lab, with the provider's catalog published."""
    published = lab_text().replace("vdc: cse-provider-vdc\n", "vdc: cse-provider-vdc\n        published: true\n")
    with Simulator(Inventory.parse(published, "the lab")) as running:
        yield running


@pytest.fixture(scope="module")
def tenant(vcd: Simulator) -> Iterator[Tenant]:
    with logged_in(vcd, "alice", "31.0") as client:
        yield Tenant(client)


@pytest.fixture(scope="module")
def name() -> str:
    return f"inspected-{uuid.uuid4().hex[:6]}"


@pytest.fixture(scope="module")
def moid(vcd: Simulator, tenant: Tenant, name: str) -> Iterator[str]:
    vapp: VApp = tenant.compose(name)
    tenant.wait(vapp.add_vms([tenant.machine(name)]))
    vapp.reload()
    found = str(vapp.get_vm_moid(name))
    vcd.hypervisor.wait_for_tools(found, LIMIT_S)
    yield found
    tenant.wait(tenant.vdc.delete_vapp(name, force=True))


@pytest.fixture
def guest(vcd: Simulator, moid: str, tmp_path: Path) -> Callable[..., "subprocess.CompletedProcess[bytes]"]:
    ready = tmp_path / "ready.json"
    facts = {"url": vcd.url, "ca_file": vcd.ca_file, "control_token": vcd.control_token}
    ready.write_text(json.dumps(facts))

    def run(*arguments: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        line = [PROGRAM, "guest", "--ready-file", str(ready), *arguments]
        return subprocess.run(line, input=stdin, capture_output=True, timeout=LIMIT_S, check=False)

    return run


def test_guests_are_listed_with_their_vms(control: Control, moid: str, name: str) -> None:
    (found,) = [one for one in control.call("GET", "/guests")["guests"] if one["moid"] == moid]
    assert (found["vm"], found["vapp"], found["org"], found["vcenter"]) == (name, name, "acme", "vc1")
    assert (found["power"], found["tools"]) == ("poweredOn", "guestToolsRunning")
    assert len(found["addresses"]) == 1


def test_a_script_s_output_comes_back_exactly(control: Control, vcd: Simulator, moid: str, name: str) -> None:
    script = "cat /tmp/text; printf '\\xff\\x00' >&2; exit 3"
    vcd.hypervisor.guest(moid).tree.write("/tmp/text", TEXT)
    for guest in (moid, name):
        answer = control.call("POST", f"/guests/{guest}/exec", json={"script": script})
        assert answer == {"exit_code": 3, "stdout": TEXT, "stderr": "\udcff\x00"}
    assert vcd.guests.execute(name, script) == (3, TEXT, "\udcff\x00")


def test_a_megabyte_comes_back_exactly(control: Control, vcd: Simulator, moid: str) -> None:
    text = "".join(chr(0x20 + number % 0x2000) for number in range(500_000)).replace("\ud800", "")
    vcd.hypervisor.guest(moid).tree.write("/tmp/large", text)
    assert len(text.encode()) > 1 << 20
    assert control.call("POST", f"/guests/{moid}/exec", json={"script": "cat /tmp/large"})["stdout"] == text


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"script": "sleep 60", "timeout_s": 0.1}, 504, "timeout_s"),
        ({"script": "true", "user": "nobody-there"}, 400, "nobody-there"),
        ({"command": "true"}, 400, "script"),
        ({"script": "true", "timeout_s": -1}, 400, "timeout_s"),
        ([], 400, "script to run"),
    ],
    ids=["slow", "stranger", "no-script", "bad-time", "no-object"],
)
def test_what_cannot_be_run(control: Control, moid: str, body: Any, status: int, reason: str) -> None:
    assert reason in control.call("POST", f"/guests/{moid}/exec", status, json=body)["error"]


def test_files_go_in_and_out(control: Control, vcd: Simulator, moid: str, name: str) -> None:
    content = bytes(range(256)) * 5000
    control.call("PUT", f"/guests/{moid}/file", 204, params={"path": "/srv/b i n", "mode": "750"}, data=content)
    reply = control.session.get(
        f"{vcd.url}/simulator/guests/{name}/file", params={"path": "/srv/b i n"}, timeout=LIMIT_S
    )
    assert reply.content == content
    assert vcd.guests.execute(moid, "stat -c %a '/srv/b i n'").stdout == "750\n"
    for path, status in (
        ("/none", 404),
        ("/srv", 400),
        ("relative", 400),
        ("", 400),
        ("/etc/../../../../etc/shadow", 200),
    ):
        answer = control.session.get(f"{vcd.url}/simulator/guests/{moid}/file", params={"path": path}, timeout=LIMIT_S)
        assert answer.status_code == status, path
    assert "octal" in control.call("PUT", f"/guests/{moid}/file", 400, params={"path": "/srv/x", "mode": "9"})["error"]


def test_the_log_tells_what_happened(control: Control, vcd: Simulator, moid: str) -> None:
    vcd.guests.execute(moid, "modprobe nonsense")
    texts = [entry["text"] for entry in control.call("GET", f"/guests/{moid}/log")["log"]]
    assert "power: poweredOn" in texts
    assert "tools: guestToolsRunning" in texts
    assert "modprobe nonsense ended with 1" in texts
    assert any(text.startswith("program ") and text.endswith(" ended with 1") for text in texts)


def test_only_those_who_may_look(vcd: Simulator, moid: str, alice: Any) -> None:
    for path in ("/guests", f"/guests/{moid}/log", f"/guests/{moid}/file?path=/etc/shadow"):
        assert alice.send("GET", f"/simulator{path}").status == 403


def test_guests_that_are_not_there_or_off(control: Control, vcd: Simulator, tenant: Tenant, moid: str) -> None:
    assert "GET /simulator/guests" in control.call("GET", "/guests/nobody/log", 404)["error"]
    twins = [f"twins-{uuid.uuid4().hex[:6]}" for _ in range(2)]
    for one in twins:
        vapp = tenant.compose(one)
        tenant.wait(vapp.add_vms([tenant.machine("twin")]))
        vapp.reload()
        tenant.wait(vapp.power_off())
    with pytest.raises(AmbiguousGuestError, match="vm-"):
        vcd.guests.find("twin")
    assert "moids" in control.call("POST", "/guests/twin/exec", 409, json={"script": "true"})["error"]
    off = vcd.cloud.vms.find("name", "twin")[0].moid
    assert "poweredOff" in control.call("POST", f"/guests/{off}/exec", 409, json={"script": "true"})["error"]
    with pytest.raises(PowerStateError):
        vcd.guests.execute(off, "true")
    for one in twins:
        tenant.wait(tenant.vdc.delete_vapp(one, force=True))


def test_the_command_runs_commands(guest: Callable[..., Any], name: str) -> None:
    done = guest("exec", name, "--", "sh", "-c", 'printf "%s\\n" "$1"; echo err >&2; exit 4', "sh", TEXT)
    assert (done.returncode, done.stdout.decode(), done.stderr) == (4, TEXT + "\n", b"err\n")
    assert guest("exec", name, "--script", "-", stdin=b"cat <<'E'\n$(no)\nE").stdout == b"$(no)\n"
    assert guest("exec", name, "id", "-un").stdout == b"root\n"
    assert guest("exec", name).returncode == 2
    assert guest("exec", "--user", "nobody", name, "--", "id", "--user").stdout == b"65534\n"
    refused = guest("exec", "nobody", "true")
    assert (refused.returncode, refused.stdout) == (1, b"")
    assert b"there is no virtual machine" in refused.stderr


def test_the_command_lists_and_copies(guest: Callable[..., Any], name: str, moid: str, tmp_path: Path) -> None:
    assert moid in guest("list").stdout.decode()
    assert moid in [one["moid"] for one in json.loads(guest("list", "--output", "json").stdout)]
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(b"\x00\xff")
    assert guest("cp", str(source), f"{name}:/srv/").returncode == 0
    assert guest("cp", f"{name}:/srv/a", str(target)).returncode == 0
    assert target.read_bytes() == b"\x00\xff"
    assert guest("cp", "-", f"{moid}:/srv/c", stdin=b"from here").returncode == 0
    assert guest("cp", f"{moid}:/srv/c", "-").stdout == b"from here"
    assert guest("cp", "x", "y").returncode == 2
    assert b"No such file" in guest("cp", f"{moid}:/none", "-").stderr
    assert "power: poweredOn" in guest("logs", name).stdout.decode()


def test_without_a_token_the_command_says_what_to_do(vcd: Simulator, moid: str) -> None:
    line = [PROGRAM, "guest", "list"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=LIMIT_S, check=False, env={"PATH": "/usr/bin"})
    assert done.returncode == 2
    assert "--ready-file" in done.stderr
    wrong = [PROGRAM, "guest", "--url", vcd.url, "--ca-file", vcd.ca_file, "--control-token", "wrong", "list"]
    done = subprocess.run(wrong, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "control token" in done.stderr


def test_sessions_of_a_vcenter_expire(control: Control, vcd: Simulator) -> None:
    vcenter = vcd.vcenters["vc1"]
    where = {"host": vcenter.host, "port": vcenter.port, "user": vcenter.user, "pwd": vcenter.password}
    client: Any = connect(**where, disableSslCertValidation=True)
    assert client.content.rootFolder.name == "Datacenters"
    assert control.call("POST", "/vcenters/vc1/sessions/expire") == {"expired": 1}
    with pytest.raises(vim.fault.NotAuthenticated):
        _ = client.content.rootFolder.name
    assert vcd.expire_sessions("vc1") == 0
    assert "vc1" in control.call("POST", "/vcenters/none/sessions/expire", 404)["error"]
    client._stub.DropConnections()


def test_many_look_at_once(vcd: Simulator, moid: str) -> None:
    codes: list[int] = []
    threads = [
        threading.Thread(target=lambda n=n: codes.append(vcd.guests.execute(moid, f"exit {n}").exit_code))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == list(range(8))
