"""Hostile values in every field, through vCD and the gateway and straight to the services: none gets out of its place.

Fields come from the route table and the descriptors, so that a new one is attacked as soon as it is there. Every
`make test` sends each value to several fields and a share of the values to each field; with the marker `long` every
value goes to every field.
"""

import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import grpc
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf import duration_pb2
from google.protobuf.message import Message

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2, cluster_service_pb2_grpc
from cse.operations.v1 import operation_service_pb2
from cse.system.v1 import system_service_pb2
from cse.templates.v1 import template_service_pb2
from cse_lab.processes import wait_until
from cse_lab.state import LabState
from cse_testing.hostile.canaries import CloudCanary, LogCanary, files_in_guests, state_of
from cse_testing.hostile.corpus import Corpus, Hostile, every
from cse_testing.hostile.fields import SERVICES, GrpcField, Part, RestField, grpc_fields, rest_fields
from cse_testing.ssh import ssh_key
from cse_testing.vcd_rest import Reply, VcdRest

pytestmark = pytest.mark.timeout(900)

AT_ONCE = 6
SHARE = 24
"""One value in so many goes to each field in `make test`."""
TWIN = "twin"
"""A cluster of both organisations, so that system administrators have to say which they mean."""
KEPT = (TWIN, "shared")
NOBODY = "nobody"
NOWHERE = "no-such-network"
VALID: dict[str, Any] = {
    "cluster": NOBODY,
    "enabled": True,
    "name": "fine",
    "network": "net",
    "node": "node-zzzz",
    "node_count": 1,
    "nodes": ["node-zzzz"],
    "operation": str(uuid.UUID(int=7)),
    "ovdc": str(uuid.UUID(int=7)),
    "vdc": "vdc",
}
"""With these every route reads all that it ever reads."""


@dataclass
class Front:
    """Who attacks, and what has come of it."""

    lab: dict[str, str]
    corpus: Corpus
    tenant: VcdRest
    sysadmin: VcdRest
    problems: list[str] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)
    """Of requests that were accepted after all: some values are fine in some fields."""
    _numbers: Iterator[int] = field(default_factory=count)

    def fresh_name(self) -> str:
        return f"h{next(self._numbers)}"

    def note(self, what: str, trouble: str | None) -> None:
        if trouble:
            self.problems.append(f"{what}: {trouble}")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    token = uuid.uuid4().hex[:12]
    return Corpus(canary=f"/tmp/canary-{token}", forged=f"forged-{token}")


@pytest.fixture(scope="module")
def front(lab: dict[str, str], corpus: Corpus) -> Iterator[Front]:
    """Two clusters are there to be attacked; in the end there is no other, and nothing else in vCD has changed."""
    tenant = _login(lab, "LAB_ORG", "LAB_TENANT")
    stranger = _login(lab, "LAB2_ORG", "LAB2_TENANT")
    front = Front(lab, corpus, tenant, _login(lab, None, "LAB_SYSADMIN"))
    mine = {"name": TWIN, "vdc": lab["LAB_VDC"], "network": lab["LAB_NETWORK"], "node_count": 0}
    theirs = mine | {"vdc": lab["LAB2_VDC"], "network": lab["LAB2_NETWORK"]}
    for session, body in ((tenant, mine), (stranger, theirs)):
        _finished(session, session.send("POST", "/api/cse", body).json()["task_href"])
    yield front
    for session in (tenant, stranger):
        _finished(session, session.send("DELETE", f"/api/cse/{TWIN}").json()["task_href"])


@pytest.fixture
def watched(front: Front, lab_state: LabState) -> Iterator[None]:
    """Looks at everything before and after a test: guests, vCD, logs, this machine."""
    cloud = CloudCanary(front.sysadmin)
    log = LogCanary({name: lab_state.log(name) for name in ("gateway", "clusters", "templates")})
    front.problems.clear()
    yield
    _remove_what_was_made(front)
    assert not front.problems, "\n".join(front.problems)
    assert cloud.changes() == []
    assert log.problems(front.corpus.forged) == []
    assert "request_answered" in log.text()
    assert front.tenant.send("GET", "/api/cse").status == 200
    nothing_was_executed(front)


