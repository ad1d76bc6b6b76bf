"""Starting tasks on entities."""

from collections.abc import Callable, Iterable
from typing import Protocol

from vcd_simulator import errors
from vcd_simulator.errors import VcdError
from vcd_simulator.faults import BusyEntity, Place, TaskFails
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.kinds import Kind
from vcd_simulator.model.task import Reference, Task
from vcd_simulator.model.tenancy import User


class Named(Protocol):
    """What a task can be about."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> Kind: ...


def user_reference(user: User) -> Reference:
    return Reference(href=user.kind.href_path(user.id), name=user.name, type=user.kind.media_type)


def start(  # noqa: PLR0913  # what a task is, by keyword
    cloud: Cloud,
    user: User,
    org_id: str,
    entity: Named,
    operation_name: str,
    doing: str,
    done: str,
    *,
    noun: str,
    locks: Iterable[Named] = (),
    idle: Iterable[Named] = (),
    uses: Iterable[Named] = (),
    extra_s: float = 0.0,
    held: bool = False,
    effect: Callable[[], None] | None = None,
    undo: Callable[[], None] | None = None,
    withdraw: Callable[[], None] | None = None,
) -> Task:
    """Start a task on an entity, which is busy until it ends, as are `locks`.

    `idle` are entities that must not be busy, but may become so meanwhile; `uses` are such that cannot be deleted
    meanwhile. The task says `<doing> <noun> <name>(<id>)` while it runs, and `<done> …` afterwards. A task that is
    `held` runs until somebody says `proceed`. `undo` clears up after a task that failed or was cancelled. `withdraw`
    takes back what was entered for a task that cannot even start; without it, `undo` does.

    Raises:
        VcdError: BUSY_ENTITY.
    """
    affected = {one.id: one for one in (entity, *locks)}
    needed = list(uses)
    try:
        cloud.tasks.require_idle((one.id, one.name) for one in (*affected.values(), *idle, *needed))
        injection = cloud.faults.decide(
            Place.TASK, task=operation_name, entity=entity.name, user=user.name, org=cloud.orgs[org_id].name
        )
        if isinstance(injection.error, BusyEntity):
            raise errors.busy(entity.name, injection.error.operation)
    except VcdError:
        take_back = withdraw or undo
        if take_back is not None:
            take_back()
        raise
    if isinstance(injection.error, TaskFails):
        effect = _failing(injection.error)
    what = f"{noun} {entity.name}({entity.id})"
    return cloud.tasks.begin(
        operation_name=operation_name,
        operation=f"{doing} {what}",
        done=f"{done} {what}",
        org_id=org_id,
        user=user_reference(user),
        owner=Reference(href=entity.kind.href_path(entity.id), name=entity.name, type=entity.kind.media_type),
        owner_id=entity.id,
        locks=affected,
        uses=(one.id for one in needed),
        extra_s=extra_s + injection.delay_s,
        held=held,
        effect=effect,
        undo=undo,
    )


def _failing(error: TaskFails) -> Callable[[], None]:
    def effect() -> None:
        raise VcdError(500, error.minor, error.message)

    return effect
