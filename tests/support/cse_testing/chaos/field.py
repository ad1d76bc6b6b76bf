"""A simulated cloud, the templates service, a store, and the processes of the cluster manager that work on them."""

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import grpc
import yaml
from cryptography.fernet import Fernet
from google.longrunning import operations_pb2, operations_pb2_grpc

from cse.clusters.v1 import cluster_service_pb2_grpc
from cse.system.v1 import system_service_pb2_grpc
from cse_operations import Timing
from cse_templates import bootstrap as templates_bootstrap
from cse_templates.settings import TemplatesSettings
from cse_testing.chaos.plan import Plan, read_history
from cse_testing.chaos.processes import Replica, Zygote, wait_until_ready
from cse_testing.clusters.landscape import config_data, config_for, inventory
from cse_testing.waiting import wait_until
from vcd_simulator.simulator import Simulator

LIMIT_S: Final = 240.0
KILLED: Final = -9
DECLARED_DEAD: Final = 75

HURRIED: Final = asdict(
    Timing(queue_poll_s=0.05, signal_poll_s=0.1, beat_s=0.15, doubt_s=0.6, dead_after_s=1.2, reconcile_s=2.0)
)
"""Of engines of which one is at work at a time, so that none is declared dead by mistake."""
BRISK: Final = asdict(
    Timing(queue_poll_s=0.05, signal_poll_s=0.1, beat_s=0.5, doubt_s=2.0, dead_after_s=4.0, reconcile_s=2.0)
)
"""Of several at once."""
AS_DEPLOYED: Final = asdict(Timing())

_PASSING: Final = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)
_Result = TypeVar("_Result")


class Stubs:
    """What is called, on one channel."""

    def __init__(self, replica: Replica, channel: grpc.Channel) -> None:
        self.replica = replica
        self.channel = channel
        self.clusters = cluster_service_pb2_grpc.ClusterServiceStub(channel)
        self.system = system_service_pb2_grpc.SystemServiceStub(channel)
        self.operations = operations_pb2_grpc.OperationsStub(channel)


