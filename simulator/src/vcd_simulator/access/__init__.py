"""Who may see and do what.

Two questions, always asked through a session's `Access`: does the role carry the right, and is the entity within
reach? An entity out of reach does not exist for the caller: the answer is the one for unknown ids. System
administrators reach everything.

What is within reach is decided by subject, in a module each: `tenancy` for organisations and VDCs, `catalogs`, `vapps`.
"""

from vcd_simulator.access.tenancy import TenancyReach
from vcd_simulator.access.vapps import VappReach
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import Vapp
from vcd_simulator.model.kinds import TASK
from vcd_simulator.model.rights import ADMINISTRATOR_CONTROL, ADMINISTRATOR_VIEW
from vcd_simulator.model.task import Task
from vcd_simulator.model.tenancy import User


class Access(TenancyReach, VappReach):
    """The reach of one user. Cheap to make; it looks everything up when asked, so changed roles count at once."""

    def at_this_moment(self) -> "Access":
        """The same reach, for many questions at once under one lock: it remembers which rights there are."""
        return _MomentaryAccess(self._cloud, self.user)

    def sees_task(self, task: Task) -> bool:
        """Tenants see their own tasks, and those on what is theirs, whoever began them."""
        if self.is_sysadmin:
            return True
        if task.org_id != self.org.id:
            return False
        return task.user.entity_id == self.user.id or self.has(ADMINISTRATOR_VIEW) or self._sees_owner(task.owner_id)

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
        return self._reached(TASK, self._cloud.tasks.tasks, task_id, self.sees_task)

    def may_cancel(self, task: Task) -> bool:
        """Whoever began a task may end it, and so may administrators."""
        return task.user.entity_id == self.user.id or self.has(ADMINISTRATOR_CONTROL)


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
