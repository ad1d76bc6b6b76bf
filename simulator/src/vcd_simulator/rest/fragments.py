"""Parts of documents that are kept as they were rendered.

Clients poll vApps, and a vApp with all of its VMs is the largest document there is. What a part says follows from the
state of one entity and from who looks, so a part is rendered anew when either differs from the last time.
"""

from collections.abc import Callable, Hashable
from dataclasses import fields, is_dataclass
from functools import cache
from operator import attrgetter
from typing import Any

from vcd_simulator.rest import xml
from vcd_simulator.rest.xml import Element

_KEPT = 2048
"""How many parts; a VM has about 10 kB."""


class Fragments:
    """Rendered parts, by what they are about."""

    def __init__(self) -> None:
        self._known: dict[Hashable, tuple[Hashable, bytes]] = {}

    def get(self, what: Hashable, state: Hashable, make: Callable[[], Element]) -> bytes:
        """A part for `xml.embed`, which is made only if its state differs from the last one."""
        known = self._known.pop(what, None)
        if known is None or known[0] != state:
            known = state, xml.fragment(make())
        self._known[what] = known  # at the end again: what was asked for last is forgotten last
        if len(self._known) > _KEPT:
            del self._known[next(iter(self._known))]
        return known[1]


def state_of(value: Any) -> Hashable:
    """Everything that an entity is, down to the last field; equal as long as nothing about it has changed."""
    kind: Any = type(value)  # as a key: the type checker takes types for unhashable
    read = _reader(kind)
    if read is not None:
        return tuple([one if type(one) in _PLAIN else state_of(one) for one in read(value)])
    if kind is list or kind is tuple:
        return tuple([state_of(one) for one in value])
    if kind is dict:
        return tuple([(key, state_of(one)) for key, one in value.items()])
    plain: Hashable = value
    return plain


_PLAIN = frozenset({str, int, bool, float, type(None)})


@cache
def _reader(kind: Hashable) -> Callable[[Any], tuple[Any, ...]] | None:
    """What reads all fields of a dataclass; None for other types."""
    if not (isinstance(kind, type) and is_dataclass(kind)):
        return None
    names = [field.name for field in fields(kind)]
    return attrgetter(*names) if len(names) > 1 else lambda value: tuple(getattr(value, name) for name in names)
