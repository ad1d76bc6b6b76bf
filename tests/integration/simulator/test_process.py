"""The command `vcd-simulator`, as a process."""

import json
import os
import signal
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cse_testing.waiting import LIMIT_S
from vcd_simulator.inventory import Inventory

PROGRAM = str(Path(sys.executable).with_name("vcd-simulator"))


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=LIMIT_S, check=False)


@contextmanager
def serving(ready_file: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A running simulator and what its ready file says."""
    command = [PROGRAM, "serve", "--listen", "127.0.0.1:0", "--ready-file", str(ready_file), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        first = process.stdout.readline()  # printed once everything listens
        assert first.startswith("vCloud Director: https://127.0.0.1:"), process.communicate()
        yield process, json.loads(ready_file.read_text(encoding="utf-8"))
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=LIMIT_S)


def get(url: str, ca_file: str) -> bytes:
    context = ssl.create_default_context(cafile=ca_file)
    with urllib.request.urlopen(url, context=context, timeout=LIMIT_S) as response:
        return bytes(response.read())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_where_the_ready_file_says_and_ends_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    ready = tmp_path / "ready.json"
    with serving(ready) as (process, facts):
        assert facts["pid"] == process.pid
        assert b"<Version>31.0</Version>" in get(f"{facts['url']}/api/versions", facts["ca_file"])
        vcenter = facts["vcenters"]["vc1"]
        assert vcenter["address"] == f"{vcenter['host']}:{vcenter['port']}"
        assert b"urn:vim25" in get(f"https://{vcenter['address']}/sdk/vimServiceVersions.xml", facts["ca_file"])
        assert "vc-secret" not in ready.read_text(encoding="utf-8")
        os.kill(process.pid, number)
        _, err = process.communicate(timeout=LIMIT_S)
        assert process.returncode == 0, err
    assert not ready.exists(), "what has ended is not ready"
    assert not Path(facts["ca_file"]).exists()
    assert "Traceback" not in err


def test_an_address_in_use_is_named(tmp_path: Path) -> None:
    with serving(tmp_path / "ready.json") as (_, facts):
        again = run("serve", "--listen", facts["address"])
    assert again.returncode == 1
    assert f"cannot listen on {facts['address']}" in again.stderr
    assert "Traceback" not in again.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--listen", "8443"], 2, "HOST:PORT"),
        (["--listen", "127.0.0.1:99999"], 2, "HOST:PORT"),
        (["--profile", "fast"], 1, "instant, lab, field"),
        (["--inventory", "/nowhere/mine.yaml"], 1, "cannot read the inventory"),
        (["--vcenter-listen", "vc9=127.0.0.1:0"], 1, "no vCenter named vc9"),
        (["--vcenter-listen", "nonsense"], 2, "HOST:PORT"),
        (["--amqp", "http://example.com"], 1, "amqp://"),
        (["--scale", "-1"], 2, "scale"),
    ],
)
def test_misuse_is_explained(arguments: list[str], code: int, message: str) -> None:
    done = run("serve", "--listen", "127.0.0.1:0", *arguments)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_the_default_inventory_is_printed_and_can_be_used(tmp_path: Path) -> None:
    printed = run("inventory").stdout
    assert Inventory.parse(printed, "printed") == Inventory.lab()
    mine = tmp_path / "mine.yaml"
    mine.write_text(printed.replace("name: vc1", "name: vc7").replace("vcenter: vc1", "vcenter: vc7"), encoding="utf-8")
    arguments = ["--inventory", str(mine), "--vcenter-listen", "vc7=127.0.0.3:0", "--public-address", "vcd.test:443"]
    with serving(tmp_path / "ready.json", *arguments) as (_, facts):
        assert facts["vcenters"]["vc7"]["host"] == "127.0.0.3"
        versions = get(f"{facts['url']}/api/versions", facts["ca_file"])
        assert b"https://vcd.test:443/api/sessions" in versions


def test_help_shows_examples() -> None:
    for arguments in (["-h"], ["serve", "--help"]):
        done = run(*arguments)
        assert done.returncode == 0
        assert "vcd-simulator serve --profile lab" in done.stdout
