"""vcd-cli's profiles file: adding a module to its `extensions`, and nothing else."""

import os
import tempfile
from pathlib import Path
from typing import Any, Final

import yaml

MODULE: Final = "cse_cli.vcd_plugin.cse"
_OTHER_CSE: Final = "container_service_extension."


class ProfilesError(Exception):
    """The file cannot be changed; it is as it was."""


def add_extension(path: Path) -> tuple[bool, list[str]]:
    """Adds our module at the end of the list.

    Returns:
        Whether it was added (it may be there already), and other modules in the list that define the same commands.
    """
    data = _load(path)
    extensions = _extensions(path, data)
    others = [name for name in extensions if name.startswith(_OTHER_CSE)]
    if MODULE in extensions:
        return False, others
    data["extensions"] = [*extensions, MODULE]
    _save(path, data)
    return True, others


def remove_extension(path: Path) -> bool:
    """Takes our module out of the list; returns whether it was there."""
    data = _load(path)
    extensions = _extensions(path, data)
    if MODULE not in extensions:
        return False
    data["extensions"] = [name for name in extensions if name != MODULE]
    _save(path, data)
    return True


def _load(path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {"active": None}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise ProfilesError(f"{path} cannot be read as YAML; correct it or move it away") from exc
    if data is None:
        return {"active": None}
    if not isinstance(data, dict):
        raise ProfilesError(f"{path} is not vcd-cli's profiles file; move it away")
    return data


def _extensions(path: Path, data: dict[str, Any]) -> list[str]:
    found = data.get("extensions") or []
    if not isinstance(found, list):
        raise ProfilesError(f"{path}: `extensions` is not a list; correct it")
    return [str(name) for name in found]


def _save(path: Path, data: dict[str, Any]) -> None:
    """Replaces the file in one go; it holds session tokens, so nobody else may read it."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".profiles.")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            yaml.safe_dump(data, file, default_flow_style=False)
        Path(draft).replace(path.resolve())
    except OSError as exc:
        raise ProfilesError(f"{path} cannot be written: {exc.strerror}") from exc
