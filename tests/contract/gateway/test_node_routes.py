"""The routes for nodes: what old clients send, and what they are answered."""

import uuid
from typing import Any

import pytest

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2
from cse_core import errors
from cse_testing.fake_services import a_node, an_operation, raising
from cse_testing.gateway import Bench

TASK = {"cluster_name": "demo", "task_href": "https://vcd.example.com/api/task/1", "operation_id": "op-1"}
NEW_NODES = {
    "name": "demo",
    "vdc": "dev vdc",
    "node_count": 2,
    "cpu": None,
    "memory": 4096,
    "network": "net-1",
    "storage_profile": None,
    "ssh_key": "ssh-ed25519 AAAA me\n",
    "template": None,
    "node_type": "node",
    "disable_rollback": True,
}


def test_adding_nodes_is_accepted(bench: Bench) -> None:
    message_id = str(uuid.uuid4())
    reply = bench.cell.ask("POST", "/api/cse/demo/node", body=NEW_NODES, message_id=message_id)
    assert (reply.status, reply.json) == (202, TASK)
    (call,) = bench.services.called("AddNodes")
    assert call.request == cluster_service_pb2.AddNodesRequest(
        name="orgs/-/vdcs/-/clusters/demo",
        pool=cluster_pb2.NodePool(node_count=2, memory_mb=4096),
        role=cluster_pb2.Node.ROLE_WORKER,
        network="net-1",
        ssh_public_key="ssh-ed25519 AAAA me",
        rollback_on_failure=True,
        request_id=message_id,
    )


def test_one_worker_is_added_unless_the_body_says_otherwise(bench: Bench) -> None:
    bench.cell.ask("POST", "/api/cse/demo/node", body={})
    bench.cell.ask("POST", "/api/cse/demo/node", body={"node_type": "nfsd", "disable_rollback": False})
    first, second = (call.request for call in bench.services.called("AddNodes"))
    assert isinstance(first, cluster_service_pb2.AddNodesRequest)
    assert isinstance(second, cluster_service_pb2.AddNodesRequest)
    assert (first.pool.node_count, first.role, first.rollback_on_failure) == (1, cluster_pb2.Node.ROLE_WORKER, True)
    assert (second.pool.node_count, second.role, second.rollback_on_failure) == (1, cluster_pb2.Node.ROLE_NFS, False)


def test_removing_nodes_is_accepted(bench: Bench) -> None:
    message_id = str(uuid.uuid4())
    body = {"name": "demo", "vdc": "dev", "nodes": ["node-cd34", "nfsd-ef56"], "force": True}
    reply = bench.cell.ask("DELETE", "/api/cse/demo/node", body=body, message_id=message_id)
    assert (reply.status, reply.json) == (202, TASK)
    (call,) = bench.services.called("RemoveNodes")
    assert call.request == cluster_service_pb2.RemoveNodesRequest(
        name="orgs/-/vdcs/-/clusters/demo", node_ids=["node-cd34", "nfsd-ef56"], force=True, request_id=message_id
    )


def test_resizing_is_accepted(bench: Bench) -> None:
    reply = bench.cell.ask("POST", "/api/cse/_clusters/demo/resize", body={"node_count": 0})
    assert (reply.status, reply.json) == (202, TASK)
    (call,) = bench.services.called("ResizeCluster")
    assert isinstance(call.request, cluster_service_pb2.ResizeClusterRequest)
    assert (call.request.name, call.request.worker_count) == ("orgs/-/vdcs/-/clusters/demo", 0)


@pytest.mark.parametrize(("name", "node_type"), [("mstr-ab12", "master"), ("node-cd34", "node"), ("nfsd-ef56", "nfsd")])
def test_a_node_is_shown_as_old_clients_know_it(bench: Bench, name: str, node_type: str) -> None:
    bench.services.answers["GetNode"] = lambda _: a_node(name)
    reply = bench.cell.ask("GET", f"/api/cse/demo/{name}/info")
    assert reply.status == 200
    exports = {"exports": ["/home", "/data"]} if node_type == "nfsd" else {}
    assert reply.json == {
        "name": name,
        "node_type": node_type,
        "numberOfCpus": "2",
        "memoryMB": "2048",
        "status": "POWERED_ON",
        "ipAddress": "10.0.0.7",
        **exports,
    }
    (call,) = bench.services.called("GetNode")
    assert call.request == cluster_service_pb2.GetNodeRequest(name=f"orgs/-/vdcs/-/clusters/demo/nodes/{name}")


