"""Manifests of OVF packages: the digests that their files have to have."""

import re

MAX_BYTES = 1 << 20
_LINE = re.compile(r"(?P<algorithm>SHA1|SHA256|SHA512)\s?\((?P<name>[^)]+)\)\s?=\s*(?P<digest>[0-9a-fA-F]+)")
_LENGTHS = {"sha1": 40, "sha256": 64, "sha512": 128}


class ManifestError(ValueError):
    """This is no manifest; the message says where."""


def parse_manifest(body: bytes) -> tuple[tuple[str, str, str], ...]:
    """Name, algorithm and digest of every file that a manifest lists.

    Raises:
        ManifestError: a line is not understood, or there is none.
    """
    try:
        lines = body.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as exc:
        raise ManifestError("it is not text in UTF-8") from exc
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None or len(match["digest"]) != _LENGTHS[match["algorithm"].lower()]:
            raise ManifestError(f"line {number} is not of the form SHA256(file)= digest")
        found.append((match["name"], match["algorithm"].lower(), match["digest"].lower()))
    if not found:
        raise ManifestError("it lists no file")
    return tuple(found)
