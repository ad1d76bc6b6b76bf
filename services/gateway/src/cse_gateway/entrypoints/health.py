"""The gateway's own gRPC server: health, reflection and channelz, for probes and grpcurl."""

from pathlib import Path
from typing import Final

import grpc
import structlog
from grpc_channelz.v1 import channelz, channelz_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from cse_core.grpc.server import SERVER_OPTIONS

log = structlog.get_logger()

_SERVICES: Final = (
    health.SERVICE_NAME,
    channelz_pb2.DESCRIPTOR.services_by_name["Channelz"].full_name,
    reflection.SERVICE_NAME,
)
_Status = health_pb2.HealthCheckResponse


class HealthServer:
    """SERVING while the gateway consumes, NOT_SERVING while it does not. Belongs to one event loop."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._bound = address
        self._health = health.aio.HealthServicer()  # type: ignore[attr-defined]  # missing in the stubs
        self._server = grpc.aio.server(options=SERVER_OPTIONS)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        channelz.add_channelz_servicer(self._server)  # type: ignore[arg-type]  # takes both kinds
        reflection.enable_server_reflection(_SERVICES, self._server)

    @property
    def address(self) -> str:
        """Where it listens; after `start` with the port that was found for port 0."""
        return self._bound

    async def start(self) -> None:
        """Listens. Raises OSError if the address cannot be had."""
        try:
            port = self._server.add_insecure_port(self._address)
        except RuntimeError as error:
            raise OSError(f"cannot listen on {self._address}; is it in use?") from error
        if self._address.startswith("unix:"):
            Path(self._address.removeprefix("unix:")).chmod(0o600)  # noqa: ASYNC240  # once, before anything else runs
        else:
            self._bound = f"{self._address.rpartition(':')[0]}:{port}"
        await self.set_serving(False)
        await self._server.start()
        log.info("health_listening", address=self._bound)

    async def set_serving(self, serving: bool) -> None:
        await self._health.set("", _Status.SERVING if serving else _Status.NOT_SERVING)

    async def stop(self) -> None:
        await self._health.enter_graceful_shutdown()
        await self._server.stop(0.5)
