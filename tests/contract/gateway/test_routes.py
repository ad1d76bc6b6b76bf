import uuid
from typing import Any

import pytest
from lxml import etree

from cse.clusters.v1 import cluster_service_pb2
from cse.system.v1 import system_pb2, system_service_pb2
from cse.templates.v1 import template_pb2, template_service_pb2
from cse_core import errors
from cse_testing.extension import TOKEN
from cse_testing.fake_services import a_cluster, an_operation
from cse_testing.gateway import Bench

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


def raising(error: errors.CseError) -> Any:
    def answer(_request: object) -> Any:
        raise error

    return answer


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
    assert 8 < call.time_remaining_s < 10


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


def test_everybody_sees_what_runs(bench: Bench) -> None:
    reply = bench.cell.ask("GET", "/api/cse/system")
    assert reply.status == 200
    assert reply.json == {"product": "CSE", "description": "Clusters", "version": "0.1.0"}


def test_administrators_see_how_it_runs(bench: Bench) -> None:
    bench.services.answers["GetSystem"] = lambda _: system_pb2.System(
        product="CSE",
        state=system_pb2.System.STATE_DISABLED,
        python_version="3.11.2",
        config_file="/etc/cse/config.yaml",
        operations_in_progress=4,
        replicas=[
            system_pb2.Replica(id="a", operations_in_progress=2, thread_count=10),
            system_pb2.Replica(id="b", operations_in_progress=1, thread_count=20),
        ],
    )
    shown = bench.cell.ask("GET", "/api/cse/system").json
    assert shown["python"] == "3.11.2"
    assert shown["consumer_threads"] == 5
    assert shown["all_threads"] > 30
    assert shown["requests_in_progress"] == 4  # one waits for its turn
    assert shown["config_file"] == "/etc/cse/config.yaml"
    assert shown["status"] == "Disabled"


def test_while_disabled_all_but_system_is_refused(bench: Bench) -> None:
    cell = bench.cell
    assert cell.ask("PUT", "/api/cse/system", body={"enabled": False}).json == {"message": "Updated"}
    bench.services.calls.clear()
    for method, path in [("GET", "/api/cse"), ("GET", "/api/cse/template"), ("POST", "/api/cse")]:
        reply = cell.ask(method, path)
        assert reply.status == 503
        assert reply.json == {"message": "CSE service is disabled. Contact the System Administrator."}
    assert not bench.services.calls
    assert cell.ask("GET", "/api/cse/system").status == 200
    assert cell.ask("PUT", "/api/cse/system", body={"enabled": True}).json == {"message": "Updated"}
    assert cell.ask("GET", "/api/cse/template").status == 200


def test_a_change_of_state_elsewhere_becomes_known(bench: Bench) -> None:
    cell = bench.cell
    bench.services.state = system_pb2.System.STATE_DISABLED
    assert cell.wait_for(lambda: cell.ask().status == 503, within_s=1.0)
    bench.services.state = system_pb2.System.STATE_RUNNING
    assert cell.wait_for(lambda: cell.ask().status == 200, within_s=1.0)


@pytest.mark.parametrize(
    ("body", "method", "answer", "status", "message"),
    [
        ({"stopped": True}, "StopSystem", 0, 200, "CSE graceful shutdown started."),
        (
            {"stopped": True},
            "StopSystem",
            3,
            200,
            "CSE graceful shutdown started. CSE will finish processing 3 requests.",
        ),
        (
            {"stopped": True},
            "StopSystem",
            errors.FailedPreconditionError("it is enabled", reason="SERVICE_ENABLED"),
            422,
            "Cannot stop CSE while is enabled. Disable the service first.",
        ),
        (
            {"enabled": True},
            "EnableSystem",
            errors.FailedPreconditionError("it stops", reason="SERVICE_STOPPING"),
            422,
            "Cannot enable while being stopped.",
        ),
        ({"enabled": True}, "EnableSystem", errors.PermissionDeniedError("no administrator"), 403, "Unauthorized"),
    ],
)
def test_the_messages_of_stop_and_enable_are_those_users_know(
    bench: Bench, body: object, method: str, answer: int | errors.CseError, status: int, message: str
) -> None:
    if isinstance(answer, int):
        bench.services.answers[method] = lambda _: system_service_pb2.StopSystemResponse(operations_in_progress=answer)
    else:
        bench.services.answers[method] = raising(answer)
    reply = bench.cell.ask("PUT", "/api/cse/system", body=body)
    assert (reply.status, reply.json) == (status, {"message": message})


