"""Manifests: reading what `kubectl apply -f` is given, and those that simulated web sites serve."""

from typing import Any

import yaml

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.kubernetes.cluster import Manifest
from vcd_simulator.guests.kubernetes.texts import load_all
from vcd_simulator.guests.web import fetch

_MAX_SIZE = 2_000_000
_MAX_NODES = 200_000


async def read_manifests(call: Call, source: str) -> list[Manifest]:
    """The objects in a file, a directory, `-` (stdin) or at a URL. Raises UsageError as kubectl fails."""
    if source.startswith(("http://", "https://")):
        page = fetch(source)
        if page.error:
            raise UsageError(
                f"unable to read URL {source!r}: {page.error}"
                if page.status
                else f"Unable to connect to the server: {page.error}"
            )
        return parse_manifests(page.body, source)
    if source == "-":
        return parse_manifests(await call.standard_input(), "STDIN")
    try:
        return parse_manifests(await call.read(call.path(source)), source)
    except IsADirectoryError:
        names = [name for name in await call.names_in(call.path(source)) if name.endswith((".yaml", ".yml", ".json"))]
        found = []
        for name in names:
            path = f"{source.rstrip('/')}/{name}"
            found += parse_manifests(await call.read(call.path(path)), path)
        return found
    except OSError as exc:
        if exc.errno == 2:  # ENOENT
            raise UsageError(f'error: the path "{source}" does not exist') from None
        raise UsageError(f"error: open {source}: {exc.strerror}") from None


def parse_manifests(text: str, source: str) -> list[Manifest]:
    """The objects in a text of YAML or JSON documents. Raises UsageError."""
    if len(text) > _MAX_SIZE:
        raise UsageError(f"error: {source} is too large")
    try:
        documents = load_all(text)
    except (yaml.YAMLError, RecursionError, ValueError) as exc:
        raise UsageError(f"error: error parsing {source}: error converting YAML to JSON: {_problem(exc)}") from None
    if _size(documents, {}) > _MAX_NODES:
        raise UsageError(f"error: error parsing {source}: document is too large")
    found: list[Manifest] = []
    for document in documents:
        if document is None:
            continue
        if isinstance(document, dict) and document.get("kind") == "List":
            found += [_checked(item, source) for item in document.get("items") or []]
        else:
            found.append(_checked(document, source))
    if not found:
        raise UsageError("error: no objects passed to apply")
    return found


def display_name(manifest: Manifest) -> str:
    """An object as kubectl names it, e.g. `daemonset.apps/weave-net`."""
    group, slash, _version = str(manifest.get("apiVersion", "v1")).partition("/")
    kind = str(manifest["kind"]).lower()
    return f"{kind}.{group}/{manifest['metadata']['name']}" if slash else f"{kind}/{manifest['metadata']['name']}"


def _checked(document: Any, source: str) -> Manifest:
    problem = ""
    if not isinstance(document, dict):
        problem = "invalid object"
    elif not document.get("kind") or not isinstance(document["kind"], str):
        problem = "kind not set"
    elif not document.get("apiVersion"):
        problem = "apiVersion not set"
    elif not isinstance(document.get("metadata"), dict) or not document["metadata"].get("name"):
        raise UsageError("error: resource name may not be empty")
    if problem:
        raise UsageError(f'error: error validating "{source}": error validating data: {problem}')
    return document  # type: ignore[no-any-return]  # checked above to be a dict


def _size(value: Any, known: dict[int, int]) -> int:
    """How many values a document expands to: aliases make it larger than it looks, and may make it endless."""
    if not isinstance(value, dict | list):
        return 1
    if id(value) not in known:
        known[id(value)] = _MAX_NODES
        items = [*value.keys(), *value.values()] if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_size(item, known) for item in items)
    return known[id(value)]


def _problem(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}: " if mark else ""
    return f"yaml: {where}{getattr(error, 'problem', None) or 'invalid document'}"
