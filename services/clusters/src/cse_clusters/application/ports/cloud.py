"""vCD: what is there, and where machines live."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from cse_clusters.domain.access import Actor
from cse_clusters.domain.vcd import GuestMachine, MachineSpec, Started, VappDetails, VappRecord, Vdc, VmTemplate
from cse_core.secret import Secret

Check = Callable[[], None]
"""Ends a wait by raising; called at least once a second."""


class Inventory(Protocol):
    """Reads what an actor sees in vCD."""

    def clusters(
        self, who: Actor, *, name: str | None = None, org: str | None = None, vdc: str | None = None
    ) -> list[VappRecord]:
        """Lists the vApps that carry `cse.cluster.id`, in no particular order.

        One query (its pages in parallel) whatever the number of VDCs, with `cse.cluster.id`, `cse.version`,
        `cse.template`, `cse.master.ip` and `cse.operation.id` in `metadata`. The filters are exact names; `org` is for
        system administrators, others see their own anyway.
        """
        ...

    def find_vapp(self, who: Actor, vdc: Vdc, name: str) -> VappRecord | None:
        """A vApp of that name in the VDC, a cluster or not, with its metadata of ours."""
        ...

    def namesakes(self, org_id: str, name: str) -> list[VappRecord]:
        """The vApps of that name in all VDCs of the org, clusters or not, with their metadata of ours.

        One query, with the service account: whether a name is free does not depend on who sees what bears it.
        """
        ...

    def vapp(self, who: Actor, href: str) -> VappDetails | None:
        """One GET of the vApp with its machines; None if it is gone."""
        ...

    def vdc(self, who: Actor, *, org: str, vdc: str) -> Vdc:
        """The org VDC with its networks and storage profiles.

        Raises:
            NotFoundError: the org or the VDC is not there for this actor.
        """
        ...

    def vm_template(self, who: Actor, *, org: str, catalog: str, item: str) -> VmTemplate:
        """The machine in a catalog item that the actor's org can use (its own or a published catalog).

        Raises:
            NotFoundError: no such catalog or item, or it holds no machine.
        """
        ...

    def guests(self, vapp_href: str) -> dict[str, GuestMachine]:
        """Guests by machine name, of the machines that are placed on a vCenter already; one GET, service account."""
        ...


class VappHost(Protocol):
    """Where a cluster's machines live. Methods begin a change and return the href of vCD's task."""

    def compose(self, who: Actor, vdc: Vdc, *, name: str, description: str, network: str) -> Started:
        """An empty vApp whose network is bridged to the org VDC network `network`.

        Raises:
            AlreadyExistsError: the VDC has a vApp of that name.
        """
        ...

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
        """One recompose that adds them all, EULAs accepted; powered on afterwards if asked.

        The guest's host name is the machine's name, its address comes from the network's pool, and guest customization
        sets root's password: `admin_password`, or one that vCD makes for each.
        """
        ...

    def set_hardware(self, who: Actor, machine_href: str, *, cpu_count: int, memory_mb: int) -> Sequence[str]:
        """Changes a powered-off machine where it differs; 0 leaves a value. Returns the tasks, if any."""
        ...

    def power_on(self, who: Actor, href: str) -> str:
        """Powers on all machines of a vApp, or one machine."""
        ...

    def undeploy(self, who: Actor, machine_href: str) -> str:
        """Pulls the plug of a machine and frees what it holds of its host; refused if it is not deployed."""
        ...

    def delete_machines(self, who: Actor, vapp_href: str, machine_hrefs: Sequence[str]) -> str:
        """One recompose that deletes them all; they must be undeployed."""
        ...

    def set_metadata(self, who: Actor, vapp_href: str, values: Mapping[str, str]) -> str:
        """Merges string entries (GENERAL, READWRITE), all with one request."""
        ...

    def remove_metadata(self, who: Actor, vapp_href: str, key: str) -> str | None:
        """Removes one of these entries; None if it is gone, or the vApp is."""
        ...

    def delete(self, who: Actor, vapp_href: str) -> str | None:
        """Deletes the vApp with all machines, powered on or not.

        None if it is gone, or not for this actor to delete: vCD does not tell the two apart.
        """
        ...

    def cancel(self, who: Actor, task_href: str) -> None:
        """Asks vCD to end a task; returns before that has ended.

        Raises:
            NotFoundError, FailedPreconditionError, PermissionDeniedError: it is gone, over, or not for this actor.
        """
        ...

    def wait(self, task_href: str, check: Check) -> None:
        """Returns when vCD's task has ended well. All waits of the process share one poll (service account).

        Raises:
            CseError: the task failed, was aborted or cancelled; the message is vCD's.
        """
        ...
