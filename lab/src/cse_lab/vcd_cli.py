"""The real vcd-cli with a home of its own, so that the lab neither reads nor changes the user's profiles."""

import shlex
from pathlib import Path

import yaml

from cse_lab.settings import program

PLUGIN = "cse_cli.vcd_plugin.cse"


def prepare_vcd_cli(directory: Path) -> Path:
    """Write `DIRECTORY/vcd`, which runs vcd-cli with `vcd cse` in the lab's own home; returns its path."""
    home = directory / "home"
    write_profiles(home)
    script = directory / "vcd"
    script.write_text(
        "#!/bin/sh\n"
        "# The real vcd-cli with the lab's home; `make up` writes this file.\n"
        f"export HOME={shlex.quote(str(home))} LC_ALL=C.UTF-8 PYTHONWARNINGS=ignore\n"
        f'exec {shlex.quote(program("vcd"))} "$@"\n'
    )
    script.chmod(0o755)
    return script


def write_profiles(home: Path) -> None:
    """Make `home` one whose vcd-cli knows the commands of `vcd cse`."""
    profiles = home / ".vcd-cli" / "profiles.yaml"
    profiles.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    profiles.write_text(yaml.safe_dump({"active": None, "extensions": [PLUGIN], "profiles": []}))