def nothing_was_executed(front: Front) -> None:
    canary = Path(front.corpus.canary)
    assert list(canary.parent.glob(f"{canary.name}*")) == []
    found = list(files_in_guests(state_of(front.sysadmin, files=True)))
    assert {path for _, path, _ in found if path.endswith("/root/.kube/config")}, "there are no guests to look into"
    assert [(guest, path) for guest, path, _ in found if canary.name in path] == []


def test_no_value_gets_out_of_a_rest_field(front: Front, watched: None) -> None:
    _attack_rest(front, nth=SHARE)


@pytest.mark.long
def test_no_value_gets_out_of_any_rest_field(front: Front, watched: None) -> None:
    _attack_rest(front, nth=1)


def test_no_value_gets_out_of_a_grpc_field(front: Front, watched: None) -> None:
    _attack_grpc(front, nth=SHARE)


@pytest.mark.long
def test_no_value_gets_out_of_any_grpc_field(front: Front, watched: None) -> None:
    _attack_grpc(front, nth=1)


def test_no_value_gets_out_of_the_metadata_of_a_call(front: Front, watched: None) -> None:
    """gRPC itself lets nothing else through than printable ASCII."""
    values = [value.text for value in front.corpus.values if value.text.isascii() and value.text.isprintable()]
    genuine = {"x-vcloud-authorization": str(front.tenant.token), "x-vcloud-api-version": "31.0"}
    with grpc.insecure_channel(front.lab["LAB_CLUSTERS_GRPC"]) as channel:
        stub = cluster_service_pb2_grpc.ClusterServiceStub(channel)
        request = cluster_service_pb2.ListClustersRequest(parent="orgs/-/vdcs/-")

        def attack(pair: tuple[str, str]) -> None:
            key, text = pair
            try:
                stub.ListClusters(request, metadata=tuple((genuine | {key: text}).items()), timeout=30)
            except grpc.RpcError as error:
                front.note(f"{text[:80]!r} in {key}", _wrong_with_status(error))

        keys = ("authorization", "x-vcloud-authorization", "x-vcloud-api-version", "x-request-id")
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(attack, [(key, text) for key in keys for text in values[:: len(keys)]]))


def test_whatever_a_key_is_called_it_reaches_the_guests_as_it_is(front: Front, watched: None) -> None:
    """As many values as fit into the comment of each key; all printable ones are sent, and all arrive."""
    wanted = [value.text.replace("PRIVATE KEY", "") for value in front.corpus.values if value.is_one_line]
    assert len(wanted) > 150
    keys = [f"{ssh_key()} {pack}" for pack in _packed(wanted, limit=6_000)]
    names = {front.fresh_name(): key.rstrip() for key in keys}
    for name, key in names.items():
        body = _creation(front) | {"name": name, "ssh_key": key, "enable_nfs": True}
        reply = front.tenant.send("POST", "/api/cse", body)
        assert reply.status == 202, reply.message
        front.tasks.append(reply.json()["task_href"])
    for task in front.tasks:
        _finished(front.tenant, task)
    accepted: dict[str, list[bytes]] = {}
    for guest, path, content in files_in_guests(state_of(front.sysadmin, files=True)):
        if path.endswith("/root/.ssh/authorized_keys"):
            accepted.setdefault(guest, []).append(content)
    for name, key in names.items():
        info = front.tenant.send("GET", f"/api/cse/{name}/info").json()
        for node in (*info["master_nodes"], *info["nfs_nodes"]):
            assert [key] == [content.decode().strip("\n") for content in accepted[node["name"]]]
    nothing_was_executed(front)


