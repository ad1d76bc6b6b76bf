"""Which handler answers which request."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import unquote

from vcd_simulator.rest.context import Reply

H = TypeVar("H", bound="Handler")
Handler = Callable[..., Reply] | Callable[..., Awaitable[Reply]]
"""Called with the context and the path's parameters by name. A plain function runs under the cloud's lock and must be
quick; a coroutine function runs without it and may wait."""


@dataclass(slots=True)
class Route:
    """A handler, and who may call it."""

    handler: Handler
    public: bool
    """Answered without a session, and in any version."""
    pattern: str = ""
    """The path's template."""
    streams: bool = False
    """The handler, a coroutine function, reads the body itself; it may be larger than what fits in memory."""


@dataclass(slots=True)
class Match:
    """A route with the parameters that a path gives it."""

    route: Route
    parameters: dict[str, str]


@dataclass(slots=True)
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    variables: list[tuple[str, str, "_Node"]] = field(default_factory=list)
    """Fixed beginning of the segment, name of the parameter, what follows."""
    routes: dict[str, Route] = field(default_factory=dict)


class Router:
    """A table of routes, kept as a tree of path segments.

    A pattern such as `/api/vApp/vapp-{vapp_id}/metadata` names its parameters in braces, at most one per segment and
    at the segment's end. A trailing slash makes no difference.
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
                self._add(method, pattern, Route(handler, public, pattern, streams))
            return handler

        return decorate

    def include(self, other: "Router") -> None:
        """Add every route of another table."""
        _merge(self._root, other._root)  # noqa: SLF001  # of the same class

    def find(self, method: str, raw_path: str) -> Match | None:
        """The route for a request. A known path with another method gives None, see `methods`."""
        found = _walk(self._root, _segments(raw_path), 0)
        if found is None:
            return None
        node, parameters = found
        route = node.routes.get(method)
        return None if route is None else Match(route, parameters)

    def methods(self, raw_path: str) -> list[str]:
        """The methods that a path answers to; none for an unknown path."""
        found = _walk(self._root, _segments(raw_path), 0)
        return [] if found is None else sorted(found[0].routes)

    def _add(self, method: str, pattern: str, route: Route) -> None:
        node = self._root
        for segment in pattern.strip("/").split("/"):
            prefix, brace, rest = segment.partition("{")
            if not brace:
                node = node.literals.setdefault(segment, _Node())
                continue
            name = rest.rstrip("}")
            known = next((child for start, known, child in node.variables if (start, known) == (prefix, name)), None)
            if known is None:
                known = _Node()
                node.variables.append((prefix, name, known))
                node.variables.sort(key=lambda variable: -len(variable[0]))
            node = known
        if method in node.routes:
            raise ValueError(f"{method} {pattern} is routed twice")
        node.routes[method] = route


def _segments(raw_path: str) -> list[str]:
    return [unquote(segment) for segment in raw_path.strip("/").split("/")]


def _walk(node: _Node, segments: list[str], depth: int) -> tuple[_Node, dict[str, str]] | None:
    """Prefer literal segments to variables, and go back when a branch leads nowhere."""
    if depth == len(segments):
        return (node, {}) if node.routes else None
    segment = segments[depth]
    literal = node.literals.get(segment)
    if literal is not None:
        found = _walk(literal, segments, depth + 1)
        if found is not None:
            return found
    for prefix, name, following in node.variables:
        if segment.startswith(prefix) and len(segment) > len(prefix):
            found = _walk(following, segments, depth + 1)
            if found is not None:
                found[1][name] = segment[len(prefix) :]
                return found
    return None


def _merge(target: _Node, source: _Node) -> None:
    for method, route in source.routes.items():
        if method in target.routes:
            raise ValueError(f"a {method} route is defined twice")
        target.routes[method] = route
    for segment, child in source.literals.items():
        _merge(target.literals.setdefault(segment, _Node()), child)
    for prefix, name, child in source.variables:
        known = next((node for start, other, node in target.variables if (start, other) == (prefix, name)), None)
        if known is None:
            known = _Node()
            target.variables.append((prefix, name, known))
            target.variables.sort(key=lambda variable: -len(variable[0]))
        _merge(known, child)