def test_a_stop_says_that_it_is_for_all_replicas(bench: Bench) -> None:
    system = system_pb2.System(replicas=[system_pb2.Replica(id="a"), system_pb2.Replica(id="b")])
    bench.services.answers["StopSystem"] = lambda _: system_service_pb2.StopSystemResponse(system=system)
    reply = bench.cell.ask("PUT", "/api/cse/system", body={"stopped": True})
    started, ends = "CSE graceful shutdown started.", "All 2 replicas of the cluster manager will end."
    assert reply.json == {"message": f"{started} {ends}"}


@pytest.mark.parametrize("body", [None, {}, {"enabled": "yes"}, {"enabled": True, "stopped": True}, {"stopped": False}])
def test_a_change_of_the_system_must_say_what_to_change(bench: Bench, body: object) -> None:
    assert bench.cell.ask("PUT", "/api/cse/system", body=body).status == 400


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


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InvalidArgumentError("name: no", field="name"), 400),
        (errors.PermissionDeniedError("not yours"), 403),
        (errors.NotFoundError("cluster 'demo' is not there", reason="CLUSTER_NOT_FOUND", cluster="demo"), 404),
        (errors.AlreadyExistsError("taken"), 409),
        (errors.ConflictError("busy"), 409),
        (errors.FailedPreconditionError("guest is down", reason="CONTROL_PLANE_UNREACHABLE"), 422),
        (errors.ExhaustedError("too much"), 429),
        (errors.NotSupportedError("not yet"), 501),
        (errors.UnavailableError("vCD does not answer"), 503),
    ],
)
def test_an_error_of_a_service_is_told_in_json(bench: Bench, error: errors.CseError, status: int) -> None:
    bench.services.answers["GetCluster"] = raising(error)
    reply = bench.cell.ask("GET", "/api/cse/demo/info")
    assert reply.status == status
    assert reply.headers["Content-Type"] == "application/json"
    assert set(reply.message) == {"reason", "description", "stacktrace"}
    assert reply.message["reason"] == error.message or error.message in reply.message["reason"]
    assert error.code in reply.message["description"]


def test_a_service_that_finds_out_first_that_it_is_disabled_is_believed(bench: Bench) -> None:
    error = errors.FailedPreconditionError("disabled", reason="SERVICE_DISABLED")
    bench.services.answers["ListClusters"] = raising(error)
    reply = bench.cell.ask("GET", "/api/cse")
    assert (reply.status, reply.message) == (503, "CSE service is disabled. Contact the System Administrator.")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.UnauthenticatedError('the token "<x>" & so on is over; log in again'), 401, "NOT_AUTHENTICATED"),
        (errors.DeadlineError("vCD took too long"), 504, "GATEWAY_TIMEOUT"),
    ],
)
def test_old_clients_get_401_and_504_as_xml(bench: Bench, error: errors.CseError, status: int, code: str) -> None:
    bench.services.answers["ListTemplates"] = raising(error)
    reply = bench.cell.ask("GET", "/api/cse/template")
    assert reply.status == status
    assert reply.headers["Content-Type"] == "application/vnd.vmware.vcloud.error+xml;version=31.0"
    root = etree.fromstring(reply.content)
    assert root.tag == "{http://www.vmware.com/vcloud/v1.5}Error"
    assert (root.get("majorErrorCode"), root.get("minorErrorCode")) == (str(status), code)
    assert error.message in str(root.get("message"))


def test_clients_that_ask_for_json_get_401_as_json(bench: Bench) -> None:
    bench.services.answers["ListTemplates"] = raising(errors.UnauthenticatedError("log in again"))
    headers = {"Accept": "application/json;version=33.0"}
    reply = bench.cell.ask("GET", "/api/cse/template", headers=headers)
    assert (reply.status, reply.message["reason"]) == (401, "Unauthorized: log in again")


