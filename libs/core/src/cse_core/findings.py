"""What is wrong with a configuration file, in words for whoever has to correct it. No value of the file is shown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

_WORDS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "missing": lambda _: "is missing",
    "model_type": lambda _: "must be a section with keys of its own",
    "int_type": lambda _: "must be a whole number",
    "bool_type": lambda _: "must be true or false",
    "string_type": lambda _: "must be a text",
    "list_type": lambda _: "must be a list: each entry begins with `- `",
    "too_short": lambda _: "needs at least one entry",
    "greater_than_equal": lambda limits: f"must be at least {limits['ge']}",
    "less_than_equal": lambda limits: f"must be at most {limits['le']}",
    "literal_error": lambda limits: f"must be {limits['expected']}",
}
"""By pydantic's names of errors."""
_QUOTED: Final = {"int_type": "; write it without quotes", "bool_type": "; write it without quotes"}


@dataclass(frozen=True)
class Finding:
    """Something wrong with the file: where (`broker.templates[0].cpu`), what, and what to do if that is to be said."""

    where: str
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        what = f"{self.what}; {self.remedy}" if self.remedy else self.what
        return f"{self.where}: {what}" if self.where else what


class ConfigError(Exception):
    """The file cannot be used. `findings` holds everything that was found, not only the first."""

    def __init__(self, path: Path, findings: list[Finding]) -> None:
        super().__init__(f"{path}: " + "; ".join(map(str, findings)))
        self.path = path
        self.findings = findings


def from_pydantic(error: Any) -> Finding:
    """For one entry of `ValidationError.errors()`."""
    where = ""
    for part in error["loc"]:
        where += f"[{part}]" if isinstance(part, int) else f".{part}" if where else str(part)
    kind, value = error["type"], error.get("input")
    if kind == "model_type" and value is None:
        return Finding(where, "is empty", "give it its keys")
    if kind == "too_short" and value == "":
        return Finding(where, "must not be empty")
    if words := _WORDS.get(kind):
        quoted = _QUOTED.get(kind, "") if isinstance(value, str) else ""
        return Finding(where, words(error.get("ctx", {})) + quoted)
    message = str(error["msg"]).removeprefix("Value error, ")
    if kind == "value_error" and ": " in message:  # a validator of a section names the key itself
        key, _, message = message.partition(": ")
        where = f"{where}.{key}" if where else key
    return Finding(where, message[:1].lower() + message[1:])


def from_yaml(error: yaml.YAMLError) -> Finding:
    """What is wrong and where, without the line itself: it may hold a password."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "cannot be parsed"
    place = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    remedy = "indent with spaces, not with tabs" if "\\t" in problem else "correct that line"
    return Finding("", f"is not valid YAML{place}: {problem}", remedy)


class UniqueKeyLoader(yaml.SafeLoader):
    """Refuses a key that a mapping has twice: of two sections, all but the last would be passed over without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key.value!r} is there twice", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)
