"""Listing and reading clusters: who sees what, in which state, page by page."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cse_clusters.application.directory import ClusterDirectory
from cse_clusters.application.listings import KEPT_CLUSTERS, Listings
from cse_clusters.domain.cluster import CLUSTER_ID, CONTROL_PLANE_IP, Cluster, State
from cse_core.errors import NotFoundError, UnavailableError
from cse_core.names import ClusterName, VdcName
from cse_testing.clusters.service import ClustersInMemory

EVERYWHERE = VdcName("-", "-")


def listed(clusters: ClustersInMemory, user: str = "alice", parent: VdcName = EVERYWHERE) -> list[Cluster]:
    return clusters.use_cases.directory.page(clusters.caller(user), parent, limit=1000).clusters


def read(clusters: ClustersInMemory, name: str = "demo", user: str = "alice") -> Cluster:
    return clusters.use_cases.directory.get(clusters.caller(user), ClusterName("-", "-", name))


def complete(number: int) -> dict[str, str]:
    return {CLUSTER_ID: f"id-{number}", CONTROL_PLANE_IP: "10.0.0.1"}


@contextmanager
def creation_held_at(clusters: ClustersInMemory, method: str) -> Iterator[None]:
    """While inside, a creation of `demo` is inside this method of vCD."""
    halt = clusters.vcd.halt(method)
    operation = clusters.create()
    halt.wait_until_reached()
    yield
    halt.let_go()
    assert clusters.finished(operation).error is None


def test_tenants_see_the_clusters_of_their_org_and_administrators_all(clusters: ClustersInMemory) -> None:
    clusters.vcd.add_vapp(clusters.dev, "b", metadata=complete(1))
    clusters.vcd.add_vapp(clusters.prod, "a", metadata=complete(2))
    clusters.vcd.add_vapp(clusters.vcd.vdcs["globex", "dev"], "c", metadata=complete(3))
    clusters.vcd.add_vapp(clusters.dev, "no cluster")
    assert [(each.name, each.org, each.vdc) for each in listed(clusters)] == [
        ("a", "acme", "prod"),
        ("b", "acme", "dev"),
    ]
    assert [each.name for each in listed(clusters, "carol")] == ["c"]
    assert [(each.name, each.org) for each in listed(clusters, "admin")] == [
        ("a", "acme"),
        ("b", "acme"),
        ("c", "globex"),
    ]


@pytest.mark.parametrize(
    ("user", "parent", "names"),
    [
        ("alice", VdcName("acme", "prod"), ["a"]),
        ("alice", VdcName("-", "dev"), ["b"]),
        ("alice", VdcName("globex", "-"), []),
        ("admin", VdcName("globex", "-"), ["c"]),
        ("admin", VdcName("acme", "dev"), ["b"]),
    ],
)
def test_a_parent_narrows_the_list(clusters: ClustersInMemory, user: str, parent: VdcName, names: list[str]) -> None:
    clusters.vcd.add_vapp(clusters.dev, "b", metadata=complete(1))
    clusters.vcd.add_vapp(clusters.prod, "a", metadata=complete(2))
    clusters.vcd.add_vapp(clusters.vcd.vdcs["globex", "dev"], "c", metadata=complete(3))
    assert [each.name for each in listed(clusters, user, parent)] == names


def test_a_list_costs_one_query_whatever_the_number_of_vdcs(clusters: ClustersInMemory) -> None:
    for number in range(20):
        vdc = clusters.vcd.add_vdc("acme", f"vdc-{number}")
        clusters.vcd.add_vapp(vdc, f"c-{number}", metadata=complete(number))
    assert len(listed(clusters)) == 20
    assert clusters.vcd.calls == ["clusters"]


def test_pages_follow_each_other_without_gaps_even_when_clusters_appear(clusters: ClustersInMemory) -> None:
    for number in range(5):
        clusters.vcd.add_vapp(clusters.dev, f"c{number}", metadata=complete(number))
    first = clusters.use_cases.directory.page(clusters.caller(), EVERYWHERE, limit=2)
    clusters.vcd.add_vapp(clusters.dev, "a-new-one", metadata=complete(9))
    second = clusters.use_cases.directory.page(clusters.caller(), EVERYWHERE, begin=first.next_page, limit=2)
    third = clusters.use_cases.directory.page(clusters.caller(), EVERYWHERE, begin=second.next_page, limit=2)
    pages = [[each.name for each in page.clusters] for page in (first, second, third)]
    assert pages == [["c0", "c1"], ["c2", "c3"], ["c4"]]
    assert third.next_page == ""


def test_all_pages_of_a_list_cost_one_query_and_show_one_moment(clusters: ClustersInMemory) -> None:
    for number in range(5):
        clusters.vcd.add_vapp(clusters.dev, f"c{number}", metadata=complete(number))
    directory, alice = clusters.use_cases.directory, clusters.caller()
    found, begin = [], ""
    while True:
        page = directory.page(alice, EVERYWHERE, begin=begin, limit=2)
        found += [each.name for each in page.clusters]
        clusters.vcd.vapps.clear()
        begin = page.next_page
        if not begin:
            break
    assert found == ["c0", "c1", "c2", "c3", "c4"]
    assert clusters.vcd.calls == ["clusters"]


def test_a_page_of_a_list_that_is_not_known_here_is_asked_for_again(clusters: ClustersInMemory) -> None:
    for number in range(5):
        clusters.vcd.add_vapp(clusters.dev, f"c{number}", metadata=complete(number))
    first = clusters.use_cases.directory.page(clusters.caller(), EVERYWHERE, limit=2)
    other_replica = ClusterDirectory(clusters.vcd, clusters.operations)
    second = other_replica.page(clusters.caller(), EVERYWHERE, begin=first.next_page, limit=2)
    assert [each.name for each in second.clusters] == ["c2", "c3"]


@pytest.mark.parametrize(
    ("user", "parent"), [("carol", EVERYWHERE), ("bob", EVERYWHERE), ("alice", VdcName("-", "prod"))]
)
def test_the_list_of_one_caller_and_parent_is_nobody_elses(
    clusters: ClustersInMemory, user: str, parent: VdcName
) -> None:
    for number in range(3):
        clusters.vcd.add_vapp(clusters.dev, f"c{number}", metadata=complete(number))
    first = clusters.use_cases.directory.page(clusters.caller(), EVERYWHERE, limit=1)
    clusters.vcd.vapps.clear()
    stolen = clusters.use_cases.directory.page(clusters.caller(user), parent, begin=first.next_page, limit=1)
    assert stolen.clusters == []


def test_lists_are_remembered_for_a_bounded_time_and_in_bounded_number(clusters: ClustersInMemory) -> None:
    now = 0.0
    listings = Listings(kept_s=10, clock=lambda: now)
    alice = clusters.caller()
    some = [Cluster(org="o", org_id="i", vdc="v", name="c", uid="u", state=State.READY)] * (KEPT_CLUSTERS // 2)
    first, second = (listings.keep(alice, EVERYWHERE, some) for _ in range(2))
    assert listings.find(alice, EVERYWHERE, first) is some
    third = listings.keep(alice, EVERYWHERE, some)
    assert [listings.find(alice, EVERYWHERE, name) is some for name in (first, second, third)] == [False, True, True]
    huge = listings.keep(alice, EVERYWHERE, some * 4)
    assert listings.find(alice, EVERYWHERE, second) is None
    assert listings.find(alice, EVERYWHERE, huge) is not None
    now = 11.0
    assert listings.find(alice, EVERYWHERE, huge) is None


def test_a_cluster_is_visible_as_soon_as_its_creation_is_accepted(clusters: ClustersInMemory) -> None:
    with creation_held_at(clusters, "compose"):
        (cluster,) = listed(clusters)
        assert (cluster.name, cluster.state, cluster.vapp_id) == ("demo", State.CREATING, "")
        assert read(clusters).state is State.CREATING
        assert listed(clusters, "bob") == []
        assert listed(clusters, "carol") == []
        assert listed(clusters, "alice", VdcName("-", "prod")) == []
        assert [each.org for each in listed(clusters, "admin")] == ["acme"]
    assert read(clusters).state is State.READY


def test_a_cluster_is_listed_once_when_its_vapp_is_there(clusters: ClustersInMemory) -> None:
    with creation_held_at(clusters, "add_machines"):
        (cluster,) = listed(clusters)
        assert cluster.state is State.CREATING
        assert cluster.vapp_id


def test_a_cluster_that_is_being_deleted_says_so(clusters: ClustersInMemory) -> None:
    clusters.created()
    halt = clusters.vcd.halt("delete")
    operation = clusters.delete()
    halt.wait_until_reached()
    assert read(clusters).state is State.DELETING
    halt.let_go()
    clusters.finished(operation)


def test_an_incomplete_or_broken_cluster_has_failed(clusters: ClustersInMemory) -> None:
    clusters.vcd.add_vapp(clusters.dev, "incomplete", metadata={CLUSTER_ID: "1"})
    clusters.vcd.add_vapp(clusters.dev, "broken", metadata=complete(2)).status = "FAILED_CREATION"
    clusters.vcd.add_vapp(clusters.dev, "off", metadata=complete(3)).status = "POWERED_OFF"
    states = {each.name: each.state for each in listed(clusters)}
    assert states == {"incomplete": State.FAILED, "broken": State.FAILED, "off": State.READY}


def test_nodes_come_from_one_more_call_control_plane_first(clusters: ClustersInMemory) -> None:
    clusters.vcd.add_vapp(
        clusters.dev, "demo", metadata=complete(1), nodes=["helper", "nfsd-aaaa", "node-zzzz", "node-aaaa", "mstr-mmmm"]
    )
    assert [node.name for node in read(clusters).nodes] == [
        "mstr-mmmm",
        "node-aaaa",
        "node-zzzz",
        "nfsd-aaaa",
        "helper",
    ]
    assert clusters.vcd.calls == ["clusters", "vapp"]


def test_without_its_nodes_a_cluster_is_still_shown(clusters: ClustersInMemory) -> None:
    clusters.vcd.add_vapp(clusters.dev, "demo", metadata=complete(1), nodes=["mstr-aaaa"])
    clusters.vcd.fail("vapp", UnavailableError("vCD does not answer"))
    cluster = read(clusters)
    assert (cluster.nodes, cluster.vm_count, cluster.control_plane_ip) == ((), 1, "10.0.0.1")


def test_what_another_org_has_is_not_there(clusters: ClustersInMemory) -> None:
    clusters.vcd.add_vapp(clusters.dev, "demo", metadata=complete(1))
    with pytest.raises(NotFoundError, match="no cluster 'demo' that you can see") as refused:
        read(clusters, user="carol")
    assert refused.value.code == "CLUSTER_NOT_FOUND"
