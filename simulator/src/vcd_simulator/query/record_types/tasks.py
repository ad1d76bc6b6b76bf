"""Records of tasks."""

from vcd_simulator.access import Access
from vcd_simulator.model.kinds import ORG, USER
from vcd_simulator.model.task import Task
from vcd_simulator.query.record_types.attributes import org_name
from vcd_simulator.query.types import Index, RecordType
from vcd_simulator.query.values import Pointer

_TASKS = RecordType[Task](
    name="task",
    tag="TaskRecord",
    table=lambda cloud: cloud.tasks.tasks,
    visible=Access.sees_task,
    attributes={
        "name": lambda cloud, task: task.operation_name,
        "operationFull": lambda cloud, task: task.operation,
        "message": lambda cloud, task: task.operation,
        "object": lambda cloud, task: task.owner.href,
        "objectName": lambda cloud, task: task.owner.name,
        "objectType": lambda cloud, task: task.owner.type.rpartition(".")[2].partition("+")[0],
        "org": lambda cloud, task: Pointer(ORG, task.org_id),
        "orgName": lambda cloud, task: org_name(cloud, task.org_id),
        "owner": lambda cloud, task: Pointer(USER, task.user.entity_id),
        "ownerName": lambda cloud, task: task.user.name,
        "startDate": lambda cloud, task: float(task.start_time),
        "endDate": lambda cloud, task: None if task.end_time is None else float(task.end_time),
        "progress": lambda cloud, task: task.progress_at(cloud.clock.now()),
        "serviceNamespace": lambda cloud, task: task.service_namespace,
        "status": lambda cloud, task: task.status.value,
    },
    indexes={"org": Index("org", ORG)},
)

TYPES = (_TASKS, _TASKS.for_administrators("adminTask", "AdminTaskRecord"))
