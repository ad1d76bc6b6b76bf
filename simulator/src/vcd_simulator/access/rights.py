"""Rights: what the role of a user lets him do, wherever it is."""

from collections.abc import Callable
from typing import TypeVar

from vcd_simulator import errors
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.kinds import Kind
from vcd_simulator.model.rights import SYSTEM_ADMINISTRATOR
from vcd_simulator.model.table import Identified, Table
from vcd_simulator.model.tenancy import AccessControl, Org, Role, User

T = TypeVar("T", bound=Identified)


class Rights:
    """The rights of one user, and what every question about his reach needs."""

    def __init__(self, cloud: Cloud, user: User) -> None:
        self._cloud = cloud
        self.user = user
        self.org: Org = cloud.orgs[user.org_id]
        self.is_sysadmin = self.org.is_system

    @property
    def role(self) -> Role:
        return self._cloud.roles[self.user.role_id]

    def has(self, right_name: str) -> bool:
        """Whether the role carries a right, and the organisation still has it.

        The provider's own role of System Administrator carries all, those that services add later too.
        """
        role = self.role
        if self.is_sysadmin and role.name == SYSTEM_ADMINISTRATOR:
            return True
        right = self._cloud.rights.first("name", right_name)
        return right is not None and right.id in role.rights and (self.is_sysadmin or right.id in self.org.rights)

    def right_ids(self) -> list[str]:
        """Ids of the rights in force."""
        if self.is_sysadmin:
            everything = self.role.name == SYSTEM_ADMINISTRATOR
            return [right.id for right in self._cloud.rights] if everything else list(self.role.rights)
        return [right_id for right_id in self.role.rights if right_id in self.org.rights]

    def require(self, right_name: str) -> None:
        """Insist on a right.

        Raises:
            VcdError: 403, the right is missing; the message names it.
        """
        if not self.has(right_name):
            raise errors.missing_right(right_name)

    def require_provider(self, right_name: str) -> None:
        """Insist on a user of the provider's, whose role carries a right.

        Raises:
            VcdError: 403, he is a tenant, or the right is missing.
        """
        if not self.is_sysadmin:
            raise errors.forbidden("This operation needs a system administrator.")
        self.require(right_name)

    def provided(self, kind: Kind, table: Table[T], entity_id: str, right_name: str) -> T:
        """Something of the provider's, such as a vCenter, for an operation that needs this right.

        Raises:
            VcdError: 403, the caller is a tenant, the right is missing, or there is no such thing.
        """
        self.require_provider(right_name)
        return self.existing(kind, table, entity_id)

    @staticmethod
    def existing(kind: Kind, table: Table[T], entity_id: str) -> T:
        """An entity of a table, whoever sees it.

        Raises:
            VcdError: 403, there is none.
        """
        entity = table.get(entity_id)
        if entity is None:
            raise errors.no_access(kind.name, entity_id)
        return entity

    def _granted(self, access: AccessControl, level: str) -> bool:
        return access.grants(self.user.id, self.org.id, level)

    def _reached(self, kind: Kind, table: Table[T], entity_id: str, sees: Callable[[T], bool]) -> T:
        """An entity of a table, if the caller sees it.

        Raises:
            VcdError: 403, he does not, or there is none.
        """
        entity = table.get(entity_id)
        if entity is None or not sees(entity):
            raise errors.no_access(kind.name, entity_id)
        return entity
