"""Which handler answers which request."""

import inspect
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import unquote

from vcd_simulator.rest.context import Reply

H = TypeVar("H", bound="Handler")
Handler = Callable[..., Reply] | Callable[..., Awaitable[Reply]]
"""Called with the context and the path's parameters by name. A plain function runs under the cloud's lock and must be
quick; a coroutine function runs without it and may wait."""
_SEGMENT = re.compile(r"(?P<prefix>[^{}]*)(?:\{(?P<name>[a-z_]+)\})?")


@dataclass(slots=True)
class Route:
    """A handler, and who may call it."""

    handler: Handler
    public: bool
    """Answered without a session, and in any version."""
    pattern: str
    """The path's template."""
    streams: bool = False
    """The handler, a coroutine function, reads the body itself; it may be larger than what fits in memory."""
    parameters: tuple[str, ...] = field(init=False)
    """Their names in the path's template."""

    def __post_init__(self) -> None:
        self.parameters = tuple(name for _, name in _parts(self.pattern) if name is not None)


@dataclass(slots=True)
class Match:
    """A route with the parameters that a path gives it."""

    route: Route
    parameters: dict[str, str]


@dataclass(slots=True)
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    variables: dict[str, "_Node"] = field(default_factory=dict)
    """By the fixed beginning of the segment, the longest first. What the rest is called is each route's own affair."""
    routes: dict[str, Route] = field(default_factory=dict)
    """By method."""


class Router:
    """A table of routes, kept as a tree of path segments.

    A pattern such as `/api/vApp/vapp-{vapp_id}/metadata` names its parameters in braces, at most one per segment and
    at the segment's end. A trailing slash makes no difference.

    A table that cannot work is refused when it is made, with a `ValueError` that names the pattern: two handlers for
    the same requests, however they call the parameters, or a handler that does not take them.
    """

    def __init__(self) -> None:
        self._root = _Node()

    def get(self, *patterns: str, public: bool = False) -> Callable[[H], H]:
        return self.route("GET", *patterns, public=public)

    def post(self, *patterns: str, public: bool = False) -> Callable[[H], H]:
        return self.route("POST", *patterns, public=public)

    def put(self, *patterns: str, public: bool = False, streams: bool = False) -> Callable[[H], H]:
        return self.route("PUT", *patterns, public=public, streams=streams)

    def delete(self, *patterns: str, public: bool = False) -> Callable[[H], H]:
        return self.route("DELETE", *patterns, public=public)

    def route(self, method: str, *patterns: str, public: bool = False, streams: bool = False) -> Callable[[H], H]:
        def decorate(handler: H) -> H:
            for pattern in patterns:
                route = Route(handler, public, pattern, streams)
                _check(route)
                self._add(method, route)
            return handler

        return decorate

    def include(self, other: "Router") -> None:
        """Add every route of another table."""
        for method, route in other.routes():
            self._add(method, route)

    def find(self, method: str, raw_path: str) -> Match | None:
        """The route for a request. A known path with another method gives None, see `methods`."""
        for node, values in _walk(self._root, _segments(raw_path), 0):
            route = node.routes.get(method)
            if route is not None:
                return Match(route, dict(zip(route.parameters, values, strict=True)))
        return None

    def methods(self, raw_path: str) -> list[str]:
        """The methods that a path answers to; none for an unknown path."""
        return sorted({method for node, _ in _walk(self._root, _segments(raw_path), 0) for method in node.routes})

    def routes(self) -> list[tuple[str, Route]]:
        """Every route with its method, in the order of their patterns."""
        return sorted(_collect(self._root), key=lambda found: (found[1].pattern, found[0]))

    def _add(self, method: str, route: Route) -> None:
        node = self._root
        for prefix, name in _parts(route.pattern):
            if name is None:
                node = node.literals.setdefault(prefix, _Node())
                continue
            following = node.variables.setdefault(prefix, _Node())
            node.variables = dict(sorted(node.variables.items(), key=lambda variable: -len(variable[0])))
            node = following
        known = node.routes.setdefault(method, route)
        if known is not route:
            raise ValueError(f"{method} {route.pattern} is routed twice, the other time as {known.pattern}")


def _parts(pattern: str) -> list[tuple[str, str | None]]:
    """The segments of a pattern: what is fixed, and the name of the parameter that follows, if there is one."""
    found = [_SEGMENT.fullmatch(segment) for segment in pattern.strip("/").split("/")]
    parts = [(one["prefix"], one["name"]) for one in found if one is not None]
    names = [name for _, name in parts if name is not None]
    if len(parts) < len(found) or len(names) > len(set(names)):
        raise ValueError(f"{pattern}: at most one {{parameter}} per segment, at its end, and each with its own name")
    return parts


def _check(route: Route) -> None:
    """Refuse a handler that cannot be called with the path's parameters, or cannot read a stream."""
    takes = inspect.signature(route.handler).parameters.values()
    if not any(one.kind is inspect.Parameter.VAR_KEYWORD for one in takes):
        missing = set(route.parameters) - {one.name for one in takes}
        if missing:
            raise ValueError(f"{route.pattern}: its handler does not take {', '.join(sorted(missing))}")
    if route.streams and not inspect.iscoroutinefunction(route.handler):
        raise ValueError(f"{route.pattern}: only a coroutine function can read a stream")


def _segments(raw_path: str) -> list[str]:
    return [unquote(segment) for segment in raw_path.strip("/").split("/")]


def _walk(node: _Node, segments: list[str], depth: int) -> Iterator[tuple[_Node, tuple[str, ...]]]:
    """Every node that a path leads to, with the values on the way; literal segments come before variables."""
    if depth == len(segments):
        yield node, ()
        return
    segment = segments[depth]
    literal = node.literals.get(segment)
    if literal is not None:
        yield from _walk(literal, segments, depth + 1)
    for prefix, following in node.variables.items():
        if segment.startswith(prefix) and len(segment) > len(prefix):
            for found, values in _walk(following, segments, depth + 1):
                yield found, (segment[len(prefix) :], *values)


def _collect(node: _Node) -> Iterator[tuple[str, Route]]:
    yield from node.routes.items()
    for child in (*node.literals.values(), *node.variables.values()):
        yield from _collect(child)
