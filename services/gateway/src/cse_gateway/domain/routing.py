"""Which route a path and a method belong to."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cse_core.names import RESERVED
from cse_gateway.domain.http import Reply, Request
from cse_gateway.domain.replies import HttpError

PREFIX: Final = "cse"


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request on its way to the service that answers it.

    Attributes:
        parameters: what stands in the path in place of the pattern's `{…}`.
        remaining_s: seconds that are left for the answer, as of now.
    """

    request: Request
    parameters: Mapping[str, str]
    remaining_s: Callable[[], float]


Handler = Callable[[Call], Awaitable[Reply]]


@dataclass(frozen=True)
class Route:
    """One row of the route table.

    Attributes:
        pattern: a path such as `/api/cse/{cluster}/info`.
        handler: raises errors of `cse_core.errors` for what it cannot do.
        always_open: answered while the service is disabled, too.
    """

    method: str
    pattern: str
    handler: Handler
    always_open: bool = False


class RouteTable:
    """Finds routes. A segment that a pattern spells out goes before one that is a parameter."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = tuple(routes)
        patterns: dict[tuple[str, ...], dict[str, Route]] = {}
        for route in routes:
            patterns.setdefault(_segments(route.pattern), {})[route.method] = route
        self._patterns = sorted(patterns.items(), key=lambda item: [_is_parameter(part) for part in item[0]])

    def find(self, method: str, path: tuple[str, ...]) -> tuple[Route, dict[str, str]]:
        """The route, and its parameters' values.

        Raises:
            HttpError: 404 if there is no such path, 405 if there is none for this method.
        """
        for pattern, by_method in self._patterns:
            parameters = _match(pattern, path)
            if parameters is None:
                continue
            route = by_method.get(method)
            if route is None:
                allowed = ", ".join(sorted(by_method))
                message = f"{_shown(method)} is not possible here; this path knows {allowed}"
                raise HttpError(405, message, reason="METHOD_NOT_ALLOWED", headers={"Allow": allowed})
            return route, parameters
        shown = "/".join(map(_shown, ("/api", *path)))[:200]
        raise HttpError(404, f"there is nothing at {shown}", reason="NO_SUCH_PATH")


def _segments(pattern: str) -> tuple[str, ...]:
    return tuple(pattern.removeprefix("/api/").split("/"))


def _is_parameter(part: str) -> bool:
    return part.startswith("{")


def _match(pattern: tuple[str, ...], path: tuple[str, ...]) -> dict[str, str] | None:
    if len(pattern) != len(path):
        return None
    parameters = {}
    for part, segment in zip(pattern, path, strict=True):
        if _is_parameter(part):
            name = part.strip("{}")
            if name == "cluster" and _is_reserved(segment):
                return None
            parameters[name] = segment
        elif part != segment:
            return None
    return parameters


def _is_reserved(segment: str) -> bool:
    """Whether no cluster can be called so, because the word begins other paths: ours begin with an underscore."""
    lower = segment.lower()
    return lower in RESERVED or lower.startswith(("swagger", "_"))


def _shown(text: str) -> str:
    """A client's text for a message of ours: printable, and not long."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text[:60])
