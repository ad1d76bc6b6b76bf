"""JSON patches (RFC 6902)."""

import copy
from typing import Any


class JsonPatchError(ValueError):
    """The patch is none, or does not fit the document."""


def apply_operations(document: Any, operations: Any) -> Any:
    """The document after all operations; the given one may be changed.

    Raises:
        JsonPatchError: one of the operations cannot be carried out.
    """
    if not isinstance(operations, list):
        raise JsonPatchError("a JSON patch is a list of operations")
    holder = {"": document}
    for one in operations:
        if not isinstance(one, dict) or not isinstance(one.get("path"), str):
            raise JsonPatchError("an operation has no path")
        _apply(holder, one)
    return holder.get("")


def _apply(holder: dict[str, Any], operation: dict[str, Any]) -> None:
    verb, path = operation.get("op"), _split(operation["path"])
    if verb in ("add", "replace", "test") and "value" not in operation:
        raise JsonPatchError(f"{verb} has no value")
    match verb:
        case "add":
            _add(holder, path, operation["value"])
        case "remove":
            _remove(holder, path)
        case "replace":
            _find(holder, path)
            _remove(holder, path)
            _add(holder, path, operation["value"])
        case "move":
            _add(holder, path, _remove(holder, _split(str(operation.get("from")))))
        case "copy":
            _add(holder, path, copy.deepcopy(_find(holder, _split(str(operation.get("from"))))))
        case "test":
            if _find(holder, path) != operation["value"]:
                raise JsonPatchError(f"testing value {operation['path']} failed")
        case _:
            raise JsonPatchError(f"unexpected kind: {verb}")


def _split(pointer: str) -> list[str]:
    """The steps of a JSON pointer, from the holder of the whole document."""
    if pointer and not pointer.startswith("/"):
        raise JsonPatchError(f"{pointer!r} is no JSON pointer")
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")]


def _find(value: Any, steps: list[str]) -> Any:
    for step in steps:
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list):
            value = value[_index(value, step)]
        else:
            raise JsonPatchError(f"doc is missing path: {'/'.join(steps)}")
    return value


def _add(holder: dict[str, Any], steps: list[str], value: Any) -> None:
    parent, last = _find(holder, steps[:-1]), steps[-1]
    if isinstance(parent, dict):
        parent[last] = value
    elif isinstance(parent, list):
        parent.insert(len(parent) if last == "-" else _index(parent, last, more=1), value)
    else:
        raise JsonPatchError(f"doc is missing path: {'/'.join(steps)}")


def _remove(holder: dict[str, Any], steps: list[str]) -> Any:
    parent, last = _find(holder, steps[:-1]), steps[-1]
    if isinstance(parent, list):
        return parent.pop(_index(parent, last))
    if isinstance(parent, dict) and last in parent:
        return parent.pop(last)
    raise JsonPatchError(f"Unable to remove nonexistent key: {last}")


def _index(values: list[Any], step: str, more: int = 0) -> int:
    if not step.isdecimal() or int(step) >= len(values) + more:
        raise JsonPatchError(f"Unable to access invalid index: {step}")
    return int(step)
