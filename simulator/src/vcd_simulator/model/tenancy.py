"""Organisations and who is in them."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from pydantic import PlainSerializer

from vcd_simulator.model import kinds
from vcd_simulator.model.kinds import Kind

SYSTEM_ORG = "System"
SYSTEM_ORG_ID = "a93c9db9-7471-3192-8d09-a8f7eeda85f9"
"""The same in every vCloud Director; there are clients that have it built in."""


def _in_order(ids: set[str]) -> list[str]:
    """How a set is written down: the same one always in the same way."""
    return sorted(ids)


@dataclass(slots=True, kw_only=True)
class Org:
    """An organisation: a tenant, or the provider itself (`System`)."""

    kind: ClassVar[Kind] = kinds.ORG
    id: str
    name: str
    full_name: str = ""
    description: str = ""
    enabled: bool = True
    can_publish_catalogs: bool = True
    stored_vm_quota: int = 0
    deployed_vm_quota: int = 0
    """How many VMs each user may own and let run, unless something else is said when he is made; 0: any number."""
    rights: Annotated[set[str], PlainSerializer(_in_order, return_type=list[str])] = field(default_factory=set)
    """Ids of the rights that the provider lets this organisation use."""

    @property
    def is_system(self) -> bool:
        return self.name == SYSTEM_ORG


@dataclass(slots=True, kw_only=True)
class Right:
    """Something that a role may allow; services add rights of their own."""

    kind: ClassVar[Kind] = kinds.RIGHT
    id: str
    name: str
    description: str = ""
    category: str = ""
    bundle_key: str = ""
    service_namespace: str | None = None
    service_id: str | None = None


@dataclass(slots=True, kw_only=True)
class Role:
    """A set of rights with a name, in one organisation."""

    kind: ClassVar[Kind] = kinds.ROLE
    id: str
    org_id: str
    name: str
    description: str = ""
    read_only: bool = False
    linked: bool = False
    """Whether it is the predefined role of its name, with exactly the rights of that."""
    rights: dict[str, None] = field(default_factory=dict)
    """Ids of rights, in the order they were added."""


@dataclass(slots=True, kw_only=True)
class User:
    """A person who can log in; the role is one of the same organisation."""

    kind: ClassVar[Kind] = kinds.USER
    id: str
    org_id: str
    role_id: str
    name: str
    password: str = field(repr=False)
    full_name: str = ""
    description: str = ""
    email: str = ""
    telephone: str = ""
    im: str = ""
    enabled: bool = True
    is_external: bool = False
    stored_vm_quota: int = 0
    deployed_vm_quota: int = 0


ACCESS_LEVELS = ("ReadOnly", "Change", "FullControl")
"""From the least to the most."""


@dataclass(slots=True, kw_only=True)
class AccessSetting:
    """One line of an access control list; `subject` is a user or an organisation."""

    subject_kind: Kind
    subject_id: str
    level: str


@dataclass(slots=True, kw_only=True)
class AccessControl:
    """Who, besides the owner and the administrators, may use an entity."""

    everyone: str | None = None
    settings: list[AccessSetting] = field(default_factory=list)

    def level(self, user_id: str, org_id: str) -> str | None:
        """The highest level that the list gives this user."""
        levels = [setting.level for setting in self.settings if setting.subject_id in (user_id, org_id)]
        if self.everyone:
            levels.append(self.everyone)
        return max(levels, key=ACCESS_LEVELS.index, default=None)

    def grants(self, user_id: str, org_id: str, level: str) -> bool:
        """Whether the list gives this user a level, or a higher one."""
        granted = self.level(user_id, org_id)
        return granted is not None and ACCESS_LEVELS.index(granted) >= ACCESS_LEVELS.index(level)
