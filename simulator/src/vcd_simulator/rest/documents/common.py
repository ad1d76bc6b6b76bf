"""What many documents share: links, references, tasks."""

from collections.abc import Iterable
from typing import Protocol

from vcd_simulator.clock import timestamp
from vcd_simulator.model import kinds
from vcd_simulator.model.kinds import VCLOUD, Kind
from vcd_simulator.model.task import Reference, Task
from vcd_simulator.model.tenancy import AccessControl
from vcd_simulator.rest.context import Context
from vcd_simulator.rest.xml import Builder, Element, vcloud

METADATA = VCLOUD + "metadata+xml"
CONTROL_ACCESS = VCLOUD + "controlAccess+xml"
OWNER = VCLOUD + "owner+xml"


class Named(Protocol):
    """An entity with a name."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> Kind: ...


def link(
    context: Context,
    rel: str,
    path: str,
    media_type: str | None = None,
    *,
    name: str | None = None,
    build: Builder = vcloud,
) -> Element:
    """A link; clients look for it by rel and type, so there is at most one of each pair in a document."""
    return build("Link", rel=rel, type=media_type, name=name, href=context.url(path))


def reference(
    context: Context, tag: str, entity: Named, *, admin: bool = False, with_id: bool = False, build: Builder = vcloud
) -> Element:
    return build(
        tag,
        name=entity.name,
        id=context.urn(entity) if with_id else None,
        type=entity.kind.media(admin),
        href=context.href(entity, admin=admin),
    )


def stated_reference(context: Context, tag: str, pointer: Reference) -> Element:
    """A reference whose href may be somebody else's URI; what is the cloud's own has an id too.

    What is known by its URN alone has no href.
    """
    is_urn = pointer.href.startswith("urn:vcloud:")
    return vcloud(
        tag,
        name=pointer.name or None,
        id=pointer.href if is_urn else kinds.urn_of(pointer.href),
        type=pointer.type or None,
        href="" if is_urn else context.url(pointer.href),
    )


def owner_element(context: Context, user_id: str) -> Element | None:
    user = context.cloud.users.get(user_id)
    return vcloud("Owner", reference(context, "User", user)) if user is not None else None


def created(seconds: float) -> Element:
    return vcloud("DateCreated", timestamp(seconds))


def task_element(context: Context, task: Task) -> Element:
    """A task, whole: the same in its own document and inside of others."""
    now = context.cloud.clock.now()
    org = context.cloud.orgs.get(task.org_id)
    error = task.error
    progress = task.progress_at(now)
    path = task.kind.href_path(task.id)
    cancels = not task.status.is_final and context.access.may_cancel(task)
    return vcloud(
        "Task",
        link(context, "task:cancel", f"{path}/action/cancel") if cancels else None,
        link(context, "edit", path, task.kind.media_type),
        stated_reference(context, "Owner", task.owner),
        vcloud(
            "Error",
            majorErrorCode=error.major,
            minorErrorCode=error.minor,
            message=error.message,
            stackTrace=error.stack_trace,
        )
        if error is not None
        else None,
        stated_reference(context, "User", task.user),
        reference(context, "Organization", org, with_id=True) if org is not None else None,
        vcloud("Progress", progress) if progress is not None else None,
        vcloud("Details", task.details),
        cancelRequested=task.cancel_requested,
        expiryTime=timestamp(task.start_time + 90 * 86400),
        operation=task.operation,
        operationName=task.operation_name,
        serviceNamespace=task.service_namespace,
        startTime=timestamp(task.start_time),
        endTime=timestamp(task.end_time) if task.end_time is not None else None,
        status=task.status.value,
        name=task.name,
        id=context.urn(task),
        type=task.type,
        href=context.href(task),
    )


def tasks_element(context: Context, tasks: Iterable[Task]) -> Element | None:
    """The `Tasks` child; absent without tasks."""
    elements = [task_element(context, task) for task in tasks]
    return vcloud("Tasks", elements) if elements else None


def running_tasks(context: Context, entity_id: str) -> list[Task]:
    found = context.cloud.tasks.tasks.find("owner", entity_id)
    return [task for task in found if not task.status.is_final]


def control_access(context: Context, access: AccessControl) -> Element:
    """An access control list as `ControlAccessParams`."""
    cloud = context.cloud
    settings = []
    for setting in access.settings:
        subject = cloud.users.get(setting.subject_id) or cloud.orgs.get(setting.subject_id)
        if subject is not None:
            admin = subject.kind.admin_path != subject.kind.path
            settings.append(
                vcloud(
                    "AccessSetting",
                    reference(context, "Subject", subject, admin=admin),
                    vcloud("AccessLevel", setting.level),
                )
            )
    return vcloud(
        "ControlAccessParams",
        vcloud("IsSharedToEveryone", access.everyone is not None),
        vcloud("EveryoneAccessLevel", access.everyone) if access.everyone is not None else None,
        vcloud("AccessSettings", settings) if settings else None,
        type=CONTROL_ACCESS,
    )
