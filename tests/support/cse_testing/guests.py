"""Simulated guests, in which the templates' scripts run as they do behind a vCenter."""

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cse_testing.waiting import wait_until
from vcd_simulator.guests import Hypervisor


@dataclass(frozen=True)
class Done:
    """What a script did."""

    exit_code: int
    stdout: str
    stderr: str


class Machine:
    """A running guest."""

    def __init__(self, hypervisor: Hypervisor, moid: str, image: str) -> None:
        self._guest = hypervisor.guest(moid)
        wait_until(lambda: self._guest.is_up and not _fails(self._guest.check_tools), "the guest to boot")
        self._root = self._guest.log_in("root", hypervisor.image_password(image))
        self.files = self._guest.tree

    def run(self, script: str, argument: str = "", **variables: str) -> Done:
        """Composes the file as the cluster manager does, and runs it as root."""
        exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
        self.files.write("/tmp/script.sh", f"#!/bin/bash\n{exports}{script}", mode=0o700)
        line = f"/tmp/script.sh {argument} > /tmp/out 2> /tmp/err"
        program = self._guest.programs.start(self._root, ["/bin/bash", "-c", line], environment={})
        wait_until(lambda: program.exit_code is not None, "the script to end")
        assert program.exit_code is not None
        return Done(program.exit_code, self.files.read("/tmp/out").decode(), self.files.read("/tmp/err").decode())

    def succeed(self, script: str, argument: str = "", **variables: str) -> str:
        """As `run`, for a script that must succeed; returns its stdout."""
        done = self.run(script, argument, **variables)
        assert done.exit_code == 0, done.stderr
        return done.stdout


def _fails(check: Callable[[], None]) -> bool:
    try:
        check()
    except Exception:  # noqa: BLE001 - whatever it says, the tools do not run yet
        return True
    return False


@dataclass(frozen=True)
class Join:
    """What a worker is given."""

    endpoint: str
    token: str
    ca_hash: str

    @property
    def variables(self) -> Mapping[str, str]:
        return {
            "CSE_JOIN_ENDPOINT": self.endpoint,
            "CSE_JOIN_TOKEN": self.token,
            "CSE_JOIN_CA_HASH": self.ca_hash,
        }


def mint(control_plane: Machine) -> Join:
    """Mints join credentials as the cluster manager does."""
    line = control_plane.succeed(
        "KUBECONFIG=/root/.kube/config kubeadm token create --ttl 1h --print-join-command 2>/dev/null\n"
    )
    found = re.search(r"kubeadm join (\S+) --token (\S+)\s+--discovery-token-ca-cert-hash (\S+)", line)
    assert found, line
    return Join(*found.groups())
