"""The page about errors names every reason that a client can see, and no other."""

import re
from itertools import chain
from pathlib import Path

import grpc

ROOT = Path(__file__).parents[3]
SOURCES = ("libs/core/src", "libs/operations/src", "libs/vcd/src", "services")
REASON = re.compile(
    r"""(?:reason\s*=\s*|reason:\s[^=\n]*=\s*|_(?:REASON|ONLY)[^=\n]*=\s*|_missing\(\s*"[a-z_.]+",\s*)"([A-Z]+(?:_[A-Z]+)*)\""""
)
INTERNAL = {"CLAIM_TAKEN", "GUEST_LOGIN_UNKNOWN"}
"""Translated before it leaves the service."""


def given() -> set[str]:
    files = chain.from_iterable((ROOT / source).rglob("*.py") for source in SOURCES)
    return {reason for file in files for reason in REASON.findall(file.read_text())} - INTERNAL


def documented() -> set[str]:
    rows = [line for line in (ROOT / "docs/errors.md").read_text().splitlines() if line.startswith("| `")]
    return {reason for row in rows for reason in re.findall(r"`([A-Z_]+)`", row.split("|")[1])}


def test_every_reason_is_documented() -> None:
    assert len(given()) > 50
    assert given() - documented() == set()


def test_no_reason_is_documented_that_nobody_gives() -> None:
    code = "\n".join(file.read_text() for source in SOURCES for file in (ROOT / source).rglob("*.py"))
    assert {reason for reason in documented() if f'"{reason}"' not in code} == set()


def promised() -> set[str]:
    """Words of the contracts' comments that look like reasons, and are no values of the contracts or codes of gRPC."""
    protos = "\n".join(file.read_text() for file in (ROOT / "protos").rglob("*.proto"))
    comments = "\n".join(line for line in protos.splitlines() if line.strip().startswith("//"))
    values = set(re.findall(r"^\s*([A-Z]+(?:_[A-Z]+)+) =", protos, re.MULTILINE))
    codes = {code.name for code in grpc.StatusCode}
    return set(re.findall(r"(?<!`)\b[A-Z]+(?:_[A-Z]+)+\b(?!`)", comments)) - values - codes


def test_every_reason_that_the_contracts_promise_is_given_and_documented() -> None:
    assert len(promised()) > 20
    assert promised() - documented() == set()
    assert promised() - given() == set()


def test_every_rpc_says_which_errors_it_can_give() -> None:
    """Its own, in its comment, or those of every call, in the comment of its service."""
    for file in (ROOT / "protos").rglob("*_service.proto"):
        text = file.read_text()
        shared = re.search(r"((?:^//.*\n)+)service", text, re.MULTILINE)
        assert shared is not None, file
        for comment, name in re.findall(r"((?:^  //.*\n)+)  rpc (\w+)", text, re.MULTILINE):
            assert re.search(r"Errors|no errors of its own", comment) or "Errors of every call" in shared[1], name
