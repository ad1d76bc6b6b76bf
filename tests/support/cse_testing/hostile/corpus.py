"""Hostile values, by what they attack. Those that would run something make a file whose name is `Corpus.canary`."""
# ruff: noqa: RUF001  # characters that look like others are the point

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final

_CANARY: Final = "@CANARY@"
_FORGED: Final = "@FORGED@"

_SHELL: Final = (
    f"$(touch {_CANARY})",
    f"`touch {_CANARY}`",
    f"; touch {_CANARY}",
    f"; touch {_CANARY} #",
    f"| touch {_CANARY}",
    f"|| touch {_CANARY}",
    f"& touch {_CANARY} &",
    f"&& touch {_CANARY}",
    f"\ntouch {_CANARY}\n",
    f"\r\ntouch {_CANARY}\r\n",
    f"' ; touch {_CANARY} ; '",
    f'" ; touch {_CANARY} ; "',
    f"'$(touch {_CANARY})'",
    f'"$(touch {_CANARY})"',
    f"'\"'$(touch {_CANARY})'\"'",
    f"\\'; touch {_CANARY}; \\'",
    f"\\\n$(touch {_CANARY})",
    f"${{IFS}}$(touch${{IFS}}{_CANARY})",
    f"a{{b,$(touch {_CANARY})}}",
    f"<(touch {_CANARY})",
    f"> {_CANARY}",
    f">> {_CANARY}",
    f"2>{_CANARY}",
    f"<<EOF\nEOF\ntouch {_CANARY}\n",
    f"$'\\x24(touch {_CANARY})'",
    f"$(({_CANARY}[$(touch {_CANARY})]))",
    f"${{x:=$(touch {_CANARY})}}",
    f"!touch {_CANARY}",
    f"--help; touch {_CANARY}",
    f"-e touch {_CANARY}",
    f"-oProxyCommand=touch {_CANARY}",
    f'command="touch {_CANARY}" ssh-ed25519 AAAA',
    f"() {{ :; }}; touch {_CANARY}",
    f"x=$(touch {_CANARY}) env",
    f"eval touch {_CANARY}",
    f"exec touch {_CANARY}",
    f"\u2028touch {_CANARY}",
    f"\x85touch {_CANARY}",
    f"ＡＮＤ ＄（touch {_CANARY}）",
    f"*?[a-z]~$(touch {_CANARY})",
    f"%0atouch {_CANARY}",
    f"@reboot touch {_CANARY}",
)
_FIQL: Final = (
    "*",
    "x*",
    "?",
    "x;name==*",
    "x,name==*",
    "x);name==*;(name==x",
    "(name==*)",
    "name==*",
    "x==y",
    "x!=y",
    "x;isSystemVapp==true",
    "x,metadata:cse.cluster.id!=STRING:",
    "metadata@SYSTEM:container_provider==STRING:vcd",
    "x;org==*",
    "x=gt=0",
    "=lt=",
    "%2A",
    "%252A",
    "x%3Bname%3D%3D%2A",
    "x%253Bname%253D%253D%252A",
    "x&filter=name==*",
    "x&pageSize=128#",
    "x?type=orgVdc&",
    "\\*",
    "x;name==(a,b",
)
_XML: Final = (
    "<x/>",
    "</Name><Name>other",
    '"/><Vapp name="other',
    "' name='other",
    "<!--",
    "-->",
    "<!-- x -->",
    "]]>",
    "<![CDATA[x]]>",
    "<?xml version='1.0'?><x/>",
    "<?php system('id'); ?>",
    '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
    '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><x>&b;</x>',
    '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="/etc/passwd" parse="text"/>',
    "&lt;x&gt;",
    "&amp;amp;",
    "&#0;",
    "&#x1b;[31m",
    "&unknown;",
    "&",
    "<script>alert(1)</script>",
    "xmlns='http://evil'",
    "\ufffe",
    "\uffff",
)
_YAML: Final = (
    "a: b",
    "- x",
    "? x",
    "{a: b}",
    "[x, y]",
    "&anchor x",
    "*anchor",
    "!!python/object/apply:os.system ['touch @CANARY@']",
    "!!binary aGVsbG8=",
    "!<tag:yaml.org,2002:python/name:os.system>",
    "x # comment",
    "---\nx: y",
    "...\n---",
    "|\n  block",
    ">-\n  folded",
    "<<: *x",
    "yes",
    "null",
    "~",
    "0x1F",
    "1e999",
    "x:\n  y: z",
    "%YAML 1.2",
    "@reserved",
)
_JSON: Final = (
    '"',
    '\\"',
    "\\",
    '{"a": 1}',
    '", "name": "other',
    '"}, {"x": "',
    "\\u0000",
    "\\u0022",
    "[[[[[[[[",
    '{"__proto__": {"x": 1}}',
    "/* x */",
    "NaN",
)
_LOG: Final = (
    f"x\n{_FORGED} level=error event=forged",
    f"x\r{_FORGED} level=error event=forged",
    f"x\r\n{_FORGED} level=error event=forged",
    f"x\n\n{_FORGED}",
    f"x\x0b{_FORGED}",
    f"x\x0c{_FORGED}",
    f"x\x1c{_FORGED}",
    f"x\x1e{_FORGED}",
    f"x\x85{_FORGED}",
    f"x\u2028{_FORGED}",
    f"x\u2029{_FORGED}",
    f"x%0a{_FORGED}",
    f"x%0d%0a{_FORGED}",
    f"x\\n{_FORGED}",
    f'x" reason=OK\n{_FORGED}',
    f'x", "event": "{_FORGED}',
    f"x\x08\x08\x08{_FORGED}",
    f"x{'%0A' * 3}{_FORGED}",
)
_TERMINAL: Final = (
    "\x1b[31mred\x1b[0m",
    "\x1b[2J\x1b[H",
    "\x1b]0;title\x07",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\",
    "\x1b[6n",
    "\x1b[1A\x1b[2K",
    "\x1bP+q544e\x1b\\",
    "\x1b_hidden\x1b\\",
    "\x1bc",
    "\x9b31m",
    "\x9d0;title\x9c",
    "\x07\x07\x07",
    "overwritten\rother",
    "\x0e\x0f",
)
_PATH: Final = (
    ".",
    "..",
    "../..",
    "../../../../etc/passwd",
    "..\\..\\windows",
    "/etc/passwd",
    "//etc//passwd",
    "/",
    "~root/.ssh/id_rsa",
    "file:///etc/passwd",
    "....//....//etc/passwd",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "%252e%252e%252f",
    "..%c0%af..%c0%afetc",
    "x/../../admin",
    "x/../system",
    "info/../config",
    "x\x00.yaml",
    "CON",
    "C:\\x",
    "x/",
    ";/../x",
    "_operations",
    "_clusters",
    "orgs/-/vdcs/-",
    "orgs/x/vdcs/y/clusters/z",
    "x/clusters/other",
    "-",
    "templates/..",
)
_UNICODE: Final = (
    "é",
    "e\u0301",
    "Ä\u0308",
    "ﬀ",
    "ｄｅｍｏ",
    "dеmo",
    "ßẞ",
    "İıiI",
    "\u212a",
    "٣٤",
    "①②",
    "\u00a0",
    "\u3000",
    "\u200b",
    "de\u200bmo",
    "de\u00admo",
    "\ufeffdemo",
    "a\u034fb",
    "👩‍👩‍👧‍👦",
    "\U0001f3f4\U000e0067\U000e007f",
    "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f",
    "\U0010ffff",
    "\ue000",
    "𝒹𝑒𝓂𝑜",
    "demo\u2024evil",
    "\ud800",
    "\udc80",
    "x\udfffy",
)
_BIDI: Final = (
    "\u202edemo",
    "\u202ademo\u202c",
    "\u2066demo\u2069",
    "\u2067demo",
    "\u200fdemo\u200e",
    "\u061cdemo",
    "ab\u202ecd\u202cef",
    "שלום",
    "demo\u202etxt.exe",
)
_CONTROL: Final = (
    "\x00",
    "demo\x00",
    "\x00demo",
    "de\x00mo",
    "\x01\x02\x03",
    "\x7f",
    "\x80\x81",
    "\t",
    "de\tmo",
    " ",
    " demo",
    "demo ",
    "\n",
    "demo\n",
)
_LONG: Final = (
    "a" * 26,
    "a" * 129,
    "a" * 4_097,
    "é" * 10_000,
    "a" * 60_000,
    "-" * 300,
    "%" * 1_000,
    "(" * 2_000,
    "x;" * 3_000,
    "\U0001f4a5" * 2_000,
)
_FORMAT: Final = (
    "%s%s%s%s",
    "%n",
    "%(password)s",
    "%x.%x.%x",
    "%99999999d",
    "{}",
    "{0}",
    "{self}",
    "{0.__class__.__mro__}",
    "{password}",
    "{x!r:>99999999}",
    "${HOME}",
    "$HOME",
    "${jndi:ldap://127.0.0.1/x}",
    'f\'{__import__("os").system("touch @CANARY@")}\'',
)
_TEMPLATE: Final = (
    "{{7*7}}",
    "{{ config }}",
    "{% import os %}{{ os.system('touch @CANARY@') }}",
    "<%= 7*7 %>",
    "#{7*7}",
    "${7*7}",
    "*{7*7}",
    "[[${7*7}]]",
    "{{constructor.constructor('return 1')()}}",
    "{{ .Env }}",
    "__import__('os').system('touch @CANARY@')",
    "cos\nsystem\n(S'touch @CANARY@'\ntR.",
)
_SQL: Final = (
    "' OR '1'='1",
    "'; DROP TABLE operations; --",
    '" OR ""="',
    "1; SELECT pg_sleep(9)",
    "x') UNION SELECT * FROM operations --",
    "\\'; --",
    "x' AND randomblob(1000000000) --",
)
_HTTP: Final = (
    "x\r\nX-Forged: yes",
    "x\r\n\r\nHTTP/1.1 200 OK",
    "x HTTP/1.1\r\nHost: evil",
    "http://169.254.169.254/latest/meta-data",
    "javascript:alert(1)",
    "x@evil:y",
    "#x",
    "?x=y",
    "x&org=other",
    "Bearer x",
)
_NUMBERS: Final = ("0", "-1", "99999999999999999999", "1e9", "0x10", "1_000", "Infinity", "true", "[]", "{}x", "")

