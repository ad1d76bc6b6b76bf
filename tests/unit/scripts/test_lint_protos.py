"""The checks on our contracts find what they are for."""

import pytest
from google.protobuf import descriptor_pb2

from lint_protos import breaking_changes, lint

FileSet = descriptor_pb2.FileDescriptorSet


def files(**changes: object) -> FileSet:
    file = descriptor_pb2.FileDescriptorProto(name="cse/x/v1/x.proto", package="cse.x.v1")
    message = file.message_type.add(name=str(changes.get("message", "Thing")))
    if not changes.get("without_field"):
        message.field.add(name=str(changes.get("field", "size")), number=1, type=changes.get("type", 5), label=1)
    if changes.get("reserved"):
        message.reserved_range.add(start=1, end=2)
    enum = file.enum_type.add(name="Kind")
    enum.value.add(name=str(changes.get("zero", "KIND_UNSPECIFIED")), number=0)
    return FileSet(file=[file])


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"type": 9}, "cse.x.v1.Thing#1 changed"),
        ({"field": "width"}, "cse.x.v1.Thing#1 changed"),
        ({"without_field": True}, "cse.x.v1.Thing#1 is gone"),
        ({"message": "Other"}, "cse.x.v1.Thing is gone"),
        ({"zero": "KIND_NONE"}, "cse.x.v1.Kind#0 changed"),
    ],
)
def test_what_breaks_callers_is_found(changes: dict[str, object], finding: str) -> None:
    assert any(found.startswith(finding) for found in breaking_changes(files(), files(**changes)))


def test_removing_a_field_is_fine_once_its_number_is_reserved() -> None:
    assert breaking_changes(files(), files(without_field=True, reserved=True)) == []
    assert breaking_changes(files(), files()) == []


def test_style_is_checked() -> None:
    findings = "\n".join(lint(files(message="thing", field="Size", zero="NONE").file))
    for expected in (
        "thing has no comment",
        "message thing is not PascalCase",
        "field thing.Size is not snake_case",
        "enum value NONE lacks the prefix KIND_",
        "the zero of Kind must be KIND_UNSPECIFIED",
    ):
        assert expected in findings
