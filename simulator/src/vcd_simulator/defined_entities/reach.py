"""What a user may do with types and entities: the lesser of what his rights and an access control list allow."""

from vcd_simulator import errors
from vcd_simulator.access import Access
from vcd_simulator.defined_entities import bundles
from vcd_simulator.defined_entities.model import DefinedEntity, EntityType, Level
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.tenancy import Org

MANAGE_ANY = "Custom entity: Manage any custom entity definition"
_NEEDED = {
    Level.READ_ONLY: bundles.VIEW,
    Level.READ_WRITE: bundles.MODIFY,
    Level.FULL_CONTROL: bundles.FULL_ACCESS,
}


class EntityReach:
    """The reach of one user.

    An object out of reach does not exist for him; one that he reaches may still be closed to what he wants.
    """

    def __init__(self, cloud: Cloud, access: Access) -> None:
        self._cloud = cloud
        self._access = access

    def type_level(self, entity_type: EntityType) -> Level:
        """What the user may do with a definition: whoever has rights to its entities may use it, no more."""
        if self._access.is_sysadmin and self._access.has(MANAGE_ANY):
            return Level.FULL_CONTROL
        rights = max(self._rights_level(entity_type), self._administrator_level(entity_type.family))
        return max(min(rights, Level.READ_WRITE), self._granted(entity_type.id))

    def entity_level(self, entity: DefinedEntity) -> Level:
        entity_type = self._cloud.entity_types[entity.type_id]
        everywhere = self._administrator_level(entity_type.family) if self._is_near(entity) else Level.NONE
        return max(everywhere, min(self._rights_level(entity_type), self._granted(entity.id)))

    def types(self) -> list[EntityType]:
        return [one for one in self._cloud.entity_types if self.type_level(one)]

    def entities(self, type_ids: set[str]) -> list[DefinedEntity]:
        """Those of some types that the user sees."""
        found = [one for type_id in sorted(type_ids) for one in self._cloud.defined_entities.find("type", type_id)]
        return [one for one in found if self.entity_level(one)]

    def entity_type(self, type_id: str, level: Level = Level.READ_ONLY) -> EntityType:
        """A type, if the user may do that much with it.

        Raises:
            VcdError: 403, he may not, or there is none.
        """
        found = self._cloud.entity_types.get(type_id)
        if found is None or not (reached := self.type_level(found)):
            raise errors.no_access("definedEntityType", type_id[:200])
        if reached < level:
            raise errors.missing_right(MANAGE_ANY if level is Level.FULL_CONTROL else self._right(found.family, level))
        return found

    def entity(self, urn: str, level: Level = Level.READ_ONLY) -> DefinedEntity:
        """An entity, if the user may do that much with it; raises `VcdError` as `entity_type` does."""
        found = self._cloud.defined_entities.get(urn.rpartition(":")[2])
        if found is None or found.urn != urn or not (reached := self.entity_level(found)):
            raise errors.no_access("definedEntity", urn[:200])
        if reached < level:
            raise errors.missing_right(self._right(found.family, level))
        return found

    def require_creation(self, entity_type: EntityType) -> None:
        """Insist on a right to make entities of a type.

        Raises:
            VcdError: 403, it is missing.
        """
        family = entity_type.family
        if max(self._rights_level(entity_type), self._administrator_level(family)) < Level.READ_WRITE:
            raise errors.missing_right(self._right(family, Level.READ_WRITE))

    def administers(self, entity: DefinedEntity) -> bool:
        """Whether the user has full control of all entities of the type in the entity's organisation."""
        return self._is_near(entity) and self._administrator_level(entity.family) is Level.FULL_CONTROL

    def org_for(self, context_id: str | None) -> Org:
        """The organisation that the user acts in: his own, or for the provider's people the one that they state.

        Raises:
            VcdError: 403, he may not act there.
        """
        return self._access.org_by_id(context_id) if context_id else self._access.org

    def _is_near(self, entity: DefinedEntity) -> bool:
        return self._access.is_sysadmin or entity.org_id == self._access.org.id

    def _rights_level(self, entity_type: EntityType) -> Level:
        """How much the type's rights allow where an access control list agrees.

        A type may say that its own list stands for rights, up to some level.
        """
        implied = Level.NONE
        if entity_type.max_implicit_right is not None:
            implied = min(Level.of_urn(entity_type.max_implicit_right), self._granted(entity_type.id))
        held = (level for level, right in _NEEDED.items() if self._has(entity_type.family, right))
        return max(implied, max(held, default=Level.NONE))

    def _administrator_level(self, family: str) -> Level:
        """How much they allow with everybody's entities."""
        if self._has(family, bundles.ADMINISTRATOR_FULL_ACCESS):
            return Level.FULL_CONTROL
        return Level.READ_ONLY if self._has(family, bundles.ADMINISTRATOR_VIEW) else Level.NONE

    def _has(self, family: str, right: str) -> bool:
        return self._access.has(bundles.right_name(family, right))

    def _granted(self, object_id: str) -> Level:
        members = (self._access.user.id, self._access.org.id, self._access.role.id)
        grants = self._cloud.access_grants.find("object", object_id)
        return max((one.level for one in grants if one.member_id in members), default=Level.NONE)

    @staticmethod
    def _right(family: str, level: Level) -> str:
        return bundles.right_name(family, _NEEDED[level])
