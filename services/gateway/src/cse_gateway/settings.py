"""What the process is told by its environment; everything else is in the provider's configuration file."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Self, cast

from cse_core.settings import Environment, SettingsError


@dataclass(frozen=True, kw_only=True)
class GatewaySettings:
    """Read once, at start; a bad value names its variable."""

    clusters_target: str = "127.0.0.1:7401"
    """`CSE_CLUSTERS_TARGET`: where the cluster manager listens, `host:port` or `unix:/path`."""
    templates_target: str = "127.0.0.1:7402"
    """`CSE_TEMPLATES_TARGET`: where the template service listens."""
    listen: str = "127.0.0.1:7400"
    """`CSE_GATEWAY_LISTEN`: where this process offers gRPC health and reflection."""
    extension_timeout: timedelta = timedelta(seconds=10)
    """`CSE_GATEWAY_EXTENSION_TIMEOUT_S`: vCD's `extensibility.timeout`, how long it waits for a reply."""
    reply_margin: timedelta = timedelta(seconds=0.5)
    """`CSE_GATEWAY_REPLY_MARGIN_S`: how long before vCD gives up a reply is on its way at the latest."""
    clock_tolerance: timedelta = timedelta()
    """`CSE_GATEWAY_CLOCK_TOLERANCE_MS`: how far ahead of vCD's clock this machine's is. Better to synchronise both."""
    log_level: str = "INFO"
    """`CSE_LOG_LEVEL`"""
    log_format: Literal["console", "json"] = "console"
    """`CSE_LOG_FORMAT`"""

    @classmethod
    def read(cls, values: Mapping[str, str] | None = None) -> Self:
        """Reads the settings; raises SettingsError."""
        environment = Environment(os.environ if values is None else values)
        tolerance_ms = environment.integer("CSE_GATEWAY_CLOCK_TOLERANCE_MS", 0, low=0, high=60_000)
        settings = cls(
            clusters_target=environment.address("CSE_CLUSTERS_TARGET", cls.clusters_target),
            templates_target=environment.address("CSE_TEMPLATES_TARGET", cls.templates_target),
            listen=environment.address("CSE_GATEWAY_LISTEN", cls.listen),
            extension_timeout=environment.seconds("CSE_GATEWAY_EXTENSION_TIMEOUT_S", cls.extension_timeout),
            reply_margin=environment.seconds("CSE_GATEWAY_REPLY_MARGIN_S", cls.reply_margin),
            clock_tolerance=timedelta(milliseconds=tolerance_ms),
            log_level=environment.choice("CSE_LOG_LEVEL", cls.log_level, ("DEBUG", "INFO", "WARNING", "ERROR")),
            log_format=cast(
                Literal["console", "json"], environment.choice("CSE_LOG_FORMAT", cls.log_format, ("console", "json"))
            ),
        )
        if settings.reply_margin >= settings.extension_timeout:
            raise SettingsError("CSE_GATEWAY_REPLY_MARGIN_S: leaves nothing of CSE_GATEWAY_EXTENSION_TIMEOUT_S")
        return settings
