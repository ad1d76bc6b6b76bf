"""What a vCenter itself keeps outlasts a saved state, and nonsense is refused."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from vcd_simulator.vcenter.events import EventLog
from vcd_simulator.vcenter.folders import Folders
from vcd_simulator.vcenter.objects import VM_FOLDER
from vcd_simulator.vcenter.record import EventRecord, FolderRecord, read_value, write_value
from vcd_simulator.vcenter.soap import Array, Data, Enum, Long, Ref, Value

MACHINE = Ref("VirtualMachine", "vm-1")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="nothing"),
        pytest.param(True, id="truth"),
        pytest.param("it's <b>ü</b>", id="text"),
        pytest.param([1, "a"], id="list"),
        pytest.param(Long(1 << 40), id="long"),
        pytest.param(Enum("VirtualMachinePowerState", "poweredOn"), id="enum"),
        pytest.param(MACHINE, id="reference"),
        pytest.param(datetime(2024, 2, 29, 12, tzinfo=UTC), id="time"),
        pytest.param(Array("String", ["a"]), id="array"),
        pytest.param(Data("Spec", {"a": Data("Inner", {"b": [MACHINE, Long(1)]}), "c": None}), id="data"),
    ],
)
def test_values_come_back_from_json(value: Value) -> None:
    assert read_value(json.loads(json.dumps(write_value(value)))) == value


@pytest.mark.parametrize("written", [{}, {"data": 1}, {"long": "x"}, 1.5, {"ref": "a"}])
def test_what_is_no_value_is_refused(written: Any) -> None:
    with pytest.raises(ValueError, match="holds a value that is none"):
        read_value(written)


def test_folders_come_back_with_what_is_in_them_and_new_ones_get_other_ids() -> None:
    before = Folders()
    outer = before.create(VM_FOLDER, "outer")
    inner = before.create(outer, "inner")
    before.move(MACHINE, inner)
    after = Folders()
    after.restore(*before.record())
    assert (after.name(inner), after.parent(inner), after.parent(MACHINE)) == ("inner", outer, inner)
    assert after.create(VM_FOLDER, "new") not in (outer, inner)
    assert after.record()[0][:2] == before.record()[0]
    after.restore([], {})
    assert after.parent(MACHINE) == VM_FOLDER
    assert not after.has(outer)


@pytest.mark.parametrize(
    ("folders", "places"),
    [
        pytest.param([("group-v100", "group-v101"), ("group-v101", "group-v100")], {}, id="circle"),
        pytest.param([("group-v100", "group-v77")], {}, id="orphan"),
        pytest.param([("group-v3", "group-v3")], {}, id="fixed"),
        pytest.param([("host-9", "group-v3")], {}, id="no-folder"),
        pytest.param([], {"vm-1": "group-v100"}, id="place"),
    ],
)
def test_folders_that_lead_nowhere_are_refused(folders: list[tuple[str, str]], places: dict[str, str]) -> None:
    known = Folders()
    kept = known.create(VM_FOLDER, "kept")
    with pytest.raises(ValueError, match=r"folder|in nothing"):
        known.restore([FolderRecord(id=name, name="x", parent=parent) for name, parent in folders], places)
    assert known.has(kept), "nothing has changed"


def test_events_come_back_and_keys_only_grow() -> None:
    before, after = EventLog("vc1", "cse"), EventLog("vc1", "cse")
    before.note("VmRenamedEvent", entity=MACHINE, name="new", details={"oldName": "old", "newName": "new"})
    for _ in range(5):
        after.note("TaskEvent", name="x")
    after.restore(before.record())
    (event,) = after.all()
    assert (event.entity, event.message()) == (MACHINE, "Renamed new from old to new in Datacenter")
    after.note("TaskEvent", name="x")
    assert after.all()[-1].key > 5


@pytest.mark.parametrize(("kind", "message"), [("NoEvent", "no type"), ("VmRenamedEvent", "does not say 'oldName'")])
def test_events_of_no_known_kind_are_refused(kind: str, message: str) -> None:
    record = EventRecord(
        key=1, chain=1, type=kind, created=0.0, user="u", entity=None, entity_name="", fields={"newName": "x"}
    )
    with pytest.raises(ValueError, match=message):
        EventLog("vc1", "cse").restore([record])
