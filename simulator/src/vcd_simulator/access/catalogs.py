"""Catalogs, their items and templates."""

from collections.abc import Iterator

from vcd_simulator import errors
from vcd_simulator.access.rights import Rights
from vcd_simulator.model.compute import Catalog, CatalogItem, VappTemplate, Vm
from vcd_simulator.model.kinds import CATALOG, CATALOG_ITEM, VAPP_TEMPLATE
from vcd_simulator.model.rights import ADMINISTRATOR_CONTROL, ADMINISTRATOR_VIEW
from vcd_simulator.model.tenancy import AccessControl


class CatalogReach(Rights):
    """What a user reaches of catalogs. `…_by_id` and `…_to_change` raise `VcdError` 403 for what is out of reach."""

    def sees_catalog(self, catalog: Catalog) -> bool:
        if self.is_sysadmin:
            return True
        if catalog.published and self.has("Catalog: View Published Catalogs"):
            return True
        if self._granted_catalog(catalog, "ReadOnly"):
            return True
        views = self.has("Catalog: View Private and Shared Catalogs")
        return views and self._owns_catalog(catalog, ADMINISTRATOR_VIEW)

    def may_change_catalog(self, catalog: Catalog, level: str = "Change") -> bool:
        if self.is_sysadmin:
            return True
        return self._owns_catalog(catalog, ADMINISTRATOR_CONTROL) or (
            catalog.org_id == self.org.id and self._granted_catalog(catalog, level)
        )

    def _owns_catalog(self, catalog: Catalog, org_wide_right: str) -> bool:
        return catalog.org_id == self.org.id and (catalog.owner_id == self.user.id or self.has(org_wide_right))

    def _granted_catalog(self, catalog: Catalog, level: str) -> bool:
        """`everyone` means everyone in the catalog's own organisation."""
        everyone = catalog.access.everyone if catalog.org_id == self.org.id else None
        return self._granted(AccessControl(everyone=everyone, settings=catalog.access.settings), level)

    def catalog_by_id(self, catalog_id: str) -> Catalog:
        return self._reached(CATALOG, self._cloud.catalogs, catalog_id, self.sees_catalog)

    def catalog_to_change(self, catalog_id: str, right_name: str, level: str = "Change") -> Catalog:
        catalog = self.catalog_by_id(catalog_id)
        self.require(right_name)
        if not self.may_change_catalog(catalog, level):
            raise errors.no_access("catalog", catalog_id)
        return catalog

    def catalogs(self) -> Iterator[Catalog]:
        return (catalog for catalog in self._cloud.catalogs if self.sees_catalog(catalog))

    def sees_item(self, item: CatalogItem) -> bool:
        return self.sees_catalog(self._cloud.catalogs[item.catalog_id])

    def item_by_id(self, item_id: str) -> CatalogItem:
        return self._reached(CATALOG_ITEM, self._cloud.items, item_id, self.sees_item)

    def sees_template(self, template: VappTemplate) -> bool:
        item = self._cloud.items.get(template.catalog_item_id)
        return item is not None and self.sees_catalog(self._cloud.catalogs[item.catalog_id])

    def template_by_id(self, template_id: str) -> VappTemplate:
        return self._reached(VAPP_TEMPLATE, self._cloud.templates, template_id, self.sees_template)

    def template_vm_by_id(self, vm_id: str) -> tuple[VappTemplate, Vm]:
        vm = self._cloud.vms.get(vm_id)
        template = self._cloud.templates.get(vm.template_id) if vm is not None else None
        if vm is None or template is None or not self.sees_template(template):
            raise errors.no_access("vm", vm_id)
        return template, vm
