"""Ownership of files, as it is given and shown."""

import os
import re

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.standins.registry import Commands

command = Commands()

_IDS = re.compile(r"%[-+ #0]*\d*([UGug%])")
_STAT_IDS = re.compile(r"Uid: \(.*?\)(\s+)Gid: \(.*?\)")
_LONG = re.compile(r"^\s*(\d+) (\s*(?:\d+ +)?[bcdlps-][rwxsStT-]{9}[.+@]? +\d+ )(\S+ +)(\S+ +)?(.*)$")


@command("chown", "chgrp")
async def chown(call: Call) -> int:
    """Give files another owner or group; both have to exist, or to be numbers."""
    words = [word for word in call.arguments if not word.startswith("-") or word == "-"]
    flags = [word for word in call.arguments if word.startswith("-") and word != "-"]
    recursive = any(flag == "--recursive" or (not flag.startswith("--") and "R" in flag) for flag in flags)
    reference = next((flag.partition("=")[2] for flag in flags if flag.startswith("--reference=")), None)
    files = words if reference is not None else words[1:]
    if not files:
        raise UsageError(f"{call.name}: missing operand")
    uid: int | None
    gid: int | None
    if reference is not None:
        found = await call.owners([call.path(reference)])
        uid, gid = (found[0][2], found[0][3]) if found else (0, 0)
    else:
        uid, gid = _ids(call, words[0])
    if call.account.uid != 0:
        for path in files:
            await call.error(f"{call.name}: changing ownership of '{path}': Operation not permitted")
        return 1
    places = {call.path(path): path for path in files}
    problems = await call.set_owner(
        list(places), uid=None if call.name == "chgrp" else uid, gid=gid, recursive=recursive
    )
    for place, code in problems.items():
        await call.error(f"{call.name}: cannot access '{places.get(place, place)}': {os.strerror(code)}")
    return 1 if problems else 0


def _ids(call: Call, owner: str) -> tuple[int | None, int | None]:
    """User and group that `USER`, `USER:GROUP`, `USER:` or `:GROUP` mean. Raises UsageError."""
    if call.name == "chgrp":
        return None, _group(call, owner, owner)
    user, colon, group = owner.partition(":")
    if not colon and "." in owner and call.guest.accounts.find(owner) is None:
        user, colon, group = owner.partition(".")
    uid = None
    if user:
        account = call.guest.accounts.find(user)
        if account is None and not user.isdecimal():
            raise UsageError(f"{call.name}: invalid user: '{owner}'")
        uid = int(user) if account is None else account.uid
    if group:
        return uid, _group(call, group, owner)
    return uid, uid if colon else None


def _group(call: Call, group: str, shown: str) -> int:
    accounts = call.guest.accounts
    if group in accounts.groups:
        return accounts.groups[group]
    account = accounts.find(group)
    if account is not None:
        return account.uid
    if group.isdecimal():
        return int(group)
    raise UsageError(f"{call.name}: invalid group: '{shown}'")


@command("stat")
async def stat(call: Call) -> int:
    """The real one, with the owners that files have been given."""
    formats, files = _stat_arguments(call.arguments)
    owners = {path: (uid, gid) for path, _, uid, gid in await call.owners([call.path(one) for one in files])}
    if not owners:
        return await call.execute("stat", *call.arguments)
    code = 0
    options = [word for word in call.arguments if word not in files]
    for file in files:
        uid, gid = owners.get(call.path(file), (0, 0))
        names = {"U": call.guest.accounts.user_name(uid), "G": call.guest.accounts.group_name(gid)}
        values = {**names, "u": str(uid), "g": str(gid), "%": "%%"}
        told = [_filled(word, values) if word in formats else word for word in options]
        failed, text = await call.capture("stat", *told, "--", file)
        shown = f"Uid: ({uid:>5}/{names['U']:>8})\\1Gid: ({gid:>5}/{names['G']:>8})"
        await call.out_exactly(text if formats else _STAT_IDS.sub(shown, text))
        code |= failed
    return code


def _filled(text: str, values: dict[str, str]) -> str:
    """A format of `stat` with the directives about owners filled in."""
    return _IDS.sub(lambda match: values[match[1]], text)


def _stat_arguments(arguments: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """The words that hold formats, and the files."""
    formats, files = [], []
    pending = list(arguments)[::-1]
    while pending:
        word = pending.pop()
        if word in ("-c", "--format", "--printf") and pending:
            formats.append(pending.pop())
        elif word.startswith(("--format=", "--printf=")) or (word.startswith("-c") and len(word) > 2):
            formats.append(word)
        elif word == "--":
            files += pending[::-1]
            break
        elif word.startswith("-") and word != "-":
            continue
        else:
            files.append(word)
    return formats, files


@command("ls")
async def ls(call: Call) -> int:
    """The real one; long listings show the owners that files have been given."""
    letters = "".join(word[1:] for word in call.arguments if word.startswith("-") and not word.startswith("--"))
    if not set("ln") & set(letters) or set("og") & set(letters):
        return await call.execute("ls", *call.arguments)
    files = [word for word in call.arguments if not word.startswith("-")] or ["."]
    entries = "" if "d" in letters else "all" if "R" in letters else "some"
    found = await call.owners([call.path(file) for file in files], entries=entries)
    if not found:
        return await call.execute("ls", *call.arguments)
    owners = {inode: (uid, gid) for _, inode, uid, gid in found}
    code, text = await call.capture("ls", "-i", *call.arguments)
    lines = [_relabelled(call, line, owners, letters) for line in text.splitlines()]
    await call.out_exactly("".join(f"{line}\n" for line in lines))
    return code


def _relabelled(call: Call, line: str, owners: dict[str, tuple[int, int]], letters: str) -> str:
    """A line of `ls -li` without its number, and with the owner that the file has been given."""
    match = _LONG.match(line)
    if match is None:
        return line
    inode, before, user, group, rest = match.groups()
    if inode in owners:
        uid, gid = owners[inode]
        accounts = call.guest.accounts
        numeric = "n" in letters
        user = f"{uid if numeric else accounts.user_name(uid)} ".ljust(len(user))
        group = None if group is None else f"{gid if numeric else accounts.group_name(gid)} ".ljust(len(group))
    shown = before if "i" not in letters else f"{inode} {before}"
    return f"{shown}{user}{group or ''}{rest}"


@command("sync")
async def sync(_call: Call) -> int:
    """Nothing to do: the real one would wait for all disks of the host."""
    return 0


@command("chattr", "lsattr", "restorecon", "setfacl", "chcon")
async def attributes(call: Call) -> int:
    """Accept attributes that have no meaning here, for files that exist."""
    code = 0
    for path in (word for word in call.arguments if word.startswith("/")):
        if not await call.exists(path):
            await call.error(f"{call.name}: cannot access '{path}': No such file or directory")
            code = 1
    return code
