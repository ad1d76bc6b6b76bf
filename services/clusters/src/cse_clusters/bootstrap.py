"""Puts the cluster manager together; the only module, with `world`, that knows all its parts.

Threads. pyvcloud and pyvmomi block, so work is done in threads, and every pool is bounded:

* gRPC: `GRPC_THREADS` calls at once; one that waits for an operation, or watches it, holds its thread for as long,
  and `WAITING_CALLS` may do so.
* look-ups: `LOOKUP_THREADS` for the questions of a call that do not depend on each other.
* guests: `GUEST_THREADS` for questions to guests that a caller waits for, and that may hang.
* operations: `settings.running_operations` at once, and twice as many branches (nodes) at once over all of them.
* cse_vcd: one thread polls the vCD tasks of all operations, one writes our own tasks; connections to vCD and calls to
  each vCenter are bounded there.
"""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import structlog
from google.longrunning import operations_pb2_grpc

from cse.clusters.v1 import cluster_service_pb2_grpc
from cse.operations.v1 import operation_service_pb2_grpc
from cse.system.v1 import system_service_pb2_grpc
from cse_clusters import __version__
from cse_clusters.adapters.told_load import telling_load
from cse_clusters.application.accepting import Acceptance
from cse_clusters.application.changing_nodes import NodeChanges
from cse_clusters.application.creating import ClusterCreation
from cse_clusters.application.deleting import ClusterDeletion
from cse_clusters.application.directory import ClusterDirectory
from cse_clusters.application.kubeconfig import Kubeconfigs
from cse_clusters.application.material import Materials
from cse_clusters.application.nodes import NodeReader
from cse_clusters.application.operation_access import OperationAccess
from cse_clusters.application.operation_kinds import operation_kinds
from cse_clusters.application.orphans import Orphans
from cse_clusters.application.ports import OperationPorts
from cse_clusters.application.reclaiming import ReclaimOperation
from cse_clusters.application.service import ClusterUseCases
from cse_clusters.application.sweep import Sweep
from cse_clusters.application.system import SystemState
from cse_clusters.application.task_care import TaskCare
from cse_clusters.entrypoints import cluster_servicer, convert, system_servicer
from cse_clusters.entrypoints.rounds import Rounds
from cse_clusters.settings import ClustersSettings
from cse_clusters.world import World
from cse_core.config import Config
from cse_core.errors import UnavailableError
from cse_core.grpc import operations as operation_servicers
from cse_core.grpc.server import GrpcServer
from cse_core.operations import OperationEngine, Operations
from cse_core.tls import prepare
from cse_operations import create_engine

log = structlog.get_logger()

GRPC_THREADS: Final = 64
WAITING_CALLS: Final = 40
LOOKUP_THREADS: Final = 32
GUEST_THREADS: Final = 16
TASK_CARE_EVERY: Final = timedelta(minutes=1)
TASK_CARE_AFTER: Final = timedelta(minutes=1)
"""How long a vCD task of ours may run without an operation."""
STATE_EVERY: Final = timedelta(seconds=0.5)
"""How soon a replica obeys what another was told: to be disabled, enabled or stopped."""
GENERATION: Final = 1
"""Of the operations' code; raised when an older replica could not go on with what this one has begun."""


class Threads:
    """The pools of threads on which calls ask several things at once."""

    def __init__(self) -> None:
        self.lookups = ThreadPoolExecutor(LOOKUP_THREADS, thread_name_prefix="lookup")
        self.guests = ThreadPoolExecutor(GUEST_THREADS, thread_name_prefix="guest")

    def close(self) -> None:
        for pool in (self.lookups, self.guests):
            pool.shutdown(wait=False, cancel_futures=True)


