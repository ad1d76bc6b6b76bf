"""No value breaks out of a filter, in either generation of the API."""

import re
from urllib.parse import parse_qs, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse_vcd.fiql import AnyOf, Condition, filter_parameters

HOSTILE = [
    "a;name==*",
    "a,name==b",
    "(a)",
    "x==y",
    "a&filter=name==b",
    "%2C%3B",
    "a b",
    "it's",
    '"q"',
    "ü漢字",
    "#frag",
    "a+b",
    "\\",
    "a\\;b",
    "*",
    "a*b",
    "=gt=",
    "a\nb",
    "name!=x",
]


def old_server_reads(parameters: str) -> list[list[str]]:
    """As a vCD below 35.0: decode the URL, split at operators, decode each value."""
    query = parse_qs(parameters.lstrip("&"), keep_blank_values=True, strict_parsing=True)
    assert query["filterEncoded"] == ["true"]
    assert set(query) == {"filterEncoded", "filter"}
    return [[unquote(part) for part in term.split("==")] for term in query["filter"][0].split(";")]


def new_server_reads(parameters: str) -> list[list[str]]:
    """As a vCD from 35.0 on: decode the URL, split at operators that have no backslash, take the backslashes off."""
    query = parse_qs(parameters.lstrip("&"), keep_blank_values=True, strict_parsing=True)
    assert set(query) == {"filter"}
    terms = re.split(r"(?<!\\);", query["filter"][0])
    return [[re.sub(r"\\(.)", r"\1", part) for part in term.split("==", 1)] for term in terms]


def matches(pattern: str, value: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), value, re.DOTALL) is not None


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_stays_one_value_below_35(value: str) -> None:
    terms = old_server_reads(filter_parameters([Condition.equal("name", value), Condition.equal("org", "o1")], "31.0"))
    assert [term[0] for term in terms] == ["name", "org"]
    assert matches("==".join(terms[0][1:]), value)


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_stays_one_value_from_35_on(value: str) -> None:
    terms = new_server_reads(filter_parameters([Condition.equal("name", value), Condition.equal("org", "o1")], "36.0"))
    assert [term[0] for term in terms] == ["name", "org"]
    assert matches(terms[0][1], value)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_any_value_arrives_whole_or_wider(value: str) -> None:
    old = old_server_reads(filter_parameters([Condition.equal("name", value)], "34.0"))
    new = new_server_reads(filter_parameters([Condition.equal("name", value)], "35.0"))
    assert len(old) == len(new) == 1
    assert matches("==".join(old[0][1:]), value)
    assert matches(new[0][1], value)


def test_metadata_is_matched_as_text() -> None:
    there = filter_parameters([Condition.metadata("cse.cluster.id")], "36.0")
    equal = filter_parameters([Condition.metadata("cse.template", "photon-v2;x")], "36.0")
    assert there == "&filter=metadata:cse.cluster.id==STRING:*"
    assert equal == "&filter=metadata:cse.template==STRING:photon-v2%5C%3Bx"


def test_alternatives_are_grouped() -> None:
    either = AnyOf((Condition.equal("id", "1"), Condition.equal("id", "2")))
    assert filter_parameters([either, Condition.equal("name", "x")], "36.0") == "&filter=(id==1,id==2);name==x"


def test_no_terms_make_no_parameters() -> None:
    assert filter_parameters([], "31.0") == ""


@pytest.mark.parametrize("attribute", ["", "a;b", "name==x", "metadata:x"])
def test_an_attribute_is_never_made_of_input(attribute: str) -> None:
    with pytest.raises(ValueError, match="attribute"):
        Condition.equal(attribute, "x")
    with pytest.raises(ValueError, match="key"):
        Condition.metadata("a==b;", "x")
