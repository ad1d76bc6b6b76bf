"""Hostile values in texts of gRPC requests, and in the metadata of calls."""

import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.longrunning import operations_pb2
from google.protobuf import duration_pb2
from google.protobuf.message import Message

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2, cluster_service_pb2_grpc
from cse.operations.v1 import operation_service_pb2
from cse.system.v1 import system_service_pb2
from cse.templates.v1 import template_service_pb2
from cse_testing.hostile.corpus import Hostile, every
from cse_testing.hostile.fields import SERVICES, GrpcField, grpc_fields
from cse_testing.hostile.front import AT_ONCE, NOBODY, NOWHERE, TWIN, Front
from cse_testing.waiting import LIMIT_S


def attack_grpc(front: Front, *, nth: int) -> None:
    """Sends to each text of each request one of `nth` values, to each another share."""
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
        answer = call(request, metadata=metadata, timeout=LIMIT_S)
        answer = answer if isinstance(answer, bytes) else b"".join(answer)
    except grpc.RpcError as error:
        front.note(f"{value} in {target}", _wrong_with_status(error))
        return
    if _output_of(target.method).full_name == operations_pb2.Operation.DESCRIPTOR.full_name:
        front.tasks.append(operations_pb2.Operation.FromString(answer).name)


def attack_metadata(front: Front) -> None:
    """Sends a quarter of the values in each of our keys. gRPC itself lets nothing through but printable ASCII."""
    values = [value.text for value in front.corpus.values if value.text.isascii() and value.text.isprintable()]
    genuine = {"x-vcloud-authorization": str(front.tenant.token), "x-vcloud-api-version": "31.0"}
    with grpc.insecure_channel(front.lab["LAB_CLUSTERS_GRPC"]) as channel:
        stub = cluster_service_pb2_grpc.ClusterServiceStub(channel)
        request = cluster_service_pb2.ListClustersRequest(parent="orgs/-/vdcs/-")

        def attack(pair: tuple[str, str]) -> None:
            key, text = pair
            try:
                stub.ListClusters(request, metadata=tuple((genuine | {key: text}).items()), timeout=LIMIT_S)
            except grpc.RpcError as error:
                front.note(f"{text[:80]!r} in {key}", _wrong_with_status(error))

        keys = ("authorization", "x-vcloud-authorization", "x-vcloud-api-version", "x-request-id")
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(attack, [(key, text) for key in keys for text in values[:: len(keys)]]))


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
