"""A failure gives the same reason wherever it is looked for, and shows what the guest said."""

from collections.abc import Iterator
from xml.etree import ElementTree as ET

import pytest

from cse_testing.lab_cli import LabCli
from cse_testing.vcd_rest import XML, VcdRest
from cse_testing.waiting import wait_until

_ERROR = "{http://www.vmware.com/vcloud/v1.5}Error"
_SAID = (
    "[preflight] Some fatal errors occurred:\n\t[ERROR Port-6443]: Port 6443 is in use\n"
    "\x1b[31mtoken: abcdef.0123456789abcdef\x1b[0m"
)


@pytest.fixture
def broken_kubeadm(sysadmin_rest: VcdRest) -> Iterator[None]:
    fault = {
        "when": {"program": "kubeadm init*"},
        "error": {"kind": "program-fails", "exit_code": 2, "stderr": _SAID},
        "times": None,
    }
    reply = sysadmin_rest.send("POST", "/simulator/faults", fault, accept="application/json")
    assert reply.status == 201
    yield
    removed = sysadmin_rest.send("DELETE", f"/simulator/faults/{reply.json()['id']}", accept="application/json")
    assert removed.status == 204


@pytest.mark.usefixtures("broken_kubeadm")
def test_task_operation_and_client_tell_the_same_of_a_failure(
    tenant: LabCli, tenant_rest: VcdRest, lab: dict[str, str]
) -> None:
    body = {"name": "failing", "vdc": lab["LAB_VDC"], "network": lab["LAB_NETWORK"], "node_count": 1}
    accepted = tenant_rest.send("POST", "/api/cse", body).json()

    def operation() -> dict[str, object]:
        shown: dict[str, object] = tenant_rest.send("GET", f"/api/cse/_operations/{accepted['operation_id']}").json()
        return shown

    wait_until(lambda: operation()["done"], "the end of the operation", seen=operation)
    ended = operation()
    message = str(ended["error"])
    assert ended["reason"] == "GUEST_SCRIPT_FAILED"
    assert " failed at step init_control_plane on mstr-" in message
    assert "Port-6443]: Port 6443 is in use | token: ***" in message
    assert message.endswith("Everything was taken back.")
    assert message.isprintable()
    path = "/" + accepted["task_href"].split("/", 3)[3]
    task = ET.fromstring(tenant_rest.send("GET", path, accept=XML).body)
    error = task.find(_ERROR)
    assert error is not None
    assert (task.get("status"), error.get("minorErrorCode"), error.get("message")) == (
        "error",
        ended["reason"],
        message,
    )
    refused = tenant.attempt("cse", "cluster", "create", "failing", "-n", lab["LAB_NETWORK"], "-N", "1")
    assert refused.exit_code != 0
    assert "Port 6443 is in use" in " ".join(refused.text.split())
    assert "failing" not in [each["name"] for each in tenant_rest.send("GET", "/api/cse").json()]
