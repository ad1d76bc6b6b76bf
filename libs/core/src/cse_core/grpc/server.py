"""A threaded gRPC server with what every service of ours offers: health, reflection, channelz."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import grpc
import structlog
from grpc_channelz.v1 import channelz, channelz_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from cse_core.grpc.interceptors import CallInterceptor

log = structlog.get_logger()

MAX_MESSAGE_BYTES: Final = 16 << 20
SERVER_OPTIONS: Final = (
    ("grpc.so_reuseport", 0),  # two processes on one port is a mistake, not a load balancer
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.max_ping_strikes", 0),  # pings of a busy peer come in bursts, and hanging up costs a request
)
CHANNEL_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)
"""For every channel between our services: a dead peer is noticed within seconds and found again as fast."""

Register = Callable[[grpc.Server], object]


class GrpcServer:
    """Serves our services on one address.

    Args:
        address: `host:port` (port 0: any free one) or `unix:/path`.
        services: full names of the services, for health and reflection.
        register: adds the servicers, in the form of the generated `add_…_to_server`.
        threads: calls at work at once. A stream holds one for as long as it lasts.
    """

    def __init__(self, address: str, *, services: Iterable[str], register: Iterable[Register], threads: int) -> None:
        self._services = list(services)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="grpc")
        self._server = grpc.server(self._pool, interceptors=[CallInterceptor()], options=SERVER_OPTIONS)
        self._health = health.HealthServicer()
        for add in register:
            add(self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        channelz.add_channelz_servicer(self._server)
        names = [
            *self._services,
            health.SERVICE_NAME,
            channelz_pb2.DESCRIPTOR.services_by_name["Channelz"].full_name,
            reflection.SERVICE_NAME,
        ]
        reflection.enable_server_reflection(names, self._server)
        self._address = address
        self._bound = ""
        self._ended = threading.Event()

    @property
    def address(self) -> str:
        """Where it listens, with the port that was found for port 0. Known after `start`."""
        return self._bound

    def start(self) -> None:
        """Listens and serves. Raises OSError if the address cannot be had."""
        try:
            port = self._server.add_insecure_port(self._address)
        except RuntimeError as exc:
            raise OSError(f"cannot listen on {self._address}; is it in use?") from exc
        if self._address.startswith("unix:"):
            self._bound = self._address
            Path(self._address.removeprefix("unix:")).chmod(0o600)
        else:
            self._bound = f"{self._address.rpartition(':')[0]}:{port}"
        self._server.start()
        self.set_serving(serving=True)
        log.info("grpc_listening", address=self._bound)

    def set_serving(self, *, serving: bool) -> None:
        """What the health service says, for the server and for each service."""
        state = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        for name in ["", *self._services]:
            self._health.set(name, state)

    def stop(self, grace_s: float) -> None:
        """Tells probes that it ends, takes no new calls, gives those at work so long."""
        self._health.enter_graceful_shutdown()
        self._server.stop(grace_s).wait(grace_s + 1)
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._ended.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        return self._ended.wait(timeout_s)
