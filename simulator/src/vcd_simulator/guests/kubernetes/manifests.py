"""Manifests: reading what `kubectl apply -f` is given, and those that simulated web sites serve."""

from typing import Any

import yaml

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.kubernetes.cluster import Manifest
from vcd_simulator.guests.kubernetes.texts import load_all
from vcd_simulator.guests.web import fetch


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
    try:
        documents = load_all(text)
    except yaml.YAMLError as exc:
        raise UsageError(f"error: error parsing {source}: error converting YAML to JSON: {_problem(exc)}") from None
    found: list[Manifest] = []
    for document in documents:
        if document is None:
            continue
        if isinstance(document, dict) and document.get("kind") == "List" and isinstance(document.get("items"), list):
            found += [_checked(item, source) for item in document["items"]]
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
    elif not isinstance(document.get("apiVersion"), str) or not document["apiVersion"]:
        problem = "apiVersion not set"
    elif not isinstance(document.get("metadata"), dict) or not document["metadata"].get("name"):
        raise UsageError("error: resource name may not be empty")
    elif not all(isinstance(document["metadata"].get(name, ""), str | None) for name in ("name", "namespace")):
        problem = "the name and the namespace of an object are strings"
    if problem:
        raise UsageError(f'error: error validating "{source}": error validating data: {problem}')
    return document  # type: ignore[no-any-return]  # checked above to be a dict


def _problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}: " if mark else ""
    return f"yaml: {where}{getattr(error, 'problem', None) or str(error) or 'invalid document'}"