def _packed(texts: list[str], *, limit: int) -> Iterator[str]:
    pack = ""
    for text in texts:
        if pack and len(pack) + len(text) > limit:
            yield pack
            pack = ""
        if len(text) <= limit:
            pack += f" {text}"
    yield pack


def _attack_rest(front: Front, *, nth: int) -> None:
    fields = rest_fields(VALID)
    assert len(fields) > 80
    values = front.corpus.values
    work = [(each, value) for number, each in enumerate(fields) for value in every(values, nth=nth, offset=number)]
    assert {value for _, value in work} == set(values)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda pair: _send(front, *pair), work))


def _send(front: Front, target: RestField, value: Hostile) -> None:
    request = _request(front, target, value)
    if request is None:
        return
    path, body, headers = request
    session = front.sysadmin if (target.part, target.name) == (Part.BODY, "vdc") else front.tenant
    reply = session.send(target.method, path, body, headers=headers)
    front.note(f"{value} in {target}", _wrong_with(reply))
    if reply.status == 202 and "task_href" in reply.json():
        front.tasks.append(reply.json()["task_href"])


def _request(front: Front, target: RestField, value: Hostile) -> tuple[str, Any, dict[str, str]] | None:
    """Path, body and headers of a request that is fine but for the value; None if no client could send it."""
    path, query, headers = target.pattern, "", {}
    harmless = target.part in (Part.QUERY, Part.HEADER)
    body: Any = _creation(front) | {"nodes": ["node-zzzz"], "node_type": "nfsd"}
    body |= {"network": NOWHERE} if harmless else {}
    names = VALID | {"cluster": NOBODY if harmless or target.method == "GET" else TWIN}
    if target.part is Part.PATH:
        names[target.name] = None
    for name in [each.strip("{}") for each in target.pattern.split("/") if each.startswith("{")]:
        text = value.text if names[name] is None else names[name]
        path = path.replace(f"{{{name}}}", quote(text.encode(errors="surrogatepass"), safe=""))
    if "%5C" in path:
        return None  # vCD answers those itself, with 500
    if target.part is Part.QUERY:
        query = f"?{target.name}=" + quote(value.text.encode(errors="surrogatepass"), safe="")
    elif target.part is Part.HEADER:
        headers = {target.name: value.text}
        if not (value.text.isascii() and value.text.isprintable()):
            return None  # vCD's own HTTP server takes no such header
    elif target.part is Part.BODY:
        body[target.name] = [value.text] if target.name == "nodes" else value.text
    if len(path) + len(query) > 16_000:
        return None  # longer than vCD's own HTTP server takes
    return path + query, body if target.method != "GET" else None, headers


def _creation(front: Front) -> dict[str, Any]:
    return {
        "name": front.fresh_name(),
        "vdc": front.lab["LAB_VDC"],
        "network": front.lab["LAB_NETWORK"],
        "node_count": 0,
        "disable_rollback": True,
    }


def _wrong_with(reply: Reply) -> str | None:
    """What no request may be answered with."""
    if reply.status >= 500 and reply.status != 501:
        return f"status {reply.status}: {reply.body[:300]!r}"
    if "x-forged" in reply.headers:
        return "a header was forged"
    if reply.headers.get("content-type", "").startswith("application/json"):
        shown = reply.json()
        if reply.status >= 400 and not reply.message.isprintable():
            return f"a message that is not printable: {reply.message[:300]!r}"
        if reply.status < 400 and not isinstance(shown, dict | list | str):
            return f"a strange answer: {reply.body[:300]!r}"
    elif 200 <= reply.status < 300:
        return f"a strange answer: {reply.headers} {reply.body[:300]!r}"
    return None


