"""The routes that CSE 1.2.x had: templates, clusters, their kubeconfigs; and what is no route."""

import uuid
from typing import Any

import pytest

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2
from cse.system.v1 import system_pb2, system_service_pb2
from cse.templates.v1 import template_pb2, template_service_pb2
from cse_core import errors
from cse_testing.extension import TOKEN
from cse_testing.fake_services import a_cluster, an_operation, raising
from cse_testing.gateway import Bench
from cse_testing.waiting import LIMIT_S

CLUSTER_KEYS = {
    "name", "cluster_id", "vapp_id", "vapp_href", "vdc_name", "vdc_href", "leader_endpoint", "number_of_vms",
    "template", "cse_version", "status", "master_nodes", "nodes", "nfs_nodes",
}  # fmt: skip
NEW_CLUSTER = {
    "name": "demo",
    "vdc": "dev vdc",
    "node_count": 2,
    "cpu": None,
    "memory": 4096,
    "network": "net-1",
    "storage_profile": None,
    "ssh_key": "ssh-ed25519 AAAA me\n",
    "template": None,
    "enable_nfs": True,
    "disable_rollback": True,
}


def test_templates_are_listed_page_by_page(bench: Bench) -> None:
    def pages(request: template_service_pb2.ListTemplatesRequest) -> template_service_pb2.ListTemplatesResponse:
        number = int(request.page_token or 0)
        template = template_pb2.Template(name=f"templates/t{number}", description="Größe", is_default=number == 0)
        more = str(number + 1) if number < 2 else ""
        return template_service_pb2.ListTemplatesResponse(templates=[template], next_page_token=more)

    bench.services.answers["ListTemplates"] = pages
    reply = bench.cell.ask("GET", "/api/cse/template")
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/json")
    assert [template["name"] for template in reply.json] == ["t0", "t1", "t2"]
    assert reply.json[0] == {
        "name": "t0", "description": "Größe", "catalog": "", "catalog_item": "", "is_default": True,
    }  # fmt: skip


def test_clusters_are_listed_without_their_nodes(bench: Bench) -> None:
    reply = bench.cell.ask("GET", "/api/cse")
    assert reply.status == 200
    (cluster,) = reply.json
    assert set(cluster) == CLUSTER_KEYS
    assert (cluster["name"], cluster["number_of_vms"], cluster["status"]) == ("demo", 3, "POWERED_ON")
    assert (cluster["master_nodes"], cluster["nodes"], cluster["nfs_nodes"]) == ([], [], [])
    (call,) = bench.services.called("ListClusters")
    assert call.request == cluster_service_pb2.ListClustersRequest(parent="orgs/-/vdcs/-", page_size=1000)


def test_a_query_narrows_where_to_look(bench: Bench) -> None:
    bench.cell.ask("GET", "/api/cse", queryString="org=acme&vdc=dev%20vdc&x=1")
    (call,) = bench.services.called("ListClusters")
    assert call.request.parent == "orgs/acme/vdcs/dev%20vdc"  # type: ignore[attr-defined]


def test_a_cluster_is_shown_with_its_nodes(bench: Bench) -> None:
    reply = bench.cell.ask("GET", "/api/cse/demo/info")
    assert reply.status == 200
    assert set(reply.json) == CLUSTER_KEYS
    assert reply.json["master_nodes"] == [{"name": "mstr-ab12", "ipAddress": "10.0.0.5"}]
    assert reply.json["nodes"] == [{"name": "node-cd34", "ipAddress": "10.0.0.6"}]
    assert reply.json["nfs_nodes"] == [{"name": "nfsd-ef56", "ipAddress": "10.0.0.7"}]
    assert reply.json["leader_endpoint"] == "10.0.0.5"
    (call,) = bench.services.called("GetCluster")
    assert call.request == cluster_service_pb2.GetClusterRequest(name="orgs/-/vdcs/-/clusters/demo")


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("text/x-yaml;version=31.0", "text/x-yaml"),
        ("application/*+json;version=31.0", "application/json"),
        ("application/json;version=33.0", "application/json"),
    ],
)
def test_a_kubeconfig_is_one_json_string(bench: Bench, accept: str, content_type: str) -> None:
    kubeconfig = 'apiVersion: v1\nuser: "Größe"\n'
    bench.services.answers["GetKubeconfig"] = lambda _: cluster_service_pb2.GetKubeconfigResponse(kubeconfig=kubeconfig)
    reply = bench.cell.ask("GET", "/api/cse/demo/config", headers={"accept": accept, "X-VCLOUD-Authorization": TOKEN})
    assert (reply.status, reply.headers["Content-Type"]) == (200, content_type)
    assert reply.json == kubeconfig
    assert "Größe".encode() in reply.content


