"""SearchIndex: finding objects by path, name, address and id."""

from collections.abc import Callable, Iterator, Mapping

from vcd_simulator.guests.machine import Guest
from vcd_simulator.vcenter.hosts import host_uuid
from vcd_simulator.vcenter.inventory import Inventory
from vcd_simulator.vcenter.machines import vm_path, vm_uuid
from vcd_simulator.vcenter.objects import HOST, NAMES, ROOT_FOLDER
from vcd_simulator.vcenter.properties import PropertyReader
from vcd_simulator.vcenter.soap import Arguments, Ref, Value


class SearchIndex:
    """The methods of SearchIndex for one vCenter. Machines have addresses; its host has a name and a UUID."""

    def __init__(self, inventory: Inventory, reader: PropertyReader) -> None:
        self._inventory = inventory
        self._reader = reader

    def methods(self) -> Mapping[str, Callable[[Arguments], Value]]:
        """What there is, by the names of the vSphere API."""
        return {
            "FindByUuid": lambda arguments: next(self._by_uuid(arguments), None),
            "FindAllByUuid": lambda arguments: list(self._by_uuid(arguments)),
            "FindByIp": lambda arguments: next(self._by_address(arguments), None),
            "FindAllByIp": lambda arguments: list(self._by_address(arguments)),
            "FindByDnsName": lambda arguments: next(self._by_name(arguments), None),
            "FindAllByDnsName": lambda arguments: list(self._by_name(arguments)),
            "FindByDatastorePath": self._by_datastore_path,
            "FindByInventoryPath": self._by_inventory_path,
            "FindChild": lambda arguments: self._child(arguments.ref("entity"), arguments.text("name")),
        }

    def _by_uuid(self, arguments: Arguments) -> Iterator[Ref]:
        kind = "instance" if arguments.boolean("instanceUuid") else "bios"
        wanted = arguments.text("uuid").lower()
        if arguments.boolean("vmSearch"):
            yield from self._machines(lambda guest: vm_uuid(guest.moid, kind) == wanted)
        elif wanted == host_uuid(self._inventory.name):
            yield HOST

    def _by_address(self, arguments: Arguments) -> Iterator[Ref]:
        wanted = arguments.text("ip")
        if arguments.boolean("vmSearch"):
            yield from self._machines(lambda guest: guest.is_up and wanted in guest.spec.ip_addresses)

    def _by_name(self, arguments: Arguments) -> Iterator[Ref]:
        wanted = arguments.text("dnsName").lower()
        if arguments.boolean("vmSearch"):
            yield from self._machines(lambda guest: guest.is_up and guest.hostname.lower() == wanted)
        elif wanted == NAMES[HOST]:
            yield HOST

    def _by_datastore_path(self, arguments: Arguments) -> Value:
        self._inventory.properties(arguments.ref("datacenter"))
        wanted = arguments.text("path")
        return next(self._machines(lambda guest: vm_path(guest) == wanted), None)

    def _by_inventory_path(self, arguments: Arguments) -> Value:
        found: Ref | None = ROOT_FOLDER
        for name in arguments.text("inventoryPath").strip("/").split("/"):
            found = self._child(found, name) if found else None
        return found

    def _machines(self, matches: Callable[[Guest], bool]) -> Iterator[Ref]:
        return (Ref("VirtualMachine", guest.moid) for guest in self._inventory.guests() if matches(guest))

    def _child(self, container: Ref, name: str) -> Ref | None:
        children = self._inventory.children(container, recursive=False)
        return next((child for child in children if self._reader.read("", child, "name") == name), None)
