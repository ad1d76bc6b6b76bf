"""What the caller of the lab may choose, read from LAB_… variables."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cse_lab.processes import LabError

_YES = ("yes", "1", "true", "on")
_NO = ("no", "0", "false", "off")


@dataclass(frozen=True, kw_only=True)
class LabSettings:
    """One lab: where it lives and what it consists of."""

    directory: Path
    """State, logs, data and `lab.env`; everything in it belongs to the lab."""
    profile: str = "lab"
    """The simulator's latencies: `instant`, `lab`, `field` or a file."""
    services: bool = True
    """Whether CSE is installed and run; without it there are RabbitMQ and the simulator only."""
    vcenter_listen: str | None = None
    """`host:port` for the vCenter; a free loopback port when absent."""
    extension_timeout_s: float = 10.0
    """How long vCD waits for the answer of CSE, seconds; vCD's own default."""

    @classmethod
    def from_environment(cls, variables: Mapping[str, str] | None = None) -> "LabSettings":
        """Read LAB_DIR, LAB_PROFILE, LAB_SERVICES and LAB_VCENTER_LISTEN; an empty value counts as absent.

        Raises:
            LabError: a value cannot be used; the message names its variable.
        """
        values = os.environ if variables is None else variables
        return cls(
            directory=Path(values.get("LAB_DIR") or ".lab").absolute(),
            profile=_profile(values.get("LAB_PROFILE") or "lab"),
            services=_flag("LAB_SERVICES", values.get("LAB_SERVICES") or "yes"),
            vcenter_listen=_address("LAB_VCENTER_LISTEN", values.get("LAB_VCENTER_LISTEN")),
        )


def program(name: str) -> str:
    """The path of a console script of the environment that the lab itself runs in."""
    path = Path(sys.executable).parent / name
    if not path.is_file():
        raise LabError(f"{name} is not installed beside {sys.executable}: run `make setup`")
    return str(path)


def _profile(text: str) -> str:
    if "/" in text or text.endswith((".yaml", ".yml")):
        path = Path(text).absolute()
        if not path.is_file():
            raise LabError(f"LAB_PROFILE: there is no file {text!r}")
        return str(path)
    return text


def _flag(name: str, text: str) -> bool:
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise LabError(f"{name}: {text!r} is neither yes nor no")


def _address(name: str, text: str | None) -> str | None:
    if not text:
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) <= 65535:
        raise LabError(f"{name}: {text!r} is not host:port, such as 127.0.0.2:443")
    return text
