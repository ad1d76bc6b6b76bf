"""Two processes of the cluster manager on one PostgreSQL: one switch for both, which outlives them."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from cse.clusters.v1 import cluster_service_pb2, cluster_service_pb2_grpc
from cse.system.v1 import system_pb2, system_service_pb2, system_service_pb2_grpc
from cse_core.errors import CseError
from cse_core.grpc.status import error_of
from cse_core.secret import Secret
from cse_lab.postgres import PrivatePostgres
from cse_operations.agreements import Agreements
from cse_operations.database import Database
from cse_testing.clusters.landscape import session_id
from cse_testing.clusters.process import config_in, running
from cse_testing.clusters.site import Metadata
from cse_testing.operations.benches import KEY
from cse_testing.waiting import LIMIT_S, wait_until
from vcd_simulator.simulator import Simulator

RUNNING = system_pb2.System.STATE_RUNNING
DISABLED = system_pb2.System.STATE_DISABLED


@dataclass
class Replica:
    process: subprocess.Popen[bytes]
    system: system_service_pb2_grpc.SystemServiceStub
    clusters: cluster_service_pb2_grpc.ClusterServiceStub
    admin: Metadata

    def state(self) -> int:
        found: int = self.system.GetServiceState(system_service_pb2.GetServiceStateRequest(), timeout=LIMIT_S).state
        return found

    def await_state(self, state: int) -> None:
        wanted = system_pb2.System.State.Name(state)  # type: ignore[arg-type]
        wait_until(lambda: self.state() == state, wanted, seen=self.state)

    def get(self) -> system_pb2.System:
        request = system_service_pb2.GetSystemRequest()
        found: system_pb2.System = self.system.GetSystem(request, metadata=self.admin, timeout=LIMIT_S)
        return found

    def disable(self) -> None:
        self.system.DisableSystem(system_service_pb2.DisableSystemRequest(), metadata=self.admin, timeout=LIMIT_S)

    def enable(self) -> None:
        self.system.EnableSystem(system_service_pb2.EnableSystemRequest(), metadata=self.admin, timeout=LIMIT_S)

    def stop(self) -> system_service_pb2.StopSystemResponse:
        request = system_service_pb2.StopSystemRequest()
        answer: system_service_pb2.StopSystemResponse = self.system.StopSystem(
            request, metadata=self.admin, timeout=LIMIT_S
        )
        return answer

    def refuses(self) -> bool:
        request = cluster_service_pb2.ListClustersRequest(parent="orgs/-/vdcs/-")
        try:
            self.clusters.ListClusters(request, metadata=self.admin, timeout=LIMIT_S)
        except grpc.RpcError as exc:
            error: CseError = error_of(exc)
            assert error.code == "SERVICE_DISABLED", error
            return True
        return False


@pytest.fixture(scope="module")
def vcd() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def store(postgres: PrivatePostgres) -> str:
    return postgres.create_database()


@pytest.fixture
def start(vcd: Simulator, store: str, tmp_path: Path) -> Iterator[Callable[[str], Replica]]:
    """Starts a replica; each needs a name of its own."""
    admin = (("x-vcloud-authorization", session_id(vcd, "administrator", "System", "vcd-secret")),)
    config = config_in(tmp_path, vcd)
    shared = {"CSE_OPERATIONS_DATABASE": store, "CSE_OPERATIONS_KEY": KEY}
    with ExitStack() as stack:

        def begin(name: str) -> Replica:
            (tmp_path / name).mkdir()
            process, channel = stack.enter_context(running(config, tmp_path / name, **shared))
            return Replica(
                process=process,
                system=system_service_pb2_grpc.SystemServiceStub(channel),
                clusters=cluster_service_pb2_grpc.ClusterServiceStub(channel),
                admin=admin,
            )

        yield begin


def test_both_obey_a_restart_keeps_it_and_a_stop_ends_both(start: Callable[[str], Replica]) -> None:
    first, second = start("first"), start("second")
    seen = first.get()
    assert len(seen.replicas) == 2
    assert [each.id for each in seen.replicas] == [each.id for each in second.get().replicas]
    assert sum(each.thread_count > 0 for each in seen.replicas) == 1  # its own

    first.disable()
    assert first.refuses()
    second.await_state(DISABLED)
    assert second.refuses()

    second.process.terminate()
    assert second.process.wait(LIMIT_S) == 0
    second = start("second again")
    assert second.state() == DISABLED
    second.enable()
    first.await_state(RUNNING)
    assert not first.refuses()

    first.disable()
    answer = second.stop()  # without waiting for it to have noticed
    assert len(answer.system.replicas) == 2
    assert [first.process.wait(LIMIT_S), second.process.wait(LIMIT_S)] == [0, 0]
    assert start("after the stop").state() == RUNNING


def test_who_takes_the_place_of_one_that_was_killed_in_the_midst_of_a_stop_runs(
    start: Callable[[str], Replica], store: str
) -> None:
    first = start("first")
    first.disable()
    (told,) = (each.id for each in first.get().replicas)
    first.process.kill()
    first.process.wait(LIMIT_S)
    database = Database(Secret(store))
    agreements = Agreements(database)
    known = agreements.read("service")
    assert agreements.swap("service", {"state": "shutting down", "replicas": [told]}, instead_of=known)
    assert [each.id for each in agreements.replicas("")] == [told]  # it was not declared dead yet
    database.close()
    assert start("its successor").state() == RUNNING
