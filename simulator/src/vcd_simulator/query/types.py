"""Record types: which entities there are to ask for, who sees them, and what a record says about one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from vcd_simulator.access import Access
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.kinds import Kind
from vcd_simulator.model.table import Table
from vcd_simulator.query.columns import Attribute
from vcd_simulator.query.values import Pointer, Value, entity_id


class Queried(Protocol):
    """What a record can be about."""

    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> Kind: ...


E = TypeVar("E", bound=Queried)


@dataclass(frozen=True, kw_only=True)
class RecordType(Generic[E]):
    """One `type=` of the query service.

    `indexes` name the table's indexes that answer an equality filter, by attribute; a filter for a reference looks up
    the id in it.
    """

    name: str
    tag: str
    table: Callable[[Cloud], Table[E]]
    visible: Callable[[Access, E], bool]
    attributes: Mapping[str, Attribute[E]]
    admin: bool = False
    """For system administrators alone; the entity's own href is the one for administrators."""
    admin_href: bool = False
    """Whether the entity's own href is the one for administrators all the same, whoever asks."""
    indexes: Mapping[str, str] = field(default_factory=dict)
    references: Mapping[str, Kind] = field(default_factory=dict)
    """Of the indexed attributes, those that refer to an entity of a kind."""
    has_metadata: bool = False
    owner: str | None = None
    """The field with the id of what decides whether the caller sees an entity, if many share it."""
    very_many: bool = False
    """Whether it pays to remember what was read of all entities, until something changes."""

    @property
    def stem(self) -> str:
        """What the elements of the references format begin with."""
        return self.tag.removesuffix("Record")

    def pointer(self, entity: E) -> Pointer:
        """The entity itself."""
        return Pointer(entity.kind, entity.id, self.admin or self.admin_href)

    def knows(self, attribute: str) -> bool:
        """Whether a filter may name this attribute."""
        return attribute in self.attributes or attribute in ("id", "href")

    def value(self, cloud: Cloud, entity: E, attribute: str) -> Value:
        """One attribute of an entity's record."""
        if attribute in ("id", "href"):
            return self.pointer(entity)
        return self.attributes[attribute](cloud, entity)

    def reader(self, attribute: str) -> Attribute[E]:
        """What reads one attribute."""
        if attribute in ("id", "href"):
            return lambda cloud, entity: self.pointer(entity)
        return self.attributes[attribute]

    def find(self, cloud: Cloud, attribute: str, wanted: str) -> list[E] | None:
        """The entities whose attribute may equal this, if an index tells; `None` if all have to be looked at."""
        index = self.indexes.get(attribute)
        if index is None or "*" in wanted:
            return None
        kind = self.references.get(attribute)
        return self.table(cloud).find(index, wanted if kind is None else entity_id(wanted, kind))


AnyRecordType = RecordType[Any]
