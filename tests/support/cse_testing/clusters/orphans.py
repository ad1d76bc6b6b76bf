"""What operations have left in vCD, for tests of those that look for it."""

import threading
import uuid
from datetime import UTC, datetime, timedelta

from cse_clusters.application.ports import Check, GuestLogin, ScriptResult
from cse_clusters.application.reclaiming import Result, results_from_json
from cse_clusters.domain.orphans import Cause
from cse_core.errors import FailedPreconditionError
from cse_core.operations.ids import new_operation_id
from cse_testing.clusters.fake_cloud import FakeVapp
from cse_testing.clusters.service import ClustersInMemory, a_cluster

WILL_NOT = FailedPreconditionError("vCD will not")


def failing_join(clusters: ClustersInMemory) -> None:
    clusters.guests.on("BODY-worker", lambda *_: ScriptResult(exit_code=3, stdout="", stderr="no route to host"))


def left(clusters: ClustersInMemory, name: str = "left", *, for_inspection: bool = False) -> FakeVapp:
    """A vApp that a creation could not take back, or was asked to leave."""
    failing_join(clusters)
    if not for_inspection:
        clusters.vcd.fail("delete", WILL_NOT)
    ended = clusters.finished(clusters.create(a_cluster(name, workers=1, rollback_on_failure=not for_inspection)))
    assert ended.error is not None
    return vapp(clusters, name)


def vapp(clusters: ClustersInMemory, name: str) -> FakeVapp:
    (found,) = (each for each in clusters.vcd.vapps.values() if each.name == name)
    return found


def names(clusters: ClustersInMemory) -> list[str]:
    return sorted(each.name for each in clusters.vcd.vapps.values())


def found(clusters: ClustersInMemory) -> list[tuple[str, Cause]]:
    return [(orphan.name, orphan.cause) for orphan in clusters.sweep.orphans()]


def reclaimed(clusters: ClustersInMemory, *ids: str, execute: bool = True) -> list[Result]:
    ended = clusters.finished(clusters.reclaim(*ids, execute=execute))
    assert ended.error is None, ended.error
    return results_from_json(ended.result)


def every(clusters: ClustersInMemory) -> list[str]:
    """The names of all orphans."""
    return [f"orphans/{orphan.id}" for orphan in clusters.sweep.orphans()]


def held_guests(clusters: ClustersInMemory, release: threading.Event) -> threading.Event:
    """Control planes are set up only when that is released; returns what tells that one is about to be."""
    begun = threading.Event()

    def hold(login: GuestLogin, script: str, check: Check) -> ScriptResult:
        begun.set()
        while not release.wait(0.01):
            check()
        return clusters.guests.run_by_default(login, script)

    clusters.guests.on("BODY-control-plane", hold)
    return begun


def id_from(age: timedelta) -> str:
    """The id of an operation that was accepted so long ago."""
    moment = int((datetime.now(UTC) - age).timestamp() * 1000)
    tail = uuid.UUID(new_operation_id()).int & ((1 << 80) - 1)
    return str(uuid.UUID(int=moment << 80 | tail))


# What is none
