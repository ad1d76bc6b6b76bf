"""Becoming another user: sudo, su and runuser."""

import asyncio
import posixpath
import re
from collections.abc import Mapping, Sequence
from functools import partial

from vcd_simulator.guests.accounts import Account
from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.errors import GuestError
from vcd_simulator.guests.program_table import login_environment
from vcd_simulator.guests.standins.options import Options, parse
from vcd_simulator.guests.standins.registry import Commands
from vcd_simulator.guests.tree import FileTree

command = Commands()

_KEPT = ("TERM", "LANG", "LC_ALL", "DISPLAY", "COLORTERM")
"""What sudo leaves of the caller's environment."""
_NO_LOGIN = ("nologin", "false")
_SUDO_VALUES = ("user", "group", "prompt", "close-from", "chdir", "host", "preserve-env")
_SUDO_SWITCHES = {
    "E": "all-env",
    "H": "set-home",
    "i": "login",
    "s": "shell",
    "n": "non-interactive",
    "S": "stdin",
    "k": "reset-timestamp",
    "K": "remove-timestamp",
    "b": "background",
    "v": "validate",
    "l": "list",
    "V": "version",
    "P": "preserve-groups",
}
_SUDO_SHORT = {"u": "user", "g": "group", "p": "prompt", "C": "close-from", "D": "chdir", "h": "host"} | _SUDO_SWITCHES


@command("sudo")
async def sudo(call: Call) -> int:
    """Run a command as root, or with `-u` as another user; who is not root needs a rule without password."""
    own, words = _split_options(call.arguments)
    options = parse(own, values=_SUDO_VALUES, switches=_SUDO_SWITCHES.values(), short=_SUDO_SHORT, code=1)
    if options.has("version"):
        await call.out("Sudo version 1.8.21p2")
        return 0
    target = _account(call, options.last("user", "root"), "sudo: unknown user: {}")
    if call.account.uid != 0:
        await _check_sudoers(call, target)
    if options.has("validate") or options.has("reset-timestamp") or options.has("remove-timestamp"):
        return 0
    if options.has("list"):
        await call.out(f"User {call.account.name} may run the following commands:\n    (ALL : ALL) ALL")
        return 0
    given = []
    while words and "=" in words[0] and not words[0].startswith("/"):
        given.append(words.pop(0))
    if options.has("login") or options.has("shell"):
        words = _shell(target.login_shell, words, login=options.has("login"))
    if not words:
        raise UsageError("usage: sudo [-EHins] [-u user] [VAR=value] [-i|-s] [<command>]")
    environment = _sudo_environment(call, target, options, words) | dict(pair.split("=", 1) for pair in given)
    directory = target.home if options.has("login") else options.last("chdir", call.invocation.directory)
    return await _run(call, target, words, environment, directory)


@command("su")
async def su(call: Call) -> int:
    """`su [-] [USER] [-c COMMAND]`: a shell of another user; who is not root gives that user's password on stdin."""
    options = _su_options(call)
    words = [word for word in options.words if word != "-"]
    target = _account(call, words[0] if words else "root", "su: user {} does not exist")
    if call.account.uid != 0 and not target.admits((await call.standard_input()).partition("\n")[0]):
        raise UsageError("Password: su: Authentication failure")
    return await _become(call, target, options, words[1:])


@command("runuser")
async def runuser(call: Call) -> int:
    """As su, for root alone; or `runuser -u USER COMMAND`."""
    if call.account.uid != 0:
        raise UsageError("runuser: may not be used by non-root users")
    if call.arguments[:1] in (("-u",), ("--user",)) and len(call.arguments) > 2:
        target = _account(call, call.arguments[1], "runuser: user {} does not exist")
        words = [word for number, word in enumerate(call.arguments[2:]) if number or word != "--"]
        return await _run(call, target, words, call.environment, call.invocation.directory)
    options = _su_options(call)
    words = [word for word in options.words if word != "-"]
    target = _account(call, words[0] if words else "root", "runuser: user {} does not exist")
    return await _become(call, target, options, words[1:])


