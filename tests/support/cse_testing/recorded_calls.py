"""gRPC calls whose whole answers are remembered: messages, statuses with their details, metadata."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import grpc

Place = tuple[str, bytes]
"""Where something was, in words, and what."""

CONFIDENTIAL: Final = "/GetKubeconfig"
"""The RPC whose answer is a secret, because that is its purpose."""


class RecordedCalls(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):  # type: ignore[type-arg]
    """Intercepts the calls of a channel: `grpc.intercept_channel(channel, calls)`.

    `answers` is what came back, but for what `learn_secret` is told instead.
    """

    def __init__(self, learn_secret: Callable[[Any], None]) -> None:
        self.answers: list[Place] = []
        self._learn_secret = learn_secret

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        call = continuation(details, request)
        if call.exception() is None:
            self._keep(details.method, call.result())
        self._keep_status(details.method, call)
        return call

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        return self._stream(details.method, continuation(details, request))

    def _stream(self, method: str, call: Any) -> Iterator[Any]:
        try:
            for message in call:
                self._keep(method, message)
                yield message
        finally:
            if call.done():
                self._keep_status(method, call)

    def _keep(self, method: str, message: Any) -> None:
        if method.endswith(CONFIDENTIAL):
            self._learn_secret(message)
        else:
            self.answers.append((f"a reply to {method}", message.SerializeToString()))

    def _keep_status(self, method: str, call: Any) -> None:
        if call.code() is not grpc.StatusCode.OK:
            self.answers.append((f"an error of {method}", str(call.details()).encode()))
        for when, found in (("before", call.initial_metadata()), ("behind", call.trailing_metadata())):
            for key, value in _entries(found).items():
                self.answers.append((f"metadata {when} the answer to {method}: {key}", value))


def _entries(metadata: Any) -> Mapping[str, bytes]:
    """Status details are the entry `grpc-status-details-bin`."""
    return {key: value if isinstance(value, bytes) else str(value).encode() for key, value in metadata or ()}
