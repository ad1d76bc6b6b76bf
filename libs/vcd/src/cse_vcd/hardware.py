"""CPU and memory as vCD describes them: RASD items."""

from collections.abc import Sequence
from typing import Final

from lxml import etree

from cse_vcd.documents import RASD, VMW, Element, every, int_at, qualified, text_at

_CPU: Final = "3"
_MEMORY: Final = "4"


def cpu_and_memory(machine: Element) -> tuple[bytes, ...]:
    """The items for CPU and memory of a `Vm`, as text."""
    kinds = (_CPU, _MEMORY)
    return tuple(etree.tostring(found) for kind in kinds if (found := _item(machine, kind)) is not None)


def cpu_count(machine: Element) -> int:
    """Virtual CPUs of a `Vm`; 0 if the document does not say."""
    return _quantity(_item(machine, _CPU))


def memory_mb(machine: Element) -> int:
    """Memory of a `Vm`; 0 if the document does not say."""
    return _quantity(_item(machine, _MEMORY))


def resized(items: Sequence[bytes], cpus: int | None, memory: int | None) -> list[Element]:
    """Those of the items (see `cpu_and_memory`) that have to change for so many CPUs and so many MB, changed."""
    wanted = {_CPU: cpus, _MEMORY: memory}
    found = [etree.fromstring(item) for item in items]
    return [item for item in found if resize(item, wanted.get(text_at(item, "rasd:ResourceType")) or 0)]


def resize(item: Element, quantity: int) -> bool:
    """Changes an item to a new quantity; returns whether that is a change at all. 0 changes nothing."""
    if not quantity or quantity == _quantity(item):
        return False
    _set(item, qualified(RASD, "VirtualQuantity"), str(quantity))
    name = text_at(item, "rasd:ElementName")
    _set(item, qualified(RASD, "ElementName"), " ".join([str(quantity), *name.split()[1:]]))
    _set(item, qualified(VMW, "CoresPerSocket"), "1")
    return True


def _item(machine: Element, kind: str) -> Element | None:
    items = every(machine, "ovf:VirtualHardwareSection/ovf:Item")
    return next((item for item in items if text_at(item, "rasd:ResourceType") == kind), None)


def _quantity(item: Element | None) -> int:
    return 0 if item is None else int_at(item, "rasd:VirtualQuantity")


def _set(item: Element, tag: str, text: str) -> None:
    found = item.find(tag)
    if found is not None:
        found.text = text
