"""What old and new servers of CSE, and vCD, answer to `vcd cse`."""

from collections.abc import Callable
from typing import Any, Final

from click.testing import Result

from cse_testing.scripted_http import Reply, ScriptedHttp

Vcd = Callable[..., Result]
"""Runs `vcd …`."""

TASK: Final = "/api/task/1f0c9b6e-2f2c-4a55-9d3f-0d4a7d1f7b11"
CLUSTER: Final[dict[str, Any]] = {
    "name": "c1",
    "leader_endpoint": "10.0.0.2",
    "template": "photon-v2",
    "number_of_vms": 3,
    "vdc_name": "acme-vdc",
    "status": "Powered on",
    "cluster_id": "5d0e6a52-7b0f-4a0c-9d0a-6f2a3f5b9c11",
    "master_nodes": [{"name": "mstr-a1b2", "ipAddress": "10.0.0.2"}],
    "nodes": [{"name": "node-c3d4", "ipAddress": "10.0.0.3"}, {"name": "node-e5f6", "ipAddress": "10.0.0.4"}],
    "nfs_nodes": [],
}


def a_task(status: str, operation: str = "creating", more: str = "") -> Reply:
    """The task in vCD. `operation` is its sentence, `more` are elements in it."""
    return Reply(
        f'<Task xmlns="http://www.vmware.com/vcloud/v1.5" id="urn:vcloud:task:1f0c" status="{status}"'
        f' operation="{operation}" operationName="create_cluster">{more}</Task>'
    )


def accepted(**more: str) -> Reply:
    """That a task has begun, as vCD writes it: with its public address, which may not be the one logged in to."""
    return Reply.of_json({**more, "task_href": f"https://vcd.public.example.com{TASK}"}, 202)


def accepts(server: ScriptedHttp, method: str, path: str) -> None:
    """The server begins a task for `c1`, which ends well."""
    server.on(method, path, accepted(cluster_name="c1"))
    server.on("GET", TASK, a_task("success", "done"))
