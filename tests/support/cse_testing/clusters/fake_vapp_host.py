"""Changing the cloud of dictionaries."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cse_clusters.application.ports import Check
from cse_clusters.domain.access import Actor, Credentials, ServiceAccount
from cse_clusters.domain.vcd import Machine, MachineSpec, Started, Vdc, VmTemplate
from cse_core.errors import AlreadyExistsError, FailedPreconditionError, NotFoundError
from cse_core.secret import Secret
from cse_testing.clusters.fake_cloud import FakeCloud, FakeVapp


class FakeVappHost(FakeCloud):
    """Keeps `VappHost`. vCD's own tasks end at once."""

    def compose(self, who: Actor, vdc: Vdc, *, name: str, description: str, network: str) -> Started:
        self.called("compose", who)
        with self._lock:
            if any((vapp.vdc.id, vapp.name) == (vdc.id, name) for vapp in self.vapps.values()):
                raise AlreadyExistsError(f"there is a vApp {name!r}")
            vapp = self.add_vapp(self.vdcs[vdc.org, vdc.name], name)
            vapp.description, vapp.network = description, network
            if isinstance(who, Credentials):
                vapp.owner_id = self.identify(who).user_id.rpartition(":")[2]
            return Started(id=vapp.id, href=vapp.href, task_href=self.new_task())

    def add_machines(
        self,
        who: Actor,
        vapp_href: str,
        template: VmTemplate,
        machines: Sequence[MachineSpec],
        *,
        network: str,
        admin_password: Secret | None,
        power_on: bool,
    ) -> str:
        self.called("add_machines", who)
        with self._lock:
            vapp = self._vapp(vapp_href)
            for spec in machines:
                self._add_machine(vapp, spec, admin_password, on=power_on)
            vapp.status = "POWERED_ON" if power_on else "POWERED_OFF"
            return self.new_task()

    def set_hardware(self, who: Actor, machine_href: str, *, cpu_count: int, memory_mb: int) -> Sequence[str]:
        self.called("set_hardware", who)
        with self._lock:
            machine = self._machine(machine_href)[1]
            self._change_machine(
                machine_href,
                cpu_count=cpu_count or machine.cpu_count,
                memory_mb=memory_mb or machine.memory_mb,
            )
            return [self.new_task()]

    def power_on(self, who: Actor, href: str) -> str:
        self.called("power_on", who)
        with self._lock:
            if href in self.vapps:
                self.vapps[href].status = "POWERED_ON"
                for machine in list(self.vapps[href].machines.values()):
                    self._change_machine(machine.href, status="POWERED_ON", is_deployed=True)
            else:
                self._change_machine(href, status="POWERED_ON", is_deployed=True)
            return self.new_task()

    def undeploy(self, who: Actor, machine_href: str) -> str:
        self.called("undeploy", who)
        with self._lock:
            if not self._machine(machine_href)[1].is_deployed:
                raise FailedPreconditionError("the machine is not deployed")
            self._change_machine(machine_href, status="POWERED_OFF", is_deployed=False)
            return self.new_task()

    def delete_machines(self, who: Actor, vapp_href: str, machine_hrefs: Sequence[str]) -> str:
        self.called("delete_machines", who)
        with self._lock:
            for href in machine_hrefs:
                vapp, machine = self._machine(href)
                if machine.is_deployed:
                    raise FailedPreconditionError("the machine is deployed")
                del vapp.machines[machine.name]
            return self.new_task()

    def set_metadata(self, who: Actor, vapp_href: str, values: Mapping[str, str]) -> str:
        self.called("set_metadata", who)
        self._vapp(vapp_href).metadata.update(values)
        return self.new_task()

    def remove_metadata(self, who: Actor, vapp_href: str, key: str) -> str | None:
        self.called("remove_metadata", who)
        return None if self._vapp(vapp_href).metadata.pop(key, None) is None else self.new_task()

    def delete(self, who: Actor, vapp_href: str) -> str | None:
        self.called("delete", who)
        with self._lock:
            vapp = self.vapps.get(vapp_href)
            if vapp is None or not self._sees(who, vapp.vdc.org) or self._hides(who, vapp_href):
                return None
            del self.vapps[vapp_href]
            return self.new_task()

    def cancel(self, who: Actor, task_href: str) -> None:
        self.called("cancel", who)
        self.cancelled.append(task_href)
        self._over(task_href)

    def wait(self, task_href: str, check: Check) -> None:
        self.called("wait")
        check()
        self._over(task_href)

    def _machine(self, href: str) -> tuple[FakeVapp, Machine]:
        for vapp in self.vapps.values():
            for machine in vapp.machines.values():
                if machine.href == href:
                    return vapp, machine
        raise NotFoundError("the machine is gone")

    def _change_machine(self, href: str, **changes: Any) -> None:
        vapp, machine = self._machine(href)
        vapp.machines[machine.name] = replace(machine, **changes)

    def _over(self, task_href: str) -> None:
        self.at_work = {href: tasks for href, tasks in self.at_work.items() if task_href not in tasks}

    def _vapp(self, href: str) -> FakeVapp:
        if href not in self.vapps:
            raise NotFoundError("the vApp is gone")
        return self.vapps[href]

    def _hides(self, who: Actor, href: str) -> bool:
        return href in self.hidden and not isinstance(who, ServiceAccount)
