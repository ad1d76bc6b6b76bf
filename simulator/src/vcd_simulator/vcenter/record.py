"""What a vCenter itself keeps, as it is written down in a saved state: machines are written down as guests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from vcd_simulator.vcenter.soap import Array, Data, Enum, Long, Ref, Value

Written = Any
"""A value as JSON: scalars as they are, everything else as an object that says what it is."""


@dataclass(kw_only=True)
class FolderRecord:
    """A folder of machines that a client has made."""

    id: str
    name: str
    parent: str


@dataclass(kw_only=True)
class FieldRecord:
    """A custom attribute, with its values by the type and the id of what has them."""

    key: int
    name: str
    kind: str | None
    values: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass(kw_only=True)
class EventRecord:
    """One event."""

    key: int
    chain: int
    type: str
    created: float
    user: str
    entity: tuple[str, str] | None
    entity_name: str
    fields: dict[str, Written]


@dataclass(kw_only=True)
class VcenterRecord:
    """One vCenter."""

    folders: list[FolderRecord] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)
    """By moid: the folder that somebody has moved a machine to."""
    custom_fields: list[FieldRecord] = field(default_factory=list)
    options: dict[str, str | int | bool] = field(default_factory=dict)
    events: list[EventRecord] = field(default_factory=list)


def write_value(value: Value) -> Written:
    """A value of the vSphere API as JSON."""
    match value:
        case Data():
            return {"data": value.type, "fields": {name: write_value(one) for name, one in value.fields.items()}}
        case Ref():
            return {"ref": value.type, "id": value.id}
        case Array():
            return {"array": value.of, "items": [write_value(one) for one in value.items]}
        case Enum():
            return {"enum": value.type, "value": value.value}
        case Long():
            return {"long": value.value}
        case datetime():
            return {"time": value.isoformat()}
        case list() | tuple():
            return [write_value(one) for one in value]
        case _:
            return value


def read_value(written: Written) -> Value:
    """A value from its JSON. Raises ValueError, KeyError: it is none."""
    match written:
        case {"data": str(kind), "fields": dict(fields)}:
            return Data(kind, {str(name): read_value(one) for name, one in fields.items()})
        case {"ref": str(kind), "id": str(name)}:
            return Ref(kind, name)
        case {"array": str(of), "items": list(items)}:
            return Array(of, [read_value(one) for one in items])
        case {"enum": str(kind), "value": str(word)}:
            return Enum(kind, word)
        case {"long": int(number)}:
            return Long(number)
        case {"time": str(text)}:
            return datetime.fromisoformat(text)
        case list():
            return [read_value(one) for one in written]
        case None | bool() | int() | str():
            return written
        case _:
            raise ValueError("an event of a vCenter holds a value that is none")


def write_fields(fields: Mapping[str, Value]) -> dict[str, Written]:
    """The fields of a data object as JSON."""
    return {name: write_value(value) for name, value in fields.items()}


def read_fields(written: Mapping[str, Written]) -> dict[str, Value]:
    """Fields from their JSON. Raises ValueError."""
    return {name: read_value(value) for name, value in written.items()}
