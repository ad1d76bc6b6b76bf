"""Who attacks an end-to-end lab, and what is left to be done after an attack."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

import grpc
from google.longrunning import operations_pb2_grpc

from cse_testing.hostile.canaries import files_in_guests, state_of
from cse_testing.hostile.corpus import Corpus
from cse_testing.operation_ends import ended
from cse_testing.vcd_rest import VcdRest
from cse_testing.waiting import wait_until

AT_ONCE: Final = 6
TWIN: Final = "twin"
"""A cluster of both organisations, so that system administrators have to say which they mean."""
KEPT: Final = (TWIN, "shared")
NOBODY: Final = "nobody"
"""No cluster."""
NOWHERE: Final = "no-such-network"


@dataclass
class Front:
    """Who attacks, and what has come of it."""

    lab: dict[str, str]
    corpus: Corpus
    tenant: VcdRest
    sysadmin: VcdRest
    problems: list[str] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)
    """Of requests that were accepted after all: some values are fine in some fields."""
    _numbers: Iterator[int] = field(default_factory=count)

    def fresh_name(self) -> str:
        return f"h{next(self._numbers)}"

    def creation(self) -> dict[str, object]:
        """The body of a request that makes a cluster without workers."""
        return {
            "name": self.fresh_name(),
            "vdc": self.lab["LAB_VDC"],
            "network": self.lab["LAB_NETWORK"],
            "node_count": 0,
            "disable_rollback": True,
        }

    def note(self, what: str, trouble: str | None) -> None:
        if trouble:
            self.problems.append(f"{what}: {trouble}")


def log_in(lab: Mapping[str, str], org: str | None, user: str) -> VcdRest:
    """A session of a user of the lab, by the names of the variables that tell of him; without `org` of the provider."""
    return VcdRest.login(
        lab["LAB_VCD"], org=lab[org] if org else "System", user=lab[user], password=lab[f"{user}_PASSWORD"]
    )


def finish(session: VcdRest, task_href: str) -> None:
    """Waits until a task has ended, however it does."""
    path = "/" + task_href.split("/", 3)[3]
    final = (b'status="success"', b'status="error"', b'status="aborted"', b'status="canceled"')

    def has_ended() -> bool:
        body = session.send("GET", path, accept="application/*+xml;version=31.0").body
        return any(each in body for each in final)

    wait_until(has_ended, f"the end of {task_href}")


def remove_what_was_made(front: Front) -> None:
    """What was accepted ends, and the clusters that came of it go."""
    names = [task for task in front.tasks if not task.startswith("http")]
    with grpc.insecure_channel(front.lab["LAB_CLUSTERS_GRPC"]) as channel:
        stub = operations_pb2_grpc.OperationsStub(channel)
        metadata = (("x-vcloud-authorization", str(front.sysadmin.token)), ("x-vcloud-api-version", "31.0"))
        for name in names:
            ended(stub, name, metadata)
    for task in front.tasks:
        if task.startswith("http"):
            finish(front.sysadmin, task)
    made = [each["name"] for each in front.tenant.send("GET", "/api/cse").json() if each["name"] not in KEPT]
    ending = [front.tenant.send("DELETE", f"/api/cse/{name}") for name in made]
    for reply in ending:
        assert reply.status == 202, reply
        finish(front.tenant, reply.json()["task_href"])
    front.tasks.clear()


def nothing_was_executed(front: Front) -> None:
    """Looks for what the values would have made, here and in all guests."""
    canary = Path(front.corpus.canary)
    assert list(canary.parent.glob(f"{canary.name}*")) == []
    found = list(files_in_guests(state_of(front.sysadmin, files=True)))
    assert {path for _, path, _ in found if path.endswith("/root/.kube/config")}, "there are no guests to look into"
    assert [(guest, path) for guest, path, _ in found if canary.name in path] == []
