"""The secrets of a lab, and all places in which they must not be."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import grpc
import yaml
from google.longrunning import operations_pb2, operations_pb2_grpc

from cse.operations.v1 import operation_service_pb2, operation_service_pb2_grpc
from cse_lab.state import LabState
from cse_testing.hostile.canaries import state_of
from cse_testing.lab_cli import LabCli, Output
from cse_testing.recorded_calls import RecordedCalls
from cse_testing.secrets import KnownSecrets, files_below, leaks
from cse_testing.vcd_rest import Reply, VcdRest
from cse_testing.waiting import LIMIT_S

_MEANT_FOR_SECRETS: Final = frozenset(
    {
        "config.yaml",
        "cse-state/operations.db.key",
        "home",  # of vcd-cli, which keeps its session there
        "lab.env",
        "rabbitmq",
        "run/inventory.yaml",
        "run/simulator.json",
        "state.json",
    }
)
"""Below the lab's directory; all of it only its owner may read."""
_CONFIDENTIAL: Final = ("/api/sessions", "/simulator/")
"""What answers with secrets because that is its purpose; a kubeconfig is the other."""


class LabSecrets:
    """Learns the secrets of a lab and remembers what it has answered. To be used as a context manager."""

    def __init__(self, lab: LabState) -> None:
        self.known = KnownSecrets()
        self._lab = lab
        self._replies: list[tuple[str, bytes]] = []
        self._calls = RecordedCalls(lambda answer: self.known.learn_kubeconfig(answer.kubeconfig))
        variables = lab.variables
        self._sysadmin = VcdRest.login(
            variables["LAB_VCD"],
            org="System",
            user=variables["LAB_SYSADMIN"],
            password=variables["LAB_SYSADMIN_PASSWORD"],
        )
        for name in (each for each in variables if each.endswith("_PASSWORD")):
            self.known.add(name, variables[name])
        self.known.learn(yaml.safe_load(Path(variables["LAB_CONFIG"]).read_text()), "configuration's")
        key = lab.directory / "cse-state" / "operations.db.key"
        self.known.add("key of the store", key.read_text().strip())
        self.learn()

    def __enter__(self) -> Self:
        VcdRest.observers.append(self._observe)
        LabCli.observers.append(self._observe_command)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        VcdRest.observers.remove(self._observe)
        LabCli.observers.remove(self._observe_command)

    def learn(self) -> None:
        """Sessions, passwords, keys and tokens that there are now."""
        self.known.learn_state(state_of(self._sysadmin, sessions=True))

    def leaks(self) -> list[str]:
        """Where which secrets were seen, in words."""
        return leaks(self.known, self.places())

    def _observe(self, path: str, reply: Reply) -> None:
        bare = path.partition("?")[0]
        if bare.startswith("/api/cse") and bare.endswith("/config") and reply.status == 200:
            self.known.learn_kubeconfig(reply.json())
        elif path.startswith("/api/cse"):
            headers = "\n".join(f"{name}: {value}" for name, value in reply.headers.items())
            self._replies.append((f"the answer to {bare[:200]}", headers.encode() + b"\n" + reply.body))

    def _observe_command(self, output: Output) -> None:
        prints_it = output.command[:3] == ("cse", "cluster", "config") and "--save" not in output.command
        if prints_it and output.exit_code == 0:
            self.known.learn_kubeconfig(output.stdout)
            output = replace(output, stdout="")
        shown = " ".join(("vcd", *output.command))[:200]
        self._replies.append((f"what `{shown}` printed", output.text.encode()))

    @contextmanager
    def channel(self, service: str) -> Iterator[grpc.Channel]:
        """To a service of the lab, `clusters` or `templates`; what it answers is remembered."""
        with grpc.insecure_channel(self._lab.variables[f"LAB_{service.upper()}_GRPC"]) as channel:
            yield grpc.intercept_channel(channel, self._calls)

    def places(self) -> Iterator[tuple[str, bytes]]:
        """Everything that was written or answered, by where it was."""
        yield from files_below(self._lab.directory, but=_MEANT_FOR_SECRETS)
        yield from self._replies
        yield from self._calls.answers
        for name, process in self._lab.processes.items():
            yield f"the command line of {name}", Path(f"/proc/{process.pid}/cmdline").read_bytes()
        for task in state_of(self._sysadmin)["tasks"]:
            yield f"the task {task['operation_name']}", str(task).encode()
        yield from self._operations()

    def _operations(self) -> Iterator[tuple[str, bytes]]:
        """Everything that anybody can be told of operations, errors and events included."""
        metadata = (("x-vcloud-authorization", str(self._sysadmin.token)), ("x-vcloud-api-version", "31.0"))
        with grpc.insecure_channel(self._lab.variables["LAB_CLUSTERS_GRPC"]) as channel:
            stub = operations_pb2_grpc.OperationsStub(channel)
            watching = operation_service_pb2_grpc.OperationServiceStub(channel)
            request = operations_pb2.ListOperationsRequest(name="operations", page_size=100)
            while True:
                page = stub.ListOperations(request, metadata=metadata, timeout=LIMIT_S)
                for operation in page.operations:
                    yield operation.name, operation.SerializeToString()
                    if operation.done:
                        watch = operation_service_pb2.WatchOperationRequest(name=operation.name)
                        events = watching.WatchOperation(watch, metadata=metadata, timeout=LIMIT_S)
                        yield f"events of {operation.name}", b"".join(each.SerializeToString() for each in events)
                request.page_token = page.next_page_token
                if not request.page_token:
                    return
