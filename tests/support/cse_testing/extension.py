"""The other two sides of the gateway: vCD's end of an API extension, and services that answer what a test says."""

import base64
import contextlib
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self

import grpc
import pika
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.message import Message

from cse.clusters.v1 import cluster_pb2, cluster_service_pb2, cluster_service_pb2_grpc
from cse.operations.v1 import operation_pb2
from cse.system.v1 import system_pb2, system_service_pb2, system_service_pb2_grpc
from cse.templates.v1 import template_pb2, template_service_pb2, template_service_pb2_grpc
from cse_core.config import Config, parse_config
from cse_core.grpc.server import GrpcServer
from cse_gateway.bootstrap import Gateway, create
from cse_gateway.settings import GatewaySettings
from cse_lab.processes import wait_until
from cse_lab.rabbitmq import PrivateRabbitMQ

TOKEN = "0123456789abcdef0123456789abcdef"
WAIT_S = 8.0


@dataclass(frozen=True)
class HttpReply:
    """What vCD would hand to its client."""

    id: str
    status: int
    headers: Mapping[str, Any]
    content: bytes
    received_at: float

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def message(self) -> Any:
        return self.json["message"]


def request_message(
    method: str = "GET",
    path: str = "/api/cse/template",
    *,
    body: object = None,
    headers: Mapping[str, object] | None = None,
    message_id: str | None = None,
    **keys: object,
) -> list[Any]:
    """The array that vCD sends for an HTTP request; `body` is sent as JSON unless it is bytes."""
    content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    default = {"Accept": "application/*+json;version=31.0", "x-vcloud-authorization": TOKEN}
    message = {
        "id": message_id or str(uuid.uuid4()),
        "method": method,
        "requestUri": path,
        "queryString": None,
        "protocol": "HTTP/1.1",
        "scheme": "https",
        "remoteAddr": "198.51.100.23",
        "remotePort": 40600,
        "localAddr": "192.0.2.10",
        "localPort": 443,
        "headers": default if headers is None else dict(headers),
        "body": base64.b64encode(content).decode(),
        "statusCode": 0,
        "request": True,
        **keys,
    }
    context = {"user": "urn:vcloud:user:1", "org": "urn:vcloud:org:1", "rights": []}
    return [message, context]


