"""URL patterns of API filters: regular expressions as java.util.regex reads them, matched against whole paths."""

import logging
import re
import time

import regex
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from vcd_simulator import errors

log = logging.getLogger(__name__)

LONGEST_PATTERN = 1024
_MATCH_TIMEOUT_S = 0.25
_TOKENS = re.compile(r"\\Q(.*?)(?:\\E|\Z)|\\.|[^\\]+", re.DOTALL)


class UrlPattern:
    """A compiled pattern."""

    def __init__(self, text: str) -> None:
        """Compile a pattern.

        Raises:
            VcdError: 400, it is empty, too long, or no regular expression.
        """
        if not text or len(text) > LONGEST_PATTERN:
            raise errors.bad_request(f"A UrlPattern has between 1 and {LONGEST_PATTERN} characters.")
        self.text = text
        try:
            self._compiled = regex.compile(_without_quotations(text), regex.VERSION1)
        except regex.error as exc:
            raise errors.bad_request(f"The UrlPattern is not a valid regular expression: {exc}.") from exc

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """How a pattern is kept in a saved state: by its text."""
        return core_schema.no_info_after_validator_function(
            cls._of_text,
            core_schema.str_schema(),
            serialization=core_schema.plain_serializer_function_ser_schema(lambda pattern: pattern.text),
        )

    @classmethod
    def _of_text(cls, text: str) -> "UrlPattern":
        try:
            return cls(text)
        except errors.VcdError as exc:
            raise ValueError(exc.message) from exc

    def matches(self, path: str) -> bool:
        """Whether the whole path fits. A pattern that takes absurdly long to decide does not."""
        return self.groups(path) is not None

    def groups(self, path: str) -> dict[str, str | None] | None:
        """What the pattern's named groups stand for in a path that fits; None for one that does not."""
        began = time.thread_time()
        while True:
            try:
                found = self._compiled.fullmatch(path, timeout=_MATCH_TIMEOUT_S)
            except TimeoutError:
                # The time-out counts time in which other threads ran; only our own says that the pattern is to blame.
                if time.thread_time() - began < _MATCH_TIMEOUT_S / 2:
                    continue
                log.warning("The URL pattern %r gave up on a path of %d characters", self.text, len(path))
                return None
            return None if found is None else found.groupdict()


def _without_quotations(pattern: str) -> str:
    r"""Replace `\Q…\E`, which Java alone knows, by its escaped content."""
    return _TOKENS.sub(lambda token: token[0] if token[1] is None else regex.escape(token[1]), pattern)
