from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vcd_simulator.errors import VcdError
from vcd_simulator.model.kinds import VAPP, VDC
from vcd_simulator.query.values import Pointer, compare, like, written

BASE = "https://vcd.test"
ID = "9d44c93e-7799-48e2-b368-c5539c30ceaa"
MOMENT = 1_700_000_000.5


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("web-1", True),
        ("web", False),
        ("WEB-1", False),
        ("web*", True),
        ("*1", True),
        ("*", True),
        ("w*-*1", True),
        ("w*x*1", False),
        ("web-1*web-1", False),
        ("?eb-1", False),
        ("", False),
    ],
)
def test_a_star_stands_for_anything_and_nothing_else_is_special(pattern: str, fits: bool) -> None:
    assert like("web-1", pattern) is fits
    assert compare("web-1", "==", pattern) is fits
    assert compare("web-1", "!=", pattern) is not fits


@given(st.lists(st.text(), min_size=1, max_size=6), st.data())
def test_what_is_built_from_the_parts_of_a_pattern_fits_it(parts: list[str], data: Any) -> None:
    parts = [part.replace("*", "") for part in parts]
    between = [data.draw(st.text(max_size=5)) for _ in parts[1:]]
    text = parts[0] + "".join(filler + part for filler, part in zip(between, parts[1:], strict=True))
    assert like(text, "*".join(parts))


def test_many_stars_cost_no_time() -> None:
    assert not like("a" * 20_000, "a*" * 5_000 + "b")


@pytest.mark.parametrize(
    "reference",
    [ID, f"urn:vcloud:vapp:{ID}", f"{BASE}/api/vApp/vapp-{ID}", f"vapp-{ID}", f"{BASE}/api/vApp/vapp-{ID}/", "*"],
)
def test_a_reference_equals_its_href_its_urn_and_its_id(reference: str) -> None:
    assert compare(Pointer(VAPP, ID), "==", reference)


def test_a_reference_equals_the_administrators_href_too() -> None:
    assert compare(Pointer(VDC, ID), "==", f"{BASE}/api/admin/vdc/{ID}")
    assert not compare(Pointer(VDC, ID), "==", f"{BASE}/api/admin/vdc/{ID[:-1]}b")


@pytest.mark.parametrize(
    ("value", "operator", "wanted", "holds"),
    [
        (4, "==", "4", True),
        (4, "=gt=", "10", False),
        (4, "=lt=", "10", True),
        (4, "=ge=", "4.0", True),
        ("4", "=lt=", "5", True),
        (True, "==", "TRUE", True),
        (True, "!=", "false", True),
        (MOMENT, "=le=", "2023-11-14T22:13:20.500Z", True),
        (MOMENT, "=gt=", "2023-11-14T22:13:20.500+00:00", False),
        (MOMENT, "==", "2023-11-14T23:13:20.500+01:00", True),
        (MOMENT, "!=", "*", False),
        (None, "==", "*", False),
        (None, "!=", "x", True),
        (None, "=lt=", "x", False),
    ],
)
def test_values_are_compared_as_what_they_are(value: Any, operator: str, wanted: str, holds: bool) -> None:
    assert compare(value, operator, wanted) is holds


@pytest.mark.parametrize(
    ("value", "wanted"), [(4, "four"), (MOMENT, "yesterday"), (True, "x"), (Pointer(VAPP, ID), "x")]
)
def test_a_comparison_without_sense_is_a_bad_request(value: Any, wanted: str) -> None:
    with pytest.raises(VcdError) as refusal:
        compare(value, "=gt=", wanted)
    assert refusal.value.status == 400


def test_values_are_written_as_vcd_writes_them() -> None:
    def text(value: Any, *, as_id: bool = False) -> str | None:
        return written(value, base=BASE, as_id=as_id)

    assert [text(one) for one in (None, True, 7, "x", MOMENT)] == [None, "true", "7", "x", "2023-11-14T22:13:20.500Z"]
    assert text(Pointer(VAPP, ID)) == f"{BASE}/api/vApp/vapp-{ID}"
    assert text(Pointer(VAPP, ID), as_id=True) == f"urn:vcloud:vapp:{ID}"
    assert text(Pointer(VDC, ID, admin=True)) == f"{BASE}/api/admin/vdc/{ID}"
