"""Attributes of records, read from one entity or from very many at once.

A filter over all VMs looks at tens of thousands of entities, so what it costs to look at one decides. Columns leave the
walk to the interpreter's own loops, work with keys that are quick to compare, and look at each different key once.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import cached_property
from operator import attrgetter
from typing import Any, Generic, TypeVar

from vcd_simulator.model.cloud import Cloud
from vcd_simulator.query.values import Pointer, Value

E = TypeVar("E")
Attribute = Callable[[Cloud, E], Value]


class Computed(Generic[E]):
    """Whatever takes some thought; `many` does it for many entities at once, if there is a quicker way."""

    def __init__(self, one: Attribute[E], many: Callable[[Cloud, Iterable[E]], list[Any]] | None = None) -> None:
        self._one = one
        self._many = many

    def __call__(self, cloud: Cloud, entity: E) -> Value:
        return self._one(cloud, entity)

    def keys(self, cloud: Cloud, entities: Iterable[E]) -> list[Any]:
        """For each entity what its value depends on: here the value."""
        if self._many is not None:
            return self._many(cloud, entities)
        one = self._one
        return [one(cloud, entity) for entity in entities]

    def value(self, _cloud: Cloud, key: Any) -> Value:
        """The value that a key stands for."""
        value: Value = key
        return value


class Stored(Computed[Any]):
    """A field of the entity, or of what it is made of: `hardware.cpu_count`."""

    def __init__(self, path: str) -> None:
        read: Callable[[Any], Value] = attrgetter(path)
        super().__init__(lambda cloud, entity: read(entity), lambda cloud, entities: list(map(read, entities)))


class Related(Computed[Any]):
    """Something that entities with the same key share, such as the name of their VDC; several paths make a tuple."""

    def __init__(self, *paths: str, read: Callable[[Cloud, Any], Value]) -> None:
        key: Callable[[Any], Hashable] = attrgetter(*paths)
        self._read = read
        super().__init__(
            lambda cloud, entity: read(cloud, key(entity)), lambda cloud, entities: list(map(key, entities))
        )

    def value(self, cloud: Cloud, key: Any) -> Value:
        return self._read(cloud, key)


class Column(Generic[E]):
    """One attribute of many entities, in their order."""

    def __init__(self, cloud: Cloud, attribute: Attribute[E], entities: Iterable[E]) -> None:
        self._cloud = cloud
        self._attribute = attribute if isinstance(attribute, Computed) else Computed(attribute)
        self._keys = self._attribute.keys(cloud, entities)

    def verdicts(self, test: Callable[[Value], bool], places: Sequence[int] | None) -> Iterable[bool]:
        """Whether the value at each of these places passes a test; without places, at every one."""
        value, cloud = self._attribute.value, self._cloud
        keys: Iterable[Any] = self._keys if places is None else [self._keys[place] for place in places]
        different = self._different if places is None or len(places) > len(self._different) else set(keys)
        known = {key: test(value(cloud, key)) for key in different}
        return map(known.__getitem__, keys)

    @cached_property
    def values(self) -> list[Any]:
        """Every value, in a form that can be put in order."""
        known = {key: _comparable(self._attribute.value(self._cloud, key)) for key in self._different}
        return list(map(known.__getitem__, self._keys))

    @cached_property
    def _different(self) -> set[Any]:
        return set(self._keys)


def _comparable(value: Value) -> Any:
    return value.id if isinstance(value, Pointer) else value
