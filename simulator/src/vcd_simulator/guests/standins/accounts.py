"""Accounts and passwords: chpasswd, passwd, useradd and their relatives."""

from dataclasses import replace

from vcd_simulator.guests.accounts import Account
from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.standins.options import parse
from vcd_simulator.guests.standins.registry import Commands

command = Commands()


def _require_root(call: Call) -> None:
    if call.account.uid != 0:
        raise UsageError(f"{call.name}: Permission denied.")


def _known(call: Call, name: str, code: int = 6) -> Account:
    account = call.guest.accounts.find(name)
    if account is None:
        raise UsageError(f"{call.name}: user '{name}' does not exist", code)
    return account


def _set_password(call: Call, name: str, password: str) -> None:
    with call.guest.lock:
        call.guest.accounts.set_password(name, password)
        call.guest.disk.write_accounts()


@command("chpasswd")
async def chpasswd(call: Call) -> int:
    """Read `user:password` lines. As with the real one, a wrong line changes nothing at all."""
    parse(
        call.arguments,
        values=("crypt-method", "root", "sha-rounds"),
        switches=("encrypted", "md5"),
        short={"e": "encrypted", "c": "crypt-method", "m": "md5"},
    )
    _require_root(call)
    pairs = []
    failed = False
    for number, line in enumerate((await call.standard_input()).splitlines(), 1):
        name, colon, password = line.partition(":")
        if not colon:
            await call.error(f"chpasswd: line {number}: missing new password")
            failed = True
        elif call.guest.accounts.find(name) is None:
            await call.error(f"chpasswd: line {number}: user '{name}' does not exist")
            failed = True
        else:
            pairs.append((name, password))
    if failed:
        await call.error("chpasswd: error detected, changes ignored")
        return 1
    for name, password in pairs:
        _set_password(call, name, password)
    return 0


@command("passwd")
async def passwd(call: Call) -> int:
    """Set a password that is given twice on stdin; lock, unlock, expire, delete."""
    options = parse(
        call.arguments,
        switches=("stdin", "delete", "lock", "unlock", "expire", "status"),
        values=("maxdays",),
        short={"d": "delete", "l": "lock", "u": "unlock", "e": "expire", "S": "status", "x": "maxdays"},
    )
    name = options.words[0] if options.words else call.account.name
    account = _known(call, name, 1)
    _require_root(call)
    if options.has("status"):
        await call.out(f"{name} {'L' if account.locked else 'P' if account.password else 'NP'} 01/01/2024 0 99999 7 -1")
    elif options.has("lock") or options.has("unlock") or options.has("delete"):
        with call.guest.lock:
            gone = None if options.has("delete") else account.password
            call.guest.accounts.put(replace(account, locked=options.has("lock"), password=gone))
            call.guest.disk.write_accounts()
    elif not options.has("expire") and not options.has("maxdays"):
        typed = (await call.standard_input()).splitlines()
        if options.has("stdin"):
            typed = typed[:1] * 2
        if len(typed) < 2 or typed[0] != typed[1] or not typed[0]:
            raise UsageError(
                "Sorry, passwords do not match.\npasswd: password unchanged",
                10,
            )
        _set_password(call, name, typed[0])
        await call.error("passwd: password updated successfully")
    return 0


