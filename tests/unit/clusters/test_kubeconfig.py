"""Reading kubeconfigs."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from cse_clusters.domain.access import ADMINISTRATOR_RIGHTS, Actor
from cse_clusters.domain.cluster import CLUSTER_ID, TEMPLATE
from cse_clusters.domain.vcd import VappDetails
from cse_core.errors import ConflictError, FailedPreconditionError, NotFoundError, PermissionDeniedError
from cse_core.names import ClusterName
from cse_testing.clusters.service import ClustersInMemory, a_cluster

CONFIG = b"apiVersion: v1\nkind: Config\n"


@pytest.fixture
def clusters() -> Iterator[ClustersInMemory]:
    with ClustersInMemory() as service:
        yield service


def read(clusters: ClustersInMemory, name: str = "demo", user: str = "alice") -> str:
    return clusters.use_cases.kubeconfigs.read(clusters.caller(user), ClusterName("-", "-", name)).reveal()


def test_the_kubeconfig_of_a_cluster_of_ours(clusters: ClustersInMemory) -> None:
    clusters.created(a_cluster(workers=1))
    (vapp,) = clusters.vcd.vapps.values()
    clusters.guests.passwords.update({name: password.reveal() for name, password in vapp.passwords.items()})
    assert read(clusters) == CONFIG.decode()


def test_a_cluster_of_1_2_x_is_reached_with_the_templates_password(clusters: ClustersInMemory) -> None:
    clusters.vcd.add_vapp(clusters.dev, "old", metadata={CLUSTER_ID: "1", TEMPLATE: "old"}, nodes=["mstr-abcd"])
    clusters.guests.files["mstr-abcd", "/root/.kube/config"] = CONFIG
    clusters.guests.passwords["mstr-abcd"] = "for all of them"
    assert read(clusters, "old") == CONFIG.decode()


def test_a_machines_own_password_is_tried_after_the_templates(clusters: ClustersInMemory) -> None:
    clusters.vcd.add_vapp(clusters.dev, "old", metadata={CLUSTER_ID: "1", TEMPLATE: "old"}, nodes=["mstr-abcd"])
    clusters.guests.files["mstr-abcd", "/root/.kube/config"] = CONFIG
    clusters.guests.passwords["mstr-abcd"] = "made-for-mstr-abcd"
    assert read(clusters, "old") == CONFIG.decode()


def test_a_guest_that_refuses_every_password_is_unreachable(clusters: ClustersInMemory) -> None:
    clusters.vcd.add_vapp(clusters.dev, "demo", metadata={CLUSTER_ID: "1"}, nodes=["mstr-abcd"])
    clusters.guests.passwords["mstr-abcd"] = "something else"
    with pytest.raises(FailedPreconditionError, match="refuses the passwords that are known") as refused:
        read(clusters)
    assert refused.value.code == "CONTROL_PLANE_UNREACHABLE"


def test_a_cluster_without_a_running_control_plane_is_unreachable(clusters: ClustersInMemory) -> None:
    clusters.vcd.add_vapp(clusters.dev, "demo", metadata={CLUSTER_ID: "1"}, nodes=["node-abcd"])
    with pytest.raises(FailedPreconditionError, match="no running control plane"):
        read(clusters)


def test_a_control_plane_that_is_not_set_up_is_unreachable(clusters: ClustersInMemory) -> None:
    clusters.vcd.add_vapp(clusters.dev, "demo", metadata={CLUSTER_ID: "1"}, nodes=["mstr-abcd"])
    with pytest.raises(FailedPreconditionError, match="not set up there"):
        read(clusters)


def test_who_may_only_look_at_a_cluster_does_not_get_what_rules_it(clusters: ClustersInMemory) -> None:
    clusters.created()
    clusters.vcd.read_only.update(clusters.vcd.vapps)
    with pytest.raises(PermissionDeniedError) as refused:
        read(clusters)
    assert refused.value.code == "VAPP_CHANGE_FORBIDDEN"


def with_role(clusters: ClustersInMemory, user: str, role: str) -> None:
    """Gives a user another role."""
    known = clusters.vcd.callers[f"token-of-{user}"]
    clusters.vcd.callers[f"token-of-{user}"] = replace(known, role=role)


@pytest.fixture
def busy(clusters: ClustersInMemory, monkeypatch: pytest.MonkeyPatch) -> ClustersInMemory:
    """Alice sees a cluster of bob's at which vCD works, so that it does not say who may change it."""
    clusters.created(user="bob")
    asked = clusters.vcd.vapp

    def look(who: Actor, href: str) -> VappDetails | None:
        found = asked(who, href)
        return replace(found, may_change=None) if found else None

    monkeypatch.setattr(clusters.vcd, "vapp", look)
    return clusters


