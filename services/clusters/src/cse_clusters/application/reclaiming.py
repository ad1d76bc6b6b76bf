"""Deleting what operations have left behind, or telling what would be deleted: an operation of its own."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self, TypeVar, cast

import structlog

from cse_clusters.application.changes import carry_out, delete_vapp, patiently
from cse_clusters.application.control_plane import ControlPlane, hasty, running_control_plane
from cse_clusters.application.guest_work import Limits
from cse_clusters.application.ports import OperationPorts
from cse_clusters.application.sweep import Sweep
from cse_clusters.domain.access import SERVICE
from cse_clusters.domain.cluster import TEMPLATE, Cluster, State
from cse_clusters.domain.orphans import Cause, Kind, Orphan, Outcome, sort_key
from cse_clusters.domain.vcd import VappDetails
from cse_core.errors import CancelledError, CseError, UnavailableError
from cse_core.operations import Json, JsonObject, Operation, OperationContext, OperationKind, Operations
from cse_core.operations.port import Branch

log = structlog.get_logger()

_Result = TypeVar("_Result")

RECLAIM: Final = "RECLAIM"
AT_ONCE: Final = 8
"""Orphans that are deleted side by side; clusters need vCD and the operations' threads, too."""

_GONE: Final = Outcome.RECLAIMED, "It is gone."
_NO_ORPHAN: Final = Outcome.SKIPPED, "It is no orphan any more, or an operation is in progress there."