@command("useradd", "adduser")
async def useradd(call: Call) -> int:
    """Create an account, with a home directory where one is asked for."""
    options = parse(
        call.arguments,
        values=(
            "uid",
            "gid",
            "groups",
            "home-dir",
            "shell",
            "comment",
            "password",
            "gecos",
            "ingroup",
            "home",
            "base-dir",
        ),
        switches=(
            "create-home",
            "system",
            "no-create-home",
            "disabled-password",
            "user-group",
            "quiet",
            "no-user-group",
        ),
        short={
            "u": "uid",
            "g": "gid",
            "G": "groups",
            "d": "home-dir",
            "s": "shell",
            "c": "comment",
            "p": "password",
            "m": "create-home",
            "M": "no-create-home",
            "r": "system",
            "U": "user-group",
            "N": "no-user-group",
        },
    )
    _require_root(call)
    if not options.words:
        raise UsageError(f"Usage: {call.name} [options] LOGIN", 2)
    name = options.words[0]
    if call.guest.accounts.find(name) is not None:
        raise UsageError(f"{call.name}: user '{name}' already exists", 9)
    for group in options.every("groups"):
        if group not in call.guest.accounts.groups:
            raise UsageError(f"{call.name}: group '{group}' does not exist", 6)
    if any(char in name for char in ":/\n") or name.startswith("-"):
        raise UsageError(f"{call.name}: invalid user name '{name}'", 3)
    home = options.last("home-dir") or options.last("home") or f"/home/{name}"
    with call.guest.lock:
        uid = int(options.last("uid")) if options.last("uid").isdecimal() else call.guest.accounts.next_uid()
        shell = options.last("shell", "/bin/sh")
        call.guest.accounts.put(Account(name=name, uid=uid, home=home, login_shell=shell))
        call.guest.disk.write_accounts()
    if options.has("create-home") or (call.name == "adduser" and not options.has("no-create-home")):
        await call.execute("mkdir", "-p", home)
        await call.set_owner([home], uid=uid, gid=uid, recursive=True)
    return 0


@command("usermod")
async def usermod(call: Call) -> int:
    """Change an account's shell, home, groups or lock."""
    options = parse(
        call.arguments,
        values=("groups", "shell", "home", "password", "uid", "gid", "comment", "login"),
        switches=("append", "lock", "unlock", "move-home"),
        short={
            "G": "groups",
            "s": "shell",
            "d": "home",
            "p": "password",
            "u": "uid",
            "g": "gid",
            "c": "comment",
            "a": "append",
            "L": "lock",
            "U": "unlock",
            "m": "move-home",
            "l": "login",
        },
    )
    _require_root(call)
    account = _known(call, options.words[0] if options.words else "")
    for group in options.every("groups"):
        if group not in call.guest.accounts.groups:
            raise UsageError(f"usermod: group '{group}' does not exist", 6)
    locked = options.has("lock") or (account.locked and not options.has("unlock"))
    with call.guest.lock:
        changed = replace(
            account,
            login_shell=options.last("shell", account.login_shell),
            home=options.last("home", account.home),
            locked=locked,
        )
        call.guest.accounts.put(changed)
        call.guest.disk.write_accounts()
    return 0


@command("userdel", "deluser")
async def userdel(call: Call) -> int:
    """Remove an account, and with `-r` its home."""
    options = parse(call.arguments, switches=("remove", "force", "remove-home"), short={"r": "remove", "f": "force"})
    _require_root(call)
    account = _known(call, options.words[0] if options.words else "")
    with call.guest.lock:
        call.guest.accounts.remove(account.name)
        call.guest.disk.write_accounts()
    if options.has("remove") or options.has("remove-home"):
        await call.execute("rm", "-rf", account.home)
    return 0


@command("groupadd", "addgroup")
async def groupadd(call: Call) -> int:
    """Create a group."""
    options = parse(
        call.arguments, values=("gid",), switches=("system", "force"), short={"g": "gid", "r": "system", "f": "force"}
    )
    _require_root(call)
    if not options.words:
        raise UsageError(f"Usage: {call.name} [options] GROUP", 2)
    name = options.words[0]
    with call.guest.lock:
        groups = call.guest.accounts.groups
        if name in groups:
            if options.has("force"):
                return 0
            raise UsageError(f"{call.name}: group '{name}' already exists", 9)
        groups[name] = int(options.last("gid")) if options.last("gid").isdecimal() else max(groups.values()) % 60000 + 1
        call.guest.disk.write_accounts()
    return 0


@command("chage")
async def chage(call: Call) -> int:
    """Password ageing: accepted for accounts that exist, since simulated passwords do not age."""
    options = parse(
        call.arguments,
        values=("maxdays", "mindays", "lastday", "inactive", "expiredate", "warndays"),
        switches=("list",),
        short={
            "M": "maxdays",
            "m": "mindays",
            "d": "lastday",
            "I": "inactive",
            "E": "expiredate",
            "W": "warndays",
            "l": "list",
        },
    )
    _known(call, options.words[0] if options.words else "")
    return 0
