"""Schemas of entity types, and documents that fit them or do not."""

from typing import Any

import pytest

from vcd_simulator.defined_entities.schema import InvalidSchemaError, check_schema, fault_in

NODES: dict[str, Any] = {
    "type": "object",
    "required": ["nodes"],
    "properties": {
        "nodes": {"type": "array", "items": {"$ref": "#/definitions/node"}},
        "key": {"type": "string", "pattern": "^[a-z]+$"},
    },
    "definitions": {"node": {"type": "object", "required": ["ip"], "properties": {"ip": {"type": "string"}}}},
}


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ({"nodes": []}, None),
        ({"nodes": [{"ip": "10.0.0.1"}], "key": "abc", "more": 1}, None),
        ({"nodes": [], "key": None}, None),
        ({}, "#/"),
        ({"nodes": None}, "#/"),
        ({"nodes": [{"ip": "a"}, {"ip": 7}]}, "#/nodes/1/ip"),
        ({"nodes": [], "key": "A B"}, "#/key"),
    ],
    ids=["empty", "more than is described", "null is absent", "missing", "null where needed", "wrong type", "pattern"],
)
def test_a_fault_says_where_it_is(content: dict[str, Any], where: str | None) -> None:
    check_schema(NODES)
    fault = fault_in(content, NODES)
    assert (fault is None) if where is None else (fault is not None and fault.startswith(f"{where}: ")), fault


@pytest.mark.parametrize(
    "schema", [{"type": "thing"}, {"properties": []}, {"required": "name"}], ids=["type", "properties", "required"]
)
def test_what_is_no_schema_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(InvalidSchemaError, match="#/"):
        check_schema(schema)


def test_a_schema_of_another_draft_is_read_as_such() -> None:
    newer = {"$schema": "https://json-schema.org/draft/2020-12/schema", "prefixItems": [{"type": "string"}]}
    check_schema(newer)
    assert fault_in([1], newer) is not None
    assert fault_in([1], {"prefixItems": [{"type": "string"}]}) is None


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"$ref": "http://127.0.0.1:9/schema.json"}, "does not hold"),
        ({"$ref": "file:///etc/passwd"}, "does not hold"),
        ({"$ref": "#/definitions/none"}, "does not hold"),
        ({"$ref": "#"}, "nested too deeply"),
        ({"properties": {"key": {"pattern": "^(a|a)+$"}}}, "regular expression"),
        ({"properties": {"key": {"pattern": "("}}}, "regular expression"),
        ({"patternProperties": {"^(e|e)+$": {"type": "number"}}}, "regular expression"),
    ],
    ids=["remote", "file", "dangling", "endless", "slow pattern", "broken pattern", "slow names"],
)
def test_schemas_that_are_attacks_make_faults(schema: dict[str, Any], why: str) -> None:
    fault = fault_in({"key": "a" * 60 + "!", "e" * 60 + "!": 1}, schema)
    assert fault is not None
    assert why in fault


def test_long_values_are_not_repeated_in_full() -> None:
    fault = fault_in({"key": "x" * 10_000}, {"properties": {"key": {"type": "number"}}})
    assert fault is not None
    assert len(fault) < 400
