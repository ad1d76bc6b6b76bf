"""`VappHost` and `TaskBoard` kept with vCD."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from cse_clusters.adapters.sessions import Sessions
from cse_clusters.application.ports import Check, TaskCard
from cse_clusters.domain.access import Actor
from cse_clusters.domain.vcd import MachineSpec, Started, Vdc, VmTemplate
from cse_core.secret import Secret
from cse_vcd import catalogs, recompose, service_tasks, tasks, vapps
from cse_vcd.tasks import TaskPoller


class VcdVappHost:
    """Changes vApps with the session of whoever asks; waits with one poll for all."""

    def __init__(self, sessions: Sessions, poller: TaskPoller, *, task_timeout: timedelta) -> None:
        self._sessions = sessions
        self._poller = poller
        self._task_timeout = task_timeout

    def compose(self, who: Actor, vdc: Vdc, *, name: str, description: str, network: str) -> Started:
        begun = vapps.compose(
            self._sessions.of(who),
            vdc.href,
            name=name,
            description=description,
            network=network,
            network_href=vdc.networks[network],
        )
        return Started(id=begun.id, href=begun.href, task_href=begun.task_href)

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
        source = catalogs.VmTemplate(
            href=template.href,
            name=template.name,
            admin_password=None,
            cpu_count=0,
            memory_mb=0,
            hardware=tuple(section.encode() for section in template.hardware),
        )
        new = [
            recompose.NewMachine(
                name=machine.name,
                template=source,
                network=network,
                admin_password=admin_password,
                cpu_count=machine.cpu_count or None,
                memory_mb=machine.memory_mb or None,
                storage_profile_href=machine.storage_profile,
                description=machine.description,
            )
            for machine in machines
        ]
        return vapps.add_machines(self._sessions.of(who), vapp_href, new, power_on=power_on)

    def set_hardware(self, who: Actor, machine_href: str, *, cpu_count: int, memory_mb: int) -> Sequence[str]:
        return vapps.set_hardware(self._sessions.of(who), machine_href, cpu_count=cpu_count, memory_mb=memory_mb)

    def power_on(self, who: Actor, href: str) -> str:
        return vapps.power_on(self._sessions.of(who), href)

    def undeploy(self, who: Actor, machine_href: str) -> str:
        return vapps.undeploy(self._sessions.of(who), machine_href)

    def delete_machines(self, who: Actor, vapp_href: str, machine_hrefs: Sequence[str]) -> str:
        return vapps.delete_machines(self._sessions.of(who), vapp_href, machine_hrefs)

    def set_metadata(self, who: Actor, vapp_href: str, values: Mapping[str, str]) -> str:
        return vapps.set_metadata(self._sessions.of(who), vapp_href, values)

    def remove_metadata(self, who: Actor, vapp_href: str, key: str) -> str | None:
        return vapps.remove_metadata(self._sessions.of(who), vapp_href, key)

    def delete(self, who: Actor, vapp_href: str) -> str | None:
        return vapps.delete(self._sessions.of(who), vapp_href)

    def cancel(self, who: Actor, task_href: str) -> None:
        tasks.cancel_task(self._sessions.of(who), task_href)

    def wait(self, task_href: str, check: Check) -> None:
        self._poller.wait(task_href, timeout_s=self._task_timeout.total_seconds(), check=check)


class VcdTaskBoard:
    """Our tasks in vCD, written with the service account."""

    def __init__(self, sessions: Sessions, writer: service_tasks.ServiceTasks) -> None:
        self._sessions = sessions
        self._tasks = writer

    def create(self, card: TaskCard, text: str) -> str:
        return self._tasks.create(self._card(card), text)

    def progress(self, href: str, card: TaskCard, text: str, percent: int) -> None:
        self._tasks.progress(href, self._card(card), text, percent)

    def succeed(self, href: str, card: TaskCard, text: str) -> None:
        self._tasks.succeed(href, self._card(card), text)

    def fail(self, href: str, card: TaskCard, text: str, *, reason: str, error: str) -> None:
        self._tasks.fail(href, self._card(card), text, reason=reason, error=error)

    def unfinished(self) -> list[str]:
        return self._tasks.unfinished()

    def read_card(self, href: str) -> TaskCard:
        found = self._tasks.read_card(href)
        return TaskCard(
            operation_name=found.operation_name,
            cluster_id=found.cluster_id,
            cluster_name=found.cluster_name,
            org=found.org_name,
            org_id=found.org_href.rpartition("/")[2],
            user=found.user,
            user_id=found.user_urn,
        )

    def _card(self, card: TaskCard) -> service_tasks.TaskCard:
        return service_tasks.TaskCard(
            operation_name=card.operation_name,
            cluster_id=card.cluster_id,
            cluster_name=card.cluster_name,
            org_href=f"{self._sessions.account.api}/org/{card.org_id}",
            org_name=card.org,
            user=card.user,
            user_urn=card.user_id,
        )
