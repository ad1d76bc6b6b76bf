"""The way of a cluster: from an org VDC to guests that run scripts, and back."""

import threading
import uuid
from collections.abc import Callable, Iterator

import pytest

from cse_core.errors import AlreadyExistsError, NotFoundError, PermissionDeniedError
from cse_core.secret import Secret
from cse_testing.waiting import LIMIT_S
from cse_vcd import vapps
from cse_vcd.account import ServiceAccount
from cse_vcd.catalogs import VmTemplate, get_vm_template
from cse_vcd.errors import GuestLoginError, ScriptTimeoutError
from cse_vcd.guest import Guest
from cse_vcd.machines import Machine
from cse_vcd.metadata import read_metadata
from cse_vcd.recompose import NewMachine
from cse_vcd.session import VcdSession
from cse_vcd.tasks import TaskPoller
from cse_vcd.vcenter import Vcenters
from cse_vcd.vdcs import Vdc, get_vdc

Compose = Callable[..., str]


@pytest.fixture
def compose(alice: VcdSession, vdc: Vdc, poller: TaskPoller) -> Iterator[Compose]:
    """Makes vApps as alice, and deletes them afterwards."""
    made: list[str] = []

    def make(name: str = "", metadata: dict[str, str] | None = None) -> str:
        started = vapps.compose(
            alice,
            vdc.href,
            name=name or f"c-{uuid.uuid4().hex[:8]}",
            description="cluster c1",
            network="acme-net",
            network_href=vdc.networks["acme-net"],
        )
        made.append(started.href)
        poller.wait(started.task_href, timeout_s=LIMIT_S)
        if metadata:
            poller.wait(vapps.set_metadata(alice, started.href, metadata), timeout_s=LIMIT_S)
        return started.href

    yield make
    for href in made:
        task = vapps.delete(alice, href)
        if task is not None:
            poller.wait(task, timeout_s=LIMIT_S)


def machines_of(session: VcdSession, href: str) -> dict[str, Machine]:
    vapp = vapps.read_vapp(session, href)
    assert vapp is not None
    return {machine.name: machine for machine in vapp.machines}


def test_a_vdc_shows_what_vapps_may_use(account: ServiceAccount, alice: VcdSession, carol: VcdSession) -> None:
    own = get_vdc(alice, "acme-vdc")
    assert set(own.networks) == {"acme-net"}
    assert set(own.storage_profiles) == {"*", "gold"}
    assert get_vdc(alice, "acme-vdc", "acme").id == get_vdc(account, "acme-vdc").id == own.id
    assert get_vdc(account, "acme-vdc", "acme").org == "acme"
    for session, org in ((carol, "-"), (carol, "acme"), (account, "globex"), (account, "no such org")):
        with pytest.raises(NotFoundError):
            get_vdc(session, "acme-vdc", org)


def test_a_template_of_a_published_catalog(alice: VcdSession, template: VmTemplate) -> None:
    assert (template.cpu_count, template.memory_mb) == (2, 2048)
    assert template.admin_password
    with pytest.raises(NotFoundError, match="has no item 'nothing'"):
        get_vm_template(alice, "cse", "nothing")
    with pytest.raises(NotFoundError, match="no catalog 'nothing'"):
        get_vm_template(alice, "nothing", "x")


def test_machines_of_one_recompose_have_names_hardware_and_passwords_of_their_own(
    account: ServiceAccount,
    alice: VcdSession,
    vdc: Vdc,
    template: VmTemplate,
    compose: Compose,
    poller: TaskPoller,
    vcenters: Vcenters,
) -> None:
    href = compose()
    gold = vdc.storage_profiles["gold"]
    new = [
        NewMachine(
            name="mstr-a1b2",
            template=template,
            network="acme-net",
            cpu_count=3,
            memory_mb=4096,
            storage_profile_href=gold,
        ),
        NewMachine(name="node-c3d4", template=template, network="acme-net", admin_password=Secret("g1ven pa$$'word")),
    ]
    poller.wait(vapps.add_machines(alice, href, new, power_on=True), timeout_s=LIMIT_S)
    found = machines_of(account, href)
    assert {name: (one.cpu_count, one.memory_mb, one.storage_profile) for name, one in found.items()} == {
        "mstr-a1b2": (3, 4096, "gold"),
        "node-c3d4": (2, 2048, "*"),
    }
    assert len({one.admin_password for one in found.values()} | {template.admin_password}) == 3
    assert len({one.ip_address for one in found.values()}) == 2
    assert all(one.status == "POWERED_ON" and one.vcenter == "vc1" for one in found.values())
    seen_by_tenant = machines_of(alice, href)
    assert {one.moid for one in seen_by_tenant.values()} == {one.moid for one in found.values()}
    for name, one in found.items():
        assert one.moid and one.admin_password  # noqa: PT018 - for the type checker
        guest = Guest(vcenters.get("vc1"), moid=one.moid, password=one.admin_password)
        guest.wait_ready(timeout_s=LIMIT_S)
        assert guest.run("hostname", timeout_s=LIMIT_S).stdout == f"{name}\n"
        assert guest.run("nproc", timeout_s=LIMIT_S).exit_code == 0


