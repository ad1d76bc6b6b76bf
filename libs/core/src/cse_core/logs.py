"""Structured logs: an event name that is a constant, fields that vary, no secrets.

`configure` is called once by each process. Everything else does `log = structlog.get_logger()`. Libraries that use the
standard `logging` come out in the same form.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final, Literal

import structlog

Format = Literal["console", "json"]

_SECRET_KEY: Final = re.compile(
    r"(?i)(passw|secret|token|authorization|cookie|api_?key|private_?key|kubeconfig|credential)(?!s?_?(count|hash|id)\b)"
)
_JWT: Final = re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*")
_NAMES: Final = r"x-vcloud-authorization|x-vmware-vcloud-access-token|authorization|password|passwd|token"
_MORE_NAMES: Final = r"passphrase|secret(?:[_-]?key)?|api[_-]?key|private[_-]?key|client-key-data|certificate-key"
"""Words that people use without a secret behind them; only behind a colon or an equals sign there is one."""
_QUOTED_VALUE: Final = re.compile(rf"(?i)({_NAMES}|{_MORE_NAMES})(['\"]?\s*[:=]\s*)(['\"])(?:(?!\3)[^\n])+")
_PAIR: Final = re.compile(rf"(?i)({_NAMES})(['\"]?\s*[:=]\s*|\s+)(['\"]?)((?:bearer|basic)\s+)?[^\s'\",;&]+")
_VALUE: Final = re.compile(rf"(?i)({_MORE_NAMES})(['\"]?\s*[:=]\s*)[^\s'\",;&]+")
_URL_PASSWORD: Final = re.compile(r"(?<=://)([^/\s:@]+):[^/\s@]+@")
_JOIN_TOKEN: Final = re.compile(r"\b[a-z0-9]{6}\.[a-z0-9]{16}\b")
_PRIVATE_KEY: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
)
_MASK: Final = "***"
_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_TAIL_LINES: Final = 5
_TAIL_CHARS: Final = 600
_TAIL_OF: Final = 1 << 16
"""How much of an output is looked at: far more than is shown, so that no secret is cut where it begins."""


def redact(text: str) -> str:
    """Takes out of a text what looks like a token, a password or a private key."""
    text = _PRIVATE_KEY.sub(_MASK, text)
    text = _JWT.sub(_MASK, text)
    text = _URL_PASSWORD.sub(rf"\1:{_MASK}@", text)
    text = _JOIN_TOKEN.sub(_MASK, text)
    text = _QUOTED_VALUE.sub(rf"\1\2\3{_MASK}", text)
    text = _VALUE.sub(rf"\1\2{_MASK}", text)
    return _PAIR.sub(rf"\1\2\3{_MASK}", text)


def tail(output: str) -> str:
    """The last lines of what a program printed: redacted, printable, short enough for a message."""
    lines = _COLOURS.sub("", redact(output[-_TAIL_OF:])).splitlines()
    printable = ("".join(char if char.isprintable() else " " for char in line) for line in lines)
    text = " | ".join([" ".join(line.split()) for line in printable if line.strip()][-_TAIL_LINES:])
    return text if len(text) <= _TAIL_CHARS else f"…{text[-_TAIL_CHARS:]}"


def _redact_value(key: str, value: object) -> object:
    if _SECRET_KEY.search(key):
        return _MASK
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {str(name): _redact_value(str(name), item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_redact_value("", item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact(repr(value))  # which is what would be shown


def redact_event(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Processor of structlog: no field goes out with a secret in it."""
    for key, value in event.items():
        if key.startswith("_"):
            continue  # structlog's own; never shown
        if key != "event":
            event[key] = _redact_value(key, value)
        elif isinstance(value, str):
            event[key] = redact(value)
    return event


def printable_event(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Processor of structlog, for logs that people read: no text in it begins a line, or moves the cursor."""
    for key, value in event.items():
        if not isinstance(value, str):
            continue  # shown by its repr
        if key in ("exception", "stack"):
            event[key] = "\n".join(f"    {_printable(line)}" for line in value.split("\n"))
        elif key == "event":
            event[key] = _printable(value)
        elif not value.isprintable():
            event[key] = _Quoted(value)
    return event


class _Quoted:
    """A text that is shown as Python writes it: the renderer does so for some that need it, and not for all."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return repr(self._text)


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def configure(*, service: str, level: str = "INFO", form: Format = "console") -> None:
    """Sets up the logs of this process, on stderr.

    Args:
        service: `gateway`, `clusters`, `templates`, `cse`: a field of every line.
        level: as in `logging`, any case.
        form: `console` for people, `json` for programs (one object a line).
    """

    def name_service(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event.setdefault("service", service)  # of every thread, which bound variables would not be
        return event

    shared: list[structlog.typing.Processor] = [
        name_service,
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        redact_event,
    ]
    renderers: list[structlog.typing.Processor] = (
        [structlog.processors.JSONRenderer()]
        if form == "json"
        else [printable_event, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for noisy in ("pika", "urllib3", "grpc"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
