"""YAML, read and written by libyaml where PyYAML has it: ten times as fast, and guests wait for it.

A guest may hand over anything. What is read is bounded in length, in depth and in what its aliases make of it, and
holds nothing that JSON has no word for: times stay texts, as Kubernetes reads them.
"""

from typing import Any

import yaml

_MOST_CHARACTERS = 2_000_000
_MOST_VALUES = 200_000
_DEEPEST = 100
_PLAIN = frozenset(f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str", "seq", "map"))
_TIME = "tag:yaml.org,2002:timestamp"
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Loader(_Base):  # type: ignore[misc]  # which of the two it is, is known only here
    """Reads times as texts."""

    yaml_implicit_resolvers = {  # noqa: RUF012  # as PyYAML has it
        first: [pair for pair in pairs if pair[0] != _TIME] for first, pairs in _Base.yaml_implicit_resolvers.items()
    }


def load(text: str) -> Any:
    """The document in a text. Raises yaml.YAMLError."""
    documents = load_all(text)
    if len(documents) > 1:
        raise yaml.YAMLError("there is more than one document")
    return documents[0] if documents else None


def load_all(text: str) -> list[Any]:
    """All documents in a text. Raises yaml.YAMLError."""
    if len(text) > _MOST_CHARACTERS:
        raise yaml.YAMLError("the text is too large")
    try:
        _check(text)
        return list(yaml.load_all(text, Loader=_Loader))  # a safe loader, too
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as exc:
        # PyYAML itself stumbles over numbers that it takes for others, and the like.
        raise yaml.YAMLError("a value cannot be read") from exc


def dump(*documents: Any) -> str:
    """The text of one document, or of several."""
    return str(yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False))


def _check(text: str) -> None:
    """Look at a text without building anything of it. Raises yaml.YAMLError: it is too large, too deep or too odd."""
    sizes: dict[str, int] = {}
    open_now: list[tuple[str | None, int]] = []
    total = 0
    for event in yaml.parse(text, Loader=_Base):
        anchor: str | None = getattr(event, "anchor", None)
        tag = getattr(event, "tag", None)
        if tag is not None and tag not in (*_PLAIN, "!"):
            raise yaml.YAMLError(f"the tag {tag[:80]!r} is not known")
        match event:
            case yaml.AliasEvent():
                if any(anchor == one for one, _ in open_now):
                    raise yaml.YAMLError("a value contains itself")
                total += sizes.get(anchor or "", 1)
            case yaml.ScalarEvent():
                total += 1
                _remember(sizes, anchor, 1)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                open_now.append((anchor, total))
                total += 1
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                name, before = open_now.pop()
                _remember(sizes, name, total - before)
            case yaml.DocumentStartEvent():
                sizes.clear()
        if total > _MOST_VALUES or len(open_now) > _DEEPEST:
            raise yaml.YAMLError("the document is too large, or too deep")


def _remember(sizes: dict[str, int], anchor: str | None, size: int) -> None:
    if anchor is not None:
        sizes[anchor] = size
