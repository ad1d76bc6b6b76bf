"""Names that users choose."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse_core.errors import InvalidArgumentError
from cse_core.names import (
    ClusterName,
    NodeName,
    VdcName,
    check_cluster_name,
    check_vcd_name,
    is_node_name,
    new_node_name,
)


@pytest.mark.parametrize("name", ["a", "demo", "Demo-1", "9lives", "a" * 25])
def test_names_like_host_labels_are_accepted(name: str) -> None:
    assert check_cluster_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-a",
        "a-",
        "a_b",
        "a.b",
        "a b",
        "a/b",
        "a" * 26,
        "système",
        "a;b",
        "$(id)",
        "a\n",
        "system",
        "OVDC",
        "swaggerx",
    ],
)
def test_other_names_are_refused_with_the_field(name: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        check_cluster_name(name, field="name")
    assert caught.value.field == "name"
    assert caught.value.message.startswith("name: ")


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "a\x00", "a\u2028b", "x" * 129, "\ud800"])
def test_vcd_has_no_objects_of_unprintable_or_endless_names(name: str) -> None:
    with pytest.raises(InvalidArgumentError):
        check_vcd_name(name, field="vdc")


@given(st.text(min_size=1, max_size=40))
def test_a_refusal_shows_a_name_escaped(name: str) -> None:
    with suppress(InvalidArgumentError):
        check_cluster_name(name)
        return
    with pytest.raises(InvalidArgumentError) as caught:
        check_cluster_name(name)
    assert caught.value.message.isprintable()


vcd_names = st.text(
    st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=40
).filter(lambda name: bool(name.strip()))


@given(org=vcd_names, vdc=vcd_names)
def test_resource_names_survive_any_vcd_name(org: str, vdc: str) -> None:
    name = ClusterName(org, vdc, "demo")
    assert ClusterName.parse(str(name)) == name
    assert str(name).count("/") == 5


@pytest.mark.parametrize(
    "text", ["", "orgs/a", "orgs/a/vdcs/b/clusters", "orgs/a/vdcs/b/c/d", "orgs/%ff/vdcs/b", "/" * 9]
)
def test_malformed_resource_names_are_refused(text: str) -> None:
    with pytest.raises(InvalidArgumentError, match="name"):
        VdcName.parse(text, field="name")


def test_a_node_name_holds_its_cluster() -> None:
    parsed = NodeName.parse("orgs/-/vdcs/-/clusters/demo/nodes/node-7k2p")
    assert (parsed.cluster.cluster, parsed.node) == ("demo", "node-7k2p")


def test_new_node_names_are_not_taken() -> None:
    taken = {new_node_name("node") for _ in range(50)}
    assert new_node_name("node", taken) not in taken
    assert all(map(is_node_name, taken))
    assert not is_node_name("node-ABCD; rm -rf /")
