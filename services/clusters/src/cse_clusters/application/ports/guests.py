"""The operating systems in machines."""

from dataclasses import dataclass
from typing import Protocol

from cse_clusters.application.ports.cloud import Check
from cse_clusters.domain.vcd import GuestMachine
from cse_core.secret import Secret


@dataclass(frozen=True, kw_only=True)
class GuestLogin:
    """A guest and root's password in it."""

    guest: GuestMachine
    password: Secret


@dataclass(frozen=True, kw_only=True)
class ScriptResult:
    """How a script in a guest ended. Both streams are cut to their last 4 MiB."""

    exit_code: int
    stdout: str
    stderr: str


class Guests(Protocol):
    """The operating systems inside the machines, reached through vCenter.

    Work on many guests goes on side by side; the adapter bounds what one vCenter gets at a time.
    """

    def wait_until_ready(self, login: GuestLogin, check: Check, *, timeout_s: float) -> None:
        """Returns when the guest's tools run and root can log in with this password.

        Raises:
            DeadlineError: it did not within the time; the message says what was seen last.
            UnauthenticatedError: tools run but the password is refused to the end.
        """
        ...

    def run_script(
        self, login: GuestLogin, script: Secret, check: Check, *, timeout_s: float, slot: str = ""
    ) -> ScriptResult:
        """Uploads a script (mode 0700), runs it as root, fetches what it printed, deletes all traces of it.

        What one of the same slot (small letters and digits) has left in the guest because its process died goes first.

        Raises:
            DeadlineError: it did not end within the time; its process has been killed.
        """
        ...

    def read_file(self, login: GuestLogin, path: str, *, limit_bytes: int) -> bytes:
        """Raises NotFoundError if the guest has no such file, ExhaustedError if it is longer."""
        ...
