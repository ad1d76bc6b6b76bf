"""Runs commands of vcd-cli, each in a process of its own, without importing it anew for each: that takes longest.

Reads one command per line as JSON and writes one line with its number and exit code when it has ended; several may be
under way. Started by `cse_testing.vcd_cli`, with the profiles in its home that say which plug-ins there are.
"""

import json
import os
import signal
import sys
from typing import Any

from vcd_cli.vcd import vcd


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait
    for line in sys.stdin:
        command = json.loads(line)
        if os.fork() == 0:
            _wait_for(command)


def _wait_for(command: dict[str, Any]) -> None:
    """Become the process that starts the command and tells of its end; never returns."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child == 0:
        _run(command)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.write(1, f"{json.dumps({'number': command['number'], 'code': code})}\n".encode())  # so short a line stays whole
    os._exit(0)


def _run(command: dict[str, Any]) -> None:
    """Become the command; never returns."""
    code = 1
    try:
        os.environ.clear()
        os.environ.update(command["environment"])
        os.chdir(command["environment"]["HOME"])  # vcd-cli leaves log files where it is started
        for descriptor, path in ((0, os.devnull), (1, command["out"]), (2, command["err"])):
            os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), descriptor)
        sys.stdin = os.fdopen(0)  # what the other one has read ahead is for others
        sys.argv = ["vcd", *command["arguments"]]
        vcd()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001  # as it would be told by a process that is not ours
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
