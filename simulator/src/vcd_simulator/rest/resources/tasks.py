"""Tasks: the cloud's own, and those that services create and report on."""

from vcd_simulator import errors
from vcd_simulator.model.kinds import VCLOUD
from vcd_simulator.model.rights import ADMINISTRATOR_CONTROL
from vcd_simulator.model.task import Reference, Task, TaskError, TaskStatus
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.documents.common import link, task_element
from vcd_simulator.rest.parsing import require_root
from vcd_simulator.rest.routing import Router
from vcd_simulator.rest.xml import Element, child, int_of, text_of, vcloud

router = Router()
_LISTED = 100


@router.get("/api/task/{task_id}")
def get_task(context: Context, task_id: str) -> Reply:
    return Reply(content=task_element(context, context.access.task_by_id(task_id)))


@router.post("/api/task/{task_id}/action/cancel")
def cancel_task(context: Context, task_id: str) -> Reply:
    task = context.access.task_by_id(task_id)
    if not context.access.may_cancel(task):
        raise errors.missing_right(ADMINISTRATOR_CONTROL)
    context.cloud.tasks.cancel(task)
    return Reply(status=204)


@router.get("/api/tasksList/{org_id}")
def list_tasks(context: Context, org_id: str) -> Reply:
    """The organisation's open tasks, and its latest others."""
    org = context.access.org_by_id(org_id)
    tasks = [task for task in context.cloud.tasks.tasks.find("org", org.id) if context.access.sees_task(task)]
    shown = [task for task in tasks[:-_LISTED] if not task.status.is_final] + tasks[-_LISTED:]
    path = f"/api/tasksList/{org.id}"
    media = VCLOUD + "tasksList+xml"
    document = vcloud(
        "TasksList",
        link(context, "add", path, VCLOUD + "task+xml") if context.access.has("Task: Update") else None,
        [task_element(context, task) for task in shown],
        name="Tasks Lists",
        href=context.url(path),
        type=media,
    )
    return Reply(content=document)


@router.post("/api/tasksList/{org_id}")
def create_task(context: Context, org_id: str) -> Reply:
    """Create a task on behalf of a service, as system administrators and extensions do."""
    org = context.access.org_by_id(org_id)
    context.access.require("Task: Update")
    root = require_root(context.xml(), "Task")
    cloud = context.cloud
    owner = child(root, "Owner")
    if owner is None:
        raise errors.bad_request("Bad request: validation error, a task needs an Owner.")
    task = Task(
        id=cloud.new_id(),
        operation_name=root.get("operationName") or "",
        operation=root.get("operation") or "",
        org_id=org.id,
        owner=_pointer(context, owner),
        user=_user_of(context, root),
        start_time=cloud.clock.now(),
        service_namespace=root.get("serviceNamespace") or "",
        name=root.get("name") or "task",
    )
    _apply(context, task, root)
    cloud.tasks.keep(task)
    return Reply(status=201, content=task_element(context, task), headers={"location": context.href(task)})


@router.put("/api/task/{task_id}")
def update_task(context: Context, task_id: str) -> Reply:
    """Report on a service's task. What the document leaves out stays; a task that is over stays over."""
    task = context.access.task_by_id(task_id)
    context.access.require("Task: Update")
    root = require_root(context.xml(), "Task")
    if task.expected_s is not None:
        raise errors.not_allowed("The task belongs to the cloud itself and cannot be updated.")
    if task.status.is_final:
        raise errors.not_allowed(f"The task {task.id} is over ({task.status.value}) and cannot be updated.")
    _apply(context, task, root)
    return Reply(content=task_element(context, task))


def _apply(context: Context, task: Task, root: Element) -> None:
    status = _status(root.get("status"), task.status)
    task.operation_name = root.get("operationName") or task.operation_name
    task.operation = root.get("operation") or task.operation
    task.service_namespace = root.get("serviceNamespace") or task.service_namespace
    if child(root, "Progress") is not None:
        task.progress = int_of(root, "Progress")
    if child(root, "Details") is not None:
        task.details = text_of(root, "Details")
    error = child(root, "Error")
    if error is not None:
        task.error = TaskError(
            major=error.get("majorErrorCode") or "500",
            minor=error.get("minorErrorCode") or "INTERNAL_SERVER_ERROR",
            message=error.get("message") or "",
            stack_trace=error.get("stackTrace") or "",
        )
    task.status = status
    if status.is_final:
        task.end_time = context.cloud.clock.now()
        if status is not TaskStatus.SUCCESS and task.error is None:
            task.error = TaskError(major="500", minor="INTERNAL_SERVER_ERROR", message=f"The task is {status.value}.")


def _status(text: str | None, current: TaskStatus) -> TaskStatus:
    if text is None:
        return current
    for status in TaskStatus:
        if status.value.lower() == text.lower():
            return status
    raise errors.bad_request(f"Bad request: validation error, the task's status is not one of {', '.join(TaskStatus)}.")


def _user_of(context: Context, root: Element) -> Reference:
    user = child(root, "User")
    return _pointer(context, user) if user is not None else context.reference_to_user()


def _pointer(context: Context, element: Element) -> Reference:
    href = element.get("href") or ""
    return Reference(
        href=href.removeprefix(context.base) if href.startswith(context.base + "/") else href,
        name=element.get("name") or "",
        type=element.get("type") or "",
    )
