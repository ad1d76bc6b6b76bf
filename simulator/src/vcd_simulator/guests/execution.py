"""Running a script in a guest, around vCenter."""

import subprocess
import tempfile
from typing import NamedTuple

from vcd_simulator.guests.errors import LoginError
from vcd_simulator.guests.machine import Guest


class Execution(NamedTuple):
    """What became of a script. Bytes that are no UTF-8 are surrogates in the texts."""

    exit_code: int
    stdout: str
    stderr: str


def execute(
    guest: Guest, script: str, *, user: str, timeout_s: float | None = None, most_bytes: int | None = None
) -> Execution:
    """See `Hypervisor.execute`."""
    account = guest.accounts.find(user)
    if account is None:
        raise LoginError(f"the guest has no account {user!r}")
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        streams = (subprocess.DEVNULL, out.fileno(), err.fileno())
        program = guest.programs.start(account, ["/bin/bash", "-c", script], streams=streams)
        try:
            code = program.finished.result(timeout_s)
        except TimeoutError:
            program.kill()
            raise
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read(-1 if most_bytes is None else most_bytes).decode(errors="surrogateescape"))
    return Execution(code, *texts)