def test_machines_are_taken_away_again(
    alice: VcdSession, template: VmTemplate, compose: Compose, poller: TaskPoller
) -> None:
    href = compose()
    new = [NewMachine(name=name, template=template, network="acme-net") for name in ("node-1", "node-2")]
    poller.wait(vapps.add_machines(alice, href, new, power_on=True), timeout_s=LIMIT_S)
    first = machines_of(alice, href)["node-1"]
    poller.wait(vapps.undeploy(alice, first.href), timeout_s=LIMIT_S)
    poller.wait(vapps.delete_machines(alice, href, [first.href]), timeout_s=LIMIT_S)
    assert set(machines_of(alice, href)) == {"node-2"}


def test_hardware_of_a_machine_that_is_off(
    alice: VcdSession, template: VmTemplate, compose: Compose, poller: TaskPoller
) -> None:
    href = compose()
    new = [NewMachine(name="node-1", template=template, network="acme-net")]
    poller.wait(vapps.add_machines(alice, href, new, power_on=False), timeout_s=LIMIT_S)
    machine = machines_of(alice, href)["node-1"]
    assert machine.status == "POWERED_OFF"
    for task in vapps.set_hardware(alice, machine.href, cpu_count=4, memory_mb=1024):
        poller.wait(task, timeout_s=LIMIT_S)
    assert vapps.set_hardware(alice, machine.href, cpu_count=4, memory_mb=1024) == []
    poller.wait(vapps.power_on(alice, href), timeout_s=LIMIT_S)
    changed = machines_of(alice, href)["node-1"]
    assert (changed.status, changed.cpu_count, changed.memory_mb) == ("POWERED_ON", 4, 1024)


def test_clusters_are_found_by_what_they_carry(
    account: ServiceAccount, alice: VcdSession, carol: VcdSession, vdc: Vdc, compose: Compose
) -> None:
    id_ = str(uuid.uuid4())
    name = f"c-{id_[:8]}"
    href = compose(name, {"cse.cluster.id": id_, "cse.template": "photon-v2", "cse.version": "2.0"})
    plain = compose()
    for session in (alice, account):
        (found,) = vapps.find_clusters(session, name=name, fields=["cse.template", "cse.master.ip"])
        assert (found.href, found.vdc, found.vdc_href) == (href, "acme-vdc", vdc.href)
        assert found.metadata == {"cse.cluster.id": id_, "cse.template": "photon-v2"}
    assert plain not in {found.href for found in vapps.find_clusters(alice)}
    assert [found.href for found in vapps.find_clusters(account, name=name, org_id=vdc.org_id)] == [href]
    assert vapps.find_clusters(account, name=name, org_id=carol.identity.org_id) == []
    (by_id,) = vapps.find_vapps(account, with_metadata={"cse.cluster.id": id_})
    assert by_id.href == href
    assert read_metadata(alice, href)["cse.version"] == "2.0"


def test_another_tenant_sees_nothing_and_may_do_nothing(
    carol: VcdSession, template: VmTemplate, compose: Compose
) -> None:
    href = compose("", {"cse.cluster.id": "5c6b"})
    assert vapps.read_vapp(carol, href) is None
    assert href not in {found.href for found in vapps.find_vapps(carol)}
    assert vapps.delete(carol, href) is None
    with pytest.raises((NotFoundError, PermissionDeniedError)):
        vapps.set_metadata(carol, href, {"x": "y"})
    new = NewMachine(name="node-1", template=template, network="acme-net")
    with pytest.raises((NotFoundError, PermissionDeniedError)):
        vapps.add_machines(carol, href, [new], power_on=False)