def test_while_vcd_does_not_say_who_may_change_a_cluster_its_owner_gets_it_at_once(busy: ClustersInMemory) -> None:
    assert read(busy, user="bob") == CONFIG.decode()


def test_while_vcd_does_not_say_who_may_change_a_cluster_administrators_get_it_at_once(busy: ClustersInMemory) -> None:
    busy.vcd.rights["alice"] = {*ADMINISTRATOR_RIGHTS}  # whatever her role is called
    assert read(busy) == CONFIG.decode()
    assert read(busy, user="admin") == CONFIG.decode()


@pytest.mark.parametrize("rights", [(), *((right,) for right in ADMINISTRATOR_RIGHTS)])
def test_while_vcd_does_not_say_who_may_change_a_cluster_others_try_again(
    busy: ClustersInMemory, rights: tuple[str, ...]
) -> None:
    with_role(busy, "alice", "Organization Administrator")  # a name says nothing
    busy.vcd.rights["alice"] = set(rights)
    with pytest.raises(ConflictError, match="try again in some seconds") as refused:
        read(busy)
    assert refused.value.code == "CLUSTER_BUSY"


def test_an_owner_whom_vcd_does_not_let_change_the_vapp_does_not_get_it(
    busy: ClustersInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = busy.vcd.vapp

    def forbid(who: Actor, href: str) -> VappDetails | None:
        found = asked(who, href)
        return replace(found, may_change=False) if found else None

    monkeypatch.setattr(busy.vcd, "vapp", forbid)
    with pytest.raises(PermissionDeniedError):
        read(busy, user="bob")


@pytest.mark.parametrize("status", ["POWERED_OFF", "SUSPENDED"])
def test_a_control_plane_that_is_off_is_named(clusters: ClustersInMemory, status: str) -> None:
    clusters.created()
    (vapp,) = clusters.vcd.vapps.values()
    (name,) = clusters.nodes("mstr")
    vapp.machines[name] = replace(vapp.machines[name], status=status)
    with pytest.raises(FailedPreconditionError, match=f"{name} is {status}; power it on") as refused:
        read(clusters)
    assert refused.value.code == "CONTROL_PLANE_UNREACHABLE"


def test_another_orgs_kubeconfig_is_not_there(clusters: ClustersInMemory) -> None:
    clusters.created()
    with pytest.raises(NotFoundError):
        read(clusters, user="carol")


def test_whom_vcd_does_not_show_the_vapp_any_more_does_not_get_it(
    clusters: ClustersInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list may have shown it a moment ago; what follows is done with the service account."""
    clusters.created()
    monkeypatch.setattr(clusters.vcd, "vapp", lambda *_: None)
    with pytest.raises(FailedPreconditionError, match="vCD shows no vApp of it"):
        read(clusters)


def test_a_guest_whose_passwords_nobody_knows_is_told_from_one_that_is_not_set_up(
    clusters: ClustersInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    clusters.vcd.add_vapp(clusters.dev, "demo", metadata={CLUSTER_ID: "1"}, nodes=["mstr-abcd"])
    read_guests = clusters.vcd.guests
    monkeypatch.setattr(
        clusters.vcd,
        "guests",
        lambda href: {name: replace(guest, password=None) for name, guest in read_guests(href).items()},
    )
    with pytest.raises(FailedPreconditionError, match=r"no password of its guest; .* `admin_password`") as refused:
        read(clusters)
    assert refused.value.code == "CONTROL_PLANE_UNREACHABLE"
