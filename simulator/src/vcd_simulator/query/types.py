"""Record types: which entities there are to ask for, who sees them, and what a record says about one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
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


@dataclass(frozen=True)
class Index:
    """The index of a table that answers a filter for an attribute's value."""

    name: str
    refers_to: Kind | None = None
    """What the attribute points at; the index then has its id, however a filter writes it."""


def _system_administrators(access: Access, _entity: object) -> bool:
    return access.is_sysadmin


@dataclass(frozen=True, kw_only=True)
class RecordType(Generic[E]):
    """One `type=` of the query service."""

    name: str
    tag: str
    table: Callable[[Cloud], Table[E]]
    visible: Callable[[Access, E], bool] = _system_administrators
    """Who sees an entity; unless something else is said, system administrators alone."""
    attributes: Mapping[str, Attribute[E]]
    admin: bool = False
    """For system administrators alone; the entity's own href is the one for administrators."""
    admin_href: bool = False
    """Whether the entity's own href is the one for administrators all the same, whoever asks."""
    kind: Kind | None = None
    """What the entity is to those who ask, if they do not know it as administrators do."""
    indexes: Mapping[str, Index] = field(default_factory=dict)
    """By attribute."""
    has_metadata: bool = False
    owner: str | None = None
    """The field with the id of what decides whether the caller sees an entity, if many share it."""
    very_many: bool = False
    """Whether it pays to remember what was read of all entities, until something changes."""

    def for_administrators(
        self,
        name: str,
        tag: str,
        *,
        attributes: Mapping[str, Attribute[E]] | None = None,
        indexes: Mapping[str, Index] | None = None,
    ) -> "RecordType[E]":
        """The type that tells administrators of the same entities, with more attributes if they see more."""
        return replace(
            self,
            name=name,
            tag=tag,
            admin=True,
            attributes={**self.attributes, **(attributes or {})},
            indexes={**self.indexes, **(indexes or {})},
        )

    @property
    def stem(self) -> str:
        """What the elements of the references format begin with."""
        return self.tag.removesuffix("Record")

    def pointer(self, entity: E) -> Pointer:
        """The entity itself."""
        return Pointer(self.kind or entity.kind, entity.id, self.admin or self.admin_href)

    def knows(self, attribute: str) -> bool:
        """Whether a filter may name this attribute."""
        return attribute in self.attributes or attribute in ("id", "href")

    def value(self, cloud: Cloud, entity: E, attribute: str) -> Value:
        """One attribute of an entity's record."""
        return self.reader(attribute)(cloud, entity)

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
        key = wanted if index.refers_to is None else entity_id(wanted, index.refers_to)
        return self.table(cloud).find(index.name, key)


AnyRecordType = RecordType[Any]
