"""Finding what operations have left behind in vCD.

Two things tell: the ledger, in which operations note what they are about to make, and the marks that they put on it in
vCD (a creation on its vApp, `cse.operation.id`; who adds machines on these and, while he does, on the vApp), which are
still there when the store of operations is lost. An object without either is nobody's business here: users make vApps
by themselves, and CSE 1.2.x left no marks.

What an operation works on is never an orphan. Since it may begin or end while we look, vCD is read first, the
operations afterwards, and what ended only meanwhile is left for the next look.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from cse_clusters.application.ledger import MACHINES, VAPP, MachinesNote, VappNote
from cse_clusters.application.operation_data import CREATE_CLUSTER, DELETE_CLUSTER, key_of
from cse_clusters.application.orphan_records import (
    accepted,
    cause_of,
    has_ended,
    is_old,
    machine_orphan,
    vapp_orphan,
    was_made_by,
    why,
)
from cse_clusters.application.ports import Inventory
from cse_clusters.domain import marks
from cse_clusters.domain.access import SERVICE
from cse_clusters.domain.cluster import (
    CLUSTER_ID,
    CONTROL_PLANE_IP,
    OPERATION_ID,
    ClusterKey,
    Role,
    key_of_vapp,
    role_of,
)
from cse_clusters.domain.orphans import Cause, Kind, Orphan, sort_key
from cse_clusters.domain.vcd import VappRecord
from cse_core.errors import NotFoundError
from cse_core.names import ClusterName
from cse_core.operations import LedgerEntry, Operation, OperationQuery, Operations, OperationState

_Mark = tuple[str, str, str, str]
"""The org's id, the VDC and the name of a vApp, and the operation that it says has made it. Whoever may change the vApp
may write another's operation there, so that this alone tells nothing."""
_DELETIONS: Final = 1000
"""Unsuccessful deletions that are looked at, the latest."""


@dataclass(frozen=True)
class Books:
    """What the store of operations says at one moment, after vCD was read at `since`."""

    since: datetime
    active_uids: frozenset[str]
    """Of clusters on which something is in progress. A copy of such a UUID is left alone as well."""
    deletions: Mapping[ClusterKey, Operation]
    """The latest deletion of each cluster that was begun and did not succeed."""


@dataclass
class Findings:
    """What a look has found."""

    orphans: dict[str, Orphan] = field(default_factory=dict)
    """By id."""
    settled: list[LedgerEntry] = field(default_factory=list)
    """Notes about what is gone, or is another's."""

    def add(self, orphan: Orphan | None) -> None:
        if orphan is not None:
            self.orphans.setdefault(orphan.id, orphan)