def test_creating_a_cluster_is_accepted(bench: Bench) -> None:
    message_id = str(uuid.uuid4())
    reply = bench.cell.ask("POST", "/api/cse", body=NEW_CLUSTER, message_id=message_id)
    assert reply.status == 202
    assert reply.json == {
        "name": "demo",
        "cluster_id": "uid-1",
        "task_href": "https://vcd.example.com/api/task/1",
        "operation_id": "op-1",
    }
    (call,) = bench.services.called("CreateCluster")
    request = call.request
    assert isinstance(request, cluster_service_pb2.CreateClusterRequest)
    assert (request.parent, request.cluster_id) == ("orgs/-/vdcs/dev%20vdc", "demo")
    assert request.request_id == message_id == call.metadata["x-request-id"]
    assert request.cluster.network == "net-1"
    assert request.cluster.template == ""
    assert request.cluster.nfs_enabled
    assert request.cluster.ssh_public_key == "ssh-ed25519 AAAA me"
    pool = request.cluster.worker_pool
    assert (pool.node_count, pool.cpu_count, pool.memory_mb, pool.storage_profile) == (2, 0, 4096, "")
    assert call.time_remaining_s is not None
    assert 0 < call.time_remaining_s < LIMIT_S


@pytest.mark.parametrize(("sent", "rolls_back"), [(True, True), (False, False), (None, True)])
def test_disable_rollback_means_the_opposite_of_its_name(bench: Bench, sent: bool | None, rolls_back: bool) -> None:
    bench.cell.ask("POST", "/api/cse", body={**NEW_CLUSTER, "disable_rollback": sent})
    (call,) = bench.services.called("CreateCluster")
    assert call.request.rollback_on_failure is rolls_back  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"name": "a" * 26}, "name"),
        ({"name": "system"}, "name"),
        ({"name": "../x"}, "name"),
        ({"name": "x\ny"}, "name"),
        ({"name": 5}, "name"),
        ({"vdc": None}, "vdc"),
        ({"vdc": "a\x00b"}, "vdc"),
        ({"vdc": ["dev"]}, "vdc"),
        ({"network": None}, "network"),
        ({"node_count": "two"}, "node_count"),
        ({"node_count": 1.5}, "node_count"),
        ({"node_count": True}, "node_count"),
        ({"node_count": 2**31}, "node_count"),
        ({"memory": {}}, "memory"),
        ({"enable_nfs": "yes"}, "enable_nfs"),
        ({"disable_rollback": 1}, "disable_rollback"),
        ({"ssh_key": False}, "ssh_key"),
    ],
)
def test_a_field_that_cannot_be_right_is_refused_by_name(bench: Bench, change: dict[str, Any], field: str) -> None:
    reply = bench.cell.ask("POST", "/api/cse", body={**NEW_CLUSTER, **change})
    assert reply.status == 400
    assert reply.message["reason"].startswith(f"{field}: ")
    assert reply.message["stacktrace"] == []
    assert not bench.services.called("CreateCluster")


def test_numbers_may_come_as_texts(bench: Bench) -> None:
    bench.cell.ask("POST", "/api/cse", body={**NEW_CLUSTER, "node_count": "3", "cpu": 2.0})
    (call,) = bench.services.called("CreateCluster")
    pool = call.request.cluster.worker_pool  # type: ignore[attr-defined]
    assert (pool.node_count, pool.cpu_count) == (3, 2)


def test_the_services_words_for_fields_become_those_of_the_client(bench: Bench) -> None:
    field = "cluster.worker_pool.memory_mb"
    error = errors.InvalidArgumentError(f"{field}: 12 is not between 512 and 6291456", field=field)
    bench.services.answers["CreateCluster"] = raising(error)
    reply = bench.cell.ask("POST", "/api/cse", body=NEW_CLUSTER)
    assert reply.status == 400
    assert reply.message["reason"] == "memory: 12 is not between 512 and 6291456"