def _attack_grpc(front: Front, *, nth: int) -> None:
    fields = grpc_fields()
    bases = _messages(front)
    assert {each.method for each in fields} == set(bases), "say what a good request of each method is"
    values = tuple(value for value in front.corpus.values if value.is_encodable)
    work = [(each, value) for number, each in enumerate(fields) for value in every(values, nth=nth, offset=number)]
    channels = {
        "cse.templates.v1.TemplateService": grpc.insecure_channel(front.lab["LAB_TEMPLATES_GRPC"]),
    }
    clusters = grpc.insecure_channel(front.lab["LAB_CLUSTERS_GRPC"])

    def attack(pair: tuple[GrpcField, Hostile]) -> None:
        target, value = pair
        service, _, method = target.method.rpartition(".")
        _call(front, channels.get(service, clusters), f"/{service}/{method}", target, value, bases[target.method])

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(attack, work))
    for channel in (clusters, *channels.values()):
        channel.close()


def _call(front: Front, channel: grpc.Channel, path: str, target: GrpcField, value: Hostile, base: Message) -> None:
    request = type(base)()
    request.CopyFrom(base)
    if isinstance(request, cluster_service_pb2.CreateClusterRequest):
        request.cluster_id = front.fresh_name()
        if target.is_output_only or target.path == ("request_id",):
            request.cluster.network = NOWHERE  # what does not matter would be accepted
    elif target.path == ("request_id",) and "name" in request.DESCRIPTOR.fields_by_name:
        request.name = f"orgs/-/vdcs/-/clusters/{NOBODY}"  # type: ignore[attr-defined]
    _put(request, target.path, value.text)
    caller = front.sysadmin if target.method.startswith("cse.system.") else front.tenant
    metadata = (("x-vcloud-authorization", str(caller.token)), ("x-vcloud-api-version", "31.0"))
    kind = channel.unary_stream if path.endswith("/WatchOperation") else channel.unary_unary
    call = kind(path, request_serializer=lambda each: each.SerializeToString(), response_deserializer=bytes)
    try:
        answer = call(request, metadata=metadata, timeout=20)
        answer = answer if isinstance(answer, bytes) else b"".join(answer)
    except grpc.RpcError as error:
        front.note(f"{value} in {target}", _wrong_with_status(error))
        return
    if _output_of(target.method).full_name == operations_pb2.Operation.DESCRIPTOR.full_name:
        front.tasks.append(operations_pb2.Operation.FromString(answer).name)


def _wrong_with_status(error: Any) -> str | None:
    code, message = error.code(), error.details()
    if code in (grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL, grpc.StatusCode.DEADLINE_EXCEEDED):
        return f"{code.name}: {message}"
    return None if message.isprintable() else f"a message that is not printable: {message!r}"


def _output_of(method: str) -> Any:
    (found,) = (each.output_type for service in SERVICES for each in service.methods if each.full_name == method)
    return found


def _put(message: Any, path: tuple[str, ...], text: str) -> None:
    *above, last = path
    for name in above:
        inner = getattr(message, name)
        message = inner.add() if hasattr(inner, "add") else inner
    if hasattr(getattr(message, last), "append"):
        getattr(message, last)[:] = [text]
    else:
        kind = message.DESCRIPTOR.fields_by_name[last]
        setattr(message, last, text.encode() if kind.type == kind.TYPE_BYTES else text)


