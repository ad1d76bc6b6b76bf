from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse_gateway.domain.http import Reply
from cse_gateway.domain.replies import HttpError
from cse_gateway.domain.routing import Call, Route, RouteTable


async def _handler(_call: Call) -> Reply:
    return Reply(status=200)


def table(*patterns: str) -> RouteTable:
    return RouteTable([Route(method, path, _handler) for method, path in (pattern.split(" ") for pattern in patterns)])


ROUTES = table(
    "GET /api/cse",
    "POST /api/cse",
    "DELETE /api/cse/{cluster}",
    "GET /api/cse/{cluster}/{node}/info",
    "GET /api/cse/ovdc/{ovdc}/info",
    "GET /api/cse/system",
    "GET /api/cse/_operations/{operation}",
)


@pytest.mark.parametrize(
    ("method", "path", "pattern", "parameters"),
    [
        ("GET", "cse", "/api/cse", {}),
        ("DELETE", "cse/demo", "/api/cse/{cluster}", {"cluster": "demo"}),
        ("GET", "cse/system", "/api/cse/system", {}),
        ("GET", "cse/demo/node-1/info", "/api/cse/{cluster}/{node}/info", {"cluster": "demo", "node": "node-1"}),
        ("GET", "cse/ovdc/5f/info", "/api/cse/ovdc/{ovdc}/info", {"ovdc": "5f"}),
        ("GET", "cse/_operations/x", "/api/cse/_operations/{operation}", {"operation": "x"}),
    ],
)
def test_the_most_literal_pattern_wins(method: str, path: str, pattern: str, parameters: dict[str, str]) -> None:
    route, found = ROUTES.find(method, tuple(path.split("/")))
    assert (route.pattern, found) == (pattern, parameters)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "cse", 405),
        ("GET", "cse/demo", 405),
        ("DELETE", "cse/system", 405),
        ("DELETE", "cse/SWAGGER.json", 404),
        ("DELETE", "cse/_x", 404),
        ("GET", "csi", 404),
        ("GET", "cse/a/b/c/d", 404),
    ],
)
def test_what_is_not_there_is_told_apart_from_what_cannot_be_done(method: str, path: str, status: int) -> None:
    with pytest.raises(HttpError) as caught:
        ROUTES.find(method, tuple(path.split("/")))
    assert caught.value.status == status


@given(st.text(), st.lists(st.text(), max_size=5))
def test_any_path_is_found_or_refused_in_printable_words(method: str, path: list[str]) -> None:
    try:
        ROUTES.find(method, tuple(path))
    except HttpError as error:
        assert error.message.isprintable()  # noqa: PT017  # either outcome is right


def test_routes_may_be_listed_in_any_order() -> None:
    make: Callable[..., RouteTable] = table
    forward = make("GET /api/cse/{cluster}/info", "GET /api/cse/ovdc/info")
    backward = make("GET /api/cse/ovdc/info", "GET /api/cse/{cluster}/info")
    assert {routes.find("GET", ("cse", "ovdc", "info"))[0].pattern for routes in (forward, backward)} == {
        "/api/cse/ovdc/info"
    }
