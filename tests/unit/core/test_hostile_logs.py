"""No text can forge a line of a log, or do something to the terminal that shows it, in either format."""

import json
import logging
import re
from collections.abc import Iterator
from typing import Literal

import pytest
import structlog

from cse_core.logs import configure
from cse_testing.hostile.corpus import Corpus
from cse_testing.logs import logs_restored

VALUES = Corpus(canary="/tmp/canary", forged="2026-01-01T00:00:00.000000Z [info     ] forged").values
RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
BEGINNING = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z \[\w+ *\] (accepted|of_a_library|failed)\b")


Form = Literal["console", "json"]
FORMS: tuple[Form, ...] = ("console", "json")


@pytest.fixture(autouse=True)
def _logs_restored() -> Iterator[None]:
    with logs_restored():
        yield


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What was logged. Split at what a terminal and a log shipper split at, and nothing else."""
    return capsys.readouterr().err.removesuffix("\n").split("\n")


def is_intact(line: str, form: str) -> bool:
    if RAW.search(line):
        return False
    return isinstance(json.loads(line), dict) if form == "json" else BEGINNING.match(line) is not None


@pytest.mark.parametrize("form", FORMS)
def test_fields_and_messages_stay_in_their_line(form: Form, capsys: pytest.CaptureFixture[str]) -> None:
    configure(service="clusters", form=form)
    log = structlog.get_logger()
    for value in VALUES:
        log.info("accepted", name=value.text, nested={"names": [value.text], value.text: 1})
        log.info("accepted %s", value.text)
        logging.getLogger("library").warning("of_a_library %s", value.text)
        written = lines(capsys)
        assert len(written) == 3, value.name
        assert [line for line in written if not is_intact(line, form)] == [], value.name


@pytest.mark.parametrize("form", FORMS)
def test_the_text_of_an_exception_begins_no_line(form: Form, capsys: pytest.CaptureFixture[str]) -> None:
    configure(service="clusters", form=form)
    log = structlog.get_logger()
    for value in VALUES:
        try:
            raise ValueError(value.text)
        except ValueError:
            log.exception("failed", name=value.text)
        first, *rest = lines(capsys)
        assert is_intact(first, form), value.name
        if form == "json":
            assert rest == []
        assert all(line.startswith("    ") and not RAW.search(line) for line in rest), value.name
