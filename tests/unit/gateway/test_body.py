from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse_core.errors import InvalidArgumentError
from cse_gateway.domain.body import Body

_JSON: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text()) | st.just({})
)


@pytest.mark.parametrize("content", [b"", b"  \n", b"null", b"{}"])
def test_nothing_is_an_empty_object(content: bytes) -> None:
    assert not Body.parse(content).has("name")


@pytest.mark.parametrize("content", [b"[]", b"5", b'"x"', b"{", b"\xff", b'{"a": NaN}', b"{}{}", b'{"a": "\\udc00"}'])
def test_what_is_no_object_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        Body.parse(content)
    assert caught.value.field == "body"


def test_null_is_absent() -> None:
    body = Body({"a": None})
    assert not body.has("a")
    assert (body.text("a"), body.number("a"), body.flag("a", default=True)) == ("", 0, True)


@pytest.mark.parametrize(("value", "number"), [(3, 3), ("3", 3), (" -3 ", -3), (3.0, 3)])
def test_numbers_are_read(value: object, number: int) -> None:
    assert Body({"n": value}).number("n") == number


@pytest.mark.parametrize(
    "value", [True, 1.5, "1.5", "", "0x1", "\uff11", [], 2**31, -(2**31) - 1, float("inf"), "9" * 30]
)
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(InvalidArgumentError, match=r"^n: "):
        Body({"n": value}).number("n")


def test_lists_of_texts_are_read_and_nothing_else() -> None:
    assert Body({"l": ["a", "b"]}).texts("l") == ["a", "b"]
    assert Body({"l": None}).texts("l") == Body({}).texts("l") == []
    for value in ("a", [1], [None], [["a"]], {"a": "b"}):
        with pytest.raises(InvalidArgumentError, match=r"^l: expected a list of texts, got "):
            Body({"l": value}).texts("l")


@given(_JSON)
def test_every_value_is_read_or_refused_by_name(value: Any) -> None:
    body = Body({"f": value})
    for read in (body.text, body.texts, body.number, body.required, lambda name: body.flag(name, default=False)):
        try:
            read("f")
        except InvalidArgumentError as error:
            assert error.message.startswith("f: ")  # noqa: PT017  # either outcome is right


def test_a_fraction_is_shown_as_what_it_is() -> None:
    with pytest.raises(InvalidArgumentError, match=r"^node_count: 2\.5 is no whole number$"):
        Body({"node_count": 2.5}).number("node_count")
