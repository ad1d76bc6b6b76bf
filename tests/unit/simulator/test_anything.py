"""Anybody does anything, in any order: what has to hold holds, refusals change nothing, and links tell the truth."""

import functools
import json
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cse_testing.vcd_cloud import LabCloud, RestCaller
from cse_testing.vcd_invariants import broken
from vcd_simulator import state
from vcd_simulator.errors import VcdError
from vcd_simulator.faults import BusyEntity, TaskFails
from vcd_simulator.model.addresses import IpPool
from vcd_simulator.model.compute import Vapp, Vm
from vcd_simulator.model.metadata import MetadataEntry
from vcd_simulator.operations import captures, catalogs, changes, composition, datacenter, vapps, work
from vcd_simulator.operations import settings as vm_settings
from vcd_simulator.operations.composition import Recomposition, VappSpec
from vcd_simulator.operations.connections import NicSpec
from vcd_simulator.operations.datacenter import NetworkSpec
from vcd_simulator.operations.machines import MachineSpec
from vcd_simulator.operations.settings import DiskSpec
from vcd_simulator.operations.vapp_networks import NetworkConfigSpec

NAMES = st.sampled_from(["a", "b", "c"])
PICK = st.integers(0, 7)
MODES = st.sampled_from(
    [("POOL", None), ("DHCP", None), ("MANUAL", "192.168.0.10"), ("MANUAL", "10.0.0.1"), ("NONE", None)]
)
NETWORKS = st.sampled_from(["acme-net", "inner", "none"])
POWER = ("powerOn", "powerOff", "shutdown", "reset", "reboot", "suspend")
UNDEPLOY = '<UndeployVAppParams xmlns="http://www.vmware.com/vcloud/v1.5"/>'
DEPLOY = '<DeployVAppParams xmlns="http://www.vmware.com/vcloud/v1.5"/>'
BUSY_OR_FULL = {"BUSY_ENTITY", "QUOTA_EXCEEDED"}
"""What may stand in the way of something that the state allows."""


def step(**strategies: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Any]:
    """A rule after which some time passes, or none."""

    def decorate(act: Callable[..., None]) -> Any:
        @functools.wraps(act)
        def then_wait(self: "Anything", after: int, **drawn: Any) -> None:
            act(self, **drawn)
            if after:
                self.lab.pass_time(after)

        strategies["after"] = st.sampled_from([10, 10, 10, 3, 0])
        return rule(**strategies)(then_wait)  # type: ignore[call-overload]

    return decorate