class Cell:
    """A vCD cell: sends requests to an extension's exchange and collects the replies."""

    def __init__(self, url: str, *, exchange: str, routing_key: str) -> None:
        self._url = url
        self.exchange = exchange
        self.routing_key = routing_key
        self.reply_exchange = f"{exchange}.replyExchange"
        self.reply_queue = f"{exchange}.replyQueue"
        self.replies: dict[str, list[HttpReply]] = {}
        self._connect()

    def _connect(self) -> None:
        parameters = pika.URLParameters(self._url)
        self._connection = pika.BlockingConnection(parameters)
        self._channel = self._connection.channel()
        self._channel.confirm_delivery()
        self._channel.exchange_declare(self.exchange, "direct", durable=True)
        self._channel.exchange_declare(self.reply_exchange, "direct", durable=True)
        self._channel.queue_declare(self.reply_queue, durable=True)
        self._channel.queue_bind(self.reply_queue, self.reply_exchange, self.reply_queue)
        self._channel.basic_consume(self.reply_queue, self._on_reply, auto_ack=True)

    def reconnect(self) -> None:
        """After the broker was away."""
        self.close()
        self._connect()

    def close(self) -> None:
        with contextlib.suppress(pika.exceptions.AMQPError):
            self._connection.close()
        self._connection._cleanup()  # pika leaves sockets open when the broker went away between two calls

    def receive(self) -> None:
        """Takes the replies that have come."""
        self._connection.process_data_events(time_limit=0)

    def send(
        self,
        content: object,
        *,
        timeout_s: float | None = 10.0,
        properties: pika.BasicProperties | None = None,
    ) -> str:
        """Sends a message (JSON unless it is bytes) and returns its correlation id."""
        correlation_id = str(uuid.uuid4())
        if properties is None:
            properties = self.properties(correlation_id, timeout_s=timeout_s)
        elif properties.correlation_id is None:
            properties.correlation_id = correlation_id
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self._channel.basic_publish(self.exchange, self.routing_key, data, properties, mandatory=True)
        return str(properties.correlation_id)

    def properties(
        self, correlation_id: str | None = None, *, timeout_s: float | None = 10.0, **headers: object
    ) -> pika.BasicProperties:
        values: dict[str, object] = {"messageType": "ProcessHttpRequest", "replyToExchange": self.reply_exchange}
        if timeout_s is not None:
            values["replyByTimestamp"] = int((time.time() + timeout_s) * 1000)
        return pika.BasicProperties(
            content_type="application/octet-stream",
            correlation_id=correlation_id,
            reply_to=self.reply_queue,
            delivery_mode=1,
            priority=0,
            headers={**values, **headers},
        )

    def reply_to(self, correlation_id: str, *, within_s: float = WAIT_S) -> HttpReply:
        """Waits for a reply; fails if none comes."""
        self.wait_for(lambda: correlation_id in self.replies, within_s=within_s)
        assert correlation_id in self.replies, f"no reply within {within_s} s"
        return self.replies[correlation_id][0]

    def wait_for(self, condition: Callable[[], bool], *, within_s: float = WAIT_S) -> bool:
        """Receives replies until the condition holds; returns whether it does."""
        end = time.monotonic() + within_s
        while not condition():
            if time.monotonic() >= end:
                return False
            self._connection.process_data_events(time_limit=0.02)
        return True

    def ask(self, method: str = "GET", path: str = "/api/cse/template", **keys: Any) -> HttpReply:
        """Sends a request and waits for the reply."""
        message = request_message(method, path, **keys)
        reply = self.reply_to(self.send(message))
        assert reply.id == message[0]["id"]
        return reply

    @property
    def dead_letter_queue(self) -> str:
        return f"{self.routing_key}.dead-letter"

    def take_dead_letter(self, *, within_s: float = WAIT_S) -> tuple[pika.BasicProperties, bytes]:
        """Waits for a message in the dead-letter queue and takes it."""
        found: list[tuple[pika.BasicProperties, bytes]] = []

        def taken() -> bool:
            method, properties, content = self._channel.basic_get(self.dead_letter_queue, auto_ack=True)
            if method is not None:
                found.append((properties, content))
            return bool(found)

        assert self.wait_for(taken, within_s=within_s), f"no dead letter within {within_s} s"
        return found[0]

    def message_count(self, queue: str) -> int:
        """How many messages wait in a queue, unacknowledged ones left out."""
        return int(self._channel.queue_declare(queue, passive=True).method.message_count)

    def consumer_count(self) -> int:
        """How many gateways consume from the extension's queue."""
        return int(self._channel.queue_declare(self.routing_key, passive=True).method.consumer_count)

    def purge(self, queue: str) -> None:
        self._channel.queue_purge(queue)

    def _on_reply(self, _channel: object, _method: object, properties: Any, content: bytes) -> None:
        reply = json.loads(content)
        assert reply["request"] is False
        decoded = base64.b64decode(reply["body"], validate=True)
        assert int(reply["headers"]["Content-Length"]) == len(decoded)
        self.replies.setdefault(properties.correlation_id, []).append(
            HttpReply(reply["id"], reply["statusCode"], reply["headers"], decoded, time.time())
        )


@dataclass(frozen=True)
class RecordedCall:
    """A call that reached a fake service."""

    method: str
    request: Message
    metadata: dict[str, str]
    time_remaining_s: float | None


Answer = Callable[[Any], Message]


@dataclass
class FakeServices:
    """The services behind the gateway. `answers` maps a method's name to what computes its response, or raises."""

    answers: dict[str, Answer] = field(default_factory=dict)
    calls: list[RecordedCall] = field(default_factory=list)
    state: "system_pb2.System.State.ValueType" = system_pb2.System.STATE_RUNNING
    address: str = "127.0.0.1:0"
    _server: GrpcServer | None = None

    def start(self) -> Self:
        """Listens; after a `stop`, on the same port as before."""
        self._server = GrpcServer(
            self.address,
            services=[],
            threads=16,
            register=[
                lambda server: cluster_service_pb2_grpc.add_ClusterServiceServicer_to_server(_Clusters(self), server),
                lambda server: system_service_pb2_grpc.add_SystemServiceServicer_to_server(_System(self), server),
                lambda server: template_service_pb2_grpc.add_TemplateServiceServicer_to_server(
                    _Templates(self), server
                ),
                lambda server: operations_pb2_grpc.add_OperationsServicer_to_server(_Operations(self), server),
            ],
        )
        self._server.start()
        self.address = self._server.address
        return self

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop(0)

    def reset(self) -> None:
        """Forgets what a test has set and seen."""
        self.answers.clear()
        self.calls.clear()
        self.state = system_pb2.System.STATE_RUNNING

    def called(self, method: str) -> list[RecordedCall]:
        return [call for call in self.calls if call.method == method]

    def answer(self, method: str, request: Message, context: grpc.ServicerContext, default: Answer) -> Any:
        remaining: float | None = context.time_remaining()
        metadata = {key: str(value) for key, value in context.invocation_metadata()}
        self.calls.append(RecordedCall(method, request, metadata, remaining))
        return self.answers.get(method, default)(request)


