"""Templates as directories: `template.yaml` and scripts each; built in, and the provider's own.

Scripts that do the same on every guest with systemd and kubeadm need not be in a template's directory: those in the
directory `_shared` of the built-in templates stand in for them.
"""

import os
import shlex
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Final

from cse_templates.adapters.template_file import TemplateFile, TemplateFileError, parse_template_file
from cse_templates.domain.catalogue import CatalogueError
from cse_templates.domain.template import Component, Definition, Ova, Scripts

DATA_FILE: Final = "template.yaml"
SCRIPT_FILES: Final = {
    "init": "init.sh",
    "customize": "cust.sh",
    "control_plane": "mstr.sh",
    "worker": "node.sh",
    "nfs": "nfsd.sh",
}
SHARED_FILES: Final = frozenset({"mstr.sh", "node.sh", "nfsd.sh"})
"""Those that need not be in a directory."""
_SHEBANG: Final = "#!/bin/bash"
_MAX_BYTES: Final = 256 * 1024
_MAX_CUSTOMIZATION: Final = 49_000
"""Characters that vCD takes as a guest customization script."""


def builtin_directory() -> Path:
    """The templates that come with the service."""
    return Path(str(files("cse_templates"))) / "builtin"


def shared_directory() -> Path:
    """The scripts of templates that have none of their own."""
    return builtin_directory() / "_shared"


class TemplateDirectories:
    """Directories of templates; of two with the same name the later directory's one counts."""

    def __init__(self, roots: Iterable[Path]) -> None:
        """Looks which templates there are.

        Raises:
            CatalogueError: a root is no readable directory.
        """
        self._directories: dict[str, Path] = {}
        for root in roots:
            try:
                found = [entry for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith((".", "_"))]
            except OSError as exc:
                raise CatalogueError(
                    [f"{root}: cannot be read ({exc.strerror}); $CSE_TEMPLATES_DIR must name a directory of templates"]
                ) from exc
            self._directories |= {entry.name: entry for entry in found}

    @property
    def names(self) -> list[str]:
        """The templates there are, sorted; whether they are usable shows when they are read."""
        return sorted(self._directories)

    def read(self, names: Iterable[str]) -> dict[str, Definition]:
        """Reads templates; a name is looked up among the directories, never made into a path.

        Raises:
            CatalogueError: with everything that is wrong with all of them.
        """
        definitions: dict[str, Definition] = {}
        findings: list[str] = []
        for name in names:
            if (directory := self._directories.get(name)) is None:
                findings.append(
                    f"template {name!r} is configured, but has no directory (there are: {', '.join(self.names)}); "
                    f"correct its name in broker.templates, or add a directory {name!r} below $CSE_TEMPLATES_DIR"
                )
                continue
            try:
                definitions[name] = read_directory(directory)
            except CatalogueError as exc:
                findings += exc.findings
        if findings:
            raise CatalogueError(findings)
        return definitions


def read_directory(directory: Path) -> Definition:
    """Reads one template.

    Raises:
        CatalogueError: with everything that is wrong with it.
    """
    findings: list[str] = []
    data: TemplateFile | None = None
    try:
        data = parse_template_file(_read(directory, DATA_FILE))
    except (TemplateFileError, CatalogueError) as exc:
        findings += [_at(directory / DATA_FILE, finding) for finding in exc.findings]
    scripts: dict[str, str] = {}
    for role, file in SCRIPT_FILES.items():
        try:
            scripts[role] = _script(_source(directory, file), file)
        except CatalogueError as exc:
            findings += [_at(directory / file, finding) for finding in exc.findings]
    if data is None or findings:
        raise CatalogueError(findings)
    return _definition(directory.name, data, scripts)


def _source(directory: Path, file: str) -> Path:
    """The directory that a script is read from; a link that leads nowhere counts as there."""
    is_there = os.path.lexists(directory / file)
    return directory if is_there or file not in SHARED_FILES else shared_directory()


def _at(path: Path, finding: str) -> str:
    return f"{path}: {finding}"


def _definition(name: str, data: TemplateFile, scripts: dict[str, str]) -> Definition:
    prologue = "".join(f"export {key}={shlex.quote(value)}\n" for key, value in data.parameters().items())
    ready = {role: _with_prologue(text, prologue) for role, text in scripts.items()}
    if len(ready["init"]) > _MAX_CUSTOMIZATION:
        raise CatalogueError(
            [f"template {name!r}: {SCRIPT_FILES['init']} is longer than the {_MAX_CUSTOMIZATION} characters vCD takes"]
        )
    return Definition(
        name=name,
        revision=data.revision,
        os=data.os,
        ova=Ova(url=data.ova.url, name=data.ova.name, sha256=data.ova.sha256),
        kubernetes_version=data.kubernetes.version,
        container_runtime=Component(name=data.container_runtime.name, version=data.container_runtime.version),
        container_network=Component(name=data.container_network.name, version=data.container_network.version),
        pod_subnet=data.container_network.pod_subnet,
        scripts=Scripts(**ready),
    )


def _with_prologue(script: str, prologue: str) -> str:
    first, _, rest = script.partition("\n")
    return f"{first}\n{prologue}{rest}"


def _script(directory: Path, file: str) -> str:
    text = _read(directory, file)
    if text.partition("\n")[0].rstrip() != _SHEBANG:
        raise CatalogueError([f"must begin with the line {_SHEBANG}"])
    if "\r" in text:
        raise CatalogueError(["has carriage returns, on which bash stumbles; save it with Unix line ends"])
    if "\0" in text:
        raise CatalogueError(["holds NUL characters"])
    return text if text.endswith("\n") else f"{text}\n"


def _read(directory: Path, file: str) -> str:
    """The text of a file that really lies in the directory: a link that leads out of it is refused."""
    path = directory / file
    try:
        if not path.resolve(strict=True).is_relative_to(directory.resolve()):
            raise CatalogueError(["is a link that leads out of the template's directory"])
        if not path.is_file():  # reading a pipe would wait for ever
            raise CatalogueError(["is no file"])
        with path.open("rb") as stream:
            content = stream.read(_MAX_BYTES + 1)
    except FileNotFoundError as exc:
        raise CatalogueError(["is missing"]) from exc
    except OSError as exc:
        raise CatalogueError([f"cannot be read: {exc.strerror}"]) from exc
    if len(content) > _MAX_BYTES:
        raise CatalogueError([f"is larger than {_MAX_BYTES} bytes"])
    try:
        return content.decode()
    except UnicodeDecodeError as exc:
        raise CatalogueError(["is not UTF-8 text"]) from exc
