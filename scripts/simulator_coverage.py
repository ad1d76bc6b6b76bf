"""Write docs/simulator/coverage.md: which methods of pyvcloud the simulator is known to serve.

The table is made of the marks of the tests below tests/integration/simulator/coverage, which fail when a method that
they claim is not called with success. With `--check`, fail if the page is not what the tests say.
"""

import argparse
import sys
from importlib.metadata import version as installed
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TESTS = ROOT / "tests" / "integration" / "simulator" / "coverage"
PAGE = ROOT / "docs" / "simulator" / "coverage.md"
sys.path.insert(0, str(ROOT / "tests" / "support"))

from cse_testing.coverage import CLASSES, public_methods  # noqa: E402  # found on the path above

HEAD = """\
# What the simulator serves, method by method

Made by `make simulator-coverage` of the tests below `tests/integration/simulator/coverage`; do not edit. Each method is
called through an unmodified pyvcloud {pyvcloud}, at every API version of its row, and must succeed.

**{claimed} methods** of {classes} classes. `Query` is what `Client.get_typed_query` returns, `TaskMonitor` what
`Client.get_task_monitor` does. What is not listed is not claimed; media, snapshots, independent disks, edge gateways,
routed networks and NSX are left out on purpose, and refused as vCloud Director refuses what it does not allow.
"""


class Collector:
    """Collects marks instead of running tests."""

    def __init__(self) -> None:
        self.versions: dict[str, set[str]] = {}
        self.tests: dict[str, str] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            parameters = item.callspec.params if isinstance(item, pytest.Function) else {}
            version = str(parameters.get("version", ""))
            for mark in item.iter_markers("covers"):
                for method in mark.args:
                    self.versions.setdefault(method, set()).add(version)
                    self.tests[method] = f"{item.path.name}::{getattr(item, 'originalname', item.name)}"


def collect() -> Collector:
    """The marks of all tests.

    Raises:
        SystemExit: the tests cannot be collected.
    """
    collector = Collector()
    options = ["--collect-only", "-qqq", "--no-header", "-p", "no:cacheprovider", str(TESTS)]
    code = pytest.main(options, plugins=[collector])
    if code != 0:
        raise SystemExit(f"the tests in {TESTS} cannot be collected")
    return collector


def page(found: Collector) -> str:
    """The whole page."""
    unknown = [name for name in found.tests if name.partition(".")[2] not in public_methods(name.partition(".")[0])]
    if unknown:
        raise SystemExit(f"pyvcloud has no public method {', '.join(unknown)}")
    text = HEAD.format(pyvcloud=installed("pyvcloud"), claimed=len(found.tests), classes=len(CLASSES))
    for owner in CLASSES:
        known = public_methods(owner)
        served = [name for name in known if f"{owner}.{name}" in found.tests]
        text += f"\n## {owner}\n\n{len(served)} of {len(known)} public methods.\n\n"
        text += "| method | API versions | test |\n| --- | --- | --- |\n"
        for name in served:
            method = f"{owner}.{name}"
            text += f"| `{name}` | {', '.join(sorted(found.versions[method]))} | `{found.tests[method]}` |\n"
        missing = [f"`{name}`" for name in known if name not in served]
        if missing:
            text += f"\nNot claimed: {', '.join(missing)}.\n"
    return text


def main() -> None:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="fail if the page is stale; write nothing")
    check = parser.parse_args().check
    text = page(collect())
    if not check:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        raise SystemExit("docs/simulator/coverage.md is stale: run `make simulator-coverage`")


if __name__ == "__main__":
    main()
