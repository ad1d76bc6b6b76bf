"""The texts of the scripts that run in guests."""

import re
import shlex
from collections.abc import Mapping
from typing import Final

from cse_core.secret import Secret

MARK: Final = "CSE_SCRIPT_DIRECTORY"
"""A variable that a script hands down to all that it starts; its value is the script's own directory."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def compose(body: str, env: Mapping[str, str | Secret]) -> str:
    """One bash script that deletes its file, exports the variables, quoted, and goes on with the body.

    It deletes itself because its text may hold secrets, and who has started it may be gone before it ends.

    Raises:
        ValueError: a name is no name of a variable, or a value holds a NUL character, which no variable can.
    """
    lines = ["#!/bin/bash", 'rm -f -- "$0"']
    for name, value in env.items():
        text = value.reveal() if isinstance(value, Secret) else value
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a variable")
        if "\0" in text:
            raise ValueError(f"the value of {name} holds a NUL character")
        lines.append(f"export {name}={shlex.quote(text)}")
    return "\n".join([*lines, body, ""])


def kill_marked(directory: str) -> str:
    """A script that kills what the script of this directory has started and left running."""
    mark = shlex.quote(f"{MARK}={directory}")
    return f"""#!/bin/bash
for process in /proc/[0-9]*; do
  if grep -qzsxF -e {mark} "$process/environ"; then
    kill -KILL "${{process#/proc/}}"
  fi
done
exit 0
"""
