"""Free TCP ports that stay free while their owner is away."""

import contextlib
import random
import socket
from pathlib import Path

_FALLBACK_EPHEMERAL_START = 32768
_LOWEST = 15000
_ATTEMPTS = 200


def free_port(host: str = "127.0.0.1") -> int:
    """A port on `host` that nobody listens on now and that no outgoing connection will be given.

    The kernel hands ports of its ephemeral range to any client socket, so a server that goes away for a restart could
    find such a port taken. This one comes from below that range, and while this process lives no other call of this
    function returns it, in no process of this machine, however long its server takes to listen.

    Raises:
        OSError: no free port was found in 200 attempts.
    """
    top = max(_LOWEST + 1000, _ephemeral_start())
    for _ in range(_ATTEMPTS):
        port = random.SystemRandom().randrange(_LOWEST, top)  # not the generator that tests give a seed
        if _reserve(port) and _is_free(host, port):
            return port
    raise OSError(f"no free port found on {host} between {_LOWEST} and {top}")


def _ephemeral_start() -> int:
    try:
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return _FALLBACK_EPHEMERAL_START


def _reserve(port: int) -> bool:
    """Whether the port is ours now, until this process ends.

    Of those who ask for a name in the kernel's own name space one gets it.
    """
    with contextlib.ExitStack() as on_failure:
        name = on_failure.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        try:
            name.bind(f"\0cse-lab-port-{port}")
        except OSError:
            return False
        on_failure.pop_all()
    name.detach()  # nobody closes it before the kernel does
    return True


def _is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
