"""Asks a server through the standard gRPC health service whether it serves; for health checks of containers.

python -m cse_core.grpc.probe 127.0.0.1:7401      exit code 0 if it serves, else 1; 2 for misuse
"""

import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

_TIMEOUT_S = 3.0


def serves(target: str, *, timeout_s: float = _TIMEOUT_S) -> bool:
    """Whether the whole server at `target` (`host:port` or `unix:/path`) reports SERVING in time."""
    with grpc.insecure_channel(target) as channel:
        try:
            reply = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=timeout_s)
        except grpc.RpcError:
            return False
    return bool(reply.status == health_pb2.HealthCheckResponse.SERVING)


def main() -> None:
    """Probe the target given as the only argument."""
    if len(sys.argv) != 2:
        print("usage: python -m cse_core.grpc.probe HOST:PORT", file=sys.stderr)  # noqa: T201  # a command's message
        sys.exit(2)
    sys.exit(0 if serves(sys.argv[1]) else 1)


if __name__ == "__main__":
    main()
