"""Runs commands of vcd-cli, each in a process of its own, without importing it anew for each: that takes longest.

Reads one command per line as JSON and writes one line with the exit code. Started by `cse_testing.vcd_cli`.
"""

import json
import os
import sys

from vcd_cli.vcd import vcd


def main() -> None:
    for line in sys.stdin:
        command = json.loads(line)
        child = os.fork()
        if child == 0:
            _run(command)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(json.dumps({"code": os.waitstatus_to_exitcode(status)}) + "\n")
        sys.stdout.flush()


def _run(command: dict[str, str]) -> None:
    """Become the command; never returns."""
    code = 1
    try:
        os.environ["HOME"] = command["home"]
        os.chdir(command["home"])  # vcd-cli leaves log files where it is started
        for descriptor, path in ((0, os.devnull), (1, command["out"]), (2, command["err"])):
            os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), descriptor)
        sys.argv = ["vcd", *command["arguments"]]
        vcd()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
