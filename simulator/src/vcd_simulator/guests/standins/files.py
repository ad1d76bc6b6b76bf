"""Ownership of files. All files of a guest belong to one user of the host, so owners are checked and not kept."""

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.standins.registry import Commands

command = Commands()


@command("chown", "chgrp")
async def chown(call: Call) -> int:
    """Accept owners that exist for files that exist."""
    words = [word for word in call.arguments if not word.startswith("-") or word == "-"]
    reference = any(word.startswith("--reference") for word in call.arguments)
    files = words if reference else words[1:]
    if not files or (not reference and not words):
        raise UsageError(f"{call.name}: missing operand")
    if not reference:
        _check_owner(call, words[0])
    code = 0
    for path in files:
        if not await call.exists(call.path(path)):
            await call.error(f"{call.name}: cannot access '{path}': No such file or directory")
            code = 1
    return code


def _check_owner(call: Call, owner: str) -> None:
    accounts = call.guest.accounts
    user, _, group = owner.replace(".", ":", 1).partition(":")
    if call.name == "chgrp":
        user, group = "", owner
    if user and not user.isdigit() and accounts.find(user) is None:
        raise UsageError(f"{call.name}: invalid user: '{owner}'")
    if group and not group.isdigit() and group not in accounts.groups and accounts.find(group) is None:
        raise UsageError(f"{call.name}: invalid group: '{owner}'")


@command("chattr", "lsattr", "restorecon", "setfacl", "chcon")
async def attributes(call: Call) -> int:
    """Accept attributes that have no meaning here, for files that exist."""
    code = 0
    for path in (word for word in call.arguments if word.startswith("/")):
        if not await call.exists(path):
            await call.error(f"{call.name}: cannot access '{path}': No such file or directory")
            code = 1
    return code
