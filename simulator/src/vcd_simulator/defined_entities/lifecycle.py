"""Entities from their creation to their end."""

from dataclasses import dataclass
from typing import Any

from vcd_simulator import errors
from vcd_simulator.defined_entities import grants
from vcd_simulator.defined_entities.model import DefinedEntity, EntityState, EntityType, Level
from vcd_simulator.defined_entities.schema import fault_in
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.kinds import USER
from vcd_simulator.model.task import Reference, Task, TaskStatus
from vcd_simulator.model.tenancy import Org, User
from vcd_simulator.operations.names import check_name
from vcd_simulator.operations.work import user_reference

_MOST_BYTES = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What a client says about an entity."""

    name: str
    content: dict[str, Any]
    external_id: str | None = None
    owner_id: str | None = None
    size: int
    """Of the request, in bytes."""

    def check(self) -> str:
        """The name; raises `VcdError` 400, it is not valid, or the document is too large to be handled at once."""
        if self.size > _MOST_BYTES:
            raise errors.bad_request(f"The entity is larger than {_MOST_BYTES} bytes.")
        return check_name("entity", self.name)


def create(cloud: Cloud, user: User, org: Org, entity_type: EntityType, draft: Draft) -> Task:
    """Make an entity, which need not fit the schema yet. Its owner has full control of it.

    The task lasts until the entity is resolved.
    """
    name = draft.check()
    entity = DefinedEntity(
        id=cloud.new_id(),
        type_id=entity_type.id,
        org_id=org.id,
        owner_id=user.id,
        name=name,
        content=draft.content,
        external_id=draft.external_id,
    )
    cloud.defined_entities.add(entity)
    grants.add(cloud, entity.id, cloud.orgs[user.org_id], USER.urn + user.id, Level.FULL_CONTROL)
    task = Task(
        id=cloud.new_id(),
        operation_name="createDefinedEntity",
        operation=f"Creating Runtime Defined Entity {name}({entity.urn})",
        org_id=org.id,
        owner=Reference(href=entity.urn, name="entity", type="application/json"),
        owner_id=entity.id,
        user=user_reference(user),
        status=TaskStatus.RUNNING,
        start_time=cloud.clock.now(),
        progress=1,
    )
    entity.task_id = task.id
    return cloud.tasks.keep(task)


def resolve(cloud: Cloud, entity: DefinedEntity) -> None:
    """Hold an entity against its schema; that it does not fit is no error, but its state and its message."""
    fault = fault_in(entity.content, cloud.entity_types[entity.type_id].schema)
    entity.state = EntityState.RESOLVED if fault is None else EntityState.RESOLUTION_ERROR
    entity.message = fault and f"Validation of the entity {entity.urn} has failed: {fault}"
    entity.revision += 1
    task = cloud.tasks.tasks.get(entity.task_id)
    if fault is None and task is not None and not task.status.is_final:
        task.status, task.progress, task.end_time = TaskStatus.SUCCESS, 100, cloud.clock.now()
        task.operation = task.operation.replace("Creating", "Created", 1)


def change(cloud: Cloud, entity: DefinedEntity, draft: Draft) -> None:
    """Replace an entity's document; one that has been resolved has to fit the schema.

    Raises:
        VcdError: 400, it does not; 403, the new owner is nobody who could be it.
    """
    name = draft.check()
    if entity.state is EntityState.RESOLVED:
        fault = fault_in(draft.content, cloud.entity_types[entity.type_id].schema)
        if fault is not None:
            raise errors.bad_request(
                f"Validation of the entity {entity.urn} has failed: {fault}", "RDE_ENTITY_VALIDATION_ERROR"
            )
    if draft.owner_id not in (None, entity.owner_id):
        _give(cloud, entity, str(draft.owner_id))
    entity.name, entity.content, entity.external_id = name, draft.content, draft.external_id
    entity.revision += 1


def _give(cloud: Cloud, entity: DefinedEntity, owner_id: str) -> None:
    owner = cloud.users.get(owner_id)
    if owner is None or (owner.org_id != entity.org_id and not cloud.orgs[owner.org_id].is_system):
        raise errors.no_access("user", owner_id[:80])
    for one in cloud.access_grants.find("object", entity.id):
        if one.member_id == entity.owner_id:
            cloud.access_grants.remove(one)
    entity.owner_id = owner.id
    grants.add(cloud, entity.id, cloud.orgs[owner.org_id], USER.urn + owner.id, Level.FULL_CONTROL)


def delete(cloud: Cloud, entity: DefinedEntity) -> None:
    """Raises VcdError: 400, nobody has resolved it yet."""
    if entity.state is EntityState.PRE_CREATED:
        raise errors.bad_request(f"The entity {entity.urn} is not resolved.", "RDE_ENTITY_NOT_RESOLVED")
    forget(cloud, entity)


def forget(cloud: Cloud, entity: DefinedEntity) -> None:
    """Drop an entity, its access control list, and what was left of its creation."""
    task = cloud.tasks.tasks.get(entity.task_id)
    if task is not None and not task.status.is_final:
        task.status, task.end_time = TaskStatus.ABORTED, cloud.clock.now()
    grants.forget_all(cloud, entity.id)
    cloud.defined_entities.remove(entity)


def forget_org(cloud: Cloud, org: Org) -> None:
    """Drop what an organisation that goes had of all this."""
    for entity in cloud.defined_entities.find("org", org.id):
        forget(cloud, entity)
    for one in [one for one in cloud.access_grants if one.tenant_id == org.id]:
        cloud.access_grants.remove(one)
    for bundle in cloud.rights_bundles:
        bundle.org_ids = [one for one in bundle.org_ids if one != org.id]
