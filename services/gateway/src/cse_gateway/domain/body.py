"""Reading the JSON that clients send: null counts as absent, a wrong type is refused with the field's name."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from cse_core.errors import InvalidArgumentError

_DIGITS: Final = re.compile(r"[+-]?[0-9]{1,18}")
_INT32: Final = range(-(2**31), 2**31)
_KINDS: Final = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "an object",
}


def parse_json(content: bytes | str) -> Any:
    """Parses JSON as the standard has it.

    Raises:
        ValueError: it is not UTF-8, not JSON, holds `NaN` or half a character, or is nested too deeply.
    """
    text = content.decode() if isinstance(content, bytes) else content
    try:
        value = json.loads(text.removeprefix("\ufeff"), parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if "\\ud" in text or "\\uD" in text:  # may spell half of a surrogate pair, which cannot be written as UTF-8 again
        json.dumps(value, ensure_ascii=False).encode()
    return value


class Body:
    """The members of the JSON object in a request's body. Unknown members are nobody's business."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    @classmethod
    def parse(cls, content: bytes) -> "Body":
        """Reads a body; an empty one is an empty object.

        Raises:
            InvalidArgumentError: it is not a JSON object.
        """
        if not content.strip():
            return cls({})
        try:
            values = parse_json(content)
        except ValueError as exc:
            raise InvalidArgumentError(f"body: is not JSON: {_problem(exc)}", field="body") from exc
        if values is None:
            return cls({})
        if not isinstance(values, dict):
            raise InvalidArgumentError(f"body: expected a JSON object, got {_kind(values)}", field="body")
        return cls(values)

    def has(self, field: str) -> bool:
        """Whether the field is there, and not null."""
        return self._values.get(field) is not None

    def required(self, field: str) -> str:
        """A text that must be there and not be blank."""
        value = self.text(field)
        if not value.strip():
            raise InvalidArgumentError(f"{field}: is required", field=field)
        return value

    def text(self, field: str, default: str = "") -> str:
        value = self._values.get(field)
        if value is None:
            return default
        if not isinstance(value, str):
            _refuse(field, "a text", value)
        return value

    def texts(self, field: str) -> list[str]:
        """A list of texts; an absent one is empty."""
        value = self._values.get(field)
        if value is None:
            return []
        if not isinstance(value, list):
            _refuse(field, "a list of texts", value)
        for element in value:
            if not isinstance(element, str):
                _refuse(field, "a list of texts", element)
        return list(value)

    def number(self, field: str, default: int = 0) -> int:
        """A whole number within 32 bits; old clients' scripts may send it as a text or as `2.0`."""
        value = self._values.get(field)
        if value is None:
            return default
        if (isinstance(value, str) and _DIGITS.fullmatch(value.strip())) or (
            isinstance(value, float) and value.is_integer()
        ):
            value = int(value)
        if isinstance(value, float):
            raise InvalidArgumentError(f"{field}: {value} is no whole number", field=field)
        if isinstance(value, bool) or not isinstance(value, int):
            _refuse(field, "a whole number", value)
        if value not in _INT32:
            raise InvalidArgumentError(f"{field}: the number is out of range", field=field)
        return value

    def flag(self, field: str, *, default: bool) -> bool:
        value = self._values.get(field)
        if value is None:
            return default
        if not isinstance(value, bool):
            _refuse(field, "true or false", value)
        return value


def _refuse(field: str, wanted: str, value: object) -> NoReturn:
    raise InvalidArgumentError(f"{field}: expected {wanted}, got {_kind(value)}", field=field)


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "null")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _problem(exc: ValueError) -> str:
    """What is wrong, without a piece of the content."""
    if isinstance(exc, json.JSONDecodeError):
        return f"{exc.msg} (line {exc.lineno}, column {exc.colno})"
    if isinstance(exc, UnicodeDecodeError):
        return "it is not UTF-8 text"
    if isinstance(exc, UnicodeEncodeError):
        return "it holds half a character (an unpaired surrogate)"
    return str(exc) if "digits" not in str(exc) else "a number has too many digits"
