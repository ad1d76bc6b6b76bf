"""Many clients at work in one simulator at the same time: real ones, in threads, each doing what tenants do all day."""

import json
import logging
import os
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pyvcloud.vcd.client import BasicLoginCredentials, Client, QueryResultFormat
from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim as typed_vim

from cse_testing.pyvcloud_client import ORGS, PASSWORDS, Tenant
from cse_testing.vcd_rest import VcdRest
from cse_testing.waiting import LIMIT_S, wait_until
from vcd_simulator.inventory import Inventory, lab_text

VMS = 2
USERS = (("alice", "acme-vdc"), ("carol", "globex-vdc"))
vim: Any = typed_vim  # made when it is imported, so untyped
connect: Any = SmartConnect
disconnect: Any = Disconnect


@dataclass
class Tally:
    """What all clients have done so far."""

    rounds: int = 0
    tasks: int = 0
    programs: int = 0
    errors: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, *, rounds: int = 0, tasks: int = 0, programs: int = 0) -> None:
        with self._lock:
            self.rounds += rounds
            self.tasks += tasks
            self.programs += programs


class Site:
    """A simulator in a process of its own."""

    def __init__(self, process: "subprocess.Popen[bytes]", facts: dict[str, Any], state_dir: Path) -> None:
        self.process = process
        self.facts = facts
        self.state_dir = state_dir
        self.passwords = {one.name: one.password.get_secret_value() for one in Inventory.lab().vcenters}

    def control(self, method: str, path: str) -> Any:
        headers = {"x-simulator-token": self.facts["control_token"]}
        reply = VcdRest(self.facts["address"]).send(method, f"/simulator{path}", headers=headers)
        assert reply.status < 300, reply
        return reply.json() if reply.body else None

    @property
    def memory_mb(self) -> float:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    @property
    def open_files(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    @property
    def children(self) -> list[int]:
        """Processes that the simulator has started and that have not ended."""
        found: list[int] = []
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):  # threads come and go
                found += map(int, (task / "children").read_text().split())
        return found

    @property
    def guest_folders(self) -> list[Path]:
        return list(self.state_dir.glob("vcdsim-*/guests/*"))


@contextmanager
def serving(folder: Path) -> Iterator[Site]:
    """A simulator with room for many, whose tasks take a moment."""
    document: dict[str, Any] = yaml.safe_load(lab_text())
    for org in document["orgs"]:
        for catalog in org.get("catalogs", []):
            catalog["published"] = True
    inventory, ready, state_dir, log = (folder / name for name in ("inventory.yaml", "ready.json", "state", "log"))
    inventory.write_text(yaml.safe_dump(document))
    state_dir.mkdir()
    command: list[str | Path] = [Path(sys.executable).with_name("vcd-simulator"), "serve", "--listen", "127.0.0.1:0"]
    command += ["--inventory", inventory, "--ready-file", ready, "--state-dir", state_dir]
    command += ["--profile", "lab", "--scale", "0.1"]
    with log.open("wb") as errors:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
    try:
        wait_until(lambda: ready.exists() or process.poll() is not None, "the simulator to be ready")
        assert process.poll() is None, log.read_text()
        yield Site(process, json.loads(ready.read_text()), state_dir)
        process.terminate()
        assert process.wait(LIMIT_S) == 0, log.read_text()
        assert "Traceback" not in log.read_text(), log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def soak(site: Site, *, clients: int, seconds: float, on_quarter: Callable[[], None]) -> Tally:
    """Let clients work, and give each of them a turn before and after a quarter of the time, even if that takes longer.

    `on_quarter` is called when the quarter is over. Stops at the first error.
    """
    tally = Tally()
    began = time.monotonic()
    stop = threading.Event()
    logging.disable(logging.DEBUG)  # pyvcloud tells everything that it sends
    with ThreadPoolExecutor(clients, thread_name_prefix="client") as pool:
        workers = [pool.submit(_work, site, number, stop, tally) for number in range(clients)]

        def work_until(elapsed_s: float, rounds: int) -> None:
            while (time.monotonic() - began < elapsed_s or tally.rounds < rounds) and not stop.is_set():
                stop.wait(0.25)

        work_until(seconds / 4, clients)
        on_quarter()
        work_until(seconds, 2 * clients)
        stop.set()
        for worker in workers:
            worker.result()
    logging.disable(logging.NOTSET)
    return tally


def _work(site: Site, number: int, stop: threading.Event, tally: Tally) -> None:
    vcenter = site.facts["vcenters"]["vc1"]
    session = connect(
        host=vcenter["host"],
        port=vcenter["port"],
        user=vcenter["user"],
        pwd=site.passwords["vc1"],
        disableSslCertValidation=True,
    )
    try:
        turn = 0
        while not stop.is_set():
            turn += 1
            try:
                _round(site, session, number, f"soak-{number}-{turn}", tally)
            except Exception as exc:  # noqa: BLE001  # whatever goes wrong is what the soak looks for
                tally.errors.append(f"client {number}, round {turn}: {type(exc).__name__}: {exc}")
                stop.set()
    finally:
        disconnect(session)
        session._stub.DropConnections()


def _round(site: Site, session: Any, number: int, name: str, tally: Tally) -> None:
    """One vApp's life: made, filled, looked at, used from inside, taken down."""
    user, vdc = USERS[number % len(USERS)]
    client = Client(
        site.facts["url"],
        api_version=("31.0", "33.0", "36.0")[number % 3],
        verify_ssl_certs=site.facts["ca_file"],
        log_file=os.devnull,
    )
    client.set_credentials(BasicLoginCredentials(user, ORGS[user], PASSWORDS[user]))
    try:
        tenant = Tenant(client, vdc)
        network = vdc.replace("-vdc", "-net")
        vapp = tenant.compose(name, network)
        names = [f"{name}-{index}" for index in range(VMS)]
        machines = [tenant.machine(one, network=network, password_auto=True) for one in names]
        tenant.wait(vapp.add_vms(machines))
        vapp.reload()
        tenant.wait(vapp.set_metadata("GENERAL", "READWRITE", "soak", name))
        found = client.get_typed_query(
            "vApp", query_result_format=QueryResultFormat.RECORDS, qfilter=f"name=={name}"
        ).execute()
        assert [record.get("name") for record in found] == [name]
        for one in names:
            _use_guest(session, vapp.get_vm_moid(one), vapp.get_admin_password(one), one)
            tally.add(programs=1)
        tenant.wait(vapp.undeploy())
        tenant.wait(tenant.vdc.delete_vapp(name))
        tally.add(rounds=1, tasks=5)
    finally:
        client.logout()


def _use_guest(session: Any, moid: str, password: str, name: str) -> None:
    """Run a program in a guest that knows its own name."""
    vm = vim.VirtualMachine(moid, session._stub)
    wait_until(lambda: vm.guest.toolsRunningStatus == "guestToolsRunning", "the tools to run")
    login = vim.vm.guest.NamePasswordAuthentication(username="root", password=password, interactiveSession=False)
    manager = session.content.guestOperationsManager.processManager
    script = f'[ "$(hostname)" = {name} ] && echo done > /root/mark'
    spec = vim.vm.guest.ProcessManager.ProgramSpec(programPath="/bin/sh", arguments=f"-c {shlex.quote(script)}")
    pid = manager.StartProgramInGuest(vm, login, spec)

    def ended() -> Any:
        (process,) = manager.ListProcessesInGuest(vm, login, [pid])
        return None if process.endTime is None else process

    assert wait_until(ended, "the program to end").exitCode == 0
