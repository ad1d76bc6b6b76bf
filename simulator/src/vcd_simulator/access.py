"""Who may see and do what.

Two questions, always asked through a session's `Access`: does the role carry the right, and is the entity within
reach? An entity out of reach does not exist for the caller: the answer is the one for unknown ids. System
administrators reach everything.
"""

from collections.abc import Iterator

from vcd_simulator import errors
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Catalog, CatalogItem, Vapp, VappTemplate, Vm
from vcd_simulator.model.datacenter import OrgVdcNetwork, StorageProfile, Vdc
from vcd_simulator.model.rights import ADMINISTRATOR_CONTROL, ADMINISTRATOR_VIEW, SYSTEM_ADMINISTRATOR
from vcd_simulator.model.task import Task
from vcd_simulator.model.tenancy import AccessControl, Org, Role, User

_LEVELS = ("ReadOnly", "Change", "FullControl")


class Access:
    """The reach of one user. Cheap to make; it looks everything up when asked, so changed roles count at once."""

    def __init__(self, cloud: Cloud, user: User) -> None:
        self._cloud = cloud
        self.user = user
        self.org: Org = cloud.orgs[user.org_id]
        self.is_sysadmin = self.org.is_system

    def at_this_moment(self) -> "Access":
        """The same reach, for many questions at once under one lock: it remembers which rights there are."""
        return _MomentaryAccess(self._cloud, self.user)

    @property
    def role(self) -> Role:
        return self._cloud.roles[self.user.role_id]

    def has(self, right_name: str) -> bool:
        """Whether the role carries a right, and the organisation still has it.

        The provider's own role of System Administrator carries all, those that services add later too.
        """
        role = self.role
        if self.is_sysadmin and role.name == SYSTEM_ADMINISTRATOR:
            return True
        right = self._cloud.rights.first("name", right_name)
        return right is not None and right.id in role.rights and (self.is_sysadmin or right.id in self.org.rights)

    def right_ids(self) -> list[str]:
        """Ids of the rights in force."""
        if self.is_sysadmin:
            everything = self.role.name == SYSTEM_ADMINISTRATOR
            return [right.id for right in self._cloud.rights] if everything else list(self.role.rights)
        return [right_id for right_id in self.role.rights if right_id in self.org.rights]

    def require(self, right_name: str) -> None:
        """Insist on a right.

        Raises:
            VcdError: 403, the right is missing; the message names it.
        """
        if not self.has(right_name):
            raise errors.missing_right(right_name)

    def require_provider(self, right_name: str) -> None:
        """Insist on a user of the provider's, whose role carries a right.

        Raises:
            VcdError: 403, he is a tenant, or the right is missing.
        """
        if not self.is_sysadmin:
            raise errors.forbidden("This operation needs a system administrator.")
        self.require(right_name)

    # Organisations and their people

    def orgs(self) -> list[Org]:
        return list(self._cloud.orgs) if self.is_sysadmin else [self.org]

    def org_by_id(self, org_id: str) -> Org:
        org = self._cloud.orgs.get(org_id)
        if org is None or not (self.is_sysadmin or org is self.org):
            raise errors.no_access("org", org_id)
        return org

    def sees_user(self, user: User) -> bool:
        """Who may share vApps sees the people that there are to share with."""
        if not self.is_sysadmin and user.org_id != self.org.id:
            return False
        return user is self.user or self.has("vApp: Sharing") or self.has("Group / User: View")

    def user_by_id(self, user_id: str) -> User:
        user = self._cloud.users.get(user_id)
        if user is None or not self.sees_user(user):
            raise errors.no_access("user", user_id)
        return user

    def role_by_id(self, role_id: str) -> Role:
        role = self._cloud.roles.get(role_id)
        if role is None or not (self.is_sysadmin or role.org_id == self.org.id):
            raise errors.no_access("role", role_id)
        return role

    @property
    def manages_users(self) -> bool:
        """Organisation administrators manage their own users, although the right of that name is not among theirs."""
        return self.has(ADMINISTRATOR_CONTROL) or self.has("Group / User: Manage")

    # VDCs and what is in them

    def sees_vdc(self, vdc: Vdc) -> bool:
        if self.is_sysadmin:
            return True
        return vdc.org_id == self.org.id and (
            self.has(ADMINISTRATOR_VIEW) or vdc.access.level(self.user.id, self.org.id) is not None
        )

    def vdc_by_id(self, vdc_id: str) -> Vdc:
        vdc = self._cloud.vdcs.get(vdc_id)
        if vdc is None or not self.sees_vdc(vdc):
            raise errors.no_access("vdc", vdc_id)
        return vdc

    def vdcs(self) -> Iterator[Vdc]:
        found = self._cloud.vdcs.values() if self.is_sysadmin else self._cloud.vdcs.find("org", self.org.id)
        return (vdc for vdc in found if self.sees_vdc(vdc))

    def sees_network(self, network: OrgVdcNetwork) -> bool:
        return self.is_sysadmin or network.org_id == self.org.id

    def network_by_id(self, network_id: str) -> OrgVdcNetwork:
        network = self._cloud.networks.get(network_id)
        if network is None or not self.sees_network(network):
            raise errors.no_access("network", network_id)
        return network

    def sees_profile(self, profile: StorageProfile) -> bool:
        return self.sees_vdc(self._cloud.vdcs[profile.vdc_id])

    def profile_by_id(self, profile_id: str) -> StorageProfile:
        profile = self._cloud.profiles.get(profile_id)
        if profile is None or not self.sees_profile(profile):
            raise errors.no_access("vdcStorageProfile", profile_id)
        return profile

    # vApps and VMs

    def sees_vapp(self, vapp: Vapp) -> bool:
        return self._reaches_vapp(vapp, ADMINISTRATOR_VIEW, "ReadOnly")

    def may_change_vapp(self, vapp: Vapp) -> bool:
        """Whether the caller may change a vApp; while it is in maintenance, only the provider may."""
        if vapp.in_maintenance and not self.is_sysadmin:
            return False
        return self._reaches_vapp(vapp, ADMINISTRATOR_CONTROL, "Change")

    def controls_vapp(self, vapp: Vapp) -> bool:
        return self._reaches_vapp(vapp, ADMINISTRATOR_CONTROL, "FullControl")

    def vapp_by_id(self, vapp_id: str) -> Vapp:
        vapp = self._cloud.vapps.get(vapp_id)
        if vapp is None or not self.sees_vapp(vapp):
            raise errors.no_access("vApp", vapp_id)
        return vapp

    def vapp_to_change(self, vapp_id: str, right_name: str) -> Vapp:
        """A vApp for an operation that needs this right."""
        vapp = self.vapp_by_id(vapp_id)
        self.require(right_name)
        self._require_service(vapp)
        if not self.may_change_vapp(vapp):
            raise errors.no_access("vApp", vapp_id)
        return vapp

    def sees_vm(self, vm: Vm) -> bool:
        """Whether a VM is within reach: through its vApp, or through its template."""
        vapp, template = self._cloud.vapps.get(vm.vapp_id), self._cloud.templates.get(vm.template_id)
        return (vapp is not None and self.sees_vapp(vapp)) or (template is not None and self.sees_template(template))

    def vm_by_id(self, vm_id: str) -> tuple[Vapp, Vm]:
        """A VM of a vApp, with its vApp."""
        vm = self._cloud.vms.get(vm_id)
        vapp = self._cloud.vapps.get(vm.vapp_id) if vm is not None else None
        if vm is None or vapp is None or not self.sees_vapp(vapp):
            raise errors.no_access("vm", vm_id)
        return vapp, vm

    def vm_to_change(self, vm_id: str, right_name: str) -> tuple[Vapp, Vm]:
        vapp, vm = self.vm_by_id(vm_id)
        self.require(right_name)
        self._require_service(vapp)
        if not self.may_change_vapp(vapp):
            raise errors.no_access("vm", vm_id)
        return vapp, vm

    def _require_service(self, vapp: Vapp) -> None:
        if vapp.in_maintenance and not self.is_sysadmin:
            raise errors.not_allowed(f"The vApp {vapp.name} is in maintenance mode.")

    def _reaches_vapp(self, vapp: Vapp, org_wide_right: str, level: str) -> bool:
        if self.is_sysadmin:
            return True
        if self._cloud.vdcs[vapp.vdc_id].org_id != self.org.id:
            return False
        return vapp.owner_id == self.user.id or self.has(org_wide_right) or self._granted(vapp.access, level)

    def _granted(self, access: AccessControl, level: str) -> bool:
        granted = access.level(self.user.id, self.org.id)
        return granted is not None and _LEVELS.index(granted) >= _LEVELS.index(level)

    # Catalogs and templates

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
        catalog = self._cloud.catalogs.get(catalog_id)
        if catalog is None or not self.sees_catalog(catalog):
            raise errors.no_access("catalog", catalog_id)
        return catalog

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
        item = self._cloud.items.get(item_id)
        if item is None or not self.sees_item(item):
            raise errors.no_access("catalogItem", item_id)
        return item

    def sees_template(self, template: VappTemplate) -> bool:
        item = self._cloud.items.get(template.catalog_item_id)
        return item is not None and self.sees_catalog(self._cloud.catalogs[item.catalog_id])

    def template_by_id(self, template_id: str) -> VappTemplate:
        template = self._cloud.templates.get(template_id)
        if template is None or not self.sees_template(template):
            raise errors.no_access("vAppTemplate", template_id)
        return template

    def template_vm_by_id(self, vm_id: str) -> tuple[VappTemplate, Vm]:
        vm = self._cloud.vms.get(vm_id)
        template = self._cloud.templates.get(vm.template_id) if vm is not None else None
        if vm is None or template is None or not self.sees_template(template):
            raise errors.no_access("vm", vm_id)
        return template, vm

    # Tasks

    def sees_task(self, task: Task) -> bool:
        """Tenants see their own tasks, and those on what is theirs, whoever began them."""
        if self.is_sysadmin:
            return True
        if task.org_id != self.org.id:
            return False
        return task.user.entity_id == self.user.id or self.has(ADMINISTRATOR_VIEW) or self._sees_owner(task.owner_id)

    def may_cancel(self, task: Task) -> bool:
        """Whoever began a task may end it, and so may administrators."""
        return task.user.entity_id == self.user.id or self.has(ADMINISTRATOR_CONTROL)

    def _sees_owner(self, owner_id: str | None) -> bool:
        cloud = self._cloud
        vapp, vm = cloud.vapps.get(owner_id), cloud.vms.get(owner_id)
        template, catalog = cloud.templates.get(owner_id), cloud.catalogs.get(owner_id)
        return (
            (vapp is not None and self.sees_vapp(vapp))
            or (vm is not None and self.sees_vm(vm))
            or (template is not None and self.sees_template(template))
            or (catalog is not None and self.sees_catalog(catalog))
        )

    def task_by_id(self, task_id: str) -> Task:
        task = self._cloud.tasks.tasks.get(task_id)
        if task is None or not self.sees_task(task):
            raise errors.no_access("task", task_id)
        return task


class _MomentaryAccess(Access):
    """Looks every right up once, and at every VDC once for all of its vApps."""

    def __init__(self, cloud: Cloud, user: User) -> None:
        super().__init__(cloud, user)
        self._known: dict[str, bool] = {}
        self._open_vdcs: dict[str, bool] = {}

    def sees_vapp(self, vapp: Vapp) -> bool:
        return self._sees_all_in(vapp.vdc_id) or super().sees_vapp(vapp)

    def _sees_all_in(self, vdc_id: str) -> bool:
        """Whether the caller sees every vApp of a VDC, whoever owns it."""
        known = self._open_vdcs.get(vdc_id)
        if known is None:
            own = self._cloud.vdcs[vdc_id].org_id == self.org.id
            known = self._open_vdcs[vdc_id] = self.is_sysadmin or (own and self.has(ADMINISTRATOR_VIEW))
        return known

    def has(self, right_name: str) -> bool:
        known = self._known.get(right_name)
        if known is None:
            known = self._known[right_name] = super().has(right_name)
        return known
