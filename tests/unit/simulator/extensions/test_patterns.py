from typing import Any

import pytest

from vcd_simulator.errors import VcdError
from vcd_simulator.extensions.patterns import LONGEST_PATTERN, UrlPattern


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("/api/cse", "/api/cse", True),
        ("/api/cse", "/api/cse/", False),
        ("/api/cse", "/x/api/cse", False),
        ("/api/cse/.*", "/api/cse/a/b", True),
        ("/api/cse/.*", "/api/cse", False),
        ("/api/(a|ab)", "/api/ab", True),
        ("/api/backup/(?<id>[-,a-g,0-9]*)/list", "/api/backup/0-a/list", True),
        (r"/api/\Qa.b(\E/\d+", "/api/a.b(/42", True),
        (r"/api/\Qa.b", "/api/axb", False),
        (r"/api/\\Q", "/api/\\Q", True),
        ("/api/[a-z&&[^c]]++", "/api/abd", True),
        ("/api/[a-z&&[^c]]++", "/api/abc", False),
        (r"/api/\p{Upper}+", "/api/ABC", True),
        ("/api/(?i)CSE", "/api/cse", True),
    ],
)
def test_a_pattern_is_read_as_java_reads_it_and_fits_whole_paths(pattern: str, path: str, expected: bool) -> None:
    assert UrlPattern(pattern).matches(path) is expected


@pytest.mark.parametrize("pattern", ["", "/api/(", "/api/[", "/api/*+?{", "/" * (LONGEST_PATTERN + 1)])
def test_a_pattern_that_is_none_is_refused(pattern: str) -> None:
    with pytest.raises(VcdError) as refusal:
        UrlPattern(pattern)
    assert refusal.value.status == 400


def test_a_pattern_that_would_take_ages_does_not_match_and_does_not_hang() -> None:
    assert not UrlPattern("/api/(x+x+)+y").matches("/api/" + "x" * 5000)


def test_a_thread_that_did_not_get_to_run_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    pattern = UrlPattern("/api/cse")
    compiled, starved = pattern._compiled, iter([True, True, False])

    class Starved:
        def fullmatch(self, *arguments: Any, **options: Any) -> Any:
            if next(starved):
                raise TimeoutError
            return compiled.fullmatch(*arguments, **options)

    monkeypatch.setattr(pattern, "_compiled", Starved())
    assert pattern.matches("/api/cse")
