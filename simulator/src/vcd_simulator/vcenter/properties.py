"""Reading properties: `Fetch`, and the property collector with its traversals and container views."""

import itertools
import threading
from collections.abc import Iterator

from vcd_simulator.vcenter.inventory import Inventory
from vcd_simulator.vcenter.soap import Arguments, Array, Data, Ref, SoapFaultError, Value, invalid_request

_SUPERTYPES = {
    "VirtualMachine": ("ManagedEntity", "ExtensibleManagedObject"),
    "Folder": ("ManagedEntity", "ExtensibleManagedObject"),
    "Datacenter": ("ManagedEntity", "ExtensibleManagedObject"),
    "ContainerView": ("ManagedObjectView", "View"),
}
_MAX_DEPTH = 32


class ContainerViews:
    """Views that clients have made and not destroyed yet. Thread-safe."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._views: dict[str, tuple[Ref, tuple[str, ...], bool]] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def create(self, container: Ref, kinds: tuple[str, ...], *, recursive: bool) -> Ref:
        """Raises SoapFaultError: there is no such container."""
        self._inventory.properties(container)
        with self._lock:
            view = Ref("ContainerView", f"session[simulator]{next(self._numbers)}")
            self._views[view.id] = (container, kinds, recursive)
        return view

    def destroy(self, view: Ref) -> None:
        with self._lock:
            self._views.pop(view.id, None)

    def content(self, view: Ref) -> tuple[Ref, tuple[str, ...], bool]:
        """What a view was made with. Raises SoapFaultError (ManagedObjectNotFound)."""
        with self._lock:
            if view.id not in self._views:
                raise SoapFaultError("ManagedObjectNotFound", f"The view {view.id} does not exist", obj=view)
            return self._views[view.id]

    def members(self, view: Ref) -> list[Ref]:
        container, kinds, recursive = self.content(view)
        found = self._inventory.children(container, recursive=recursive)
        return [ref for ref in found if not kinds or any(is_kind(ref, kind) for kind in kinds)]


def is_kind(ref: Ref, kind: str) -> bool:
    """Whether an object is of a managed type or one derived from it."""
    return kind in (ref.type, "ManagedObject") or kind in _SUPERTYPES.get(ref.type, ())


class PropertyReader:
    """Reads properties of any managed object by path, e.g. `guest.toolsRunningStatus`."""

    def __init__(self, inventory: Inventory, views: ContainerViews) -> None:
        self._inventory = inventory
        self._views = views

    def read(self, ref: Ref, path: str) -> Value:
        """One property. Raises SoapFaultError (InvalidProperty, ManagedObjectNotFound)."""
        name, *rest = path.split(".")
        if ref.type == "ContainerView":
            value = self._read_view(ref, name)
        else:
            readers = self._inventory.properties(ref)
            if name not in readers:
                raise _invalid_property(path)
            value = readers[name]()
        for part in rest:
            if value is None:
                return None
            if not isinstance(value, Data) or part not in value.fields:
                raise _invalid_property(path)
            value = value.fields[part]
        return value

    def names(self, ref: Ref) -> list[str]:
        """All properties of an object."""
        if ref.type == "ContainerView":
            return ["container", "type", "recursive", "view"]
        return list(self._inventory.properties(ref))

    def retrieve(self, specifications: list[Arguments]) -> list[Data]:
        """ObjectContents for the PropertyFilterSpecs of a RetrieveProperties call."""
        return [content for specification in specifications for content in self._retrieve(specification)]

    def _retrieve(self, specification: Arguments) -> Iterator[Data]:
        wanted = specification.children("propSet")
        seen: set[Ref] = set()
        for start in specification.children("objectSet"):
            selections = _by_name(start.children("selectSet"))
            roots = [] if start.boolean("skip") else [start.ref("obj")]
            found = [*roots, *self._traverse(start.ref("obj"), start.children("selectSet"), selections, 0)]
            for ref in found:
                if ref not in seen:
                    seen.add(ref)
                    yield from self._content(ref, wanted)

    def _content(self, ref: Ref, wanted: list[Arguments]) -> Iterator[Data]:
        matching = [one for one in wanted if is_kind(ref, one.text("type"))]
        if not matching:
            return
        paths: dict[str, None] = {}
        for one in matching:
            paths.update(dict.fromkeys(self.names(ref) if one.boolean("all") else one.texts("pathSet")))
        values = [(path, self.read(ref, path)) for path in paths]
        properties = [
            Data("DynamicProperty", {"name": path, "val": value}) for path, value in values if value is not None
        ]
        yield Data("ObjectContent", {"obj": ref, "propSet": properties})

    def _traverse(self, ref: Ref, steps: list[Arguments], named: dict[str, Arguments], depth: int) -> Iterator[Ref]:
        if depth > _MAX_DEPTH:
            raise invalid_request("the traversal does not end", "selectSet")
        for step in steps:
            whole = named.get(step.text("name", ""), step) if not step.has("path") else step
            if not whole.has("path") or not is_kind(ref, whole.text("type")):
                continue
            for target in _references(self.read(ref, whole.text("path"))):
                if not whole.boolean("skip"):
                    yield target
                yield from self._traverse(target, whole.children("selectSet"), named, depth + 1)

    def _read_view(self, view: Ref, name: str) -> Value:
        container, kinds, recursive = self._views.content(view)
        if name == "view":
            return Array("ManagedObjectReference", self._views.members(view))
        values: dict[str, Value] = {"container": container, "type": Array("String", kinds), "recursive": recursive}
        if name not in values:
            raise _invalid_property(name)
        return values[name]


def _by_name(steps: list[Arguments]) -> dict[str, Arguments]:
    """Selections that others refer to, by their names, however deep they are."""
    named = {}
    for step in steps:
        if step.has("path") and step.has("name"):
            named[step.text("name")] = step
        named.update(_by_name(step.children("selectSet")))
    return named


def _references(value: Value) -> list[Ref]:
    items = value.items if isinstance(value, Array) else [value]
    return [item for item in items if isinstance(item, Ref)]


def _invalid_property(path: str) -> SoapFaultError:
    return SoapFaultError("InvalidProperty", f"there is no property {path!r}", name=path)