def a_cluster(name: str = "demo") -> cluster_pb2.Cluster:
    parent = f"orgs/acme/vdcs/dev/clusters/{name}"
    return cluster_pb2.Cluster(
        name=parent,
        uid="7c3b9f1e-2a44-4c0b-8e55-0d9f6a1b2c3d",
        state=cluster_pb2.Cluster.STATE_READY,
        template="photon-v2",
        control_plane_ip="10.0.0.5",
        cse_version="0.1.0",
        vapp=cluster_pb2.Vapp(
            id="e2a1c7d4-90f3-4b5e-8a67-1c2d3e4f5a6b",
            href="https://vcd.example.com/api/vApp/vapp-e2a1c7d4-90f3-4b5e-8a67-1c2d3e4f5a6b",
            vdc_name="dev",
            vdc_href="https://vcd.example.com/api/vdc/5f",
            status="POWERED_ON",
            vm_count=3,
        ),
        nodes=[
            cluster_pb2.Node(
                name=f"{parent}/nodes/mstr-ab12",
                role=cluster_pb2.Node.ROLE_CONTROL_PLANE,
                ip_address="10.0.0.5",
            ),
            cluster_pb2.Node(
                name=f"{parent}/nodes/node-cd34", role=cluster_pb2.Node.ROLE_WORKER, ip_address="10.0.0.6"
            ),
            cluster_pb2.Node(name=f"{parent}/nodes/nfsd-ef56", role=cluster_pb2.Node.ROLE_NFS, ip_address="10.0.0.7"),
        ],
    )


def an_operation(**metadata: Any) -> operations_pb2.Operation:
    operation = operations_pb2.Operation(name="operations/op-1")
    operation.metadata.Pack(operation_pb2.OperationMetadata(task_href="https://vcd.example.com/api/task/1", **metadata))
    return operation


class _Clusters(cluster_service_pb2_grpc.ClusterServiceServicer):
    def __init__(self, services: FakeServices) -> None:
        self._services = services

    def ListClusters(self, request: Any, context: Any) -> Any:
        return self._services.answer("ListClusters", request, context, lambda _: _clusters())

    def GetCluster(self, request: Any, context: Any) -> Any:
        return self._services.answer("GetCluster", request, context, lambda _: a_cluster())

    def CreateCluster(self, request: Any, context: Any) -> Any:
        return self._services.answer("CreateCluster", request, context, lambda _: an_operation(target_uid="uid-1"))

    def DeleteCluster(self, request: Any, context: Any) -> Any:
        return self._services.answer("DeleteCluster", request, context, lambda _: an_operation())

    def GetKubeconfig(self, request: Any, context: Any) -> Any:
        return self._services.answer("GetKubeconfig", request, context, lambda _: _kubeconfig())

    def ResizeCluster(self, request: Any, context: Any) -> Any:
        raise NotImplementedError

    def GetNode(self, request: Any, context: Any) -> Any:
        raise NotImplementedError

    def AddNodes(self, request: Any, context: Any) -> Any:
        raise NotImplementedError

    def RemoveNodes(self, request: Any, context: Any) -> Any:
        raise NotImplementedError


class _System(system_service_pb2_grpc.SystemServiceServicer):
    def __init__(self, services: FakeServices) -> None:
        self._services = services

    def GetServiceState(self, request: Any, context: Any) -> Any:
        return system_service_pb2.GetServiceStateResponse(state=self._services.state)

    def GetSystem(self, request: Any, context: Any) -> Any:
        return self._services.answer("GetSystem", request, context, lambda _: self._system())

    def EnableSystem(self, request: Any, context: Any) -> Any:
        return self._services.answer(
            "EnableSystem", request, context, lambda _: self._system(system_pb2.System.STATE_RUNNING)
        )

    def DisableSystem(self, request: Any, context: Any) -> Any:
        return self._services.answer(
            "DisableSystem", request, context, lambda _: self._system(system_pb2.System.STATE_DISABLED)
        )

    def StopSystem(self, request: Any, context: Any) -> Any:
        def stop(_: Any) -> system_service_pb2.StopSystemResponse:
            return system_service_pb2.StopSystemResponse(system=self._system(system_pb2.System.STATE_SHUTTING_DOWN))

        return self._services.answer("StopSystem", request, context, stop)

    def _system(self, state: "system_pb2.System.State.ValueType | None" = None) -> system_pb2.System:
        if state is not None:
            self._services.state = state
        return system_pb2.System(product="CSE", description="Clusters", version="0.1.0", state=self._services.state)


