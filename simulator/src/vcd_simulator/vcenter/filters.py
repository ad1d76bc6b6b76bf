"""What the filters for events and for tasks have in common: an object with what is below it, times, and users."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vcd_simulator.vcenter.objects import ROOT_FOLDER
from vcd_simulator.vcenter.soap import Arguments, Ref, invalid_request

Lineage = Callable[[Ref], Sequence[Ref]]
"""Everything that an object is in, the nearest first."""
_RECURSIONS = ("self", "children", "all")


@dataclass(frozen=True, kw_only=True)
class Criteria:
    """Which records a client wants, by what they are about, when and by whom; what is None is not asked for."""

    entity: Ref | None
    recursion: str
    begin: float | None
    end: float | None
    users: frozenset[str] | None

    def fit(self, entity: Ref | None, at: float, user: str, lineage: Lineage) -> bool:
        """Whether a record is wanted. What is about no object belongs to the root folder."""
        if (self.begin is not None and at < self.begin) or (self.end is not None and at > self.end):
            return False
        if self.users is not None and user.lower() not in self.users:
            return False
        return self.entity is None or self._covers(entity or ROOT_FOLDER, lineage)

    def _covers(self, entity: Ref, lineage: Lineage) -> bool:
        if entity == self.entity:
            return self.recursion != "children"
        above = lineage(entity)
        return self.entity in (above if self.recursion == "all" else above[:1] if self.recursion == "children" else ())


def criteria(given: Arguments) -> Criteria:
    """What an EventFilterSpec or a TaskFilterSpec says. Raises SoapFaultError."""
    entity = given.child("entity") if given.has("entity") else None
    recursion = "self" if entity is None else entity.text("recursion")
    if recursion not in _RECURSIONS:
        raise invalid_request("recursion is none of self, children and all", "filter.entity.recursion")
    times = given.child("time") if given.has("time") else None
    names = given.child("userName") if given.has("userName") else None
    users = None if names is None else frozenset(name.lower() for name in names.texts("userList"))
    return Criteria(
        entity=None if entity is None else entity.ref("entity"),
        recursion=recursion,
        begin=None if times is None else times.time("beginTime"),
        end=None if times is None else times.time("endTime"),
        users=users or None,
    )