def test_what_is_not_known_of_a_node_is_empty(bench: Bench) -> None:
    bench.services.answers["GetNode"] = lambda _: cluster_pb2.Node(name="orgs/a/vdcs/b/clusters/c/nodes/helper")
    reply = bench.cell.ask("GET", "/api/cse/demo/helper/info")
    assert reply.json == {
        "name": "helper", "node_type": "", "numberOfCpus": "", "memoryMB": "", "status": "", "ipAddress": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/api/cse/demo/node", {"node_count": "two"}, "node_count"),
        ("POST", "/api/cse/demo/node", {"node_type": "mstr"}, "node_type"),
        ("POST", "/api/cse/demo/node", {"node_type": "x\ny"}, "node_type"),
        ("POST", "/api/cse/demo/node", [], "body"),
        ("DELETE", "/api/cse/demo/node", {"nodes": "node-cd34"}, "nodes"),
        ("DELETE", "/api/cse/demo/node", {"nodes": [1]}, "nodes"),
        ("DELETE", "/api/cse/demo/node", {"nodes": ["node-cd34"], "force": "yes"}, "force"),
        ("POST", "/api/cse/_clusters/demo/resize", {}, "node_count"),
        ("POST", "/api/cse/_clusters/demo/resize", {"node_count": None}, "node_count"),
    ],
)
def test_a_wrong_body_is_refused_by_its_field(bench: Bench, method: str, path: str, body: Any, field: str) -> None:
    reply = bench.cell.ask(method, path, body=body)
    assert reply.status == 400
    assert reply.message["reason"].startswith(f"{field}: ")
    assert reply.message["reason"].isprintable()
    assert not bench.services.calls or {call.method for call in bench.services.calls} <= {"GetServiceState"}


@pytest.mark.parametrize(
    ("method", "path", "body", "rpc", "theirs", "ours"),
    [
        ("POST", "/api/cse/demo/node", {}, "AddNodes", "pool.cpu_count", "cpu"),
        ("POST", "/api/cse/demo/node", {}, "AddNodes", "ssh_public_key", "ssh_key"),
        ("POST", "/api/cse/demo/node", {}, "AddNodes", "template", "template"),
        ("DELETE", "/api/cse/demo/node", {}, "RemoveNodes", "node_ids", "nodes"),
        ("POST", "/api/cse/_clusters/demo/resize", {"node_count": -1}, "ResizeCluster", "worker_count", "node_count"),
    ],
)
def test_refusals_name_fields_as_the_body_does(
    bench: Bench, method: str, path: str, body: object, rpc: str, theirs: str, ours: str
) -> None:
    bench.services.answers[rpc] = raising(errors.InvalidArgumentError(f"{theirs}: too much", field=theirs))
    reply = bench.cell.ask(method, path, body=body)
    assert (reply.status, reply.message["reason"]) == (400, f"{ours}: too much")


def test_of_several_clusters_of_a_name_the_bodys_vdc_says_which(bench: Bench) -> None:
    def answer(request: cluster_service_pb2.RemoveNodesRequest) -> Any:
        if request.name == "orgs/-/vdcs/-/clusters/demo":
            raise errors.ConflictError("there are 2 clusters called 'demo'", reason="CLUSTER_AMBIGUOUS")
        return an_operation()

    bench.services.answers["RemoveNodes"] = answer
    reply = bench.cell.ask("DELETE", "/api/cse/demo/node", body={"nodes": ["node-cd34"], "vdc": "dev vdc"})
    assert reply.status == 202
    names = [call.request.name for call in bench.services.called("RemoveNodes")]  # type: ignore[attr-defined]
    assert names == ["orgs/-/vdcs/-/clusters/demo", "orgs/-/vdcs/dev%20vdc/clusters/demo"]
    refused = bench.cell.ask("DELETE", "/api/cse/demo/node", body={"nodes": ["node-cd34"]})
    assert refused.status == 409
