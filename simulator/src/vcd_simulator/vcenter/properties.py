"""Reading properties: `Fetch`, and the property collector with its traversals and container views."""

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from vcd_simulator.vcenter.inventory import Inventory
from vcd_simulator.vcenter.objects import Properties, is_kind
from vcd_simulator.vcenter.schema import as_array, is_unset, path_steps
from vcd_simulator.vcenter.soap import (
    Arguments,
    Array,
    Data,
    Long,
    Ref,
    SoapFaultError,
    Value,
    invalid_request,
    missing_object,
)

_VIEWS = ("ContainerView", "ListView")
_MAX_DEPTH = 32

Selection = dict[Ref, dict[str, Value]]
"""Objects with those of their properties that were asked for and have a value."""


@dataclass(frozen=True, kw_only=True)
class _View:
    """A view: of what is in a container now, or of a list of objects."""

    session: str
    container: Ref | None = None
    kinds: tuple[str, ...] = ()
    recursive: bool = False
    listed: tuple[Ref, ...] = ()


class ContainerViews:
    """Views that clients have made and not destroyed yet; they end with their sessions. Thread-safe."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._views: dict[Ref, _View] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def create(self, session: str, container: Ref, kinds: tuple[str, ...], *, recursive: bool) -> Ref:
        """A ContainerView. Raises SoapFaultError: there is no such container."""
        self._inventory.properties(container)
        view = _View(session=session, container=container, kinds=kinds, recursive=recursive)
        return self._enter("ContainerView", view)

    def create_list(self, session: str, members: Iterable[Ref]) -> Ref:
        """A ListView of the objects that there are."""
        return self._enter("ListView", _View(session=session, listed=tuple(members)))

    def destroy(self, view: Ref) -> None:
        """Raises SoapFaultError: there is no such view."""
        with self._lock:
            if self._views.pop(view, None) is None:
                raise missing_object(view)

    def forget(self, session: str) -> None:
        """Destroy the views of a session that has ended."""
        with self._lock:
            self._views = {ref: view for ref, view in self._views.items() if view.session != session}

    def properties(self, ref: Ref) -> Properties:
        """How to read a view's properties. Raises SoapFaultError (ManagedObjectNotFound)."""
        with self._lock:
            view = self._views.get(ref)
        if view is None:
            raise missing_object(ref)
        members: Properties = {"view": lambda: Array("ManagedObjectReference", self._members(view))}
        if view.container is None:
            return members
        return {
            **members,
            "container": lambda: view.container,
            "type": lambda: Array("String", view.kinds),
            "recursive": lambda: view.recursive,
        }

    def _enter(self, kind: str, view: _View) -> Ref:
        with self._lock:
            ref = Ref(kind, f"session[{view.session[:8]}]{next(self._numbers)}")
            self._views[ref] = view
        return ref

    def _members(self, view: _View) -> list[Ref]:
        if view.container is None:
            return [ref for ref in view.listed if self._inventory.has(ref)]
        found = self._inventory.children(view.container, recursive=view.recursive)
        return [ref for ref in found if not view.kinds or any(is_kind(ref, kind) for kind in view.kinds)]


class PropertyReader:
    """Reads properties of any managed object by path, e.g. `guest.toolsRunningStatus`, as one session sees them."""

    def __init__(
        self, inventory: Inventory, views: ContainerViews, own: Callable[[str, Ref], Properties | None]
    ) -> None:
        """`own` knows the objects whose properties depend on the session, by the session's key; None for all others."""
        self._inventory = inventory
        self._views = views
        self._own = own

    def read(self, session: str, ref: Ref, path: str) -> Value:
        """One property. Raises SoapFaultError (InvalidProperty, ManagedObjectNotFound)."""
        steps = list(path_steps(path))
        readers = self._properties(session, ref)
        if not steps or steps[0][0] not in readers:
            raise _invalid_property(path)
        value: Value = Data("", {steps[0][0]: readers[steps[0][0]]()})
        for number, (name, key) in enumerate(steps):
            if value is None:
                return None
            if not isinstance(value, Data) or (
                name not in value.fields and (not number or not is_unset(value.type, name))
            ):
                raise _invalid_property(path)
            value = as_array(value.type, name, value.fields.get(name))
            if key is not None:
                value = _element(value, key, path)
        return value

    def names(self, session: str, ref: Ref) -> list[str]:
        """All properties of an object. Raises SoapFaultError (ManagedObjectNotFound)."""
        return list(self._properties(session, ref))

    def retrieve(self, session: str, specifications: list[Arguments]) -> list[Data]:
        """ObjectContents for the PropertyFilterSpecs of a RetrieveProperties call."""
        return [
            Data("ObjectContent", {"obj": ref, "propSet": [_dynamic(*pair) for pair in values.items()]})
            for specification in specifications
            for ref, values in self.select(session, specification).items()
        ]

    def select(self, session: str, specification: Arguments, *, again: bool = False) -> Selection:
        """What a PropertyFilterSpec selects now.

        Args:
            session: key of the session that asks.
            specification: the PropertyFilterSpec.
            again: it has been looked at before, so that an object which it names may be gone meanwhile.

        Raises:
            SoapFaultError: it names a property that does not exist, or (unless `again`) an object.
        """
        wanted = specification.children("propSet")
        found: Selection = {}
        for start in specification.children("objectSet"):
            try:
                for ref in self._objects(session, start):
                    if ref not in found and any(is_kind(ref, one.text("type")) for one in wanted):
                        found[ref] = self._values(session, ref, wanted)
            except SoapFaultError as error:
                if not again or error.fault.type != "ManagedObjectNotFound":
                    raise
        return found

    def _properties(self, session: str, ref: Ref) -> Properties:
        if ref.type in _VIEWS:
            return self._views.properties(ref)
        own = self._own(session, ref)
        return self._inventory.properties(ref) if own is None else own

    def _objects(self, session: str, start: Arguments) -> Iterator[Ref]:
        """What an ObjectSpec leads to; what vanishes while we look is left out."""
        root, steps = start.ref("obj"), start.children("selectSet")
        self.names(session, root)  # is it there?
        if not start.boolean("skip"):
            yield root
        for ref in self._traverse(session, root, steps, _by_name(steps), set(), 0):
            if self._exists(session, ref):
                yield ref

    def _exists(self, session: str, ref: Ref) -> bool:
        try:
            self.names(session, ref)
        except SoapFaultError:
            return False
        return True

    def _values(self, session: str, ref: Ref, wanted: list[Arguments]) -> dict[str, Value]:
        paths: dict[str, None] = {}
        for one in wanted:
            if is_kind(ref, one.text("type")):
                every = one.boolean("all")
                paths.update(dict.fromkeys(self.names(session, ref) if every else one.texts("pathSet")))
        values = ((path, self.read(session, ref, path)) for path in paths)
        return {path: value for path, value in values if value is not None}

    def _traverse(
        self,
        session: str,
        ref: Ref,
        steps: list[Arguments],
        named: dict[str, Arguments],
        begun: set[tuple[Ref, str, str]],
        depth: int,
    ) -> Iterator[Ref]:
        """Everything that steps lead to from an object; `begun` holds from where steps with names have been gone."""
        if depth > _MAX_DEPTH:
            raise invalid_request("the traversal is too deep", "selectSet")
        for step in steps:
            name = step.text("name", "")
            whole = named.get(name, step) if not step.has("path") else step
            if not whole.has("path") or not is_kind(ref, whole.text("type")):
                continue
            if name and (ref, name, whole.text("path")) in begun:
                continue
            begun.add((ref, name, whole.text("path")))
            for target in _references(self.read(session, ref, whole.text("path"))):
                if not whole.boolean("skip"):
                    yield target
                yield from self._traverse(session, target, whole.children("selectSet"), named, begun, depth + 1)


def _element(value: Value, key: str, path: str) -> Value:
    """The element of an array with a key; None if there is none. Raises SoapFaultError: it is no array of such."""
    if value is None:
        return None
    if not isinstance(value, Array):
        raise _invalid_property(path)
    for item in value.items:
        if isinstance(item, Data) and str(_plain(item.fields.get("key"))) == key:
            return item
        if isinstance(item, Ref) and item.id == key:
            return item
    return None


def _plain(value: Value) -> object:
    return value.value if isinstance(value, Long) else value


def _dynamic(path: str, value: Value) -> Data:
    return Data("DynamicProperty", {"name": path, "val": value})


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
