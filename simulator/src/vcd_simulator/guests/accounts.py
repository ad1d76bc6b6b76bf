"""Accounts of a guest, and who may log in."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, kw_only=True)
class Account:
    """A user of a guest. Without a password nobody can log in."""

    name: str
    uid: int
    home: str
    login_shell: str = "/bin/bash"
    password: str | None = field(default=None, repr=False)
    locked: bool = False

    def admits(self, password: str) -> bool:
        """Whether this password opens the account."""
        if self.password is None or self.locked:
            return False
        return secrets.compare_digest(self.password.encode(), password.encode())


_NOLOGIN = "/usr/sbin/nologin"
ROOT = Account(name="root", uid=0, home="/root")
_SERVICE_ACCOUNTS = (
    Account(name="daemon", uid=1, home="/usr/sbin", login_shell=_NOLOGIN),
    Account(name="bin", uid=2, home="/bin", login_shell=_NOLOGIN),
    Account(name="www-data", uid=33, home="/var/www", login_shell=_NOLOGIN),
    Account(name="nobody", uid=65534, home="/nonexistent", login_shell=_NOLOGIN),
    Account(name="sshd", uid=104, home="/run/sshd", login_shell=_NOLOGIN),
)
_GROUPS = {"daemon": 1, "bin": 2, "adm": 4, "sudo": 27, "wheel": 10, "www-data": 33, "docker": 998, "nogroup": 65534}


class Accounts:
    """All accounts and groups of one guest."""

    def __init__(self, accounts: Iterable[Account], groups: dict[str, int] | None = None) -> None:
        self._accounts = {account.name: account for account in accounts}
        self.groups = {"root": 0, **_GROUPS, **(groups or {})}

    @classmethod
    def of_image(cls, root_password: str) -> "Accounts":
        """The accounts of a fresh image."""
        return cls([replace(ROOT, password=root_password), *_SERVICE_ACCOUNTS])

    def copy(self) -> "Accounts":
        return Accounts(self._accounts.values(), self.groups)

    def find(self, name: str) -> Account | None:
        return self._accounts.get(name)

    def names(self) -> list[str]:
        return list(self._accounts)

    def put(self, account: Account) -> None:
        """Add an account, or replace the one of that name."""
        self._accounts[account.name] = account

    def remove(self, name: str) -> None:
        del self._accounts[name]

    def set_password(self, name: str, password: str) -> None:
        """Give an account another password, which also unlocks it. Raises KeyError."""
        self.put(replace(self._accounts[name], password=password, locked=False))

    def user_name(self, uid: int) -> str:
        """The name of a user, or the number that nobody has."""
        return next((account.name for account in self._accounts.values() if account.uid == uid), str(uid))

    def group_name(self, gid: int) -> str:
        """The name of a group, which may be a user's own, or the number that none has."""
        named = next((name for name, number in self.groups.items() if number == gid), None)
        return self.user_name(gid) if named is None else named

    def next_uid(self) -> int:
        """The number that the next human user gets."""
        taken = {account.uid for account in self._accounts.values()}
        return next(uid for uid in range(1000, 60000) if uid not in taken)

    def passwd(self) -> str:
        """Text of /etc/passwd."""
        lines = (f"{a.name}:x:{a.uid}:{a.uid}:{a.name}:{a.home}:{a.login_shell}\n" for a in self._accounts.values())
        return "".join(lines)

    def group(self) -> str:
        """Text of /etc/group."""
        users = {account.name: account.uid for account in self._accounts.values() if account.uid >= 1000}
        return "".join(f"{name}:x:{gid}:\n" for name, gid in {**self.groups, **users}.items())

    def shadow(self) -> str:
        """Text of /etc/shadow. Passwords are kept elsewhere; the file shows who has one."""
        return "".join(
            f"{a.name}:{'!' if a.locked else '' if a.password else '*'}{'x' if a.password else ''}:19700:0:99999:7:::\n"
            for a in self._accounts.values()
        )