@dataclass(frozen=True, kw_only=True)
class ReclaimInput:
    """What is asked for."""

    ids: tuple[str, ...]
    """Of orphans; empty: all that need not be named."""
    execute: bool
    user: str

    def as_json(self) -> JsonObject:
        return {"ids": list(self.ids), "execute": self.execute, "user": self.user}

    @classmethod
    def from_json(cls, data: JsonObject) -> Self:
        fields = cast(dict[str, Any], dict(data))
        return cls(**{**fields, "ids": tuple(fields["ids"])})


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of an orphan, or of an id that names none."""

    id: str
    orphan: Orphan | None
    outcome: Outcome
    message: str

    def as_json(self) -> JsonObject:
        return {
            "id": self.id,
            "orphan": orphan_to_json(self.orphan) if self.orphan is not None else None,
            "outcome": self.outcome.value,
            "message": self.message,
        }


def orphan_to_json(orphan: Orphan) -> JsonObject:
    return {**cast(JsonObject, asdict(orphan)), "kind": orphan.kind.value, "cause": orphan.cause.value}


def orphan_from_json(data: Mapping[str, Any]) -> Orphan:
    return Orphan(**{**data, "kind": Kind(data["kind"]), "cause": Cause(data["cause"])})


def results_from_json(data: Json) -> list[Result]:
    """What an operation of this kind has as its result."""
    found = cast(dict[str, Any], data)["results"]
    return [
        Result(
            id=each["id"],
            orphan=orphan_from_json(each["orphan"]) if each["orphan"] is not None else None,
            outcome=Outcome(each["outcome"]),
            message=each["message"],
        )
        for each in found
    ]


class ReclaimOperation:
    """The code of operations of kind RECLAIM. An engine has to know it before there is an engine: see `use`.

    Args:
        ports: vCD, and the guests of clusters whose nodes go.
        limits: how long things may take.
        make_sweep: makes what finds orphans, given the store of operations.
    """

    def __init__(self, ports: OperationPorts, limits: Limits, make_sweep: Callable[[Operations], Sweep]) -> None:
        self._ports = ports
        self._limits = limits
        self._make_sweep = make_sweep
        self._operations: Operations | None = None

    def use(self, operations: Operations) -> Sweep:
        """Tells it the engine, before that starts; returns what finds orphans."""
        self._operations = operations
        return self._make_sweep(operations)

    def kind(self) -> OperationKind:
        return OperationKind(name=RECLAIM, run=self._run, finish=self._finish)

    def _run(self, ctx: OperationContext) -> Json:
        assert self._operations is not None  # noqa: S101 - `use` comes before `start`
        sweep = self._make_sweep(self._operations)
        run = _Reclamation(ctx, self._ports, self._limits, sweep)
        results = run.results()
        if run.job.execute:
            ctx.step("settle_ledger", lambda: run.patiently(ctx, lambda: self._settle(sweep)))
        return {"results": [each.as_json() for each in results]}

    def _settle(self, sweep: Sweep) -> Json:
        """Takes notes about what is gone out of the ledger."""
        assert self._operations is not None  # noqa: S101
        settled = sweep.look().settled
        for entry in settled:
            self._operations.disown(entry)
        return len(settled)

    def _finish(self, operation: Operation) -> None:
        log.info("reclaimed", operation_id=operation.id, state=operation.state.value, message=operation.message)


class _Reclamation:
    """One run."""

    def __init__(self, ctx: OperationContext, ports: OperationPorts, limits: Limits, sweep: Sweep) -> None:
        self.job = ReclaimInput.from_json(ctx.input)
        self._ctx = ctx
        self._ports = ports
        self._limits = limits
        self._sweep = sweep

    def results(self) -> list[Result]:
        """What became of each orphan that was named, or found; in order."""
        found = cast(list[dict[str, Any]], self._ctx.step("find_orphans", self._find, message="Looking for orphans"))
        orphans = [orphan_from_json(each) for each in found]
        known = {orphan.id for orphan in orphans}
        results = [
            Result(id=id_, orphan=None, outcome=Outcome.SKIPPED, message="There is no such orphan (any more).")
            for id_ in self.job.ids
            if id_ not in known
        ]
        try:
            for done, group in enumerate(_groups(orphans)):
                self._ctx.progress(_summary(results), percent=max(100 * done * AT_ONCE // len(orphans), 1))
                answers = self._ctx.parallel({orphan.id: self._branch(orphan) for orphan in group})
                results += [_result(orphan, answers[orphan.id]) for orphan in group]
        except CancelledError as exc:
            text = f"Reclaiming was cancelled; until then: {_summary(results)}."
            raise CancelledError(text, reason=exc.code) from exc
        self._ctx.progress(_summary(results), percent=99)
        return results

    def patiently(self, ctx: OperationContext, look: Callable[[], _Result]) -> _Result:
        """What a look shows; again while vCD or the store of operations does not answer."""
        return patiently(ctx, look, within=self._limits.busy, passing=(UnavailableError,))

    def _find(self) -> Json:
        named = set(self.job.ids)
        found = self.patiently(self._ctx, self._sweep.orphans)
        wanted = [each for each in found if (each.id in named if named else not each.must_be_named)]
        return [orphan_to_json(each) for each in sorted(wanted, key=sort_key)]

    def _branch(self, orphan: Orphan) -> Branch:
        def run(ctx: OperationContext) -> Json:
            looked = ctx.step(
                "look_at_orphan",
                lambda: self._answer(ctx, orphan, self._looked_at),
                message=f"Looking at {orphan.title}",
            )
            if looked is not None:
                return looked
            return ctx.step(
                "reclaim", lambda: self._answer(ctx, orphan, self._deleted), message=f"Deleting {orphan.title}"
            )

        return run

    @staticmethod
    def _answer(
        ctx: OperationContext,
        orphan: Orphan,
        attempt: Callable[[OperationContext, Orphan], tuple[Outcome, str] | None],
    ) -> Json:
        """What becomes of it, told at once. What fails keeps nothing else from being reclaimed."""
        try:
            answer = attempt(ctx, orphan)
        except CseError as exc:
            ctx.check()  # unless it is the whole operation that ends
            log.warning("orphan_not_reclaimed", orphan=orphan.id, reason=exc.code, error=exc.message)
            answer = Outcome.FAILED, exc.message
        if answer is None:
            return None
        outcome, message = answer
        ctx.progress(f"{orphan.title}: {outcome.value}: {message}")
        return [outcome.value, message]

    def _looked_at(self, ctx: OperationContext, orphan: Orphan) -> tuple[Outcome, str] | None:
        """None if it is to be deleted.

        That is journaled before anything is begun: a run that takes this up finds vCD at work on what it deletes.
        """
        now, vapp = self._present(ctx, orphan)
        if vapp is None:
            return _GONE
        if now is None:
            return _NO_ORPHAN
        if vapp.task_hrefs and not vapp.is_being_deleted:
            return Outcome.SKIPPED, "vCD works on it at the moment; try again when that has ended."
        return None if self.job.execute else (Outcome.WOULD_BE_RECLAIMED, now.explanation)

    def _deleted(self, ctx: OperationContext, orphan: Orphan) -> tuple[Outcome, str]:
        """Looks once more, right before it deletes."""
        now, vapp = self._present(ctx, orphan)
        if vapp is None:
            return _GONE
        if now is None:
            return _NO_ORPHAN
        if orphan.kind is Kind.VAPP:
            host, busy = self._ports.host, self._limits.busy
            delete_vapp(ctx, self._ports.inventory, host, SERVICE, orphan.vapp_href, within=busy)
        else:
            self._forget(ctx, orphan, vapp)
            self._delete_machine(ctx, orphan)
        return Outcome.RECLAIMED, "It was deleted."

    def _present(self, ctx: OperationContext, orphan: Orphan) -> tuple[Orphan | None, VappDetails | None]:
        """The orphan as it is now, if it is one still, and the vApp that it is, or is in, unless the orphan is gone."""
        now = self.patiently(ctx, lambda: self._sweep.again(orphan))
        vapp = self.patiently(ctx, lambda: self._ports.inventory.vapp(SERVICE, orphan.vapp_href))
        is_gone = vapp is None or (orphan.kind is Kind.VM and vapp.machine(orphan.name) is None)
        return now, None if is_gone else vapp

    def _forget(self, ctx: OperationContext, orphan: Orphan, vapp: VappDetails) -> None:
        """Takes it out of Kubernetes if it has got that far; that the cluster does not answer keeps nothing."""
        records = self.patiently(ctx, lambda: self._ports.inventory.clusters(SERVICE, name=orphan.cluster))
        record = next((each for each in records if each.href == orphan.vapp_href), None)
        cluster = Cluster(
            org=orphan.org,
            org_id="",
            vdc=orphan.vdc,
            name=orphan.cluster,
            uid=orphan.cluster_uid,
            state=State.READY,
            template=record.metadata.get(TEMPLATE, "") if record is not None else "",
            vapp_href=orphan.vapp_href,
        )
        try:
            node = running_control_plane(cluster, vapp)
            ControlPlane(self._ports, cluster, node, hasty(self._limits)).forget(ctx, [orphan.name])
        except CseError as exc:
            ctx.check()
            log.warning("step_passed_over", step="forget_nodes", reason=exc.code, error=exc.message)

    def _delete_machine(self, ctx: OperationContext, orphan: Orphan) -> None:
        inventory, host = self._ports.inventory, self._ports.host

        def stop() -> str | None:
            vapp = inventory.vapp(SERVICE, orphan.vapp_href)
            machine = vapp.machine(orphan.name) if vapp is not None else None
            return host.undeploy(SERVICE, machine.href) if machine is not None and machine.is_deployed else None

        def delete() -> str | None:
            vapp = inventory.vapp(SERVICE, orphan.vapp_href)
            machine = vapp.machine(orphan.name) if vapp is not None else None
            return host.delete_machines(SERVICE, orphan.vapp_href, [machine.href]) if machine is not None else None

        for begin in (stop, delete):
            carry_out(ctx, host, begin, within=self._limits.busy, is_removal=True)


def _groups(orphans: list[Orphan]) -> Iterator[list[Orphan]]:
    for start in range(0, len(orphans), AT_ONCE):
        yield orphans[start : start + AT_ONCE]


def _result(orphan: Orphan, answer: Json) -> Result:
    outcome, message = cast(list[str], answer)
    return Result(id=orphan.id, orphan=orphan, outcome=Outcome(outcome), message=message)


def _summary(results: list[Result]) -> str:
    """For example `2 reclaimed, 1 skipped`."""
    counts = {outcome: sum(each.outcome is outcome for each in results) for outcome in Outcome}
    return ", ".join(f"{count} {outcome.value}" for outcome, count in counts.items() if count) or "nothing to reclaim"
