"""Tables of entities: by id, and by whatever else is asked for often."""

from collections.abc import Callable, Hashable, Iterator, ValuesView
from typing import Generic, Protocol, TypeVar


class Identified(Protocol):
    """What a table can hold."""

    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=Identified)


class Table(Generic[T]):
    """Entities by id, in the order they came, with named indexes.

    An index is a function from an entity to a key; `None` keeps the entity out of that index. Whoever changes an
    attribute that an index reads calls `reindex` afterwards.
    """

    def __init__(self, **indexes: Callable[[T], Hashable | None]) -> None:
        self._rows: dict[str, T] = {}
        self._key_of = indexes
        self._indexes: dict[str, dict[Hashable, dict[str, T]]] = {name: {} for name in indexes}
        self._keys: dict[str, dict[str, Hashable]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[T]:
        return iter(self._rows.values())

    def __contains__(self, entity_id: object) -> bool:
        return entity_id in self._rows

    def values(self) -> ValuesView[T]:
        return self._rows.values()

    def get(self, entity_id: str | None) -> T | None:
        return None if entity_id is None else self._rows.get(entity_id)

    def __getitem__(self, entity_id: str) -> T:
        return self._rows[entity_id]

    def add(self, entity: T) -> T:
        if entity.id in self._rows:
            raise ValueError(f"id {entity.id} is taken")
        self._rows[entity.id] = entity
        self._enter(entity)
        return entity

    def remove(self, entity: T) -> None:
        """Forget an entity; forgetting it twice is no error."""
        if self._rows.pop(entity.id, None) is not None:
            self._leave(entity.id)

    def clear(self) -> None:
        """Forget all entities."""
        self._rows.clear()
        self._keys.clear()
        for index in self._indexes.values():
            index.clear()

    def reindex(self, entity: T) -> None:
        if entity.id in self._rows:
            self._leave(entity.id)
            self._enter(entity)

    def find(self, index: str, key: Hashable) -> list[T]:
        return list(self._indexes[index].get(key, {}).values())

    def first(self, index: str, key: Hashable) -> T | None:
        return next(iter(self._indexes[index].get(key, {}).values()), None)

    def count(self, index: str, key: Hashable) -> int:
        return len(self._indexes[index].get(key, ()))

    def _enter(self, entity: T) -> None:
        keys: dict[str, Hashable] = {}
        for name, key_of in self._key_of.items():
            key = key_of(entity)
            if key is not None:
                keys[name] = key
                self._indexes[name].setdefault(key, {})[entity.id] = entity
        self._keys[entity.id] = keys

    def _leave(self, entity_id: str) -> None:
        for name, key in self._keys.pop(entity_id).items():
            bucket = self._indexes[name][key]
            del bucket[entity_id]
            if not bucket:
                del self._indexes[name][key]
