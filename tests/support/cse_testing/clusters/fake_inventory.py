"""Reading the cloud of dictionaries."""

from cse_clusters.domain.access import SERVICE, Actor, Credentials, ServiceAccount
from cse_clusters.domain.cluster import CLUSTER_ID
from cse_clusters.domain.vcd import GuestMachine, VappDetails, VappRecord, Vdc, VmTemplate
from cse_core.errors import NotFoundError
from cse_testing.clusters.fake_cloud import FakeCloud, FakeVapp


class FakeInventory(FakeCloud):
    """Keeps `Inventory`."""

    def clusters(
        self, who: Actor, *, name: str | None = None, org: str | None = None, vdc: str | None = None
    ) -> list[VappRecord]:
        self.called("clusters", who)
        with self._lock:
            return [
                self._record(vapp, who)
                for vapp in self.vapps.values()
                if CLUSTER_ID in vapp.metadata
                and self._sees(who, vapp.vdc.org)
                and name in (None, vapp.name)
                and org in (None, vapp.vdc.org)
                and vdc in (None, vapp.vdc.name)
            ]

    def find_vapp(self, who: Actor, vdc: Vdc, name: str) -> VappRecord | None:
        self.called("find_vapp", who)
        with self._lock:
            return next(
                (
                    self._record(vapp, who)
                    for vapp in self.vapps.values()
                    if (vapp.vdc.id, vapp.name) == (vdc.id, name) and self._sees(who, vdc.org)
                ),
                None,
            )

    def namesakes(self, org_id: str, name: str) -> list[VappRecord]:
        self.called("namesakes")
        with self._lock:
            return [
                self._record(vapp, SERVICE)
                for vapp in self.vapps.values()
                if (vapp.vdc.org_id, vapp.name) == (org_id, name)
            ]

    def vapp(self, who: Actor, href: str) -> VappDetails | None:
        self.called("vapp", who)
        with self._lock:
            vapp = self.vapps.get(href)
            if vapp is None or not self._sees(who, vapp.vdc.org):
                return None
            return VappDetails(
                id=vapp.id,
                name=vapp.name,
                href=vapp.href,
                status=vapp.status,
                description=vapp.description,
                machines=tuple(vapp.machines.values()),
                networks=(vapp.network,) if vapp.network else (),
                task_hrefs=self.at_work.get(href, ()),
                owner_id=vapp.owner_id,
                may_change=isinstance(who, ServiceAccount) or href not in self.read_only,
            )

    def vdc(self, who: Actor, *, org: str, vdc: str) -> Vdc:
        self.called("vdc", who)
        found = self.vdcs.get((org, vdc))
        if found is None or not self._sees(who, org):
            raise NotFoundError(f"there is no org VDC {vdc!r}")
        return found

    def vm_template(self, who: Actor, *, org: str, catalog: str, item: str) -> VmTemplate:
        self.called("vm_template", who)
        found = self.catalog.get((catalog, item))
        if found is None:
            raise NotFoundError(f"catalog {catalog!r} has no item {item!r}")
        return found

    def guests(self, vapp_href: str) -> dict[str, GuestMachine]:
        self.called("guests")
        with self._lock:
            vapp = self.vapps.get(vapp_href)
            if vapp is None:
                return {}
            return {
                name: GuestMachine(
                    name=name,
                    vcenter="vc1",
                    moid=f"vm-{name}",
                    ip_address=machine.ip_address,
                    password=vapp.passwords[name],
                )
                for name, machine in vapp.machines.items()
                if machine.status == "POWERED_ON"
            }

    def _record(self, vapp: FakeVapp, who: Actor) -> VappRecord:
        tenant = isinstance(who, Credentials) and not self.identify(who).is_system_administrator
        return VappRecord(
            id=vapp.id,
            name=vapp.name,
            href=vapp.href,
            status=vapp.status,
            vdc=vapp.vdc.name,
            vdc_href=vapp.vdc.href,
            vm_count=len(vapp.machines),
            org="" if tenant else vapp.vdc.org,
            org_id="" if tenant else vapp.vdc.org_id,
            metadata=dict(vapp.metadata),
        )
