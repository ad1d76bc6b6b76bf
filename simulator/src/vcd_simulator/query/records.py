"""Entities of one type together, with what was read of them."""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from operator import attrgetter
from typing import Any

from vcd_simulator.access import Access
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.query.columns import Column, Computed
from vcd_simulator.query.types import AnyRecordType
from vcd_simulator.query.values import Value

Entry = tuple[str, str, str]
"""Type, value and visibility of a metadata entry."""


class Records:
    """Some entities of a type, or all of them. What is read of them is read once."""

    def __init__(self, cloud: Cloud, kind: AnyRecordType, entities: Iterable[Any]) -> None:
        self._cloud = cloud
        self._kind = kind
        self.entities: Sequence[Any] = list(entities)
        self._columns: dict[str, Column[Any]] = {}
        self._visible: dict[str, list[bool]] = {}

    @classmethod
    def all(cls, cloud: Cloud, kind: AnyRecordType) -> "Records":
        """Every entity of a type; if there may be very many, it is remembered until something changes."""
        if not kind.very_many:
            return cls(cloud, kind, kind.table(cloud))
        return cloud.lock.derived(("records", kind.name), lambda: cls(cloud, kind, kind.table(cloud)))

    def column(self, attribute: str) -> Column[Any]:
        """One attribute of each entity."""
        found = self._columns.get(attribute)
        if found is None:
            found = self._columns[attribute] = Column(self._cloud, self._kind.reader(attribute), self.entities)
        return found

    def metadata_verdicts(
        self, domain: str, key: str, test: Callable[[Entry], bool], places: Sequence[int] | None
    ) -> Iterable[bool]:
        """Whether the entry with a key passes a test, at each of these places; False where there is none."""
        name = f"metadata {domain} {key}"
        found = self._columns.get(name)
        if found is None:
            holders = self._cloud.metadata.holders(domain, key)
            entries = [
                None if entry is None else (entry.type, entry.value, entry.visibility)
                for entry in map(holders.get, self._ids)
            ]
            whole: Computed[Any] = Computed(_no_value, lambda cloud, entities: entries)
            found = self._columns[name] = Column(self._cloud, whole, self.entities)
        return found.verdicts(lambda entry: entry is not None and test(entry), places)  # type: ignore[arg-type]

    def visible(self, access: Access) -> list[bool]:
        """Whether the caller sees each entity."""
        found = self._visible.get(access.user.id)
        if found is None:
            found = self._visible[access.user.id] = self._look(access)
        return found

    def _look(self, access: Access) -> list[bool]:
        visible = self._kind.visible
        if self._kind.owner is None:
            return [visible(access, one) for one in self.entities]
        owners = map(attrgetter(self._kind.owner), self.entities)
        seen: dict[str, bool] = {}
        verdicts = []
        for owner, one in zip(owners, self.entities, strict=True):
            verdict = seen.get(owner)
            if verdict is None:
                verdict = visible(access, one)
                if owner is not None:
                    seen[owner] = verdict
            verdicts.append(verdict)
        return verdicts

    @cached_property
    def _ids(self) -> list[str]:
        return list(map(attrgetter("id"), self.entities))


def _no_value(_cloud: Cloud, _entity: object) -> Value:
    return None
