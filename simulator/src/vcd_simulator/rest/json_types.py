"""What JSON documents consist of: vCloud Director renders each member of a type, those without a value too."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

EXTENSIBLE = "VCloudExtensibleType"
POLYMORPHIC = frozenset({"SectionType", "QueryResultRecordType", "MetadataTypedValue"})
"""Bases whose descendants say which one they are, in a member `_type`."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a type; `many` makes it a list."""

    name: str
    kind: str
    many: bool


@dataclass(frozen=True, slots=True)
class DocumentType:
    """A type with all of its members, those of its bases first."""

    name: str
    bases: frozenset[str]
    members: Mapping[str, Member]
    """By their names without regard to case, as documents in XML spell them differently."""

    def derives_from(self, base: str) -> bool:
        return base == self.name or base in self.bases


@cache
def document_types() -> Mapping[str, DocumentType]:
    """All types, by name."""
    lines = files(__package__).joinpath("json_types.txt").read_text(encoding="utf-8").splitlines()
    rows = {row[0]: row[1:] for row in (line.split() for line in lines if not line.startswith("#"))}
    return {name: _resolved(name, rows) for name in rows}


def _resolved(name: str, rows: Mapping[str, list[str]]) -> DocumentType:
    chain = [name]
    while (base := rows[chain[-1]][0]) in rows:
        chain.append(base)
    members: dict[str, Member] = {}
    for one in reversed(chain):
        for text in rows[one][1:]:
            member, _, kind = text.partition(":")
            members[member.casefold()] = Member(member, kind.rstrip("*"), kind.endswith("*"))
    if EXTENSIBLE in chain:
        first, last = members.pop("otherattributes"), members.pop("vcloudextension")
        members = {"otherattributes": first, **members, "vcloudextension": last}
    return DocumentType(name, frozenset(chain[1:]), members)
