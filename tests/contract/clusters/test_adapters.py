"""What the application relies on holds for the world of dictionaries and for vCD (simulated) alike."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from cse_clusters.adapters.sessions import Sessions
from cse_clusters.adapters.vcd_inventory import VcdInventory
from cse_clusters.adapters.vcd_vapp_host import VcdTaskBoard, VcdVappHost
from cse_clusters.application.ports import Callers, Inventory, TaskBoard, TaskCard, VappHost
from cse_clusters.domain.access import SERVICE, Credentials
from cse_clusters.domain.cluster import CLUSTER_ID, CONTROL_PLANE_IP
from cse_clusters.domain.vcd import Machine, MachineSpec, Started, Vdc
from cse_clusters.settings import ClustersSettings
from cse_clusters.world import World
from cse_core.errors import AlreadyExistsError, CseError, NotFoundError, UnauthenticatedError
from cse_core.secret import Secret
from cse_testing.clusters.fake_cloud import credentials
from cse_testing.clusters.landscape import config_for, inventory, session_id
from cse_testing.clusters.world import FakeBoard, FakeVcd


@dataclass
class Ports:
    """The ports under test, and callers of two orgs and of the system."""

    callers: Callers
    inventory: Inventory
    host: VappHost
    board: TaskBoard
    alice: Credentials
    carol: Credentials
    admin: Credentials
    catalog_item: str

    @property
    def vdc(self) -> Vdc:
        return self.inventory.vdc(self.alice, org="acme", vdc="acme-vdc")

    def compose(self, name: str) -> Started:
        started = self.host.compose(self.alice, self.vdc, name=name, description=f"cluster {name}", network="acme-net")
        self.host.wait(started.task_href, no_check)
        return started

    def cluster(self, name: str) -> Started:
        started = self.compose(name)
        self.wait(self.host.set_metadata(SERVICE, started.href, {CLUSTER_ID: f"id-of-{name}"}))
        return started

    def wait(self, task: str | None) -> None:
        assert task is not None
        self.host.wait(task, no_check)

    def delete(self, started: Started) -> None:
        self.wait(self.host.delete(SERVICE, started.href))


def no_check() -> None:
    pass


def in_memory() -> Ports:
    vcd = FakeVcd()
    vcd.add_org("System", "admin")
    vcd.add_org("acme", "alice")
    vcd.add_org("globex", "carol")
    vcd.add_vdc("acme", "acme-vdc", networks=["acme-net"], profiles=["*", "gold"])
    vcd.add_vdc("globex", "globex-vdc", networks=["globex-net"])
    return Ports(
        vcd, vcd, vcd, FakeBoard(vcd), credentials("alice"), credentials("carol"), credentials("admin"), "photon"
    )


@pytest.fixture(scope="module", params=["in memory", "simulated vCD"])
def ports(request: pytest.FixtureRequest) -> Iterator[Ports]:
    if request.param == "in memory":
        yield in_memory()
        return
    from vcd_simulator.simulator import Simulator

    with Simulator(inventory()) as vcd:
        config = config_for(vcd)
        world = World(config, ClustersSettings.read({}))

        def login(user: str, org: str) -> Credentials:
            password = "vcd-secret" if org == "System" else f"{user}-secret"
            return Credentials(token=Secret(session_id(vcd, user, org, password)), scheme="session", api_version="31.0")

        assert isinstance(world.sessions, Sessions)
        assert isinstance(world.inventory, VcdInventory)
        assert isinstance(world.host, VcdVappHost)
        assert isinstance(world.board, VcdTaskBoard)
        yield Ports(
            world.sessions,
            world.inventory,
            world.host,
            world.board,
            login("alice", "acme"),
            login("carol", "globex"),
            login("administrator", "System"),
            "photon-custom-hw11-2.0-304b817-k8s",
        )
        world.close()


def test_callers_are_who_vcd_says(ports: Ports) -> None:
    alice, admin = ports.callers.identify(ports.alice), ports.callers.identify(ports.admin)
    assert (alice.user, alice.org, alice.is_system_administrator) == ("alice", "acme", False)
    assert alice.user_id.startswith("urn:vcloud:user:")
    assert str(uuid.UUID(alice.org_id)) == alice.org_id
    assert alice.org_id == ports.vdc.org_id
    assert (admin.org, admin.is_system_administrator) == ("System", True)
    with pytest.raises(UnauthenticatedError):
        ports.callers.identify(Credentials(token=Secret("0" * 32), scheme="session"))


def test_a_vdc_shows_what_vapps_may_use(ports: Ports) -> None:
    vdc = ports.vdc
    assert (vdc.org, vdc.name) == ("acme", "acme-vdc")
    assert set(vdc.networks) == {"acme-net"}
    assert {"*", "gold"} <= set(vdc.storage_profiles)
    assert ports.inventory.vdc(ports.admin, org="acme", vdc="acme-vdc").id == vdc.id
    for who, org, name in (
        (ports.alice, "acme", "other"),
        (ports.alice, "globex", "globex-vdc"),
        (ports.carol, "acme", "acme-vdc"),
    ):
        with pytest.raises(NotFoundError):
            ports.inventory.vdc(who, org=org, vdc=name)


def test_templates_are_found_by_catalog_and_item(ports: Ports) -> None:
    found = ports.inventory.vm_template(ports.alice, org="acme", catalog="cse", item=ports.catalog_item)
    assert found.href
    for catalog, item in (("cse", "other"), ("other", ports.catalog_item)):
        with pytest.raises(NotFoundError):
            ports.inventory.vm_template(ports.alice, org="acme", catalog=catalog, item=item)


def test_a_composed_vapp_is_found_again_and_its_name_is_taken(ports: Ports) -> None:
    started = ports.compose("lonely")
    found = ports.inventory.find_vapp(SERVICE, ports.vdc, "lonely")
    assert found is not None
    assert (found.id, found.href, dict(found.metadata)) == (started.id, started.href, {})
    details = ports.inventory.vapp(ports.alice, started.href)
    assert details is not None
    assert (details.name, details.description, details.networks) == ("lonely", "cluster lonely", ("acme-net",))
    assert details.machines == ()
    with pytest.raises(AlreadyExistsError):
        ports.compose("lonely")
    ports.delete(started)


def test_who_bears_a_name_in_an_org_is_known_whatever_it_is(ports: Ports) -> None:
    vapp, cluster = ports.compose("borne"), ports.cluster("borne-too")
    for name, started, is_cluster in (("borne", vapp, False), ("borne-too", cluster, True)):
        (found,) = ports.inventory.namesakes(ports.vdc.org_id, name)
        assert (found.id, found.vdc, CLUSTER_ID in found.metadata) == (started.id, ports.vdc.name, is_cluster)
    for name in ("born", "borne*", "Borne", "borne;name==*"):
        assert ports.inventory.namesakes(ports.vdc.org_id, name) == []
    assert ports.inventory.namesakes("00000000-0000-4000-8000-000000000000", "borne") == []
    for started in (vapp, cluster):
        ports.delete(started)


def test_a_name_is_looked_for_exactly(ports: Ports) -> None:
    started = ports.cluster("c1")
    for name in ("c", "c*", "C1", "c1;name==*", "c1,name==c1", "c1%2A"):
        assert ports.inventory.find_vapp(SERVICE, ports.vdc, name) is None
        assert ports.inventory.clusters(ports.admin, name=name) == []
    ports.delete(started)


def test_clusters_are_vapps_with_an_id_and_shown_to_their_org(ports: Ports) -> None:
    plain, cluster = ports.compose("plain"), ports.cluster("mine")
    ports.wait(ports.host.set_metadata(SERVICE, cluster.href, {CONTROL_PLANE_IP: "10.0.0.1"}))

    def names(who: Any, **filters: str) -> list[str]:
        return [record.name for record in ports.inventory.clusters(who, **filters)]

    (found,) = ports.inventory.clusters(ports.alice)
    assert (found.id, found.href, found.vdc) == (cluster.id, cluster.href, "acme-vdc")
    assert found.metadata == {CLUSTER_ID: "id-of-mine", CONTROL_PLANE_IP: "10.0.0.1"}
    assert names(ports.carol) == []
    assert names(ports.alice, name="mine") == ["mine"]
    assert names(ports.alice, vdc="other") == []
    assert names(ports.admin, org="acme", vdc="acme-vdc") == ["mine"]
    assert names(ports.admin, org="globex") == []
    assert names(ports.admin, org="nowhere") == []
    (seen,) = ports.inventory.clusters(SERVICE, name="mine")
    assert (seen.org, seen.org_id) == ("acme", ports.vdc.org_id)
    ports.delete(plain)
    ports.delete(cluster)


def test_machines_come_with_addresses_passwords_and_a_place(ports: Ports) -> None:
    started = ports.cluster("full")
    template = ports.inventory.vm_template(ports.alice, org="acme", catalog="cse", item=ports.catalog_item)
    machines = [MachineSpec(name=name, description="made by us") for name in ("mstr-aaaa", "node-bbbb")]

    def add(*specs: MachineSpec, power_on: bool) -> None:
        ports.wait(
            ports.host.add_machines(
                ports.alice,
                started.href,
                template,
                specs,
                network="acme-net",
                admin_password=Secret("given") if not power_on else None,
                power_on=power_on,
            )
        )

    add(*machines, power_on=True)
    guests = ports.inventory.guests(started.href)
    assert set(guests) == {"mstr-aaaa", "node-bbbb"}
    assert len({guest.password for guest in guests.values()}) == 2
    assert all(guest.moid and guest.vcenter and guest.ip_address for guest in guests.values())
    details = ports.inventory.vapp(ports.alice, started.href)
    assert details is not None
    assert {machine.name: machine.is_on for machine in details.machines} == {"mstr-aaaa": True, "node-bbbb": True}
    assert {machine.description for machine in details.machines} == {"made by us"}
    assert f"urn:vcloud:user:{details.owner_id}" == ports.callers.identify(ports.alice).user_id
    assert ports.host.delete(ports.carol, started.href) is None
    assert ports.inventory.vapp(ports.carol, started.href) is None
    assert ports.inventory.vapp(SERVICE, started.href) is not None
    ports.delete(started)
    assert ports.inventory.guests(started.href) == {}


def test_hardware_is_changed_while_the_power_is_off(ports: Ports) -> None:
    started = ports.cluster("small")
    template = ports.inventory.vm_template(ports.alice, org="acme", catalog="cse", item=ports.catalog_item)
    ports.wait(
        ports.host.add_machines(
            ports.alice,
            started.href,
            template,
            [MachineSpec(name="mstr-aaaa")],
            network="acme-net",
            admin_password=Secret("given to all"),
            power_on=False,
        )
    )
    before = ports.inventory.vapp(SERVICE, started.href)
    assert before is not None
    for task in ports.host.set_hardware(ports.alice, before.machines[0].href, cpu_count=3, memory_mb=3072):
        ports.wait(task)
    ports.wait(ports.host.power_on(ports.alice, started.href))
    after = ports.inventory.vapp(SERVICE, started.href)
    assert after is not None
    (machine,) = after.machines
    assert (machine.cpu_count, machine.memory_mb, machine.is_on) == (3, 3072, True)
    (guest,) = ports.inventory.guests(started.href).values()
    assert guest.password == Secret("given to all")
    ports.delete(started)


def test_single_machines_are_stopped_and_deleted(ports: Ports) -> None:
    started = ports.cluster("shrinking")
    template = ports.inventory.vm_template(ports.alice, org="acme", catalog="cse", item=ports.catalog_item)
    specs = [MachineSpec(name=name) for name in ("mstr-aaaa", "node-bbbb", "node-cccc")]
    ports.wait(
        ports.host.add_machines(
            ports.alice, started.href, template, specs, network="acme-net", admin_password=None, power_on=True
        )
    )

    def machines() -> dict[str, Machine]:
        details = ports.inventory.vapp(ports.alice, started.href)
        assert details is not None
        assert details.task_hrefs == ()
        return {machine.name: machine for machine in details.machines}

    assert all(machine.created for machine in machines().values())
    doomed = [machines()["node-bbbb"].href, machines()["node-cccc"].href]
    with pytest.raises(CseError):
        ports.wait(ports.host.delete_machines(ports.alice, started.href, doomed))
    for href in doomed:
        ports.wait(ports.host.undeploy(ports.alice, href))
        with pytest.raises(CseError):
            ports.wait(ports.host.undeploy(ports.alice, href))
    states = {name: (machine.is_on, machine.is_deployed) for name, machine in machines().items()}
    assert states == {"mstr-aaaa": (True, True), "node-bbbb": (False, False), "node-cccc": (False, False)}
    ports.wait(ports.host.power_on(ports.alice, doomed[0]))
    assert (machines()["node-bbbb"].is_on, machines()["node-bbbb"].is_deployed) == (True, True)
    ports.wait(ports.host.undeploy(ports.alice, doomed[0]))
    ports.wait(ports.host.delete_machines(ports.alice, started.href, doomed))
    assert list(machines()) == ["mstr-aaaa"]
    ports.delete(started)


def test_what_is_gone_is_gone_quietly(ports: Ports) -> None:
    started = ports.cluster("brief")
    ports.delete(started)
    assert ports.host.delete(ports.alice, started.href) is None
    assert ports.inventory.vapp(SERVICE, started.href) is None
    assert ports.inventory.find_vapp(SERVICE, ports.vdc, "brief") is None


def test_tasks_are_created_and_ended(ports: Ports) -> None:
    alice = ports.callers.identify(ports.alice)
    card = TaskCard(
        operation_name="create_cluster",
        cluster_id=str(uuid.uuid4()),
        cluster_name="demo",
        org="acme",
        org_id=alice.org_id,
        user=alice.user,
        user_id=alice.user_id,
    )
    good, bad = ports.board.create(card, "Creating"), ports.board.create(card, "Creating")
    assert good != bad
    ports.board.progress(good, card, "Adding nodes", 40)
    ports.board.succeed(good, card, "Created")
    ports.board.fail(bad, card, "Failed", reason="NODES_NOT_READY", error="it failed <because> & so on")