class _Templates(template_service_pb2_grpc.TemplateServiceServicer):
    def __init__(self, services: FakeServices) -> None:
        self._services = services

    def ListTemplates(self, request: Any, context: Any) -> Any:
        return self._services.answer("ListTemplates", request, context, lambda _: _templates())

    def GetTemplate(self, request: Any, context: Any) -> Any:
        raise NotImplementedError

    def GetTemplateScripts(self, request: Any, context: Any) -> Any:
        raise NotImplementedError


class _Operations(operations_pb2_grpc.OperationsServicer):  # type: ignore[misc]  # ships no types
    def __init__(self, services: FakeServices) -> None:
        self._services = services

    def GetOperation(self, request: Any, context: Any) -> Any:
        return self._services.answer("GetOperation", request, context, lambda _: an_operation())


def _clusters() -> cluster_service_pb2.ListClustersResponse:
    cluster = a_cluster()
    del cluster.nodes[:]
    return cluster_service_pb2.ListClustersResponse(clusters=[cluster])


def _kubeconfig() -> cluster_service_pb2.GetKubeconfigResponse:
    return cluster_service_pb2.GetKubeconfigResponse(kubeconfig="apiVersion: v1\nkind: Config\n")


def _templates() -> template_service_pb2.ListTemplatesResponse:
    return template_service_pb2.ListTemplatesResponse(
        templates=[
            template_pb2.Template(
                name="templates/photon-v2",
                description="Photon OS 2",
                catalog="cse",
                catalog_item="photon-k8s",
                is_default=True,
            )
        ]
    )


def config_data(broker: PrivateRabbitMQ, *, exchange: str, routing_key: str) -> dict[str, Any]:
    """The provider's configuration as it stands in the file; only what the gateway reads is real."""
    return {
        "amqp": {
            "host": broker.host,
            "port": broker.port,
            "username": broker.user,
            "password": broker.password,
            "exchange": exchange,
            "routing_key": routing_key,
        },
        "vcd": {"host": "vcd.example.com", "password": "x"},
        "vcs": [{"name": "vc1", "username": "x", "password": "x"}],
        "broker": {
            "org": "cse",
            "vdc": "cse",
            "network": "net",
            "default_template": "photon-v2",
            "templates": [{"name": "photon-v2", "catalog_item": "photon-k8s"}],
        },
    }


def gateway_config(broker: PrivateRabbitMQ, *, exchange: str, routing_key: str) -> Config:
    """As `config_data`, read."""
    return parse_config(config_data(broker, exchange=exchange, routing_key=routing_key))


@dataclass
class Bench:
    """A gateway between a cell and fake services."""

    gateway: Gateway
    cell: Cell
    services: FakeServices


def health_of(address: str) -> str:
    """What the gRPC health service at an address says; `DOWN` if nobody listens."""
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    with grpc.insecure_channel(address) as channel:
        try:
            response = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=2)
        except grpc.RpcError:
            return "DOWN"
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(response.status))


@contextmanager
def running_gateway(
    broker: PrivateRabbitMQ, name: str, *, timeout: timedelta = timedelta(seconds=10)
) -> Iterator[Bench]:
    """Starts all three, with an exchange and a queue of that name; the gateway consumes when it comes back."""
    services = FakeServices().start()
    cell = Cell(broker.url, exchange=f"{name}-ext", routing_key=name)
    settings = GatewaySettings(
        clusters_target=services.address,
        templates_target=services.address,
        listen="127.0.0.1:0",
        extension_timeout=timeout,
    )
    gateway = create(gateway_config(broker, exchange=f"{name}-ext", routing_key=name), settings)
    try:
        gateway.start()
        assert wait_until(lambda: health_of(gateway.address) == "SERVING", timeout_s=20), "the gateway does not consume"
        yield Bench(gateway, cell, services)
    finally:
        gateway.stop(5)
        cell.close()
        services.stop()
    assert gateway.failure is None
