"""Callers of the templates service are checked with a vCD."""

from collections.abc import Iterator

import grpc
import pytest
from google.protobuf.message import Message

from cse.templates.v1 import template_service_pb2, template_service_pb2_grpc
from cse_core.config import parse_config
from cse_templates.bootstrap import create
from cse_templates.settings import TemplatesSettings
from cse_testing.clusters.rpcs import call, served
from cse_testing.vcd_rest import VcdRest
from cse_testing.waiting import LIMIT_S
from vcd_simulator.inventory import Inventory
from vcd_simulator.simulator import Simulator

Stub = template_service_pb2_grpc.TemplateServiceStub


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(Inventory.lab(), profile="instant") as running:
        yield running


@pytest.fixture
def address(simulator: Simulator) -> Iterator[str]:
    host, _, port = simulator.address.rpartition(":")
    config = parse_config(
        {
            "amqp": {"host": "127.0.0.1", "password": "p"},
            "vcd": {"host": host, "port": int(port), "password": "p", "verify": False},
            "vcs": [{"name": "vc1", "username": "u", "password": "p"}],
            "broker": {
                "org": "o",
                "vdc": "v",
                "network": "n",
                "default_template": "photon-v2",
                "templates": [{"name": "photon-v2", "catalog_item": "x"}],
            },
        }
    )
    service = create(config, TemplatesSettings(listen="127.0.0.1:0"))
    service.start()
    yield service.address
    service.stop(0)


@pytest.fixture
def channel(address: str) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(address) as channel:
        yield channel


@pytest.fixture
def stub(channel: grpc.Channel) -> Stub:
    return template_service_pb2_grpc.TemplateServiceStub(channel)


def names(stub: Stub, **metadata: str) -> list[str]:
    pairs = tuple((name.replace("_", "-"), value) for name, value in metadata.items())
    reply = stub.ListTemplates(template_service_pb2.ListTemplatesRequest(), metadata=pairs, timeout=LIMIT_S)
    return [template.name for template in reply.templates]


def log_in(simulator: Simulator, user: str, org: str = "acme") -> str:
    token = VcdRest.login(simulator.address, org=org, user=user, password=f"{user}-secret").token
    assert token is not None
    return token


def test_a_session_of_vcd_lets_in(stub: Stub, simulator: Simulator) -> None:
    token = log_in(simulator, "bob")
    assert names(stub, x_vcloud_authorization=token, x_vcloud_api_version="31.0") == ["templates/photon-v2"]


def test_a_session_that_has_ended_does_not(stub: Stub, simulator: Simulator) -> None:
    token = log_in(simulator, "alice")
    assert VcdRest(simulator.address, token).send("DELETE", "/api/session").status == 204
    with pytest.raises(grpc.RpcError) as caught:
        names(stub, x_vcloud_authorization=token)
    assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED
    assert token not in str(caught.value)


@pytest.mark.parametrize("header", ["authorization", "x_vcloud_authorization"])
def test_a_made_up_token_does_not(stub: Stub, header: str) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        names(stub, **{header: "Bearer made.up.token" if header == "authorization" else "f" * 32})
    assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED


ASK: dict[str, Message] = {
    "cse.templates.v1.TemplateService/ListTemplates": template_service_pb2.ListTemplatesRequest(),
    "cse.templates.v1.TemplateService/GetTemplate": template_service_pb2.GetTemplateRequest(name="templates/-"),
    "cse.templates.v1.TemplateService/GetTemplateScripts": template_service_pb2.GetTemplateScriptsRequest(
        name="templates/-"
    ),
}
"""A request for each RPC, by full name."""


def test_every_rpc_that_is_served_has_a_request(channel: grpc.Channel) -> None:
    assert set(served(channel)) == set(ASK)


@pytest.mark.parametrize("name", ASK)
def test_every_rpc_tells_the_same_to_both_organisations_and_nothing_to_anybody_else(
    channel: grpc.Channel, simulator: Simulator, name: str
) -> None:
    method = served(channel)[name]
    answers = [
        call(channel, name, method, ASK[name], (("x-vcloud-authorization", log_in(simulator, user, org)),))
        for user, org in (("alice", "acme"), ("carol", "globex"))
    ]
    assert answers[0] == answers[1]
    for metadata in ((), (("x-vcloud-authorization", "f" * 32),)):
        with pytest.raises(grpc.RpcError) as caught:
            call(channel, name, method, ASK[name], metadata)
        assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED
