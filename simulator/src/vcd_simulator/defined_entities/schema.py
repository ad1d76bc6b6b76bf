"""JSON schemas: whether one is one, and whether a document fits it."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import regex
from jsonschema import Draft7Validator
from jsonschema.exceptions import SchemaError, ValidationError, best_match
from jsonschema.protocols import Validator
from jsonschema.validators import extend, validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

_PATTERN_TIMEOUT_S = 0.2
_LONGEST_FAULT = 300


class InvalidSchemaError(ValueError):
    """What a type brings is no JSON schema; the message says why."""


def check_schema(schema: dict[str, Any]) -> None:
    """Refuse what is no JSON schema; raises `InvalidSchemaError`.

    A schema that does not say which draft it follows is one of draft 7.
    """
    try:
        validator_for(schema, default=Draft7Validator).check_schema(schema)
    except SchemaError as exc:
        raise InvalidSchemaError(_told(exc)) from exc
    except RecursionError as exc:
        raise InvalidSchemaError("it is nested too deeply") from exc


def fault_in(content: Any, schema: dict[str, Any]) -> str | None:
    """Why a document does not fit a schema; None if it fits.

    Members that are null count as absent: clients send all that they know, whether they have a value for it or not.
    Nothing is fetched from elsewhere for a schema, and no regular expression of it may take long.
    """
    try:
        kind = _timed(validator_for(schema, default=Draft7Validator))
        fault = best_match(kind(schema, registry=Registry()).iter_errors(_without_nulls(content)))
    except Unresolvable as exc:
        return f"the schema refers to {exc.ref[:80]!r}, which it does not hold"
    except (TimeoutError, regex.error) as exc:
        return f"a regular expression of the schema cannot be used: {str(exc)[:_LONGEST_FAULT] or 'it takes too long'}"
    except RecursionError:
        return "the schema or the document is nested too deeply"
    return None if fault is None else _told(fault)


def _told(fault: ValidationError | SchemaError) -> str:
    where = "#/" + "/".join(map(str, fault.absolute_path))
    message = fault.message if len(fault.message) <= _LONGEST_FAULT else fault.message[:_LONGEST_FAULT] + "…"
    return f"{where[:_LONGEST_FAULT]}: {message}"


def _without_nulls(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _without_nulls(value) for name, value in content.items() if value is not None}
    if isinstance(content, list):
        return [_without_nulls(one) for one in content]
    return content


@lru_cache(maxsize=16)
def _timed(kind: type[Validator]) -> type[Validator]:
    """The same kind of validator, whose regular expressions end."""
    keywords = {"pattern": _pattern, "patternProperties": _pattern_properties}
    timed: type[Validator] = extend(kind, keywords)  # type: ignore[no-untyped-call]  # so say its stubs
    return timed


def _found(pattern: str, text: str) -> bool:
    return regex.search(pattern, text, timeout=_PATTERN_TIMEOUT_S) is not None


def _pattern(validator: Validator, pattern: Any, instance: Any, _schema: dict[str, Any]) -> Iterator[ValidationError]:
    if validator.is_type(instance, "string") and not _found(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(
    validator: Validator, patterns: Any, instance: Any, _schema: dict[str, Any]
) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "object"):
        return
    for pattern, subschema in patterns.items():
        for name, value in instance.items():
            if _found(pattern, name):
                for fault in validator.evolve(schema=subschema).iter_errors(value):
                    fault.relative_path.appendleft(name)
                    yield fault
