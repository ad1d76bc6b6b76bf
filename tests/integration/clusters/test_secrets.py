"""Nothing that opens a door is written down: not in logs, events, tasks or errors, not in a column of the store."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from google.longrunning import operations_pb2

from cse.clusters.v1 import cluster_service_pb2
from cse_lab.postgres import PrivatePostgres
from cse_testing.clusters.site import Metadata, Site, site
from cse_testing.secrets import KnownSecrets, leaks
from cse_testing.waiting import LIMIT_S, wait_until
from vcd_simulator.faults import ProgramFails, ProgramHangs

NAME = "orgs/-/vdcs/-/clusters/sealed"


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database that a test can read, too."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'operations.db'}"
    postgres: PrivatePostgres = request.getfixturevalue("postgres")
    return postgres.create_database()


def test_secrets_stay_secret(database: str, capfd: pytest.CaptureFixture[str]) -> None:
    secrets = KnownSecrets()
    seen: list[tuple[str, bytes]] = []
    with site(database=database) as vcd:
        alice = vcd.login("alice", "acme", "alice-secret")
        learn(secrets, vcd)
        joining = vcd.vcd.faults.add(program="kubeadm join*", error=ProgramHangs())
        operation = vcd.create(alice, "sealed", workers=1)
        wait_until(lambda: joining.injected == 1, "a worker to join")
        learn(secrets, vcd)
        seen.extend(("the store amid a creation", content) for content in stored(database))
        restart_workers(vcd)
        seen.extend(("an event", event.message.encode()) for event in vcd.watch(operation, alice))
        assert_ended_well(vcd, operation, alice, seen)
        request = cluster_service_pb2.GetKubeconfigRequest(name=NAME)
        secrets.learn_kubeconfig(vcd.clusters.GetKubeconfig(request, metadata=alice, timeout=LIMIT_S).kubeconfig)
        seen.append(("a failed operation", fail_to_add_a_node(vcd, alice).SerializeToString()))
        seen.extend(("a task", str(task).encode()) for task in learn(secrets, vcd)["tasks"])
        seen.extend(("the store", content) for content in stored(database))
    seen.extend(("the store after the end", content) for content in stored(database))
    output = "".join(capfd.readouterr())
    assert "operation_accepted" in output
    seen.append(("the log", output.encode()))
    assert len(secrets) > 30
    assert sum(len(content) for _, content in seen) > 50_000
    assert leaks(secrets, iter(seen)) == []


def learn(secrets: KnownSecrets, vcd: Site) -> dict[str, Any]:
    """Learns the secrets that there are now; returns the simulator's state."""
    state: dict[str, Any] = json.loads(vcd.vcd.saved(sessions=True, files=False))
    secrets.learn_state(state)
    secrets.learn({"password": "vcd-secret"}, "service account's")
    secrets.learn({"password": "vc-secret"}, "vCenter account's")
    return state


def restart_workers(vcd: Site) -> None:
    for guest in vcd.vcd.hypervisor.guests_of("vc1"):
        if guest.names[0].startswith("node-"):
            vcd.vcd.hypervisor.reset(guest.moid)


def assert_ended_well(
    vcd: Site, operation: operations_pb2.Operation, alice: Metadata, seen: list[tuple[str, bytes]]
) -> None:
    seen.append(("an operation", vcd.succeeded(operation, alice).SerializeToString()))


def fail_to_add_a_node(vcd: Site, alice: Metadata) -> operations_pb2.Operation:
    """The script prints all that it was given, as `bash -x` would."""
    said = "kubeadm join 10.10.0.10:6443 --token abcdef.0123456789abcdef password: hunter2hunter2"
    vcd.vcd.faults.add(program="kubeadm join*", error=ProgramFails(stderr=said))
    ended = vcd.ended(vcd.add_nodes(alice, "sealed"), alice)
    assert "| kubeadm join 10.10.0.10:6443 --token *** password: ***. " in ended.error.message
    assert "abcdef.0123456789abcdef" not in ended.error.message
    assert "hunter2hunter2" not in ended.error.message
    return ended


def stored(database: str) -> Iterator[bytes]:
    """All that the database holds, in every table of every schema; of SQLite also the raw files."""
    if database.startswith("sqlite:///"):
        path = Path(database.removeprefix("sqlite:///"))
        for file in path.parent.glob(f"{path.name}*"):
            if not file.name.endswith((".key", ".lock")):
                yield file.read_bytes()
        with closing(sqlite3.connect(path)) as connection:
            names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for name in names:
                yield from (repr(row).encode() for row in connection.execute(f'SELECT * FROM "{name}"'))
        return
    with psycopg.connect(database) as there:
        tables = there.execute(
            "SELECT table_schema, table_name FROM information_schema.tables"
            " WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        assert len(tables) > 5
        for schema, name in tables:
            yield from (repr(row).encode() for row in there.execute(f'SELECT * FROM "{schema}"."{name}"'))
