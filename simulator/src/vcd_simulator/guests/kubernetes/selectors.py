"""Which objects a command line means: by their labels (`-l`) and by their fields (`--field-selector`)."""

import re
from collections.abc import Mapping

from vcd_simulator.guests.channel import UsageError
from vcd_simulator.guests.kubernetes.cluster import Manifest
from vcd_simulator.guests.kubernetes.documents import texts, within

_BETWEEN = re.compile(r",(?![^()]*\))")
_EQUALITY = re.compile(r"(?P<key>[\w./-]+)\s*(?P<operator>==|=|!=)\s*(?P<value>[\w.-]*)")
_SET = re.compile(r"(?P<key>[\w./-]+)\s+(?P<operator>in|notin)\s*\((?P<values>[^()]*)\)")
_PRESENCE = re.compile(r"(?P<absent>!?)\s*(?P<key>[\w./-]+)")
_FIELDS = ("metadata.name", "metadata.namespace", "spec.nodeName", "spec.unschedulable", "status.phase", "type")


def selected(document: Manifest, selector: str) -> bool:
    """Whether an object's labels fit a selector, e.g. `role=x,!other,zone in (a,b)`. Raises UsageError: it is none."""
    labels = texts(document, "metadata", "labels")
    return all(_fits(labels, term.strip()) for term in _BETWEEN.split(selector) if term.strip())


def _fits(labels: Mapping[str, str], term: str) -> bool:
    if match := _EQUALITY.fullmatch(term):
        return (labels.get(match["key"]) == match["value"]) is (match["operator"] != "!=")
    if match := _SET.fullmatch(term):
        values = [value.strip() for value in match["values"].split(",")]
        return (labels.get(match["key"]) in values) is (match["operator"] == "in")
    if match := _PRESENCE.fullmatch(term):
        return (match["key"] in labels) is not bool(match["absent"])
    raise UsageError(f"error: unable to parse requirement: found {term[:80]!r}, expected: a selector of labels")


def has_fields(document: Manifest, selector: str) -> bool:
    """The same for fields, e.g. `status.phase!=Running,spec.nodeName=node-1`. Raises UsageError."""
    return all(_has_field(document, term.strip()) for term in selector.split(",") if term.strip())


def _has_field(document: Manifest, term: str) -> bool:
    match = _EQUALITY.fullmatch(term)
    if match is None:
        raise UsageError(f"error: invalid field selector: {term[:80]!r}; can't understand it")
    if match["key"] not in _FIELDS:
        raise UsageError(f"Error from server (BadRequest): field label not supported: {match['key'][:80]}")
    found = within(document, *match["key"].split("."))
    shown = {True: "true", False: "false", None: ""}.get(found, found) if not isinstance(found, dict | list) else ""
    return (str(shown) == match["value"]) is (match["operator"] != "!=")
