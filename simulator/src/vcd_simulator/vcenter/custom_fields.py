"""CustomFieldsManager: attributes that clients define, and their values at managed entities."""

import itertools
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from vcd_simulator.vcenter.inventory import Inventory
from vcd_simulator.vcenter.objects import CUSTOM_FIELDS, Properties, is_kind
from vcd_simulator.vcenter.record import FieldRecord
from vcd_simulator.vcenter.sessions import Session
from vcd_simulator.vcenter.soap import Array, Data, Ref, Request, SoapFaultError, Value, invalid_request

_FIRST_KEY = 101
_MOST_FIELDS = 1000
_LONGEST_NAME = 80
_LONGEST_VALUE = 65535


@dataclass(frozen=True)
class _Field:
    key: int
    name: str
    kind: str | None
    """The managed type that it is for; None: all."""

    def fits(self, ref: Ref) -> bool:
        return self.kind is None or is_kind(ref, self.kind)

    def to_data(self) -> Data:
        return Data(
            "CustomFieldDef",
            {"key": self.key, "name": self.name, "type": "xsd:string", "managedObjectType": self.kind},
        )


class CustomFields:
    """The attributes of one vCenter. Thread-safe."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._fields: dict[int, _Field] = {}
        self._values: dict[Ref, dict[int, str]] = {}
        self._numbers = itertools.count(_FIRST_KEY)
        self._lock = threading.Lock()

    def methods(self) -> Mapping[str, Callable[[Request, Session], Value]]:
        """What CustomFieldsManager has, by the names of the vSphere API."""
        return {
            "AddCustomFieldDef": self._add,
            "RemoveCustomFieldDef": self._remove,
            "RenameCustomFieldDef": self._rename,
            "SetField": self._set_field,
        }

    def properties(self) -> Properties:
        """How to read each property of CustomFieldsManager."""
        return {"field": lambda: Array("CustomFieldDef", [one.to_data() for one in self._known()])}

    def properties_of(self, ref: Ref) -> Properties:
        """What a managed entity shows of its attributes."""
        return {
            "availableField": lambda: Array(
                "CustomFieldDef", [one.to_data() for one in self._known() if one.fits(ref)]
            ),
            "customValue": lambda: Array("CustomFieldValue", self.values(ref)),
            "value": lambda: Array("CustomFieldValue", self.values(ref)),
        }

    def values(self, ref: Ref) -> list[Data]:
        """The attributes of an object that have a value."""
        with self._lock:
            values = sorted(self._values.get(ref, {}).items())
        return [Data("CustomFieldStringValue", {"key": key, "value": value}) for key, value in values]

    def set_by_name(self, request: Request, _session: Session) -> Value:
        """`setCustomValue` of a managed entity."""
        name, value = request.arguments.text("key"), request.arguments.text("value")
        found = next((one for one in self._known() if one.name == name and one.fits(request.this)), None)
        if found is None:
            raise invalid_request(f"there is no attribute {name!r} for such objects", "key")
        self._set(request.this, found, value)
        return None

    def forget(self, ref: Ref) -> None:
        """Drop the values of an object that is gone."""
        with self._lock:
            self._values.pop(ref, None)

    def record(self) -> list[FieldRecord]:
        """The attributes as they are to be written down."""
        with self._lock:
            return [
                FieldRecord(
                    key=one.key,
                    name=one.name,
                    kind=one.kind,
                    values=[
                        (ref.type, ref.id, values[one.key]) for ref, values in self._values.items() if one.key in values
                    ],
                )
                for one in self._fields.values()
            ]

    def restore(self, fields: Iterable[FieldRecord]) -> None:
        """Take the place of what there is by what was written down."""
        fields = list(fields)
        with self._lock:
            self._fields = {one.key: _Field(one.key, one.name, one.kind) for one in fields}
            self._values = {}
            for one in fields:
                for kind, name, value in one.values:
                    self._values.setdefault(Ref(kind, name), {})[one.key] = value
            self._numbers = itertools.count(max([_FIRST_KEY - 1, *self._fields]) + 1)

    def _known(self) -> list[_Field]:
        with self._lock:
            return list(self._fields.values())

    def _add(self, request: Request, _session: Session) -> Value:
        name = _name(request, "name")
        kind = (request.arguments.optional_text("moType") or "").rpartition(":")[2] or None
        with self._lock:
            self._check_free(name, kind)
            if len(self._fields) >= _MOST_FIELDS:
                raise SoapFaultError("LimitExceeded", "There are too many custom attributes.", limit=_MOST_FIELDS)
            field = _Field(next(self._numbers), name, kind)
            self._fields[field.key] = field
        return field.to_data()

    def _remove(self, request: Request, _session: Session) -> Value:
        with self._lock:
            field = self._field(request)
            del self._fields[field.key]
            for values in self._values.values():
                values.pop(field.key, None)
        return None

    def _rename(self, request: Request, _session: Session) -> Value:
        name = _name(request, "name")
        with self._lock:
            field = self._field(request)
            if name != field.name:
                self._check_free(name, field.kind)
            self._fields[field.key] = _Field(field.key, name, field.kind)
        return None

    def _set_field(self, request: Request, _session: Session) -> Value:
        entity, value = request.arguments.ref("entity"), request.arguments.text("value")
        with self._lock:
            field = self._field(request)
        if not field.fits(entity):
            raise invalid_request("the attribute is not for such objects", "key")
        self._set(entity, field, value)
        return None

    def _set(self, ref: Ref, field: _Field, value: str) -> None:
        """Give an object a value; an empty one takes it away."""
        self._inventory.properties(ref)
        if len(value) > _LONGEST_VALUE:
            raise invalid_request("the value is too long", "value")
        with self._lock:
            values = self._values.setdefault(ref, {})
            values.pop(field.key, None)
            if value:
                values[field.key] = value
        self._inventory.hypervisor.changes.tell()

    def _field(self, request: Request) -> _Field:
        found = self._fields.get(request.arguments.integer("key"))
        if found is None:
            raise invalid_request("there is no attribute with this key", "key")
        return found

    def _check_free(self, name: str, kind: str | None) -> None:
        for one in self._fields.values():
            if one.name == name and (one.kind == kind or None in (one.kind, kind)):
                raise SoapFaultError(
                    "DuplicateName", f"The name '{name}' already exists.", name=name, object=CUSTOM_FIELDS
                )


def _name(request: Request, argument: str) -> str:
    name = request.arguments.text(argument)
    if not 0 < len(name) <= _LONGEST_NAME:
        raise invalid_request(f"a name has 1 to {_LONGEST_NAME} characters", argument)
    return name