def test_what_a_service_does_not_know_yet_is_501(bench: Bench) -> None:
    def not_there(_request: object) -> Any:
        raise errors.NotSupportedError("not in this version")

    bench.services.answers["GetOperation"] = not_there
    assert bench.cell.ask("GET", "/api/cse/_operations/op-1").status == 501


def test_a_crash_of_a_service_shows_nothing_of_its_inside(bench: Bench) -> None:
    def crash(_request: object) -> Any:
        raise RuntimeError("secret inside")

    bench.services.answers["ListClusters"] = crash
    reply = bench.cell.ask("GET", "/api/cse")
    assert reply.status == 500
    assert b"secret" not in reply.content


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        ({"x-vcloud-authorization": TOKEN}, {"x-vcloud-authorization": TOKEN}),
        ({"X-Vcloud-Authorization": TOKEN, "Accept": "*/*;version=27.0"}, {"x-vcloud-authorization": TOKEN}),
        ({"AUTHORIZATION": "bearer a.b.c"}, {"authorization": "Bearer a.b.c"}),
        ({"Authorization": "Bearer a.b.c", "x-vcloud-authorization": TOKEN}, {"authorization": "Bearer a.b.c"}),
        ({"Authorization": "Basic YTpi", "x-vcloud-authorization": TOKEN}, {"x-vcloud-authorization": TOKEN}),
        ({}, {}),
    ],
)
def test_the_callers_token_travels_beside_the_call(bench: Bench, headers: dict[str, str], sent: dict[str, str]) -> None:
    bench.cell.ask("GET", "/api/cse/template", headers=headers)
    (call,) = bench.services.called("ListTemplates")
    tokens = {key: call.metadata[key] for key in ("authorization", "x-vcloud-authorization") if key in call.metadata}
    assert tokens == sent
    assert call.metadata.get("x-vcloud-api-version") == ("27.0" if "Accept" in headers else None)


@pytest.mark.parametrize(
    "headers", [{"Authorization": "Bearer a\nb: c"}, {"authorization": "Basic YTpi"}, {"x-vcloud-authorization": "a b"}]
)
def test_what_cannot_be_a_token_goes_nowhere(bench: Bench, headers: dict[str, str]) -> None:
    reply = bench.cell.ask("GET", "/api/cse/template", headers={**headers, "Accept": "application/json"})
    assert (reply.status, reply.message["reason"]) == (401, "Unauthorized: the vCD token is malformed; log in again")
    assert not bench.services.calls


@pytest.mark.parametrize(
    ("accept", "version"),
    [
        ("application/*+json;version=32.0, application/json;version=33.0", "32.0"),
        ("application/json; version=33.0", "33.0"),
        ("*;version=31.0", "31.0"),
        ("text/x-yaml;version=1234567.8", None),
        ("application/json", None),
    ],
)
def test_the_first_api_version_in_accept_counts(bench: Bench, accept: str, version: str | None) -> None:
    bench.cell.ask("GET", "/api/cse/template", headers={"accept": accept, "x-vcloud-authorization": TOKEN})
    (call,) = bench.services.called("ListTemplates")
    assert call.metadata.get("x-vcloud-api-version") == version


def test_a_message_id_that_is_no_uuid_always_gives_the_same_request_id(bench: Bench) -> None:
    for _ in range(2):
        bench.cell.ask("DELETE", "/api/cse/demo", message_id="request-1")
    first, again = bench.services.called("DeleteCluster")
    assert str(uuid.UUID(first.metadata["x-request-id"])) == first.request.request_id  # type: ignore[attr-defined]
    assert first.request == again.request


def test_a_cluster_that_vcd_knows_little_about_is_shown_all_the_same(bench: Bench) -> None:
    bare = a_cluster()
    bare.ClearField("vapp")
    bare.ClearField("control_plane_ip")
    bench.services.answers["GetCluster"] = lambda _: bare
    shown = bench.cell.ask("GET", "/api/cse/demo/info").json
    assert set(shown) == CLUSTER_KEYS
    assert (shown["leader_endpoint"], shown["number_of_vms"], shown["status"]) == ("", 0, "")