def _messages(front: Front) -> dict[str, Message]:
    """A good request of each method that has texts in it, by the method's full name."""
    nobody = f"orgs/-/vdcs/-/clusters/{NOBODY}"
    twin = f"orgs/-/vdcs/-/clusters/{TWIN}"
    nothing = f"operations/{uuid.UUID(int=7)}"
    pool = cluster_pb2.NodePool(node_count=1)
    vdc = f"orgs/-/vdcs/{front.lab['LAB_VDC']}"
    cluster = cluster_pb2.Cluster(network=front.lab["LAB_NETWORK"])
    clusters, operations = cluster_service_pb2, operations_pb2
    by_service: Mapping[str, Mapping[str, Message]] = {
        "cse.clusters.v1.ClusterService": {
            "ListClusters": clusters.ListClustersRequest(parent=vdc),
            "GetCluster": clusters.GetClusterRequest(name=nobody),
            "CreateCluster": clusters.CreateClusterRequest(parent=vdc, cluster=cluster, rollback_on_failure=True),
            "DeleteCluster": clusters.DeleteClusterRequest(name=nobody),
            "ResizeCluster": clusters.ResizeClusterRequest(name=nobody),
            "GetKubeconfig": clusters.GetKubeconfigRequest(name=nobody),
            "GetNode": clusters.GetNodeRequest(name=f"{twin}/nodes/node-zzzz"),
            "AddNodes": clusters.AddNodesRequest(name=twin, pool=pool, role=cluster_pb2.Node.ROLE_NFS),
            "RemoveNodes": clusters.RemoveNodesRequest(name=twin, node_ids=["node-zzzz"]),
        },
        "cse.operations.v1.OperationService": {
            "WatchOperation": operation_service_pb2.WatchOperationRequest(name=nothing),
        },
        "google.longrunning.Operations": {
            "ListOperations": operations.ListOperationsRequest(name="operations"),
            "GetOperation": operations.GetOperationRequest(name=nothing),
            "DeleteOperation": operations.DeleteOperationRequest(name=nothing),
            "CancelOperation": operations.CancelOperationRequest(name=nothing),
            "WaitOperation": operations.WaitOperationRequest(name=nothing, timeout=duration_pb2.Duration(seconds=1)),
        },
        "cse.system.v1.SystemService": {
            "ListOrphans": system_service_pb2.ListOrphansRequest(),
            "Reclaim": system_service_pb2.ReclaimRequest(names=[f"orphans/{uuid.UUID(int=7)}"]),
        },
        "cse.templates.v1.TemplateService": {
            "ListTemplates": template_service_pb2.ListTemplatesRequest(),
            "GetTemplate": template_service_pb2.GetTemplateRequest(name="templates/-"),
            "GetTemplateScripts": template_service_pb2.GetTemplateScriptsRequest(name="templates/-"),
        },
    }
    return {f"{service}.{name}": message for service, all_of in by_service.items() for name, message in all_of.items()}


def _login(lab: Mapping[str, str], org: str | None, user: str) -> VcdRest:
    return VcdRest.login(
        lab["LAB_VCD"], org=lab[org] if org else "System", user=lab[user], password=lab[f"{user}_PASSWORD"]
    )


def _finished(session: VcdRest, task_href: str) -> None:
    """Waits until a task has ended, however it does."""
    path = "/" + task_href.split("/", 3)[3]
    final = (b'status="success"', b'status="error"', b'status="aborted"', b'status="canceled"')

    def ended() -> bool:
        body = session.send("GET", path, accept="application/*+xml;version=31.0").body
        return any(each in body for each in final)

    assert wait_until(ended, timeout_s=120), task_href


def _remove_what_was_made(front: Front) -> None:
    """What was accepted ends, and the clusters that came of it go."""
    names = [task for task in front.tasks if not task.startswith("http")]
    with grpc.insecure_channel(front.lab["LAB_CLUSTERS_GRPC"]) as channel:
        stub = operations_pb2_grpc.OperationsStub(channel)
        metadata = (("x-vcloud-authorization", str(front.sysadmin.token)), ("x-vcloud-api-version", "31.0"))
        for name in names:
            request = operations_pb2.WaitOperationRequest(name=name, timeout=duration_pb2.Duration(seconds=100))
            assert stub.WaitOperation(request, metadata=metadata, timeout=110).done
    for task in front.tasks:
        if task.startswith("http"):
            _finished(front.sysadmin, task)
    made = [each["name"] for each in front.tenant.send("GET", "/api/cse").json() if each["name"] not in KEPT]
    ending = [front.tenant.send("DELETE", f"/api/cse/{name}") for name in made]
    for reply in ending:
        assert reply.status == 202, reply
        _finished(front.tenant, reply.json()["task_href"])
    front.tasks.clear()
