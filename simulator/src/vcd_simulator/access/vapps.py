"""vApps and VMs."""

from vcd_simulator import errors
from vcd_simulator.access.catalogs import CatalogReach
from vcd_simulator.model.compute import Vapp, Vm
from vcd_simulator.model.kinds import VAPP
from vcd_simulator.model.rights import ADMINISTRATOR_CONTROL, ADMINISTRATOR_VIEW


class VappReach(CatalogReach):
    """What a user reaches of vApps, and of VMs wherever they are.

    `…_by_id` and `…_to_change` raise `VcdError` 403 for what is out of reach.
    """

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
        return self._reached(VAPP, self._cloud.vapps, vapp_id, self.sees_vapp)

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