def test_deleting_a_cluster_is_accepted(bench: Bench) -> None:
    reply = bench.cell.ask("DELETE", "/api/cse/demo", body={"name": "demo"})
    assert reply.status == 202
    task_href = "https://vcd.example.com/api/task/1"
    assert reply.json == {"cluster_name": "demo", "task_href": task_href, "operation_id": "op-1"}
    (call,) = bench.services.called("DeleteCluster")
    assert call.request.name == "orgs/-/vdcs/-/clusters/demo"  # type: ignore[attr-defined]


def test_an_operation_is_shown(bench: Bench) -> None:
    bench.services.answers["GetOperation"] = lambda _: an_operation(kind="CREATE_CLUSTER", state=2, target="t")
    reply = bench.cell.ask("GET", "/api/cse/_operations/op-1")
    assert reply.status == 200
    assert (reply.json["id"], reply.json["state"], reply.json["done"]) == ("op-1", "RUNNING", False)
    assert bench.services.called("GetOperation")[0].request.name == "operations/op-1"  # type: ignore[attr-defined]


def test_a_stop_says_that_it_is_for_all_replicas(bench: Bench) -> None:
    system = system_pb2.System(replicas=[system_pb2.Replica(id="a"), system_pb2.Replica(id="b")])
    bench.services.answers["StopSystem"] = lambda _: system_service_pb2.StopSystemResponse(system=system)
    reply = bench.cell.ask("PUT", "/api/cse/system", body={"stopped": True})
    started, ends = "CSE graceful shutdown started.", "All 2 replicas of the cluster manager will end."
    assert reply.json == {"message": f"{started} {ends}"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/cse/ovdc/5f/info"),
        ("PUT", "/api/cse/ovdc/5f/info"),
        ("GET", "/api/cse/swagger"),
        ("GET", "/api/cse/swagger.json"),
        ("GET", "/api/cse/swagger.yaml"),
    ],
)
def test_what_comes_later_says_so(bench: Bench, method: str, path: str) -> None:
    reply = bench.cell.ask(method, path)
    assert reply.status == 501
    assert "not offered by this version yet" in reply.message["reason"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/cse/demo", "/api/cse/x/y/z/info", "/api/cse/system/info", "/api/cse/swaggers/config", "/api/cse//info",
        "/api/csi", "/api/", "/api/cse/demo%2Finfo", "/api/cse/_other/config", "/api/cse/demo/%00", "/api/cse/%2e%2e",
    ],
)  # fmt: skip
def test_what_is_not_there_is_said_to_be_so(bench: Bench, path: str) -> None:
    reply = bench.cell.ask("GET", path)
    assert reply.status in (400, 404, 405)
    assert isinstance(reply.message["reason"], str)
    assert not bench.services.calls


def test_a_wrong_method_is_told_which_ones_are_right(bench: Bench) -> None:
    reply = bench.cell.ask("PATCH", "/api/cse")
    assert (reply.status, reply.headers["Allow"]) == (405, "GET, POST")


def test_a_slash_at_the_end_and_percent_signs_make_no_difference(bench: Bench) -> None:
    assert bench.cell.ask("GET", "/api/cse/").status == 200
    assert bench.cell.ask("GET", "/api/cse/%64emo/info").status == 200
    assert bench.services.called("GetCluster")[0].request.name.endswith("/demo")  # type: ignore[attr-defined]


def test_a_cluster_that_vcd_knows_little_about_is_shown_all_the_same(bench: Bench) -> None:
    bare = a_cluster()
    bare.ClearField("vapp")
    bare.ClearField("control_plane_ip")
    bench.services.answers["GetCluster"] = lambda _: bare
    shown = bench.cell.ask("GET", "/api/cse/demo/info").json
    assert set(shown) == CLUSTER_KEYS
    assert (shown["leader_endpoint"], shown["number_of_vms"], shown["status"]) == ("", 0, "")


def test_names_are_shown_as_vcd_has_them(bench: Bench) -> None:
    """Users rename vApps and VMs in vCD as they like."""
    node = cluster_pb2.Node(
        name="orgs/acme/vdcs/dev/clusters/my%20%C3%BC/nodes/node%2F1", role=cluster_pb2.Node.ROLE_WORKER
    )
    cluster = cluster_pb2.Cluster(name="orgs/acme/vdcs/dev/clusters/my%20%C3%BC", nodes=[node])
    bench.services.answers["ListClusters"] = lambda _: cluster_service_pb2.ListClustersResponse(clusters=[cluster])
    (shown,) = bench.cell.ask("GET", "/api/cse").json
    assert (shown["name"], shown["nodes"][0]["name"]) == ("my ü", "node/1")