class ClustersService:
    """The cluster manager on a gRPC address.

    Args:
        server: what it serves.
        operations: the engine; started and closed here.
        state: asked for the end by StopSystem.
        world: closed at the end.
        threads: likewise.
        rounds: run as long as the service.
    """

    name = "clusters"

    def __init__(
        self,
        server: GrpcServer,
        operations: OperationEngine,
        state: SystemState,
        world: World,
        threads: Threads,
        rounds: Sequence[Rounds],
    ) -> None:
        self._server = server
        self._operations = operations
        self._state = state
        self._world = world
        self._threads = threads
        self._rounds = rounds
        self._stopping = threading.Lock()
        self._ended = threading.Event()
        self.has_threads_left = False
        """After `stop`: threads are still in calls that do not end, so that the process has to be ended by force."""

    @property
    def address(self) -> str:
        """Where it listens; known after `start`."""
        return self._server.address

    def start(self) -> None:
        """Goes on with the operations that were left unfinished, too. Raises StartError, CseError, OSError."""
        self._operations.start()
        try:
            self._state.begin()
            self._server.start()
        except BaseException:
            self._operations.close(0)
            raise
        for each in self._rounds:
            each.start()

    def stop(self, grace_s: float) -> None:
        """Begins nothing new, and interrupts the operations in progress: the next process goes on with them."""
        with self._stopping:
            if self._ended.is_set():
                return
            self._server.set_serving(serving=False)
            self._server.stop(min(grace_s, 5.0))
            for each in self._rounds:
                each.stop()
            if not self._operations.close(grace_s):
                log.warning("operations_cut_off")
                self.has_threads_left = True
            self._threads.close()
            self._world.close()
            self._ended.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Also True when StopSystem was asked for and no operation is in progress any more."""
        if self._ended.wait(timeout_s):
            return True
        return self._state.stopping.is_set() and self._is_idle()

    def _is_idle(self) -> bool:
        try:
            return self._operations.active_count() == 0
        except UnavailableError:  # it is not known
            return False


def create(config: Config, settings: ClustersSettings) -> ClustersService:
    """The service, ready to start; one in a process. Raises SettingsError, StartError."""
    prepare({"vcd": config.vcd.verify} | {f"vcs {each.name}": each.verify for each in config.vcs})
    world = World(config, settings)
    ports = OperationPorts(
        inventory=world.inventory,
        host=world.host,
        guests=world.guests,
        board=world.board,
        templates=world.templates,
    )
    running = settings.running_operations
    threads = Threads()
    reclaiming = ReclaimOperation(ports, settings.limits, partial(_sweep, settings, world, threads))
    kinds = [*operation_kinds(ports, version=__version__, limits=settings.limits), reclaiming.kind()]
    operations = create_engine(
        [telling_load(kind) for kind in kinds],
        replace(settings.operations, running=running, branches=2 * running, generation=GENERATION),
    )
    state = SystemState(operations)
    orphans = Orphans(reclaiming.use(operations), operations, deadline=settings.operation_timeout)
    use_cases = _use_cases(config, settings, world, state, operations, threads, orphans)
    server = make_server(settings, use_cases, operations)
    care = TaskCare(world.board, operations, after=TASK_CARE_AFTER)
    rounds = [
        Rounds("task-care", care.look, every=TASK_CARE_EVERY),
        Rounds("service-state", state.refresh, every=STATE_EVERY),
    ]
    return ClustersService(server, operations, state, world, threads, rounds)


def _sweep(settings: ClustersSettings, world: World, threads: Threads, operations: Operations) -> Sweep:
    return Sweep(
        world.inventory,
        operations,
        unknown_after=settings.orphan_age,
        clock=lambda: datetime.now(UTC),
        lookups=threads.lookups,
    )


def _use_cases(
    config: Config,
    settings: ClustersSettings,
    world: World,
    state: SystemState,
    operations: Operations,
    threads: Threads,
    orphans: Orphans,
) -> ClusterUseCases:
    directory = ClusterDirectory(world.inventory, operations)
    acceptance = Acceptance(
        world.sessions, world.board, operations, enforce_rights=config.service.enforce_authorization
    )
    materials = Materials(world.inventory, world.templates, lookups=threads.lookups)
    access = OperationAccess(world.sessions, acceptance, world.inventory)
    return ClusterUseCases(
        callers=world.sessions,
        state=state,
        directory=directory,
        creation=ClusterCreation(
            acceptance, world.inventory, materials, operations, deadline=settings.operation_timeout
        ),
        deletion=ClusterDeletion(acceptance, directory, operations, access, deadline=settings.operation_timeout),
        kubeconfigs=Kubeconfigs(directory, world.sessions, world.inventory, world.guests, world.templates),
        nodes=NodeReader(directory, world.inventory, world.guests, world.templates, asking=threads.guests),
        node_changes=NodeChanges(
            acceptance, directory, world.inventory, materials, deadline=settings.operation_timeout
        ),
        operation_access=access,
        orphans=orphans,
    )


def make_server(settings: ClustersSettings, use_cases: ClusterUseCases, operations: OperationEngine) -> GrpcServer:
    """Everything that is served, over use cases and an engine that may be anybody's."""
    clusters = cluster_servicer.ClusterServicer(use_cases)
    system = system_servicer.SystemServicer(
        use_cases.state,
        use_cases.callers,
        operations,
        use_cases.orphans,
        version=__version__,
        config_file=str(settings.config_file),
    )
    viewers = _viewers(use_cases.operation_access)
    waiting = operation_servicers.WaitingRoom(WAITING_CALLS)
    standard = operation_servicers.OperationsServicer(
        operations, result_of=convert.result_of, viewers=viewers, waiting=waiting
    )
    watching = operation_servicers.OperationServicer(operations, viewers=viewers, waiting=waiting)
    return GrpcServer(
        settings.listen,
        services=[cluster_servicer.SERVICE, system_servicer.SERVICE, *operation_servicers.SERVICES],
        register=[
            lambda server: cluster_service_pb2_grpc.add_ClusterServiceServicer_to_server(clusters, server),
            lambda server: system_service_pb2_grpc.add_SystemServiceServicer_to_server(system, server),
            lambda server: operations_pb2_grpc.add_OperationsServicer_to_server(standard, server),
            lambda server: operation_service_pb2_grpc.add_OperationServiceServicer_to_server(watching, server),
        ],
        threads=GRPC_THREADS,
    )


def _viewers(access: OperationAccess) -> operation_servicers.Viewers:
    return lambda context: access.viewer(convert.credentials(context.invocation_metadata()))
