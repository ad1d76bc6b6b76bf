"""SSH public keys that root's login on nodes is to accept: one, or as many as an `authorized_keys` has.

Messages never repeat what was sent: somebody may have sent the private half.
"""

import base64
import re
from typing import Final

from cse_core.errors import InvalidArgumentError

MOST_BYTES: Final = 65536
"""Of all keys together. The guest hands them on in one variable, of which Linux lets each have 128 KiB."""
_LONGEST: Final = 16384
_TYPES: Final = re.compile(
    r"ssh-(rsa|ed25519|dss)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com"
)
_PRIVATE: Final = "PRIVATE KEY"


def check_ssh_keys(text: str, *, field: str) -> str:
    """Returns the OpenSSH public keys, one a line, each once; empty stays empty.

    Empty lines, comments (`# …`) and space around a key are left out, and lines may end as Windows ends them.

    Raises:
        InvalidArgumentError: they are too many, or a line is something else, such as a key that is bound to options;
            the message says which line.
    """
    if len(text.encode(errors="surrogatepass")) > MOST_BYTES:
        raise InvalidArgumentError(f"{field}: keys have at most {MOST_BYTES} bytes together", field=field)
    are_several = "\n" in text.strip()
    keys: dict[str, None] = {}
    for number, line in enumerate(map(_tidy, text.split("\n")), 1):
        if _says_nothing(line):
            continue
        if what := _what_is_wrong(line):
            where = f"line {number}: " if are_several else ""
            raise InvalidArgumentError(f"{field}: {where}{what}", field=field)
        keys[line] = None
    return "\n".join(keys)


def public_keys(text: str) -> str:
    """Those lines of an `authorized_keys` that are a key and nothing else.

    What is bound to options, such as a command, is left out: handed on without them it would open more.
    """
    lines = map(_tidy, text.split("\n"))
    return "\n".join(line for line in lines if not _says_nothing(line) and not _what_is_wrong(line))


def _tidy(line: str) -> str:
    return line.replace("\t", " ").strip()


def _says_nothing(line: str) -> bool:
    return not line or line.startswith("#")


def _what_is_wrong(line: str) -> str:
    """Why a line that says something is no key; empty if it is one."""
    parts = line.split(maxsplit=2)
    if _PRIVATE in line:
        return "that is a private key; send the public one (the file that ends in .pub)"
    if len(line) > _LONGEST:
        return f"a key has at most {_LONGEST} characters"
    if not line.isprintable():
        return "a public key is one line of printable characters"
    if len(parts) >= 2 and _TYPES.fullmatch(parts[0]) and _holds_type(parts[1], parts[0]):
        return ""
    if any(_TYPES.fullmatch(word) for word in line.split()[1:]):
        return "nodes take no options before a key (`command=…`, `from=…`); send the key without them"
    return "that is no OpenSSH public key (`ssh-ed25519 AAAA… comment`)"


def _holds_type(encoded: str, key_type: str) -> bool:
    """Whether the key's own bytes begin with its type, as OpenSSH writes them."""
    try:
        content = base64.b64decode(encoded, validate=True)
    except ValueError:
        return False
    name = key_type.encode()
    return content.startswith(len(name).to_bytes(4, "big") + name)
