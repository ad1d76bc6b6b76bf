import random
import subprocess
import sys
from itertools import chain

import pytest

from cse_lab.ports import free_port


def test_a_port_is_given_once_though_nobody_listens_there_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    first = free_port()
    drawn = chain([first, first], range(20_000, 30_000))
    monkeypatch.setattr(random.SystemRandom, "randrange", lambda *_: next(drawn))
    assert free_port() != first


def test_another_process_is_not_given_it_either() -> None:
    script = f"from cse_lab.ports import _reserve; print(_reserve({free_port()}))"
    asked = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert asked.stdout == "False\n"