def test_a_name_is_given_once(alice: VcdSession, vdc: Vdc, compose: Compose) -> None:
    name = f"c-{uuid.uuid4().hex[:8]}"
    compose(name)
    with pytest.raises(AlreadyExistsError):
        compose(name)


@pytest.mark.parametrize(
    "name",
    [
        "a;name==*",
        "a,b",
        "(a)",
        'it\'s "x"',
        "a&b=c#d",
        "ümläut 漢字",
        "100%",
        "<a>&amp;",
        "a==b",
        "a*b",
        "a\\b",
        "a+b",
        "x' or '1'='1",
    ],
)
def test_hostile_names_are_found_as_they_are(alice: VcdSession, compose: Compose, name: str) -> None:
    name = f"{name} {uuid.uuid4().hex[:6]}"
    href = compose(name)
    other = compose()
    found = vapps.find_vapps(alice, name=name)
    assert [one.href for one in found] == [href]
    assert other not in {one.href for one in found}


def test_changes_of_a_busy_vapp_wait_their_turn(alice: VcdSession, compose: Compose, poller: TaskPoller) -> None:
    href = compose()
    tasks: list[str] = []
    threads = [
        threading.Thread(target=lambda n=n: tasks.append(vapps.set_metadata(alice, href, {f"cse.k{n}": "v"})))
        for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for task in tasks:
        poller.wait(task, timeout_s=LIMIT_S)
    assert set(read_metadata(alice, href)) == {f"cse.k{n}" for n in range(6)}


@pytest.fixture
def guest(
    account: ServiceAccount,
    alice: VcdSession,
    template: VmTemplate,
    compose: Compose,
    poller: TaskPoller,
    vcenters: Vcenters,
) -> Guest:
    href = compose()
    new = [NewMachine(name="node-1", template=template, network="acme-net")]
    poller.wait(vapps.add_machines(alice, href, new, power_on=True), timeout_s=LIMIT_S)
    machine = machines_of(account, href)["node-1"]
    assert machine.moid and machine.admin_password  # noqa: PT018 - for the type checker
    found = Guest(vcenters.get("vc1"), moid=machine.moid, password=machine.admin_password)
    found.wait_ready(timeout_s=LIMIT_S)
    return found


def test_scripts_run_in_a_real_shell(guest: Guest, vcenters: Vcenters) -> None:
    hostile = {"A": "it's", "B": '$(id) `id` \\ "', "C": "two\nlines", "D": "ü漢", "E": ""}
    result = guest.run_script(
        'set -euo pipefail\nprintf "%s|" "$A" "$B" "$C" "$D" "$E"; cat; echo oops >&2; exit 7',
        hostile,
        timeout_s=LIMIT_S,
    )
    assert result.stdout == "".join(f"{value}|" for value in hostile.values())
    assert (result.stderr, result.exit_code) == ("oops\n", 7)

    long = guest.run_script("seq 1 200000", timeout_s=LIMIT_S, output_bytes=1000)
    assert (len(long.stdout), long.stdout[-7:], long.is_cut) == (1000, "200000\n", True)

    assert guest.run("printf", "%s;", "a b", "$HOME", "'", timeout_s=LIMIT_S).stdout == "a b;$HOME;';"

    guest.write_file("/root/file", b"\0\xff binary")
    assert guest.read_file("/root/file", 100) == b"\0\xff binary"
    mode = guest.run("stat", "-c", "%a", "/root/file", timeout_s=LIMIT_S)
    assert mode.stdout == "600\n"

    with pytest.raises(ScriptTimeoutError):
        guest.run_script("sleep 600 & sleep 600", timeout_s=0.5)
    left = guest.run_script('ls -A /tmp | grep -v "$(basename "$CSE_SCRIPT_DIRECTORY")"', timeout_s=LIMIT_S)
    assert left.stdout == ""

    wrong = Guest(vcenters.get("vc1"), moid=guest._moid, password=Secret("wrong"))
    with pytest.raises(GuestLoginError):
        wrong.run("true", timeout_s=LIMIT_S)


def test_many_guests_work_side_by_side(guest: Guest) -> None:
    results: list[str] = []
    threads = [
        threading.Thread(target=lambda n=n: results.append(guest.run("echo", str(n), timeout_s=LIMIT_S).stdout))
        for n in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(int, results)) == list(range(12))
