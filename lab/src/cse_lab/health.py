"""Conditions that tell whether the lab's servers work; each is a single look, to be polled by `wait_until`."""

import base64
import http.client
import json
import ssl

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

_TIMEOUT_S = 5.0
_API_VERSION = "31.0"


def is_serving(target: str) -> bool:
    """Whether the gRPC server at `target` says through the standard health service that it serves."""
    with grpc.insecure_channel(target) as channel:
        try:
            reply = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=_TIMEOUT_S)
        except grpc.RpcError:
            return False
    return bool(reply.status == health_pb2.HealthCheckResponse.SERVING)


def extension_answers(vcd: str, *, user: str, org: str, password: str) -> bool:
    """Whether `GET /api/cse/system` through vCD, as `user` of `org`, is answered by the service."""
    context = ssl._create_unverified_context()  # noqa: S323, SLF001  # the simulator made its certificate a moment ago
    connection = http.client.HTTPSConnection(vcd, context=context, timeout=15)
    try:
        credentials = base64.b64encode(f"{user}@{org}:{password}".encode()).decode()
        accept = f"application/*+xml;version={_API_VERSION}"
        connection.request("POST", "/api/sessions", headers={"Authorization": f"Basic {credentials}", "Accept": accept})
        login = connection.getresponse()
        login.read()
        token = login.getheader("x-vcloud-authorization")
        if login.status != http.HTTPStatus.OK or token is None:
            return False
        headers = {"x-vcloud-authorization": token, "Accept": f"application/*+json;version={_API_VERSION}"}
        connection.request("GET", "/api/cse/system", headers=headers)
        reply = connection.getresponse()
        body = reply.read()
        return reply.status == http.HTTPStatus.OK and json.loads(body).get("product") == "CSE"
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
