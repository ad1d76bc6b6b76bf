"""What the process is told by its environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal, Self, cast

from cse_clusters.application.guest_work import Limits
from cse_core.config import CONFIG_VARIABLE, DEFAULT_CONFIG
from cse_core.settings import Environment, SettingsError
from cse_operations import OperationsSettings

STATE_DIRECTORY: Final = "cse-state"
"""Beside the configuration file, unless CSE_OPERATIONS_DATABASE names another place."""
_LIMITS: Final = Limits()
_ROLLBACK: Final = timedelta(minutes=30)
"""Longer than any operation may take to take back what it made."""


@dataclass(frozen=True, kw_only=True)
class ClustersSettings:
    """Read once, at start; a bad value names its variable."""

    operations: OperationsSettings
    """`CSE_OPERATIONS_…`: where operations are kept."""
    listen: str = "127.0.0.1:7401"
    """`CSE_CLUSTERS_LISTEN`: `host:port` or `unix:/path`."""
    templates_target: str = "127.0.0.1:7402"
    """`CSE_TEMPLATES_TARGET`: where the templates service listens."""
    operation_timeout: timedelta = timedelta(minutes=60)
    """`CSE_OPERATION_TIMEOUT` (seconds): what has not ended by then is ended as failed."""
    task_timeout: timedelta = timedelta(minutes=30)
    """`CSE_VCD_TASK_TIMEOUT` (seconds): how long one vCD task may run before it is called stuck."""
    limits: Limits = _LIMITS
    """`CSE_LIMIT_BOOT`, `CSE_LIMIT_SCRIPT` and so on, one for each field of `Limits` (seconds): how long parts of an
    operation may take before they are called stuck."""
    running_operations: int = 64
    """`CSE_RUNNING_OPERATIONS`: at work at once; more are queued."""
    orphan_age: timedelta = timedelta(hours=2)
    """`CSE_ORPHAN_AGE` (seconds): how old a vApp's creation must be before the vApp counts as left behind although the
    store does not know that creation; longer than any operation lasts with its rollback."""
    config_file: Path = Path(DEFAULT_CONFIG)
    """`CSE_CONFIG`: the configuration file; system administrators are shown its path."""
    log_level: str = "INFO"
    """`CSE_LOG_LEVEL`"""
    log_format: Literal["console", "json"] = "console"
    """`CSE_LOG_FORMAT`"""

    @classmethod
    def read(cls, values: Mapping[str, str] | None = None) -> Self:
        """Reads the settings; raises SettingsError."""
        environment = Environment(os.environ if values is None else values)
        config_file = Path(environment.text(CONFIG_VARIABLE, DEFAULT_CONFIG))
        timeout = environment.seconds("CSE_OPERATION_TIMEOUT", cls.operation_timeout)
        database = config_file.absolute().parent / STATE_DIRECTORY / "operations.db"
        settings = cls(
            operations=OperationsSettings.read(f"sqlite:///{database}", environment.values),
            listen=environment.address("CSE_CLUSTERS_LISTEN", cls.listen),
            templates_target=environment.address("CSE_TEMPLATES_TARGET", cls.templates_target),
            operation_timeout=timeout,
            task_timeout=environment.seconds("CSE_VCD_TASK_TIMEOUT", cls.task_timeout),
            limits=Limits(
                **{
                    each.name: environment.seconds(f"CSE_LIMIT_{each.name.upper()}", getattr(_LIMITS, each.name))
                    for each in fields(Limits)
                }
            ),
            running_operations=environment.integer(
                "CSE_RUNNING_OPERATIONS", cls.running_operations, low=1, high=10_000
            ),
            orphan_age=environment.seconds("CSE_ORPHAN_AGE", max(cls.orphan_age, timeout + _ROLLBACK)),
            config_file=config_file,
            log_level=environment.choice("CSE_LOG_LEVEL", cls.log_level, ("DEBUG", "INFO", "WARNING", "ERROR")),
            log_format=cast(
                Literal["console", "json"], environment.choice("CSE_LOG_FORMAT", cls.log_format, ("console", "json"))
            ),
        )
        if settings.orphan_age < settings.operation_timeout + _ROLLBACK:
            raise SettingsError(
                "CSE_ORPHAN_AGE: operations may last longer; it must exceed CSE_OPERATION_TIMEOUT by at least "
                f"{_ROLLBACK.total_seconds():.0f}"
            )
        return settings
