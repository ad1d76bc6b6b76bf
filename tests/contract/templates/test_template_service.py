"""`cse.templates.v1.TemplateService` over a real channel."""

from collections.abc import Iterator
from typing import cast

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from cse.templates.v1 import template_service_pb2, template_service_pb2_grpc
from cse_core.config import parse_config
from cse_core.errors import UnauthenticatedError, UnavailableError
from cse_core.grpc.metadata import Credentials
from cse_templates.bootstrap import TemplatesService, load_catalogue
from cse_templates.settings import TemplatesSettings
from cse_testing.waiting import LIMIT_S

TOKEN = "9f2c4b7e1d6a4c03b8e5f7a0d1c2b3a4"
CALLER = (("x-vcloud-authorization", TOKEN), ("x-vcloud-api-version", "31.0"))
JWT = (("authorization", f"Bearer {TOKEN}"),)
CONFIG = parse_config(
    {
        "amqp": {"host": "amqp.example.com", "password": "p"},
        "vcd": {"host": "vcd.example.com", "password": "p"},
        "vcs": [{"name": "vc1", "username": "u", "password": "p"}],
        "broker": {
            "org": "o",
            "vdc": "v",
            "network": "n",
            "default_template": "ubuntu-16.04",
            "templates": [
                {"name": "photon-v2", "catalog_item": "photon-k8s", "description": "Photon", "cpu": 4, "mem": 4096},
                {"name": "ubuntu-16.04", "catalog_item": "ubuntu-k8s", "admin_password": "never to be told"},
            ],
        },
    }
)


