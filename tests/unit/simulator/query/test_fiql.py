import contextlib
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vcd_simulator.errors import VcdError
from vcd_simulator.query.fiql import And, Comparison, Expression, Or, comparisons, holds, parse

A, B, C = Comparison("a", "==", "1"), Comparison("b", "!=", "2"), Comparison("c", "=ge=", "3")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a==1", A),
        ("a==1;b!=2", And((A, B))),
        ("a==1,b!=2", Or((A, B))),
        ("a==1;b!=2,c=ge=3", Or((And((A, B)), C))),
        ("a==1,b!=2;c=ge=3", Or((A, And((B, C))))),
        ("a==1;(b!=2,c=ge=3)", And((A, Or((B, C))))),
        ("((a==1))", A),
        ("(a==1,b!=2);c=ge=3", And((Or((A, B)), C))),
    ],
)
def test_and_binds_tighter_than_or_and_parentheses_group(text: str, expected: Expression) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name==", Comparison("name", "==", "")),
        ("name==*", Comparison("name", "==", "*")),
        ("href==https://vcd/api/org/1?a=b", Comparison("href", "==", "https://vcd/api/org/1?a=b")),
        ("metadata:cse.cluster.id==STRING:*", Comparison("metadata:cse.cluster.id", "==", "STRING:*")),
        ("metadata@SYSTEM:k==NUMBER:1", Comparison("metadata@SYSTEM:k", "==", "NUMBER:1")),
        ("name==vApp: Migrate, Force, and (re)start; all", None),
        ("name==a+b c", Comparison("name", "==", "a+b c")),
        (r"name==a\(b\)\,c\;d==e\f", Comparison("name", "==", r"a(b),c;d==e\f")),
        (r"name==DOMAIN\user", Comparison("name", "==", r"DOMAIN\user")),
        ("name==1;", Comparison("name", "==", "1;")),
        ("name==1)(", Comparison("name", "==", "1)(")),
    ],
)
def test_a_value_ends_only_where_another_comparison_begins(text: str, expected: Comparison | None) -> None:
    assert parse(text) == (expected or Comparison("name", "==", text.removeprefix("name==")))


def test_unencoded_commas_do_not_hide_the_comparison_behind_them() -> None:
    assert parse("name==x, y;org==1") == And((Comparison("name", "==", "x, y"), Comparison("org", "==", "1")))
    assert parse("(name==x (y), z);org==1") == And((Comparison("name", "==", "x (y), z"), Comparison("org", "==", "1")))


def test_values_are_decoded_after_splitting_when_they_were_encoded_twice() -> None:
    text = "name==a%3Bb%3D%3Dc;org==https%3A//vcd%2Fx%2B+"
    name, org = comparisons(parse(text, encoded_values=True))
    assert (name.value, org.value) == ("a;b==c", "https://vcd/x++")
    assert comparisons(parse(text))[0].value == "a%3Bb%3D%3Dc"


@pytest.mark.parametrize(
    "text",
    ["", "a", "a=1", "==1", "(a==1", ";a==1", "()", "(" * 5000 + "a==1" + ")" * 5000, "1a==1"],
)
def test_what_is_no_filter_is_a_bad_request(text: str) -> None:
    with pytest.raises(VcdError) as refusal:
        parse(text)
    assert refusal.value.status == 400


def test_an_expression_holds_as_its_parts_do() -> None:
    expression = parse("a==1;(b!=2,c=ge=3)")
    assert holds(expression, lambda one: one.name in "ab")
    assert not holds(expression, lambda one: one.name in "bc")


@given(st.text())
def test_any_value_that_a_client_encodes_arrives(value: str) -> None:
    wire = f"name=={quote(value)};org==1"  # as clients below API 35 write it; they encode the whole once more
    assert (
        comparisons(parse(unquote(quote(wire)), encoded_values=True))[0].value == value.replace("\\", "")
        or "\\" in value
    )


@given(st.text(), st.booleans())
def test_whatever_arrives_is_a_filter_or_a_bad_request(text: str, encoded: bool) -> None:
    with contextlib.suppress(VcdError):  # any other error fails the test
        parse(text, encoded_values=encoded)


def test_a_filter_with_too_many_comparisons_is_refused() -> None:
    assert len(comparisons(parse(",".join(["name==x"] * 500)))) == 500
    with pytest.raises(VcdError, match="more than 500 comparisons") as refusal:
        parse(",".join(["name==x"] * 501))
    assert refusal.value.status == 400
