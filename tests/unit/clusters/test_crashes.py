"""The process dies before, inside and after every step of an operation; going on leads to the same end."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from cse_clusters.application.operation_kinds import operation_kinds
from cse_clusters.application.ports import OperationPorts, ScriptResult
from cse_clusters.domain.cluster import CLUSTER_ID, CONTROL_PLANE_IP, TEMPLATE
from cse_core.errors import CseError
from cse_core.operations import OperationKind, OperationRequest
from cse_testing.clusters.replay import Journal, Outcome
from cse_testing.clusters.service import PATIENT, ClustersInMemory, a_cluster

NODES = ["mstr-aaaa", "node-aaaa", "node-bbbb", "nfsd-aaaa"]
FAILED = ScriptResult(exit_code=1, stdout="", stderr="it does not work")

Submit = Callable[[ClustersInMemory], object]


class SubmittedError(Exception):
    """Ends an acceptance whose operation the test runs itself."""


def a_world() -> ClustersInMemory:
    clusters = ClustersInMemory()
    metadata = {CLUSTER_ID: "1", TEMPLATE: "old", CONTROL_PLANE_IP: "10.0.0.1"}
    clusters.vcd.add_vapp(clusters.dev, "demo", metadata=metadata, nodes=NODES)
    clusters.guests.joined += NODES[:-1]
    clusters.guests.passwords.update(dict.fromkeys(NODES, "for all of them"))
    return clusters


def request_of(clusters: ClustersInMemory, submit: Submit, monkeypatch: pytest.MonkeyPatch) -> OperationRequest:
    """What the engine would be asked to run."""
    requests: list[OperationRequest] = []

    def catch(request: OperationRequest) -> None:
        requests.append(request)
        raise SubmittedError

    with monkeypatch.context() as patch:
        patch.setattr(clusters.operations, "submit", catch)
        with pytest.raises(SubmittedError):
            submit(clusters)
    return requests[0]


def kind_of(clusters: ClustersInMemory, name: str) -> OperationKind:
    ports = OperationPorts(
        inventory=clusters.vcd,
        host=clusters.vcd,
        guests=clusters.guests,
        board=clusters.board,
        templates=clusters.templates,
    )
    return next(kind for kind in operation_kinds(ports, version="0.1.0", limits=PATIENT) if kind.name == name)


def runs_with_a_crash_at_every_moment(
    submit: Submit, monkeypatch: pytest.MonkeyPatch, prepare: Callable[[ClustersInMemory], None] = lambda _: None
) -> Iterator[tuple[ClustersInMemory, Outcome]]:
    """The world afterwards and the outcome, for every moment; the last run is one without a crash."""
    for crash_at in count():
        with a_world() as clusters:
            request = request_of(clusters, submit, monkeypatch)
            prepare(clusters)
            journal = Journal(request, crash_at=crash_at)
            outcome: Outcome
            try:
                outcome = journal.run_until_ended(kind_of(clusters, request.kind))
            except CseError as exc:
                outcome = exc
            yield clusters, outcome
            if journal.moments <= crash_at:
                assert crash_at > 2
                return


def test_creating_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    submit: Submit = lambda each: each.create(a_cluster("fresh", workers=2, cpu_count=4))  # noqa: E731
    for clusters, outcome in runs_with_a_crash_at_every_moment(submit, monkeypatch):
        assert isinstance(outcome, dict)
        assert sorted(vapp.name for vapp in clusters.vcd.vapps.values()) == ["demo", "fresh"]
        assert len(clusters.nodes("node", "fresh")) == 2
        assert clusters.vcd.calls.count("compose") == clusters.vcd.calls.count("add_machines") == 1


def test_creating_a_cluster_whose_workers_cannot_join(monkeypatch: pytest.MonkeyPatch) -> None:
    def prepare(clusters: ClustersInMemory) -> None:
        clusters.guests.on("BODY-worker", lambda *_: FAILED)

    submit: Submit = lambda each: each.create(a_cluster("fresh"))  # noqa: E731
    for clusters, outcome in runs_with_a_crash_at_every_moment(submit, monkeypatch, prepare):
        assert isinstance(outcome, CseError)
        assert outcome.message.endswith("Everything was taken back.")
        assert [vapp.name for vapp in clusters.vcd.vapps.values()] == ["demo"]


def test_minting_join_credentials_is_journaled_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """As progress: an operation whose process ends often there is not given up."""
    with a_world() as clusters:
        request = request_of(clusters, lambda each: each.create(a_cluster("fresh", workers=1)), monkeypatch)
        journal = Journal(request)
        journal.run_until_ended(kind_of(clusters, request.kind))
    minted = {place: result for place, result in journal.steps.items() if place[2] == "mint_join_credentials"}
    assert list(minted.values()) == [None]


def test_deleting_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    for clusters, outcome in runs_with_a_crash_at_every_moment(lambda each: each.delete(), monkeypatch):
        assert outcome == {}
        assert not clusters.vcd.vapps


def test_adding_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    for clusters, outcome in runs_with_a_crash_at_every_moment(lambda each: each.add_nodes(2), monkeypatch):
        assert isinstance(outcome, dict)
        assert len(clusters.nodes("node")) == 4
        assert set(clusters.nodes("node")) <= set(clusters.guests.joined)
        assert clusters.vcd.calls.count("add_machines") == 1


def test_adding_nodes_with_hardware_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    submit: Submit = lambda each: each.add_nodes(2, cpu_count=4)  # noqa: E731
    for clusters, outcome in runs_with_a_crash_at_every_moment(submit, monkeypatch):
        assert isinstance(outcome, dict)
        (vapp,) = clusters.vcd.vapps.values()
        new = [vapp.machines[name] for name in clusters.nodes("node")[2:]]
        assert [(machine.cpu_count, machine.is_on) for machine in new] == [(4, True)] * 2


def test_adding_nodes_that_cannot_join(monkeypatch: pytest.MonkeyPatch) -> None:
    def prepare(clusters: ClustersInMemory) -> None:
        clusters.guests.on("BODY-worker", lambda *_: FAILED)

    for clusters, outcome in runs_with_a_crash_at_every_moment(lambda each: each.add_nodes(2), monkeypatch, prepare):
        assert isinstance(outcome, CseError)
        assert outcome.message.endswith("The new nodes were taken back.")
        (vapp,) = clusters.vcd.vapps.values()
        assert list(vapp.machines) == NODES


def test_removing_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    submit: Submit = lambda each: each.remove_nodes("node-aaaa", "nfsd-aaaa")  # noqa: E731
    for clusters, outcome in runs_with_a_crash_at_every_moment(submit, monkeypatch):
        assert isinstance(outcome, dict)
        (vapp,) = clusters.vcd.vapps.values()
        assert list(vapp.machines) == ["mstr-aaaa", "node-bbbb"]
        assert clusters.guests.joined == ["mstr-aaaa", "node-bbbb"]
        assert clusters.vcd.calls.count("delete_machines") == 1


def test_removing_nodes_whose_pods_do_not_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    def prepare(clusters: ClustersInMemory) -> None:
        clusters.guests.on("kubectl drain", lambda *_: FAILED)

    submit: Submit = lambda each: each.remove_nodes("node-aaaa")  # noqa: E731
    for clusters, outcome in runs_with_a_crash_at_every_moment(submit, monkeypatch, prepare):
        assert isinstance(outcome, CseError)
        (vapp,) = clusters.vcd.vapps.values()
        assert list(vapp.machines) == NODES
        assert clusters.guests.order[-1] == ("uncordon", "node-aaaa")


@pytest.mark.parametrize("workers", [0, 4])
def test_resizing(monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    for clusters, outcome in runs_with_a_crash_at_every_moment(lambda each: each.resize(workers), monkeypatch):
        assert isinstance(outcome, dict)
        assert len(clusters.nodes("node")) == workers
        assert len(set(clusters.guests.joined)) == workers + 1