def _split_options(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """What is sudo's own, and what belongs to the command that it runs."""
    own, words = [], list(arguments)
    while words and words[0].startswith("-") and words[0] != "-":
        flag = words.pop(0)
        if flag == "--":
            break
        if flag in ("-E", "--preserve-env"):
            own.append("--all-env")
            continue
        own.append(flag)
        letter = flag[-1] if not flag.startswith("--") else ""
        takes = _SUDO_SHORT.get(letter, "") in _SUDO_VALUES if letter else flag[2:] in _SUDO_VALUES
        if takes and words:
            own.append(words.pop(0))
    return own, words


def _su_options(call: Call) -> Options:
    return parse(
        call.arguments,
        values=("command", "shell", "group", "whitelist-environment"),
        switches=("login", "preserve-environment", "fast", "pty"),
        short={
            "c": "command",
            "s": "shell",
            "g": "group",
            "w": "whitelist-environment",
            "l": "login",
            "m": "preserve-environment",
            "p": "preserve-environment",
            "f": "fast",
            "P": "pty",
        },
        unknown=f"{call.name}: unrecognized option '{{}}'",
    )


def _account(call: Call, user: str, problem: str) -> Account:
    """A user by name or `#uid`. Raises UsageError."""
    accounts = call.guest.accounts
    account = accounts.find(accounts.user_name(int(user[1:])) if re.fullmatch(r"#\d{1,9}", user) else user)
    if account is None:
        raise UsageError(problem.format(user))
    return account


async def _check_sudoers(call: Call, target: Account) -> None:
    """Raises UsageError unless a rule lets the caller become the target without a password: nobody could type one."""
    if call.account.uid == target.uid:
        return
    tree = call.guest.tree
    loop = asyncio.get_running_loop()
    for line in await loop.run_in_executor(None, partial(_sudoers, tree)):
        rule = re.fullmatch(r"(\S+)\s+\S+?\s*=\s*(?:\(([^)]*)\))?\s*NOPASSWD\s*:.*", line)
        if rule is None or rule[1] not in (call.account.name, "ALL"):
            continue
        users = re.split(r"[,:\s]+", rule[2] or "root")
        if "ALL" in users or target.name in users:
            return
    raise UsageError("sudo: a terminal is required to read the password\nsudo: a password is required")


def _sudoers(tree: FileTree) -> list[str]:
    """Lines of /etc/sudoers and of the files that it includes."""
    paths = ["/etc/sudoers"]
    try:
        names = [info.name for info in tree.entries("/etc/sudoers.d")]
        paths += [f"/etc/sudoers.d/{name}" for name in names if "." not in name and not name.endswith("~")]
    except OSError:
        pass
    lines: list[str] = []
    for path in paths:
        try:
            text = tree.read(path).decode(errors="replace")
        except OSError:
            continue
        lines += [line.strip() for line in text.replace("\\\n", " ").splitlines() if not line.startswith("#")]
    return lines


def _sudo_environment(call: Call, target: Account, options: Options, words: Sequence[str]) -> dict[str, str]:
    fresh = login_environment(target)
    kept = {name for given in options.every("preserve-env") for name in given.split(",")} | set(_KEPT)
    if options.has("all-env"):
        before = dict(call.environment)
        before |= {"HOME": target.home} if options.has("set-home") else {}
        fresh = {**fresh, **before, "USER": target.name, "LOGNAME": target.name}
    else:
        fresh |= {name: value for name, value in call.environment.items() if name in kept}
    return fresh | {
        "SUDO_USER": call.account.name,
        "SUDO_UID": str(call.account.uid),
        "SUDO_GID": str(call.account.uid),
        "SUDO_COMMAND": " ".join(words),
    }


async def _become(call: Call, target: Account, options: Options, rest: Sequence[str]) -> int:
    """A shell of another user, as su starts it."""
    login = options.has("login") or "-" in options.words
    shell = options.last("shell", target.login_shell)
    if posixpath.basename(shell) in _NO_LOGIN:
        raise UsageError("This account is currently not available.")
    if options.has("preserve-environment") and not login:
        environment = dict(call.environment)
    else:
        own = login_environment(target) | {"SHELL": shell}
        names = ("HOME", "SHELL") if target.uid == 0 else ("HOME", "SHELL", "USER", "LOGNAME")
        inherited = {name: value for name, value in call.environment.items() if name == "TERM" or not login}
        environment = inherited | (own if login else {name: own[name] for name in names})
    words = [shell, *(["-l"] if login else [])]
    words += ["-c", options.last("command")] if "command" in options.values else []
    return await _run(call, target, [*words, *rest], environment, target.home if login else call.invocation.directory)


def _shell(shell: str, words: Sequence[str], *, login: bool) -> list[str]:
    """A shell that runs the words as one command, or what it reads."""
    flags = ["-l"] if login else []
    if not words:
        return [shell, *flags]
    return [shell, *flags, "-c", " ".join(re.sub(r"([^\w@%+=:,./-])", r"\\\1", word) for word in words)]


async def _run(
    call: Call, target: Account, words: Sequence[str], environment: Mapping[str, str], directory: str
) -> int:
    """Run a command as a user of the guest, with the caller's input and output; returns its exit code."""
    if target.uid == call.account.uid:
        pairs = [f"{name}={value}" for name, value in environment.items()]
        return await call.execute("env", "-i", "-C", directory, *pairs, *words)
    streams = call.streams()
    start = partial(
        call.guest.programs.start,
        target,
        ["/usr/.host/bin/env", *words],  # finds the command, and says so if there is none
        name=posixpath.basename(words[0]),
        command_line=" ".join(words),
        directory=directory,
        environment=environment,
        streams=streams.numbers,
    )
    try:
        program = await asyncio.get_running_loop().run_in_executor(None, start)
    except GuestError as exc:
        raise UsageError(f"{call.name}: {exc}") from None
    finally:
        streams.close()
    try:
        return await call.attend(program.finished)
    except BaseException:
        program.kill()
        raise
