"""Property filters: what has changed since a client last looked."""

import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from vcd_simulator.vcenter.objects import PROPERTY_COLLECTOR
from vcd_simulator.vcenter.properties import PropertyReader, Selection
from vcd_simulator.vcenter.soap import Arguments, Data, Ref, SoapFaultError, Value, invalid_request, missing_object

_REMEMBERED_VERSIONS = 3
"""A client whose answer got lost asks with the version before once more."""

Snapshot = dict[Ref, Selection]
"""What filters selected, by the references of the filters."""


@dataclass(frozen=True)
class PropertyFilter:
    """One filter of a collector."""

    ref: Ref
    specification: Arguments
    partial: bool
    """Report what has changed within a property, rather than the property."""


@dataclass
class Collector:
    """A property collector of one session: its filters, and what the client has been told."""

    filters: dict[Ref, PropertyFilter] = field(default_factory=dict)
    told: dict[str, Snapshot] = field(default_factory=lambda: {"": {}})
    """By version: what a client with that version knows."""
    versions: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    cancelled: int = 0
    """How often waiting has been cancelled."""

    def remember(self, snapshot: Snapshot) -> str:
        version = str(next(self.versions))
        self.told[version] = snapshot
        for old in [one for one in self.told if one][:-_REMEMBERED_VERSIONS]:
            del self.told[old]
        return version


class Collectors:
    """The property collectors of all sessions of a vCenter. Thread-safe.

    Every session has the collector that the service content names, and may make more; nobody sees those of others.
    """

    def __init__(self, reader: PropertyReader) -> None:
        self._reader = reader
        self._collectors: dict[tuple[str, Ref], Collector] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def create(self, session: str) -> Ref:
        """CreatePropertyCollector."""
        with self._lock:
            ref = Ref("PropertyCollector", f"session[{session[:8]}]{next(self._numbers)}")
            self._collectors[session, ref] = Collector()
        return ref

    def destroy(self, session: str, ref: Ref) -> None:
        """DestroyPropertyCollector. Raises SoapFaultError: there is none, or it is the one that every session has."""
        if ref == PROPERTY_COLLECTOR:
            raise invalid_request("the default property collector cannot be destroyed", "_this")
        with self._lock:
            self._collector(session, ref)
            del self._collectors[session, ref]

    def add_filter(self, session: str, ref: Ref, specification: Arguments, *, partial: bool) -> Ref:
        """CreateFilter. Raises SoapFaultError: the specification names what does not exist."""
        self._reader.select(session, specification)
        with self._lock:
            collector = self._collector(session, ref)
            found = PropertyFilter(
                Ref("PropertyFilter", f"session[{session[:8]}]filter-{next(self._numbers)}"), specification, partial
            )
            collector.filters[found.ref] = found
        return found.ref

    def remove_filter(self, session: str, ref: Ref) -> None:
        """DestroyPropertyFilter. Raises SoapFaultError: there is none."""
        with self._lock:
            for (owner, _), collector in self._collectors.items():
                if owner == session and ref in collector.filters:
                    del collector.filters[ref]
                    return
        raise missing_object(ref)

    def filters(self, session: str, ref: Ref) -> list[Ref]:
        """References of a collector's filters."""
        with self._lock:
            return list(self._collector(session, ref).filters)

    def cancel(self, session: str, ref: Ref) -> None:
        """CancelWaitForUpdates: whoever waits at the collector gets RequestCanceled."""
        with self._lock:
            self._collector(session, ref).cancelled += 1

    def cancellations(self, session: str, ref: Ref) -> int:
        """How often waiting at a collector has been cancelled."""
        with self._lock:
            return self._collector(session, ref).cancelled

    def forget(self, session: str) -> None:
        """Drop everything of a session that has ended."""
        with self._lock:
            for key in [key for key in self._collectors if key[0] == session]:
                del self._collectors[key]

    def check(self, session: str, ref: Ref, version: str, limit: int | None) -> Value:
        """The UpdateSet since a version; None if nothing has changed.

        Args:
            session: whose collector it is.
            ref: the collector.
            version: what the client was given with the last UpdateSet; empty for everything.
            limit: how many objects to report at most; the rest comes with the next call.

        Raises:
            SoapFaultError: InvalidCollectorVersion, ManagedObjectNotFound.
        """
        with self._lock:
            collector = self._collector(session, ref)
            if version not in collector.told:
                raise SoapFaultError("InvalidCollectorVersion", f"the version {version!r} is not known")
            filters = list(collector.filters.values())
            before = collector.told[version]
        budget = itertools.count() if limit is None else iter(range(limit))
        told: Snapshot = {}
        reports: list[Value] = []
        truncated = False
        for one in filters:
            now = self._reader.select(session, one.specification, again=True)
            updates, told[one.ref], complete = _compare(before.get(one.ref, {}), now, budget, partial=one.partial)
            truncated = truncated or not complete
            if updates or (one.ref not in before and complete):
                reports.append(Data("PropertyFilterUpdate", {"filter": one.ref, "objectSet": updates}))
        if not reports:
            return None
        with self._lock:
            new_version = collector.remember(told)
        return Data("UpdateSet", {"version": new_version, "filterSet": reports, "truncated": truncated or None})

    def _collector(self, session: str, ref: Ref) -> Collector:
        if ref == PROPERTY_COLLECTOR:
            return self._collectors.setdefault((session, ref), Collector())
        found = self._collectors.get((session, ref))
        if found is None:
            raise missing_object(ref)
        return found


def _compare(
    before: Selection, now: Selection, budget: Iterator[int], *, partial: bool
) -> tuple[list[Value], Selection, bool]:
    """Updates of objects as far as the budget goes, what the client knows then, and whether that is all."""
    updates: list[Value] = []
    told = dict(before)
    for ref in (*now, *(gone for gone in before if gone not in now)):
        old, new = before.get(ref), now.get(ref)
        if old == new:
            continue
        if next(budget, None) is None:
            return updates, told, False
        if new is None:
            del told[ref]
            updates.append(Data("ObjectUpdate", {"kind": "leave", "obj": ref}))
            continue
        told[ref] = new
        changes = list(_changes(old or {}, new, partial=partial))
        kind = "enter" if old is None else "modify"
        updates.append(Data("ObjectUpdate", {"kind": kind, "obj": ref, "changeSet": changes}))
    return updates, told, True


def _changes(old: dict[str, Value], new: dict[str, Value], *, partial: bool) -> Iterator[Data]:
    """Assignments that turn old values into new ones; a property that has lost its value is assigned none."""
    for name in (*new, *(gone for gone in old if gone not in new)):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        if partial and isinstance(before, Data) and isinstance(after, Data) and before.type == after.type:
            inner = _changes(dict(before.fields), dict(after.fields), partial=True)
            for change in inner:
                yield Data(change.type, {**change.fields, "name": f"{name}.{change.fields['name']}"})
        else:
            yield Data("PropertyChange", {"name": name, "op": "assign", "val": after})
