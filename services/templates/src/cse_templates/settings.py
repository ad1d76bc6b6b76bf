"""What the process is told by its environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self, cast

from cse_core.settings import Environment


@dataclass(frozen=True, kw_only=True)
class TemplatesSettings:
    """Read once, at start; a bad value names its variable."""

    listen: str = "127.0.0.1:7402"
    """`CSE_TEMPLATES_LISTEN`: `host:port` or `unix:/path`."""
    directory: Path | None = None
    """`CSE_TEMPLATES_DIR`: the provider's own templates; they override and add to the built-in ones."""
    log_level: str = "INFO"
    """`CSE_LOG_LEVEL`"""
    log_format: Literal["console", "json"] = "console"
    """`CSE_LOG_FORMAT`"""

    @classmethod
    def read(cls, values: Mapping[str, str] | None = None) -> Self:
        """Reads the settings; raises SettingsError."""
        environment = Environment(os.environ if values is None else values)
        directory = environment.text("CSE_TEMPLATES_DIR", "")
        return cls(
            listen=environment.address("CSE_TEMPLATES_LISTEN", cls.listen),
            directory=Path(directory) if directory else None,
            log_level=environment.choice("CSE_LOG_LEVEL", cls.log_level, ("DEBUG", "INFO", "WARNING", "ERROR")),
            log_format=cast(
                Literal["console", "json"], environment.choice("CSE_LOG_FORMAT", cls.log_format, ("console", "json"))
            ),
        )
