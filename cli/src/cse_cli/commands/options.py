"""Options that several commands have."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from cse_core.config import CONFIG_VARIABLE, DEFAULT_CONFIG

F = TypeVar("F", bound=Callable[..., object])


def config_option(command: F) -> F:
    """Adds `--config`."""
    return click.option(
        "-c",
        "--config",
        "path",
        type=click.Path(dir_okay=False, path_type=Path),
        envvar=CONFIG_VARIABLE,
        default=DEFAULT_CONFIG,
        show_default=True,
        show_envvar=True,
        help="The configuration file.",
    )(command)
