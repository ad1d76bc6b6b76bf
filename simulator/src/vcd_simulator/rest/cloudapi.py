"""What resources below `/cloudapi` have in common: JSON bodies, answers, and collections in pages."""

import json
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from vcd_simulator import errors
from vcd_simulator.query import fiql
from vcd_simulator.query.fiql import Comparison
from vcd_simulator.query.values import Value, compare
from vcd_simulator.rest.context import Context, Reply

M = TypeVar("M", bound=BaseModel)
_LARGEST_PAGE = 128


def read_body(context: Context, model: type[M]) -> M:
    """The request's JSON as a model.

    Raises:
        VcdError: 400, it is none, or something in it is missing or wrong.
    """
    try:
        return model.model_validate_json(context.body)
    except ValidationError as exc:
        raise _invalid(exc) from exc


def read_list(context: Context, model: type[M]) -> list[M]:
    """The request's JSON as a list of models; raises `VcdError` 400 as `read_body` does."""
    try:
        content = json.loads(context.body)
    except (ValueError, RecursionError) as exc:
        raise errors.bad_request("Bad request: validation error, the body is no JSON.") from exc
    if not isinstance(content, list):
        raise errors.bad_request("Bad request: validation error, the body is no list.")
    try:
        return [model.model_validate(one) for one in content]
    except ValidationError as exc:
        raise _invalid(exc) from exc


def _invalid(exc: ValidationError) -> errors.VcdError:
    first = exc.errors()[0]
    where = ".".join(map(str, first["loc"])) or "the body"
    return errors.bad_request(f"Bad request: validation error, {where}: {first['msg']}.")


def json_reply(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    """An answer in JSON."""
    body = json.dumps(content).encode()
    return Reply(status=status, content=body, media_type="application/json", headers=headers or {})


def member(shown: dict[str, Any], name: str) -> Value:
    """What a name such as `org.id` means in a value of a collection; None for what is not there, or is no value."""
    value: Any = shown
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, float):
        return str(value)
    return value if isinstance(value, str | int | bool) else None


def page_reply(
    context: Context, values: list[dict[str, Any]], *, read: Callable[[dict[str, Any], str], Value] = member
) -> Reply:
    """One page of a collection, with the parameters that all collections know: filter, order, page and its size.

    Args:
        context: the request.
        values: the collection, as far as the caller sees it.
        read: what a filter or an order means by a name, for one of the values.
    """
    text = context.parameter("filter")
    if text:
        test = _test(text, read, encoded=(context.parameter("filterEncoded") or "").lower() == "true")
        values = [one for one in values if test(one)]
    for name, descending in (("sortAsc", False), ("sortDesc", True)):
        key = context.parameter(name)
        if key:
            values.sort(key=lambda one: str(read(one, key)), reverse=descending)
    size = min(_number(context, "pageSize", 25), _LARGEST_PAGE)
    page, count = _number(context, "page", 1), -(-len(values) // size)
    shown = {
        "resultTotal": len(values),
        "pageCount": count,
        "page": page,
        "pageSize": size,
        "associations": None,
        "values": values[(page - 1) * size : page * size],
    }
    links = ", ".join(_links(context, page, count))
    return json_reply(shown, headers={"link": links} if links else None)


def _links(context: Context, page: int, count: int) -> Iterator[str]:
    """The neighbours of a page, as values of the header `Link`."""
    others = [part for part in context.query_string.split("&") if part and part.partition("=")[0] != "page"]
    for relation, number in (("firstPage", 1), ("previousPage", page - 1), ("nextPage", page + 1), ("lastPage", count)):
        if 1 <= number <= count and number != page:
            query = "&".join([*others, f"page={number}"])
            yield f'<{context.url(context.raw_path)}?{query}>;rel="{relation}";type="application/json"'


def _test(
    text: str, read: Callable[[dict[str, Any], str], Value], *, encoded: bool
) -> Callable[[dict[str, Any]], bool]:
    expression = fiql.parse(text, encoded_values=encoded)

    def test(shown: dict[str, Any]) -> bool:
        def fits(one: Comparison) -> bool:
            return compare(read(shown, one.name), one.operator, one.value)

        return fiql.holds(expression, fits)

    return test


def _number(context: Context, name: str, default: int) -> int:
    text = context.parameter(name) or str(default)
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 10 and int(text) > 0):
        raise errors.bad_request(f"The parameter {name} is not a positive number.")
    return int(text)