class Anything(RuleBasedStateMachine):
    """A small tenant with tight quotas, where everything that goes on takes ten seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.lab = LabCloud()
        cloud = self.cloud = self.lab.cloud
        self.alice = self.lab.user("alice")
        self.alice.stored_vm_quota, self.alice.deployed_vm_quota = 6, 3
        vdc = self.lab.vdc()
        vdc.vm_quota, vdc.nic_quota, vdc.network_quota = 5, 6, 2
        vdc.memory.limit, vdc.vcpu_mhz = 7000, 1000
        for profile in cloud.profiles.find("vdc", vdc.id):
            profile.limit_mb = 5 * 16384
        self.caller = RestCaller(self.lab, "36.0").login("alice", "acme")
        self.catalog = catalogs.add_catalog(cloud, self.lab.org("acme"), self.alice, "tools")

    def attempt(self, action: Callable[[], object]) -> None:
        """Do something that may be refused; then nothing has changed."""
        before, refusal = self.written(), None
        try:
            action()
        except VcdError as exc:
            refusal = exc
        if refusal is not None:
            assert refusal.status in (400, 403), refusal
            assert self.written() == before, refusal

    def written(self) -> dict[str, Any]:
        """All that a saved state holds, but for the numbers that were drawn meanwhile."""
        whole: dict[str, Any] = json.loads(state.render(state.take(self.cloud, self.caller.sessions)))
        for forgotten in ("saved", "sequences"):
            del whole[forgotten]
        return whole

    def vapp(self, pick: int) -> Vapp | None:
        found = list(self.cloud.vapps)
        return found[pick % len(found)] if found else None

    def vm(self, pick: int) -> tuple[Vapp, Vm] | None:
        found = [(vapp, vm) for vapp in self.cloud.vapps for vm in self.cloud.vms_of(vapp)]
        return found[pick % len(found)] if found else None

    def machine(self, name: str, network: str, mode: tuple[str, str | None]) -> MachineSpec:
        nic = NicSpec(index=0, network=network, mode=mode[0], ip_address=mode[1], connected=True)
        return self.lab.machine(name, nics=[nic])

    def networks(self, *names: str) -> list[NetworkConfigSpec]:
        made = []
        for name in names:
            parent = self.cloud.networks.first("name", (self.lab.org("acme").id, name))
            if parent is not None:
                made.append(NetworkConfigSpec(name=name, fence_mode="bridged", parent_id=parent.id))
            else:
                pool = IpPool(gateway="10.0.0.1", netmask="255.255.255.0", ranges=[("10.0.0.2", "10.0.0.3")])
                made.append(NetworkConfigSpec(name=name, fence_mode="isolated", pool=pool))
        return made

    @initialize(on=st.booleans())
    def begin(self, on: bool) -> None:
        """Let there be a template and a vApp, so that there is something to do with all of them."""
        vapp = self.lab.vapp("a", self.machine("a", "acme-net", ("POOL", None)))
        captures.capture(self.cloud, self.alice, self.catalog, vapp, captures.CaptureSpec(name="tool"))
        self.lab.pass_time()
        composition.recompose(
            self.cloud,
            self.alice,
            vapp,
            Recomposition(add=[self.machine("b", "acme-net", ("POOL", None))], power_on=on),
        )
        self.lab.pass_time()

    @step(name=NAMES, vms=st.lists(NAMES, max_size=2, unique=True), network=NETWORKS, mode=MODES, on=st.booleans())
    def compose(self, name: str, vms: list[str], network: str, mode: tuple[str, str | None], on: bool) -> None:
        machines = [self.machine(one, network, mode) for one in vms]
        spec = VappSpec(name=name, networks=self.networks("acme-net", "inner"), machines=machines, power_on=on)
        self.attempt(
            lambda: composition.create_vapp(
                self.cloud, self.alice, self.lab.vdc(), spec, operation_name="vdcComposeVapp"
            )
        )

    @step(
        pick=PICK,
        add=st.lists(NAMES, max_size=2, unique=True),
        drop=st.booleans(),
        names=st.sampled_from([(), (), ("acme-net",), ("inner",), ("acme-net", "inner")]),
        on=st.booleans(),
        network=NETWORKS,
        mode=MODES,
    )
    def recompose(
        self, pick: int, add: list[str], drop: bool, names: tuple[str, ...], on: bool, network: str, mode: Any
    ) -> None:
        vapp = self.vapp(pick)
        if vapp is None:
            return
        networks = self.networks(*names) if names else None
        delete = self.cloud.vms_of(vapp)[:1] if drop else []
        machines = [self.machine(one, network, mode) for one in add]
        change = Recomposition(add=machines, delete=delete, networks=networks, power_on=on)
        self.attempt(lambda: composition.recompose(self.cloud, self.alice, vapp, change))

    @step(pick=PICK, which=PICK, vm=st.booleans())
    def follow_a_link(self, pick: int, which: int, vm: bool) -> None:
        """What is shown works, unless something is busy or full."""
        path = self.path(pick, vm)
        if path is None:
            return
        links = [link for link in self.caller.get(path).xml.findall("{*}Link") if self.request(link) is not None]
        if links:
            request = self.request(links[which % len(links)])
            assert request is not None
            answer = self.caller.call(*request)
            assert answer.status in (202, 204) or answer.xml.get("minorErrorCode") in BUSY_OR_FULL, answer.body

    @step(
        pick=PICK,
        action=st.sampled_from(
            [*(f"power/action/{one}" for one in POWER), "action/undeploy", "action/discardSuspendedState"]
        ),
        vm=st.booleans(),
    )
    def do_what_no_link_shows(self, pick: int, action: str, vm: bool) -> None:
        """What works is shown."""
        path = self.path(pick, vm)
        if path is None:
            return
        shown = {
            link.get("href", "").removeprefix("https://vcd.test")
            for link in self.caller.get(path).xml.iterfind("{*}Link")
        }
        wanted = f"{path}/{action}"
        if wanted not in shown:
            before = self.written()
            answer = self.caller.post(wanted, UNDEPLOY if action.endswith("undeploy") else "")
            assert answer.status == 400, (wanted, answer)
            assert self.written() == before

    def path(self, pick: int, vm: bool) -> str | None:
        found = self.vm(pick) if vm else None
        vapp = self.vapp(pick)
        if found is not None:
            return found[1].kind.href_path(found[1].id)
        return vapp.kind.href_path(vapp.id) if vapp is not None else None

    @staticmethod
    def request(link: Any) -> tuple[str, str, str] | None:
        """How to follow a link that does something and needs no more than that."""
        rel, href = link.get("rel", ""), link.get("href", "")
        if rel.startswith("power:") or rel in ("discardState", "enable", "customizeAtNextPowerOn", "upgrade"):
            return "POST", href, ""
        if rel in ("enableNestedHypervisor", "disableNestedHypervisor", "installVmwareTools"):
            return "POST", href, ""
        if rel in ("deploy", "undeploy"):
            return "POST", href, DEPLOY if rel == "deploy" else UNDEPLOY
        return ("DELETE", href, "") if rel == "remove" else None

    @step(pick=PICK, name=NAMES, vm=st.booleans())
    def rename(self, pick: int, name: str, vm: bool) -> None:
        found, vapp = self.vm(pick), self.vapp(pick)
        if vm and found is not None:
            self.attempt(lambda: changes.rename(self.cloud, self.alice, *found, name, None))
        elif vapp is not None:
            self.attempt(lambda: vapps.update_vapp(self.cloud, self.alice, vapp, name, "again"))

    @step(pick=PICK, network=NETWORKS, mode=MODES, count=st.integers(0, 3))
    def plug(self, pick: int, network: str, mode: tuple[str, str | None], count: int) -> None:
        found = self.vm(pick)
        if found is not None:
            nics = [NicSpec(index=n, network=network, mode=mode[0], ip_address=mode[1]) for n in range(count)]
            self.attempt(lambda: changes.set_nics(self.cloud, self.alice, *found, nics, 0))

    @step(pick=PICK, memory_mb=st.sampled_from([1024, 4096, 8192]), disks=st.integers(1, 3))
    def grow(self, pick: int, memory_mb: int, disks: int) -> None:
        found = self.vm(pick)
        if found is None:
            return
        vapp, vm = found
        self.attempt(lambda: changes.set_memory(self.cloud, self.alice, vapp, vm, memory_mb))
        specs = [DiskSpec(instance_id=one.instance_id, capacity_mb=one.capacity_mb) for one in vm.hardware.disks]
        more = [DiskSpec(instance_id=None, capacity_mb=16384) for _ in range(disks - len(specs))]
        self.attempt(lambda: vm_settings.set_disks(self.cloud, self.alice, vapp, vm, [*specs, *more][:disks]))

    @step(pick=PICK)
    def delete(self, pick: int) -> None:
        vapp = self.vapp(pick)
        if vapp is not None:
            self.attempt(lambda: vapps.delete_vapp(self.cloud, self.alice, vapp, force=True))

    @step(pick=PICK, name=NAMES, overwrite=st.booleans())
    def capture(self, pick: int, name: str, overwrite: bool) -> None:
        vapp = self.vapp(pick)
        items = self.cloud.items.find("catalog", self.catalog.id)
        target = items[pick % len(items)] if overwrite and items else None
        if vapp is not None:
            spec = captures.CaptureSpec(name=name, target=target)
            self.attempt(lambda: captures.capture(self.cloud, self.alice, self.catalog, vapp, spec))

    @step(pick=PICK, name=NAMES, gone=st.booleans())
    def use_a_template(self, pick: int, name: str, gone: bool) -> None:
        items = self.cloud.items.find("catalog", self.catalog.id)
        if not items:
            return
        item = items[pick % len(items)]
        template = self.cloud.templates[item.template_id]
        if gone:
            self.attempt(lambda: catalogs.delete_item(self.cloud, item))
            return
        machines = [MachineSpec(source=vm) for vm in self.cloud.vms_of(template)]
        spec = VappSpec(name=name, machines=machines, template_id=template.id)
        vdc = self.lab.vdc()
        self.attempt(
            lambda: composition.create_vapp(self.cloud, self.alice, vdc, spec, operation_name="vdcInstantiateVapp")
        )

    @step(there=st.booleans())
    def network(self, there: bool) -> None:
        cloud, vdc = self.cloud, self.lab.vdc()
        inner = cloud.networks.first("name", (vdc.org_id, "inner"))
        spec = NetworkSpec(name="inner", gateway="10.0.0.1", netmask="255.255.255.0", ranges=[("10.0.0.2", "10.0.0.2")])
        if there:
            self.attempt(lambda: datacenter.create_network(cloud, self.alice, vdc, spec))
        elif inner is not None:
            self.attempt(lambda: datacenter.delete_network(cloud, self.alice, inner))

    @step(enabled=st.sampled_from([True, True, False]))
    def switch_the_vdc(self, enabled: bool) -> None:
        self.attempt(lambda: datacenter.set_enabled(self.cloud, self.lab.vdc(), enabled=enabled))

    @step(pick=PICK)
    def note(self, pick: int) -> None:
        cloud, found = self.cloud, self.vm(pick)
        if found is None:
            return
        vm = found[1]
        self.attempt(
            lambda: work.start(
                cloud, self.alice, self.lab.org("acme").id, vm, "metadataUpdate", "Updating", "Updated", noun="VM",
                effect=lambda: cloud.metadata.put(vm.id, [MetadataEntry(key="k", value="v")]),
            )
        )  # fmt: skip

    @rule(seconds=st.sampled_from([1, 10, 10, 25]))
    def wait(self, seconds: int) -> None:
        self.lab.pass_time(seconds)

    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        open_tasks = [task for task in self.cloud.tasks.tasks if not task.status.is_final]
        if open_tasks:
            answer = self.caller.post(f"/api/task/{open_tasks[pick % len(open_tasks)].id}/action/cancel")
            assert answer.status == 204

    @rule(busy=st.booleans())
    def disturb(self, busy: bool) -> None:
        self.cloud.faults.clear()
        self.cloud.faults.add(task="*", error=BusyEntity() if busy else TaskFails())

    @rule()
    def save_and_restore(self) -> None:
        """A restored cloud is what was saved, but that nothing is going on any more."""
        self.restore(self.saved())
        once = self.written()
        assert not [task for task in self.cloud.tasks.tasks if not task.status.is_final]
        self.restore(self.saved())
        assert self.written() == once

    def saved(self) -> bytes:
        return state.render(state.take(self.cloud, self.caller.sessions, include_sessions=True))

    def restore(self, content: bytes) -> None:
        quiet = not any(not task.status.is_final for task in self.cloud.tasks.tasks)
        before = self.written()
        state.restore(self.cloud, self.caller.sessions, state.parse(content))
        if quiet:
            assert self.written() == before
        self.alice = self.lab.user("alice")
        self.catalog = next(one for one in self.cloud.catalogs if one.name == "tools")

    @invariant()
    def everything_holds(self) -> None:
        found = broken(self.cloud)
        assert not found, found

    def teardown(self) -> None:
        """When all is over nothing goes on any more, and all of it can be deleted."""
        self.cloud.faults.clear()
        self.lab.pass_time(1000)
        datacenter.set_enabled(self.cloud, self.lab.vdc(), enabled=True)
        for vapp in list(self.cloud.vapps):
            vapps.delete_vapp(self.cloud, self.alice, vapp, force=True)
        self.lab.pass_time(1000)
        assert not list(self.cloud.vapps)
        assert not [vm for vm in self.cloud.vms if vm.vapp_id is not None]
        assert not any(one.pool.used for one in (*self.cloud.networks, *self.cloud.external_networks))
        catalogs.delete_catalog(self.cloud, self.catalog, recursive=True)
        assert broken(self.cloud) == []


TestAnything = Anything.TestCase
TestAnything.settings = settings(max_examples=50, stateful_step_count=40, suppress_health_check=list(HealthCheck))
