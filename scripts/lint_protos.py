"""Checks the contracts in `protos/` on their compiled descriptors.

    python scripts/lint_protos.py

Rules: package equals directory and ends in a version; every element has a comment; names follow buf's STANDARD style
(PascalCase messages, snake_case fields, `…Service`, `PREFIX_VALUE` enum values, zero is `…_UNSPECIFIED`); requests are
named after their RPC, and a response is `<Rpc>Response`, a resource of this package or an Operation (AIP-131 to 136).
"""

import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from google.protobuf import descriptor_pb2

FileSet = descriptor_pb2.FileDescriptorSet
Message = descriptor_pb2.DescriptorProto

PASCAL = re.compile(r"[A-Z][A-Za-z0-9]*")
SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
PACKAGE = re.compile(r"cse\.[a-z]+\.v[0-9]+")
OPERATION = ".google.longrunning.Operation"


def load_descriptors(path: Path) -> FileSet:
    return FileSet.FromString(path.read_bytes())


def shouting(name: str) -> str:
    """`NodeRole` → `NODE_ROLE`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()


class Linter:
    """Collects the findings of one file."""

    def __init__(self, file: descriptor_pb2.FileDescriptorProto) -> None:
        self.file = file
        self.findings: list[str] = []
        self._comments = {tuple(place.path): place.leading_comments.strip() for place in file.source_code_info.location}

    def find(self, what: str) -> None:
        self.findings.append(f"{self.file.name}: {what}")

    def commented(self, path: tuple[int, ...], what: str) -> None:
        if not self._comments.get(path):
            self.find(f"{what} has no comment")

    def run(self) -> list[str]:
        package, directory = self.file.package, str(Path(self.file.name).parent).replace("/", ".")
        if package != directory or not PACKAGE.fullmatch(package):
            self.find(f"package {package} must be cse.<service>.v<n> and match the directory {directory}")
        for index, message in enumerate(self.file.message_type):
            self.message(message, (4, index))
        for index, enum in enumerate(self.file.enum_type):
            self.enum(enum, (5, index))
        for index, service in enumerate(self.file.service):
            self.service(service, (6, index))
        return self.findings

    def message(self, message: Message, path: tuple[int, ...]) -> None:
        self.commented(path, message.name)
        if not PASCAL.fullmatch(message.name):
            self.find(f"message {message.name} is not PascalCase")
        for index, field in enumerate(message.field):
            self.commented((*path, 2, index), f"{message.name}.{field.name}")
            if not SNAKE.fullmatch(field.name):
                self.find(f"field {message.name}.{field.name} is not snake_case")
        for index, nested in enumerate(message.nested_type):
            if not nested.options.map_entry:
                self.message(nested, (*path, 3, index))
        for index, enum in enumerate(message.enum_type):
            self.enum(enum, (*path, 4, index))

    def enum(self, enum: descriptor_pb2.EnumDescriptorProto, path: tuple[int, ...]) -> None:
        self.commented(path, enum.name)
        prefix = shouting(enum.name) + "_"
        for index, value in enumerate(enum.value):
            self.commented((*path, 2, index), f"{enum.name}.{value.name}")
            if not value.name.startswith(prefix):
                self.find(f"enum value {value.name} lacks the prefix {prefix}")
        if enum.value[0].name != prefix + "UNSPECIFIED":
            self.find(f"the zero of {enum.name} must be {prefix}UNSPECIFIED")

    def service(self, service: descriptor_pb2.ServiceDescriptorProto, path: tuple[int, ...]) -> None:
        self.commented(path, service.name)
        if not service.name.endswith("Service"):
            self.find(f"service {service.name} must end in Service")
        for index, method in enumerate(service.method):
            self.commented((*path, 2, index), f"{service.name}.{method.name}")
            if method.input_type != f".{self.file.package}.{method.name}Request":
                self.find(f"{method.name} must take {method.name}Request")
            own, _, response = method.output_type.rpartition(".")
            resource = own == f".{self.file.package}" and (
                response == f"{method.name}Response" or not response.endswith("Response")
            )
            if not resource and method.output_type != OPERATION:
                self.find(f"{method.name} must return {method.name}Response, a resource or an Operation")


def elements(files: FileSet) -> Iterator[tuple[str, object]]:
    """Everything that callers depend on, by full name, with what must not change about it."""
    for file in files.file:
        for message in file.message_type:
            yield from message_elements(file.package, message)
        for enum in file.enum_type:
            yield from enum_elements(file.package, enum)
        for service in file.service:
            for method in service.method:
                shape = (method.input_type, method.output_type, method.client_streaming, method.server_streaming)
                yield f"{file.package}.{service.name}/{method.name}", shape


def message_elements(scope: str, message: Message) -> Iterator[tuple[str, object]]:
    name = f"{scope}.{message.name}"
    reserved = {number for span in message.reserved_range for number in range(span.start, span.end)}
    yield name, None
    for field in message.field:
        yield f"{name}#{field.number}", (field.name, field.type, field.label, field.type_name)
    for number in reserved:
        yield f"{name}#{number}", None
    for nested in message.nested_type:
        yield from message_elements(name, nested)
    for enum in message.enum_type:
        yield from enum_elements(name, enum)


def enum_elements(scope: str, enum: descriptor_pb2.EnumDescriptorProto) -> Iterator[tuple[str, object]]:
    for value in enum.value:
        yield f"{scope}.{enum.name}#{value.number}", value.name


def breaking_changes(before: FileSet, after: FileSet) -> list[str]:
    """What callers built against `before` would find gone or different in `after`. A removed field must be reserved."""
    now = dict(elements(after))
    found = []
    for name, shape in elements(before):
        if name not in now:
            found.append(f"{name} is gone" + (" (reserve its number)" if "#" in name else ""))
        elif now[name] != shape and now[name] is not None:
            found.append(f"{name} changed from {shape} to {now[name]}")
    return found


def lint(files: Iterable[descriptor_pb2.FileDescriptorProto]) -> list[str]:
    return [finding for file in files for finding in Linter(file).run()]


def main() -> None:
    from gen_protos import compile_descriptors  # noqa: PLC0415 - the generator needs this module to be importable

    with tempfile.TemporaryDirectory() as scratch:
        files = compile_descriptors(Path(scratch) / "all.binpb", with_comments=True)
    findings = lint(files.file)
    if findings:
        sys.exit("\n".join(findings))


if __name__ == "__main__":
    main()