_BY_KIND: Final[Mapping[str, tuple[str, ...]]] = {
    "shell": _SHELL,
    "fiql": _FIQL,
    "xml": _XML,
    "yaml": _YAML,
    "json": _JSON,
    "log": _LOG,
    "terminal": _TERMINAL,
    "path": _PATH,
    "unicode": _UNICODE,
    "bidi": _BIDI,
    "control": _CONTROL,
    "long": _LONG,
    "format": _FORMAT,
    "template": _TEMPLATE,
    "sql": _SQL,
    "http": _HTTP,
    "number": _NUMBERS,
}


@dataclass(frozen=True)
class Hostile:
    """One value; its name is `kind-number`."""

    name: str
    text: str

    def __str__(self) -> str:
        return self.name

    @property
    def is_encodable(self) -> bool:
        """Whether it can be written as UTF-8: half a surrogate pair cannot, though JSON and URLs can spell it."""
        return not any("\ud800" <= char <= "\udfff" for char in self.text)

    @property
    def is_one_line(self) -> bool:
        """Whether a terminal shows it as one line and nothing else happens."""
        return self.text.isprintable()


@dataclass(frozen=True)
class Corpus:
    """The values of one run.

    Attributes:
        canary: absolute path of a file that only exists if something was executed; it begins every such file's name.
        forged: what a line of a log begins with if it was forged.
    """

    canary: str
    forged: str

    @property
    def values(self) -> tuple[Hostile, ...]:
        return tuple(
            Hostile(f"{kind}-{number}", text.replace(_CANARY, self.canary).replace(_FORGED, self.forged))
            for kind, text, number in chain.from_iterable(
                ((kind, text, number) for number, text in enumerate(texts)) for kind, texts in _BY_KIND.items()
            )
        )


def every(values: tuple[Hostile, ...], *, nth: int, offset: int) -> tuple[Hostile, ...]:
    """A share of the values; another one for each offset below `nth`, and all of them together are all."""
    return tuple(value for number, value in enumerate(values) if number % nth == offset % nth)