class Sweep:
    """Looks, and changes nothing.

    Args:
        inventory: read with the service account.
        operations: the store.
        unknown_after: how old an operation must be that a mark names and the store does not know, before what it made
            counts as left behind: longer than any lasts, for another installation of CSE may be at work on it.
        clock: tells the time, in UTC.
        lookups: threads for questions that do not depend on each other.
    """

    def __init__(
        self,
        inventory: Inventory,
        operations: Operations,
        *,
        unknown_after: timedelta,
        clock: Callable[[], datetime],
        lookups: ThreadPoolExecutor,
    ) -> None:
        self._inventory = inventory
        self._operations = operations
        self._unknown_after = unknown_after
        self._clock = clock
        self._lookups = lookups

    def orphans(self) -> list[Orphan]:
        """All there are, in order."""
        return sorted(self.look().orphans.values(), key=sort_key)

    def look(self) -> Findings:
        """Everything, in all orgs: one query of vCD's, and a look at each note of an operation that has ended."""
        return self._look(None)

    def again(self, orphan: Orphan) -> Orphan | None:
        """The orphan as it is now; None if it is none any more."""
        return self._look(orphan).orphans.get(orphan.id)

    def _look(self, only: Orphan | None) -> Findings:
        since = self._clock()
        entries = self._operations.ledger(only.operation_id if only is not None else None)
        records = self._inventory.clusters(SERVICE, name=only.cluster if only is not None else None)
        books = self._books(since)
        found = Findings()
        for record in records:
            found.add(self._judged(record, books))
        marked = {_mark_of(record): record for record in records}
        unsettled = [record for record in records if marks.unsettled(record.metadata)]
        for part in self._lookups.map(lambda entry: self._noted(entry, marked, books, found), entries):
            for orphan in part.orphans.values():
                found.add(orphan)
            found.settled += part.settled
        for machines in self._lookups.map(lambda record: self._judged_machines(record, books, found), unsettled):
            for orphan in machines:
                found.add(orphan)
        return found

    def _noted(
        self, entry: LedgerEntry, marked: Mapping[_Mark, VappRecord], books: Books, judged: Findings
    ) -> Findings:
        """What a note leads to, beside the vApps that were judged by their marks."""
        found = Findings()
        operation = self._operation(entry.operation_id)
        if operation is not None and not has_ended(operation, books.since):
            return found
        if entry.kind == VAPP:
            note = VappNote.read(entry)
            record = marked.get((note.org_id, note.vdc, note.name, entry.operation_id))
            if record is None:
                self._look_at_vapp(entry, note, operation, books, found)
            elif CONTROL_PLANE_IP in record.metadata and record.vm_count:
                found.settled.append(entry)  # it lives
        elif entry.kind == MACHINES:
            self._look_at_machines(entry, operation, books, judged, found)
        return found

    def _books(self, since: datetime) -> Books:
        active = self._operations.find(active=True)
        deletions: dict[ClusterKey, Operation] = {}
        for state in (OperationState.FAILED, OperationState.CANCELLED):
            query = OperationQuery(kind=DELETE_CLUSTER, state=state)
            for each in self._operations.page(query, limit=_DELETIONS):
                if (key := key_of(each)) is not None:
                    deletions.setdefault(key, each)
        return Books(
            since=since,
            active_uids=frozenset(each.target_uid for each in active),
            deletions=deletions,
        )

    def _operation(self, operation_id: str) -> Operation | None:
        try:
            return self._operations.get(operation_id)
        except NotFoundError:
            return None

    # ---- vApps with a mark

    def _judged(self, record: VappRecord, books: Books) -> Orphan | None:
        """The orphan that a vApp with `cse.cluster.id` is; None if it is none."""
        uid = record.metadata.get(CLUSTER_ID, "")
        is_complete = CONTROL_PLANE_IP in record.metadata
        deletion = books.deletions.get(key_of_vapp(record))
        if is_complete and record.vm_count and deletion is None:
            return None  # it lives, as nearly all do
        if uid in books.active_uids or (deletion is not None and not has_ended(deletion, books.since)):
            return None
        if deletion is not None and not self._has_control_plane(record):
            return vapp_orphan(record, Cause.HALF_DELETED, deletion, why(deletion))
        if is_complete and record.vm_count:
            return None
        return self._judged_by_mark(record, books, is_emptied=is_complete)

    def _judged_by_mark(self, record: VappRecord, books: Books, *, is_emptied: bool) -> Orphan | None:
        operation_id = record.metadata.get(OPERATION_ID, "")
        if not operation_id:
            return None
        operation = self._operation(operation_id)
        if operation is None:
            if not is_old(operation_id, books.since - self._unknown_after):
                return None
        elif not has_ended(operation, books.since):
            return None
        if is_emptied:
            return vapp_orphan(record, Cause.HALF_DELETED, operation, "It was a cluster, and has no machines any more.")
        if operation is not None and operation.state is OperationState.SUCCEEDED:
            return None  # it became a cluster; that its address is gone from the metadata is somebody's own doing
        return vapp_orphan(record, cause_of(operation), operation, why(operation))

    def _judged_machines(self, record: VappRecord, books: Books, judged: Findings) -> list[Orphan]:
        """Machines of a cluster that lives, which an operation has added that nobody knows (any more)."""
        uid = record.metadata.get(CLUSTER_ID, "")
        if uid in books.active_uids or f"{Kind.VAPP.value}-{record.id}" in judged.orphans:
            return []
        lost = {
            marks.machine_mark(each): each
            for each in marks.unsettled(record.metadata)
            if is_old(each, books.since - self._unknown_after) and self._operation(each) is None
        }
        vapp = self._inventory.vapp(SERVICE, record.href) if lost else None
        return [
            machine_orphan(
                machine,
                MachinesNote(
                    org=record.org, vdc=record.vdc, cluster=record.name, uid=uid, vapp_href=record.href, names=()
                ),
                lost[machine.description],
                None,
            )
            for machine in (vapp.machines if vapp is not None else ())
            if machine.description in lost
        ]

    def _has_control_plane(self, record: VappRecord) -> bool:
        vapp = self._inventory.vapp(SERVICE, record.href) if record.vm_count else None
        return vapp is not None and any(role_of(each.name) is Role.CONTROL_PLANE for each in vapp.machines)

    # ---- what the ledger names

    def _look_at_vapp(
        self, entry: LedgerEntry, note: VappNote, operation: Operation | None, books: Books, found: Findings
    ) -> None:
        """A vApp that was never marked: known by its name, and by being as empty as a creation makes it."""
        record = self._inventory.find_vapp(SERVICE, note.place, note.name)
        details = self._inventory.vapp(SERVICE, record.href) if record is not None else None
        if record is None or details is None:
            found.settled.append(entry)
            return
        is_others = CLUSTER_ID in record.metadata or OPERATION_ID in record.metadata or bool(details.machines)
        if is_others or details.description != f"cluster {note.name}":
            found.settled.append(entry)
        elif not self._is_wanted_again(note, entry, books):
            found.add(
                replace(
                    vapp_orphan(record, cause_of(operation), operation, why(operation)),
                    cluster_uid=note.uid,
                    operation_id=entry.operation_id,
                    operation_time=accepted(entry.operation_id, operation),
                )
            )

    def _is_wanted_again(self, note: VappNote, entry: LedgerEntry, books: Books) -> bool:
        """Whether a later creation of the same name may have made the vApp that was found. Asked after it was found."""
        target = str(ClusterName(note.org, note.vdc, note.name))
        query = OperationQuery(kind=CREATE_CLUSTER, target=target)
        others = (each for each in self._operations.page(query, limit=2) if each.id != entry.operation_id)
        return any(not has_ended(each, books.since) for each in others)

    def _look_at_machines(
        self, entry: LedgerEntry, operation: Operation | None, books: Books, judged: Findings, found: Findings
    ) -> None:
        """Machines of a vApp that lives; those of one that does not go with it."""
        note = MachinesNote.read(entry)
        vapp = self._inventory.vapp(SERVICE, note.vapp_href)
        ended = operation.end_time if operation is not None else None
        latest = ended or entry.create_time + self._unknown_after
        machines = [
            each
            for each in (vapp.machines if vapp is not None else ())
            if each.name in note.names and was_made_by(each, latest)
        ]
        if vapp is None or not machines:
            found.settled.append(entry)
        elif note.uid not in books.active_uids and f"{Kind.VAPP.value}-{vapp.id}" not in judged.orphans:
            for machine in machines:
                found.add(machine_orphan(machine, note, entry.operation_id, operation))


def _mark_of(record: VappRecord) -> _Mark:
    return record.org_id, record.vdc, record.name, record.metadata.get(OPERATION_ID, "")
