"""Pins every third-party package: `constraints.txt` for development, a `requirements.txt` beside each Dockerfile.

    python scripts/lock.py               keep the pins that fit, add and drop what the members changed (`make lock`)
    python scripts/lock.py --upgrade     move everything to the newest versions that fit together
    python scripts/lock.py --check       fail if a member's needs are not pinned or not in its image; asks no index

All files carry hashes and no index lines, so they hold on any mirror. pip refuses directories where hashes are in
force; the members are therefore installed in a second step, with `--no-deps`.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / "constraints.txt"
MEMBERS = ROOT / "requirements-dev.txt"
BUILD_BACKEND = "setuptools>=77,<81"
HEADER = "# {purpose} Written by scripts/lock.py (`make lock`); do not edit.\n"
_INDEX_LINE = re.compile(r"^\s*(--(extra-)?index-url|--find-links|-i|-f)\b")

Members = dict[str, "Member"]


class Member:
    """A distribution of this workspace."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        project = tomllib.loads((directory / "pyproject.toml").read_text())["project"]
        self.name = str(canonicalize_name(project["name"]))
        extras = project.get("optional-dependencies", {}).values()
        self.requirements = [Requirement(text) for text in project.get("dependencies", [])]
        self.optional = [Requirement(text) for extra in extras for text in extra]

    @property
    def dockerfile(self) -> Path:
        return self.directory / "Dockerfile"

    @property
    def is_deployed(self) -> bool:
        return self.dockerfile.is_file()

    def needs(self, *, with_extras: bool) -> list[Requirement]:
        return [*self.requirements, *(self.optional if with_extras else [])]


def read_members() -> Members:
    directories = re.findall(r"^-e (\S+)$", MEMBERS.read_text(), flags=re.MULTILINE)
    members = (Member(ROOT / directory) for directory in directories)
    return {member.name: member for member in members}


def member_closure(member: Member, members: Members) -> list[Member]:
    """`member` and the members that it is built on, with all of its extras."""
    found: dict[str, Member] = {}
    pending = [member]
    while pending:
        current = pending.pop()
        if current.name not in found:
            found[current.name] = current
            names = (
                canonicalize_name(requirement.name) for requirement in current.needs(with_extras=current is member)
            )
            pending += [members[name] for name in names if name in members]
    return list(found.values())


def third_party_closure(member: Member, members: Members) -> list[str]:
    """What `member`, with all its extras, and the members that it is built on need from others; each once."""
    return sorted(
        {
            str(requirement)
            for current in member_closure(member, members)
            for requirement in current.needs(with_extras=current is member)
            if canonicalize_name(requirement.name) not in members
        }
    )


def everything(members: Members) -> list[str]:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["dev"]
    needed = {text for member in members.values() for text in third_party_closure(member, members)}
    return sorted(needed | set(tools))


def compile_pins(requirements: list[str], output: Path, *, purpose: str, arguments: list[str]) -> None:
    """Has uv resolve `requirements` for every platform and writes the pins with their hashes to `output`."""
    with tempfile.TemporaryDirectory() as directory:
        source, pinned = Path(directory) / "requirements.in", Path(directory) / "pinned.txt"
        source.write_text("\n".join(requirements) + "\n")
        if output.exists():
            pinned.write_text(output.read_text())  # uv keeps pins that it finds in its output file
        command = [
            sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11",
            "--generate-hashes", "--no-emit-index-url", "--no-header", "--no-annotate", "--no-build", *arguments,
            "--output-file", str(pinned), str(source),
        ]  # fmt: skip
        if subprocess.run(command, check=False).returncode != 0:
            sys.exit(f"lock: cannot resolve the requirements of {output.relative_to(ROOT)}; uv says why above")
        pins = [line for line in pinned.read_text().splitlines() if not _INDEX_LINE.match(line)]
    output.write_text(HEADER.format(purpose=purpose) + "\n".join(pins) + "\n")


def missing_pins(members: Members) -> list[str]:
    """Requirements that no pin of their file satisfies."""
    problems = []
    for path, requirements in locked_files(members):
        pins = (
            dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", path.read_text(), flags=re.MULTILINE))
            if path.exists()
            else {}
        )
        pinned = {canonicalize_name(name): version for name, version in pins.items()}
        for requirement in map(Requirement, requirements):
            version = pinned.get(canonicalize_name(requirement.name))
            if version is None or not requirement.specifier.contains(version, prereleases=True):
                problems.append(f"{path.relative_to(ROOT)}: nothing pinned for `{requirement}`")
    return problems


def forgotten_copies(members: Members) -> list[str]:
    """Members that an image is built on and its Dockerfile does not copy."""
    return [
        f"{deployed.dockerfile.relative_to(ROOT)}: lacks `COPY {path}`"
        for deployed in members.values()
        if deployed.is_deployed
        for path in (member.directory.relative_to(ROOT) for member in member_closure(deployed, members))
        if not re.search(rf"^COPY {path} ", deployed.dockerfile.read_text(), flags=re.MULTILINE)
    ]


def locked_files(members: Members) -> list[tuple[Path, list[str]]]:
    deployed = [member for member in members.values() if member.is_deployed]
    return [
        (CONSTRAINTS, everything(members)),
        *(
            (member.directory / "requirements.txt", [*third_party_closure(member, members), BUILD_BACKEND])
            for member in deployed
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upgrade", action="store_true", help="move to the newest versions")
    parser.add_argument("--check", action="store_true", help="only compare the pins with the members' needs")
    options = parser.parse_args()
    members = read_members()
    if options.check:
        problems = missing_pins(members)
        if problems:
            problems.append("lock: run `make lock`")
        problems += forgotten_copies(members)
        sys.exit("\n".join(problems) if problems else 0)
    (_, all_requirements), *deployables = locked_files(members)
    upgrade = ["--upgrade"] if options.upgrade else []
    compile_pins(all_requirements, CONSTRAINTS, purpose="Everything for development.", arguments=upgrade)
    for path, requirements in deployables:
        purpose = f"What the image of {path.parent.relative_to(ROOT)} installs."
        compile_pins(requirements, path, purpose=purpose, arguments=["--constraints", str(CONSTRAINTS)])


if __name__ == "__main__":
    main()
