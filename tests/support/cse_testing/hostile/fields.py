"""Every field that a user can fill: those of REST from the gateway's route table, those of gRPC from the descriptors.

The handlers of the routes do not declare what they read. So each is called here with a request whose path, query,
headers and body take note of what is asked of them; nothing is sent anywhere.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from unittest.mock import patch

from google.api import field_behavior_pb2  # type: ignore[import-untyped]
from google.longrunning import operations_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor, ServiceDescriptor

from cse.clusters.v1 import cluster_service_pb2
from cse.operations.v1 import operation_service_pb2
from cse.system.v1 import system_service_pb2
from cse.templates.v1 import template_service_pb2
from cse_core.errors import ConflictError, CseError
from cse_gateway.adapters.routes.table import route_table
from cse_gateway.domain.body import Body
from cse_gateway.domain.http import Headers, Request
from cse_gateway.domain.routing import Call, Route

SERVICES: Final[tuple[ServiceDescriptor, ...]] = tuple(
    service
    for file in (
        cluster_service_pb2,
        operation_service_pb2,
        operations_pb2,
        system_service_pb2,
        template_service_pb2,
    )
    for service in file.DESCRIPTOR.services_by_name.values()
)


class Part(StrEnum):
    """Where in a request a field is."""

    PATH = "path"
    QUERY = "query"
    HEADER = "header"
    BODY = "body"


@dataclass(frozen=True)
class RestField:
    """A field of one route."""

    method: str
    pattern: str
    part: Part
    name: str

    def __str__(self) -> str:
        return f"{self.method} {self.pattern} {self.part}:{self.name}"


@dataclass(frozen=True)
class GrpcField:
    """A text in the request of one method."""

    method: str
    """Full name, as `cse.clusters.v1.ClusterService.GetCluster`."""
    path: tuple[str, ...]
    is_output_only: bool

    def __str__(self) -> str:
        return f"{self.method} {'.'.join(self.path)}"


class _Noting(Mapping[str, Any]):
    """Holds values, and the names that were asked for."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.asked.add(name)
        return self._values[name]

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return self._values.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class _Ambiguous:
    """A method of a service that always answers that a name is ambiguous: then callers look for more fields."""

    def __call__(self, *_arguments: object, **_options: object) -> "_Ambiguous":
        return self

    def __await__(self) -> Any:
        raise ConflictError("several", reason="CLUSTER_AMBIGUOUS")

    def __aiter__(self) -> "_Ambiguous":
        return self

    async def __anext__(self) -> None:
        raise ConflictError("several", reason="CLUSTER_AMBIGUOUS")

    def cancel(self) -> None:
        pass


class _NoChannel:
    """A channel whose methods are all `_Ambiguous`."""

    def unary_unary(self, *_arguments: object, **_options: object) -> _Ambiguous:
        return _Ambiguous()

    unary_stream = unary_unary


class _NoListeners:
    consumer_threads = 1

    def thread_count(self) -> int:
        return 1


def routes() -> tuple[Route, ...]:
    """The gateway's route table."""
    channel: Any = _NoChannel()
    listeners: Any = _NoListeners()
    table = route_table(
        clusters=channel, templates=channel, learn_state=lambda _state: None, listeners=listeners, waiting=1
    )
    return table.routes


def rest_fields(valid: Mapping[str, Any]) -> tuple[RestField, ...]:
    """All fields of all routes.

    Args:
        valid: a value that is fine for each name, in whichever request and part it occurs; one that is required and
            missing here hides what is read after it, so that AssertionError is raised.
    """
    found = {field: None for route in routes() for field in _fields_of(route, valid)}
    return tuple(found)


def _fields_of(route: Route, valid: Mapping[str, Any]) -> Iterator[RestField]:
    pending, tried = [frozenset[str]()], set[frozenset[str]]()
    while pending:  # with everything there, and then without each: some fields are read instead of others
        without = pending.pop()
        if without in tried:
            continue
        tried.add(without)
        for part, name in sorted(_asked(route, {key: valid[key] for key in valid if key not in without}, without)):
            yield RestField(route.method, route.pattern, part, name)
            if part in (Part.BODY, Part.QUERY) and not without:
                pending.append(frozenset({name}))


def _asked(route: Route, valid: Mapping[str, Any], without: frozenset[str]) -> set[tuple[Part, str]]:
    parameters = {each.strip("{}") for each in route.pattern.split("/") if each.startswith("{")}
    body, query, headers = _Noting(valid), _Noting({}), _Noting({})
    noted = Headers({})
    noted.get = headers.get  # type: ignore[method-assign]
    request = Request(
        id="00000000-0000-4000-8000-000000000000", method=route.method, path=("cse",), query=query, headers=noted
    )
    call = Call(request=request, parameters={each: str(valid.get(each, "x")) for each in parameters}, remaining_s=_s)
    with patch.object(Body, "parse", staticmethod(lambda _content: Body(body))):
        try:
            asyncio.run(route.handler(call))  # type: ignore[arg-type]  # every handler is a coroutine function
        except CseError as exc:
            if not without and "field" in exc.details:
                raise AssertionError(f"what would be a good value in {route.pattern}? {exc.message}") from exc
    places = (Part.BODY, body), (Part.QUERY, query), (Part.HEADER, headers)
    return {(Part.PATH, each) for each in parameters} | {(part, each) for part, notes in places for each in notes.asked}


def _s() -> float:
    return 1.0


def grpc_fields() -> tuple[GrpcField, ...]:
    """All texts in all requests of all services."""
    return tuple(field for service in SERVICES for method in service.methods for field in _texts_of(method))


def _texts_of(method: MethodDescriptor) -> Iterator[GrpcField]:
    for path, fields in _paths(method.input_type, ()):
        output_only = any(_is_output_only(each) for each in fields)
        yield GrpcField(method.full_name, path, output_only)


def _paths(
    message: Descriptor, above: tuple[FieldDescriptor, ...]
) -> Iterator[tuple[tuple[str, ...], tuple[FieldDescriptor, ...]]]:
    for field in message.fields:
        fields = (*above, field)
        if field.type in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES):
            yield tuple(each.name for each in fields), fields
        elif field.message_type is not None:
            assert field.message_type not in [each.message_type for each in above], "messages hold each other"
            yield from _paths(field.message_type, fields)


def _is_output_only(field: FieldDescriptor) -> bool:
    behaviors = field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
    return field_behavior_pb2.OUTPUT_ONLY in behaviors or field_behavior_pb2.IDENTIFIER in behaviors
