"""`SystemService`, health, reflection and channelz as clients see them."""

from typing import Any

import grpc
import pytest
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from cse.clusters.v1 import cluster_service_pb2
from cse.system.v1 import system_pb2, system_service_pb2
from cse_core import errors
from cse_core.grpc.status import error_of
from cse_testing.clusters.clients import Clients, token
from cse_testing.waiting import LIMIT_S

ALICE, ADMIN = token("alice"), token("admin")
SERVICES = {
    "cse.clusters.v1.ClusterService",
    "cse.system.v1.SystemService",
    "cse.operations.v1.OperationService",
    "google.longrunning.Operations",
    "grpc.health.v1.Health",
}


def state(clients: Clients) -> int:
    found: int = clients.system.GetServiceState(system_service_pb2.GetServiceStateRequest()).state
    return found


def refused(call: Any, request: Any, metadata: Any) -> errors.CseError:
    with pytest.raises(grpc.RpcError) as raised:
        call(request, metadata=metadata, timeout=LIMIT_S)
    return error_of(raised.value)


def test_everybody_sees_what_it_is_and_administrators_how_it_is(clients: Clients) -> None:
    seen = clients.system.GetSystem(system_service_pb2.GetSystemRequest(), metadata=ALICE)
    assert (seen.product, seen.state) == ("CSE", system_pb2.System.STATE_RUNNING)
    assert seen.version
    assert not seen.python_version
    assert not seen.config_file
    assert not seen.replicas
    full = clients.system.GetSystem(system_service_pb2.GetSystemRequest(), metadata=ADMIN)
    assert full.python_version
    assert full.config_file == "config.yaml"
    (replica,) = full.replicas
    assert replica.id
    assert replica.thread_count > 1


def test_a_disabled_service_answers_calls_of_the_system_service_only(clients: Clients) -> None:
    clients.system.DisableSystem(system_service_pb2.DisableSystemRequest(), metadata=ADMIN)
    assert state(clients) == system_pb2.System.STATE_DISABLED
    request = cluster_service_pb2.ListClustersRequest(parent="orgs/-/vdcs/-")
    error = refused(clients.clusters.ListClusters, request, ALICE)
    assert error.code == "SERVICE_DISABLED"
    assert error.message == "CSE service is disabled. Contact the System Administrator."
    clients.system.GetSystem(system_service_pb2.GetSystemRequest(), metadata=ALICE)
    clients.system.EnableSystem(system_service_pb2.EnableSystemRequest(), metadata=ADMIN)
    clients.clusters.ListClusters(request, metadata=ALICE)


def test_stopping_has_its_order(clients: Clients) -> None:
    stop = system_service_pb2.StopSystemRequest()
    assert refused(clients.system.StopSystem, stop, ADMIN).code == "SERVICE_ENABLED"
    clients.system.DisableSystem(system_service_pb2.DisableSystemRequest(), metadata=ADMIN)
    answer = clients.system.StopSystem(stop, metadata=ADMIN)
    assert (answer.system.state, answer.operations_in_progress) == (system_pb2.System.STATE_SHUTTING_DOWN, 0)
    error = refused(clients.system.EnableSystem, system_service_pb2.EnableSystemRequest(), ADMIN)
    assert error.code == "SERVICE_STOPPING"


def test_tenants_switch_nothing(clients: Clients) -> None:
    for call, request in (
        (clients.system.EnableSystem, system_service_pb2.EnableSystemRequest()),
        (clients.system.DisableSystem, system_service_pb2.DisableSystemRequest()),
        (clients.system.StopSystem, system_service_pb2.StopSystemRequest()),
    ):
        assert isinstance(refused(call, request, ALICE), errors.PermissionDeniedError)
        assert isinstance(refused(call, request, ()), errors.UnauthenticatedError)
    assert state(clients) == system_pb2.System.STATE_RUNNING


def test_health_says_serving_for_each_service(clients: Clients) -> None:
    stub = health_pb2_grpc.HealthStub(clients.channel)
    for service in ["", *SERVICES - {"grpc.health.v1.Health"}]:
        answer = stub.Check(health_pb2.HealthCheckRequest(service=service))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_reflection_lists_the_services(clients: Clients) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(clients.channel)
    (answer,) = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
    assert {each.name for each in answer.list_services_response.service} >= SERVICES


def test_channelz_knows_the_server(clients: Clients) -> None:
    stub = channelz_pb2_grpc.ChannelzStub(clients.channel)
    answer = stub.GetServers(channelz_pb2.GetServersRequest())
    assert any(server.data.calls_started > 0 for server in answer.server)
