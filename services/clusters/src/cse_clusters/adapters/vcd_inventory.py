"""`Inventory` kept with vCD."""

import threading

from cse_clusters.adapters.sessions import Sessions
from cse_clusters.domain.access import Actor
from cse_clusters.domain.cluster import METADATA_KEYS
from cse_clusters.domain.vcd import GuestMachine, Machine, VappDetails, VappRecord, Vdc, VmTemplate
from cse_core.errors import NotFoundError
from cse_vcd import catalogs, machines, vapps, vdcs
from cse_vcd.documents import bare_id


class VcdInventory:
    """Reads vCD with the session of whoever asks."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._orgs = OrgNames(sessions)

    def clusters(
        self, who: Actor, *, name: str | None = None, org: str | None = None, vdc: str | None = None
    ) -> list[VappRecord]:
        session = self._sessions.of(who)
        try:
            org_id = self._orgs.id_of(org) if org is not None and session.is_sysadmin else None
        except NotFoundError:
            return []
        found = vapps.find_clusters(session, name=name, org_id=org_id, fields=METADATA_KEYS)
        return [self._record(record) for record in found if vdc in (None, record.vdc)]

    def find_vapp(self, who: Actor, vdc: Vdc, name: str) -> VappRecord | None:
        found = vapps.find_vapps(self._sessions.of(who), name=name, vdc_href=vdc.href, fields=METADATA_KEYS)
        return self._record(found[0]) if found else None

    def namesakes(self, org_id: str, name: str) -> list[VappRecord]:
        found = vapps.find_vapps(self._sessions.account, name=name, org_id=org_id, fields=METADATA_KEYS)
        return [self._record(record) for record in found]

    def vapp(self, who: Actor, href: str) -> VappDetails | None:
        found = vapps.read_vapp(self._sessions.of(who), href)
        if found is None:
            return None
        return VappDetails(
            id=found.id,
            name=found.name,
            href=found.href,
            status=found.status,
            description=found.description,
            networks=found.networks,
            task_hrefs=found.task_hrefs,
            is_being_deleted=found.is_being_deleted,
            owner_id=bare_id(found.owner_href),
            may_change=found.may_recompose or (None if found.task_hrefs else False),
            machines=tuple(map(_machine, found.machines)),
        )

    def vdc(self, who: Actor, *, org: str, vdc: str) -> Vdc:
        found = vdcs.get_vdc(self._sessions.of(who), vdc, org)
        return Vdc(
            id=found.id,
            name=found.name,
            href=found.href,
            org=found.org,
            org_id=found.org_id,
            is_enabled=found.is_enabled,
            networks=found.networks,
            storage_profiles=found.storage_profiles,
        )

    def vm_template(self, who: Actor, *, org: str, catalog: str, item: str) -> VmTemplate:
        found = catalogs.get_vm_template(self._sessions.of(who), catalog, item, org=org)
        return VmTemplate(
            href=found.href,
            name=found.name,
            hardware=tuple(section.decode() for section in found.hardware),
            cpu_count=found.cpu_count,
            memory_mb=found.memory_mb,
        )

    def guests(self, vapp_href: str) -> dict[str, GuestMachine]:
        found = vapps.read_vapp(self._sessions.account, vapp_href)
        return {
            machine.name: GuestMachine(
                name=machine.name,
                vcenter=machine.vcenter,
                moid=machine.moid,
                ip_address=machine.ip_address,
                password=machine.admin_password,
            )
            for machine in (found.machines if found is not None else ())
            if machine.vcenter and machine.moid
        }

    def _record(self, record: vapps.VappRecord) -> VappRecord:
        return VappRecord(
            id=record.id,
            name=record.name,
            href=record.href,
            status=record.status,
            org=self._orgs.name_of(record.org_id) if record.org_id else "",
            org_id=record.org_id,
            vdc=record.vdc,
            vdc_href=record.vdc_href,
            vm_count=record.vm_count,
            metadata=record.metadata,
        )


class OrgNames:
    """Names of orgs by their ids, asked for together and remembered; names of orgs hardly ever change."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._lock = threading.Lock()
        self._names: dict[str, str] = {}

    def name_of(self, org_id: str) -> str:
        """The org's name; its id if it has gone meanwhile."""
        with self._lock:
            if org_id not in self._names:
                self._names = {org.id: org.name for org in vdcs.find_orgs(self._sessions.account)}
            return self._names.setdefault(org_id, org_id)

    def id_of(self, name: str) -> str:
        """Raises NotFoundError."""
        return vdcs.get_org(self._sessions.account, name).id


def _machine(machine: machines.Machine) -> Machine:
    return Machine(
        name=machine.name,
        id=machine.id,
        href=machine.href,
        status=machine.status,
        ip_address=machine.ip_address,
        cpu_count=machine.cpu_count or None,
        memory_mb=machine.memory_mb or None,
        storage_profile=machine.storage_profile,
        is_deployed=machine.is_deployed,
        created=machine.created,
        description=machine.description,
    )
