"""What runtime-defined entities are made of: interfaces, types, entities, and who may do what with them."""

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

INTERFACE_URN = "urn:vcloud:interface:"
TYPE_URN = "urn:vcloud:type:"
ENTITY_URN = "urn:vcloud:entity:"
GRANT_URN = "urn:vcloud:accessControl:"
BUNDLE_URN = "urn:vcloud:rightsBundle:"
_LEVEL_URN = "urn:vcloud:accessLevel:"


class EntityState(StrEnum):
    """Whether an entity has been held against the schema of its type."""

    PRE_CREATED = "PRE_CREATED"
    RESOLVED = "RESOLVED"
    RESOLUTION_ERROR = "RESOLUTION_ERROR"


class Level(IntEnum):
    """What somebody may do with an object; a higher level includes the lower ones."""

    NONE = 0
    READ_ONLY = 1
    READ_WRITE = 2
    FULL_CONTROL = 3

    @property
    def urn(self) -> str:
        return _LEVEL_URN + self.name.title().replace("_", "")

    @classmethod
    def of_urn(cls, urn: str) -> "Level":
        """Raises ValueError: it is no level that can be granted."""
        for level in cls:
            if level and level.urn == urn:
                return level
        raise ValueError(f"{urn[:80]!r} is no access level")


@dataclass(slots=True, kw_only=True)
class Interface:
    """What several types may have in common; its id is its URN."""

    id: str
    name: str
    vendor: str
    nss: str
    version: str
    readonly: bool = False


@dataclass(slots=True, kw_only=True)
class EntityType:
    """A kind of entities, in one version; its id is its URN. All versions share vendor, nss, and their rights."""

    id: str
    name: str
    description: str = ""
    vendor: str
    nss: str
    version: str
    schema: dict[str, Any]
    interface_ids: list[str] = field(default_factory=list)
    external_id: str | None = None
    inherited_version: str | None = None
    hooks: dict[str, Any] | None = None
    max_implicit_right: str | None = None
    readonly: bool = False

    @property
    def family(self) -> str:
        """What its rights and their bundle are named after."""
        return f"{self.vendor}:{self.nss}"


@dataclass(slots=True, kw_only=True)
class DefinedEntity:
    """A document in an organisation, which its type's schema describes."""

    id: str
    type_id: str
    org_id: str
    owner_id: str
    name: str
    content: dict[str, Any]
    external_id: str | None = None
    state: EntityState = EntityState.PRE_CREATED
    message: str | None = None
    """Why it could not be resolved."""
    revision: int = 0
    """Grows with every change."""
    task_id: str | None = None
    """That of its creation, which lasts until it is resolved."""

    @property
    def family(self) -> str:
        return self.type_id.removeprefix(TYPE_URN).rpartition(":")[0]

    @property
    def urn(self) -> str:
        return f"{ENTITY_URN}{self.family}:{self.id}"


@dataclass(slots=True, kw_only=True)
class Grant:
    """One line of an access control list: what members of an organisation, of a role, or one user may do."""

    id: str
    object_id: str
    """Of an entity, or of a type."""
    tenant_id: str
    """The organisation that the member belongs to."""
    member_urn: str
    member_id: str
    level: Level

    @property
    def urn(self) -> str:
        return GRANT_URN + self.id


@dataclass(slots=True, kw_only=True)
class RightsBundle:
    """Rights that the provider hands out together; types come with one each."""

    id: str
    name: str
    description: str
    right_ids: list[str]
    org_ids: list[str] = field(default_factory=list)
    """To whom they are published."""
    to_all: bool = False
    """Published to every organisation, those to come included."""

    @property
    def urn(self) -> str:
        return BUNDLE_URN + self.id
