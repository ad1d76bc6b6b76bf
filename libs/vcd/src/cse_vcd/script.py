"""The texts of the scripts that run in guests."""

import re
import shlex
from collections.abc import Mapping
from typing import Final

from cse_core.secret import Secret

MARK: Final = "CSE_SCRIPT_DIRECTORY"
"""A variable that a script hands down to all that it starts; its value is the script's own directory."""

_SLOT = re.compile(r"[0-9a-z]{1,32}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


_CLEAR: Final = """\
( own=%s slot=%s
  for left in %s*; do
    [[ -d $left && ! -L $left && -O $left && $left != "$own" ]] || continue
    if [[ -z $slot || $left != "$slot"* ]]; then
      [[ $(find "$left" -maxdepth 0 -mmin +%d) ]] || continue
      grep -qzsxF -e "%s=$left" /proc/[0-9]*/environ && continue
    fi
    rm -rf -- "$left"
  done ) </dev/null >/dev/null 2>&1
"""
"""Who has put a script into a directory may have died before it was begun, or before what it printed was deleted."""
_ABANDONED_MINUTES: Final = 60
"""Nobody takes that long to begin a script whose directory is there; one that runs has its mark."""


def prefix(slot: str) -> str:
    """How the names of the directories begin in which scripts of this slot live."""
    if slot and not _SLOT.fullmatch(slot):
        raise ValueError(f"{slot!r} is no slot")
    return f"cse-{slot}-" if slot else "cse-"


def clear_away(parent: str, own: str, slot: str) -> str:
    """Deletes directories that scripts before have left: those of this slot, and of others what nobody uses any more.

    Args:
        parent: where the directories are.
        own: the directory of the script that this is a part of, which stays.
        slot: as `prefix` takes it.
    """
    every, same = (shlex.quote(f"{parent}/{start}") for start in (prefix(""), prefix(slot)))
    return _CLEAR % (shlex.quote(own), same if slot else "''", every, _ABANDONED_MINUTES, MARK)


def compose(body: str, env: Mapping[str, str | Secret], *, before: str = "") -> str:
    """One bash script that deletes its file, exports the variables, quoted, and goes on with the body.

    It deletes itself because its text may hold secrets, and who has started it may be gone before it ends.

    Args:
        body: its lines.
        env: its variables.
        before: lines to go ahead of both.

    Raises:
        ValueError: a name is no name of a variable, or a value holds a NUL character, which no variable can.
    """
    lines = ["#!/bin/bash", 'rm -f -- "$0"', *filter(None, [before])]
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