class OneToken:
    """Accepts one token and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Credentials] = []
        self.down = False

    def verify(self, credentials: Credentials) -> object:
        self.asked.append(credentials)
        if self.down:
            raise UnavailableError("vCD does not answer", reason="VCD_UNAVAILABLE")
        if credentials.token.reveal() != TOKEN:
            raise UnauthenticatedError("vCD does not accept the token")
        return object()


@pytest.fixture
def verifier() -> OneToken:
    return OneToken()


@pytest.fixture
def channel(verifier: OneToken) -> Iterator[grpc.Channel]:
    service = TemplatesService(load_catalogue(CONFIG, TemplatesSettings()), verifier, listen="127.0.0.1:0")
    service.start()
    try:
        with grpc.insecure_channel(service.address) as channel:
            yield channel
    finally:
        service.stop(0)
    assert service.wait(5)


@pytest.fixture
def stub(channel: grpc.Channel) -> template_service_pb2_grpc.TemplateServiceStub:
    return template_service_pb2_grpc.TemplateServiceStub(channel)


Stub = template_service_pb2_grpc.TemplateServiceStub


def refusal(caught: pytest.ExceptionInfo[grpc.RpcError]) -> tuple[grpc.StatusCode, error_details_pb2.ErrorInfo]:
    call = cast("grpc.Call", caught.value)  # what a call raises is the call itself
    status = rpc_status.from_call(call)
    assert status is not None
    (detail,) = status.details
    info = error_details_pb2.ErrorInfo()
    assert detail.Unpack(info)
    return call.code(), info


def test_the_list_holds_what_the_configuration_offers(stub: Stub) -> None:
    first, second = stub.ListTemplates(
        template_service_pb2.ListTemplatesRequest(), metadata=CALLER, timeout=LIMIT_S
    ).templates
    assert (first.name, first.is_default) == ("templates/ubuntu-16.04", True)
    assert (second.name, second.is_default) == ("templates/photon-v2", False)
    assert (second.catalog, second.catalog_item, second.description) == ("cse", "photon-k8s", "Photon")
    assert (second.cpu_count, second.memory_mb) == (4, 4096)
    assert (second.os, second.kubernetes_version) == ("Photon OS 2.0", "1.12.7")
    assert (second.container_runtime, second.container_network) == ("docker 17.06.0", "weave 2.3.0")
    assert second.revision == 1
    assert "never to be told" not in str(first)


def test_pages_are_followed_with_their_token(stub: Stub) -> None:
    first = stub.ListTemplates(template_service_pb2.ListTemplatesRequest(page_size=1), metadata=CALLER, timeout=LIMIT_S)
    rest = stub.ListTemplates(
        template_service_pb2.ListTemplatesRequest(page_size=1, page_token=first.next_page_token),
        metadata=CALLER,
        timeout=LIMIT_S,
    )
    assert [template.name for template in (*first.templates, *rest.templates)] == [
        "templates/ubuntu-16.04",
        "templates/photon-v2",
    ]
    assert rest.next_page_token == ""


def test_a_template_and_its_scripts_carry_the_same_digest(stub: Stub) -> None:
    template = stub.GetTemplate(
        template_service_pb2.GetTemplateRequest(name="templates/photon-v2"), metadata=CALLER, timeout=LIMIT_S
    )
    scripts = stub.GetTemplateScripts(
        template_service_pb2.GetTemplateScriptsRequest(name="templates/photon-v2"), metadata=CALLER, timeout=LIMIT_S
    )
    assert scripts.template == template.name
    assert scripts.digest == template.scripts_digest
    assert scripts.digest.startswith("sha256:")
    assert scripts.pod_subnet == "10.32.0.0/12"
    assert "kubeadm init" in scripts.control_plane
    assert "kubeadm join" in scripts.worker
    assert "exportfs" in scripts.nfs


def test_a_hyphen_reads_the_default_one(stub: Stub) -> None:
    request = template_service_pb2.GetTemplateRequest(name="templates/-")
    assert stub.GetTemplate(request, metadata=CALLER, timeout=LIMIT_S).name == "templates/ubuntu-16.04"


@pytest.mark.parametrize(
    "name", ["templates/nope", "templates/..%2F..%2Fetc%2Fpasswd", "templates/..", "templates/%2E%2E%2Fphoton-v2"]
)
def test_a_name_that_is_not_offered_is_not_found(stub: Stub, name: str) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        stub.GetTemplateScripts(
            template_service_pb2.GetTemplateScriptsRequest(name=name), metadata=CALLER, timeout=LIMIT_S
        )
    code, info = refusal(caught)
    assert code == grpc.StatusCode.NOT_FOUND
    assert (info.domain, info.reason) == ("cse", "TEMPLATE_NOT_FOUND")


@pytest.mark.parametrize(
    "name", ["", "photon-v2", "templates/", "templates/a/b", "templates/../photon-v2", "templates/%00"]
)
def test_a_name_of_another_form_is_invalid(stub: Stub, name: str) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        stub.GetTemplate(template_service_pb2.GetTemplateRequest(name=name), metadata=CALLER, timeout=LIMIT_S)
    code, info = refusal(caught)
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert info.metadata["field"] == "name"


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(max_size=300).map(lambda text: text.encode(errors="ignore").decode()), prefix=st.booleans())
def test_whatever_is_asked_for_is_refused_as_it_should_be(stub: Stub, name: str, prefix: bool) -> None:
    request = template_service_pb2.GetTemplateScriptsRequest(name=f"templates/{name}" if prefix else name)
    assume(name not in ("-", "photon-v2", "ubuntu-16.04"))
    with pytest.raises(grpc.RpcError) as caught:
        stub.GetTemplateScripts(request, metadata=CALLER, timeout=LIMIT_S)
    assert refusal(caught)[0] in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT)


@pytest.mark.parametrize("metadata", [(), (("x-vcloud-authorization", "wrong"),), (("authorization", "Bearer wrong"),)])
@pytest.mark.parametrize("method", ["ListTemplates", "GetTemplate", "GetTemplateScripts"])
def test_without_a_token_that_vcd_accepts_nothing_is_told(
    stub: Stub, method: str, metadata: tuple[tuple[str, str], ...]
) -> None:
    request = getattr(template_service_pb2, f"{method}Request")()
    with pytest.raises(grpc.RpcError) as caught:
        getattr(stub, method)(request, metadata=metadata, timeout=LIMIT_S)
    assert refusal(caught)[0] == grpc.StatusCode.UNAUTHENTICATED


def test_both_kinds_of_tokens_reach_vcd_with_their_version(stub: Stub, verifier: OneToken) -> None:
    for metadata in (CALLER, JWT):
        stub.ListTemplates(template_service_pb2.ListTemplatesRequest(), metadata=metadata, timeout=LIMIT_S)
    assert [(asked.is_jwt, asked.api_version) for asked in verifier.asked] == [(False, "31.0"), (True, "")]


def test_while_vcd_is_away_callers_are_told_to_try_again(stub: Stub, verifier: OneToken) -> None:
    verifier.down = True
    with pytest.raises(grpc.RpcError) as caught:
        stub.ListTemplates(template_service_pb2.ListTemplatesRequest(), metadata=CALLER, timeout=LIMIT_S)
    code, info = refusal(caught)
    assert code == grpc.StatusCode.UNAVAILABLE
    assert info.reason == "VCD_UNAVAILABLE"


def test_health_and_reflection_answer(channel: grpc.Channel) -> None:
    health = health_pb2_grpc.HealthStub(channel)
    request = health_pb2.HealthCheckRequest(service="cse.templates.v1.TemplateService")
    assert health.Check(request, timeout=LIMIT_S).status == health_pb2.HealthCheckResponse.SERVING
    assert "cse.templates.v1.TemplateService" in ProtoReflectionDescriptorDatabase(channel).get_services()
