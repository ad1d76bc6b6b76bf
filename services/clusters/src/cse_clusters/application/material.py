"""What nodes are made from, looked up with the caller's eyes and found wrong before anything is begun."""

import contextvars
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from cse_clusters.application.ports import Inventory, Scripts, Template, Templates
from cse_clusters.domain.access import Caller
from cse_clusters.domain.vcd import VmTemplate
from cse_core.errors import FailedPreconditionError, NotFoundError

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Material:
    """What nodes are made from, all of it found."""

    template: Template
    machine: VmTemplate
    scripts: Scripts


class Materials:
    """Finds templates, their machines and their scripts.

    Args:
        inventory: vCD, as the caller sees it.
        templates: the catalogue.
        lookups: threads for questions that do not depend on each other.
    """

    def __init__(self, inventory: Inventory, templates: Templates, *, lookups: ThreadPoolExecutor) -> None:
        self._inventory = inventory
        self._templates = templates
        self._lookups = lookups

    def later(self, ask: Callable[[], _Result]) -> "Future[_Result]":
        """Asks on another thread. Never from within such a question: they would wait for each other's threads."""
        return self._lookups.submit(contextvars.copy_context().run, ask)

    def begin(self, caller: Caller, template: str, org: str, *, field: str) -> Callable[[], Material]:
        """Begins to look for the template of this name, or the default one; call the result for what was found.

        Args:
            caller: whose role must be able to use it.
            template: its name; empty for the default one.
            org: whose catalog is preferred.
            field: where the request names it.

        Raises:
            NotFoundError: there is no such template.
            FailedPreconditionError: reason CATALOG_ITEM_NOT_FOUND, by the result; it is not built.
        """
        found = self._template(caller, template, field)
        scripts = self.later(lambda: self._templates.scripts(caller.credentials, found.name))
        machine = self.later(lambda: self._machine(caller, found, org, field))
        return lambda: Material(found, machine.result(), scripts.result())

    def _template(self, caller: Caller, name: str, field: str) -> Template:
        try:
            return self._templates.get(caller.credentials, name or None)
        except NotFoundError as exc:
            raise NotFoundError(
                f"{field}: there is no template {name!r}; `vcd cse template list` shows what there is",
                reason="TEMPLATE_NOT_FOUND",
                field=field,
            ) from exc

    def _machine(self, caller: Caller, template: Template, org: str, field: str) -> VmTemplate:
        try:
            return self._inventory.vm_template(
                caller.credentials, org=org, catalog=template.catalog, item=template.item
            )
        except NotFoundError as exc:
            raise FailedPreconditionError(
                f"{field}: template {template.name!r} is not ready: catalog {template.catalog!r} has no item "
                f"{template.item!r} that your role may use; ask your administrator",
                reason="CATALOG_ITEM_NOT_FOUND",
                field=field,
                catalog=template.catalog,
                item=template.item,
            ) from exc


def storage_profile_href(profiles: Mapping[str, str], name: str, *, vdc: str, field: str) -> str | None:
    """The href of a VDC's storage profile; None for an empty name, which means the VDC's default.

    Raises:
        NotFoundError: reason STORAGE_PROFILE_NOT_FOUND.
    """
    if not name:
        return None
    if name not in profiles:
        raise NotFoundError(
            f"{field}: VDC {vdc!r} has no storage profile {name!r}{choices(profiles)}",
            reason="STORAGE_PROFILE_NOT_FOUND",
            field=field,
        )
    return profiles[name]


def choices(names: Iterable[str]) -> str:
    """The end of a message: what there is instead."""
    known = ", ".join(sorted(names)[:10])
    return f"; there are: {known}" if known else ""