@dataclass
class Field:
    """What a test of chaos works with. `call` reaches whichever process serves, and waits while none does."""

    vcd: Simulator
    store: str
    directory: Path
    zygote: Zygote
    environment: dict[str, str]
    timing: dict[str, float] = field(default_factory=lambda: dict(HURRIED))
    read_timeout_s: float = 60.0
    kills: int = 0
    """How often a process was killed, and another one started."""

    def __post_init__(self) -> None:
        self.plan = Plan(directory=str(self.directory), control=self.vcd.url, control_token=self.vcd.control_token)
        self.replicas: list[Replica] = []
        self._serving: list[Stubs] = []
        self._changed = threading.Condition()
        self._starts = 0
        self._ending = threading.Event()
        self.problem = ""
        """Why there is no process any more, although there should be one."""

    @property
    def store_kind(self) -> str:
        """`sqlite` or `postgres`."""
        return "sqlite" if self.store.startswith("sqlite") else "postgres"

    # ---- processes

    def make_plan(self, **changes: Any) -> Plan:
        """What processes started from now on are told."""
        options = {"timing": self.timing, "read_timeout_s": self.read_timeout_s, **changes}
        self.plan = Plan(
            directory=str(self.directory),
            control=self.vcd.url,
            control_token=self.vcd.control_token,
            **options,
        )
        return self.plan

    def start(self) -> Replica:
        """Another process, which serves when this returns, or has been killed already."""
        self._starts += 1
        plan = self.directory / f"plan{self._starts}.json"
        self.plan.save(plan)
        address = f"unix:{self.directory}/{self._starts}.sock"
        replica = self.zygote.start(address, environment=self.environment, plan=plan, log=self.log_file)
        self.replicas.append(replica)
        channel = wait_until_ready(replica)
        if channel is not None:
            with self._changed:
                self._serving.append(Stubs(replica, channel))
                self._changed.notify_all()
        elif (code := replica.wait(0)) not in (None, KILLED):
            self.problem = f"a process ended with {code} before it served"
        return replica

    @contextmanager
    def kept_alive(self) -> Iterator[None]:
        """While inside, there is one process; whenever it is killed, another one is started."""
        self._ending.clear()
        keeper = threading.Thread(target=self._keep_alive, name="keeper", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            self._ending.set()
            keeper.join()

    def _keep_alive(self) -> None:
        while not self._ending.is_set():
            replica = self.start()
            while (code := replica.wait(0.1)) is None:
                if self._ending.is_set():
                    replica.terminate()
                    self.retire(replica)
                    if replica.wait(LIMIT_S) is None:
                        replica.kill()
                    return
            self.retire(replica)
            if code != KILLED:
                self.problem = f"a process ended with {code}"
                return
            self.kills += 1

    def retire(self, replica: Replica) -> None:
        """Calls do not go to this process any more."""
        with self._changed:
            gone = [each for each in self._serving if each.replica is replica]
            self._serving = [each for each in self._serving if each.replica is not replica]
        for stubs in gone:
            stubs.channel.close()

    @property
    def log_file(self) -> Path:
        return self.directory / "processes.log"

    def log(self) -> str:
        """The end of what the processes have said."""
        return self.log_file.read_text()[-20_000:] if self.log_file.exists() else ""

    def wait_until(self, condition: Callable[[], object], what: str) -> None:
        """Until it holds; fails with what the processes have said if that takes too long."""
        wait_until(condition, what, seen=self.log, within_s=LIMIT_S, pause=partial(time.sleep, 0.05))

    # ---- calls

    def call(self, use: Callable[[Stubs], _Result], *, within_s: float = LIMIT_S) -> _Result:
        """Calls, and again when the process died or vCD did not answer it: as a gateway's clients do."""
        until = time.monotonic() + within_s
        while True:
            stubs = self._stubs(until)
            try:
                return use(stubs)
            except (grpc.RpcError, ValueError) as exc:  # a ValueError: the channel was closed
                if isinstance(exc, grpc.RpcError) and exc.code() not in _PASSING:
                    raise
                if time.monotonic() > until:
                    raise
            time.sleep(0.05)

    def _stubs(self, until: float) -> Stubs:
        with self._changed:
            while not self._serving:
                assert not self.problem, f"{self.problem}\n{self.log()}"
                assert time.monotonic() < until, f"no process serves\n{self.log()}"
                self._changed.wait(0.2)
            return self._serving[-1]

    def ended(self, name: str, metadata: Any, *, within_s: float = LIMIT_S) -> operations_pb2.Operation:
        """The operation when it has ended."""
        until = time.monotonic() + within_s
        request = operations_pb2.WaitOperationRequest(name=name)
        request.timeout.FromSeconds(2)
        while True:
            found: operations_pb2.Operation = self.call(
                lambda stubs: stubs.operations.WaitOperation(request, metadata=metadata(), timeout=5),
                within_s=max(until - time.monotonic(), 1.0),
            )
            if found.done:
                return found
            assert time.monotonic() < until, f"{name} does not end: {found}\n{self.log()}"

    def passed(self, request_id: str) -> list[str]:
        """The points that came in the life of a request, in order, each once."""
        return list(dict.fromkeys(each.point for each in read_history(self.plan) if each.request_id == request_id))


@contextmanager
def open_field(store: str = "", *, profile: str = "instant", **environment: str) -> Iterator[Field]:
    """While inside, everything but the processes runs.

    Args:
        store: URL of the operations' database; empty: SQLite in a file.
        profile: latencies of the simulator.
        environment: of the processes.
    """
    with ExitStack() as stack:
        directory = Path(tempfile.mkdtemp(prefix="cse-chaos-"))  # a short path: sockets are in it
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        zygote = stack.enter_context(Zygote())
        vcd = stack.enter_context(Simulator(inventory(), profile=profile))
        catalogue = templates_bootstrap.create(config_for(vcd), TemplatesSettings(listen="127.0.0.1:0", directory=None))
        catalogue.start()
        stack.callback(catalogue.stop, 1.0)
        config = directory / "config.yaml"
        config.touch(mode=0o600)
        config.write_text(yaml.safe_dump(config_data(vcd)))
        store = store or f"sqlite:///{directory}/operations.db"
        opened = Field(
            vcd,
            store,
            directory,
            zygote,
            {
                "CSE_CONFIG": str(config),
                "CSE_TEMPLATES_TARGET": str(catalogue.address),
                "CSE_OPERATIONS_DATABASE": store,
                "CSE_OPERATIONS_KEY": Fernet.generate_key().decode(),
                **environment,
            },
        )
        yield opened
        for replica in opened.replicas:
            opened.retire(replica)
