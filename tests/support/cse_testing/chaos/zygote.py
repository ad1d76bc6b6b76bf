"""Starts processes of the cluster manager in a moment: it has imported everything, and forks.

`python -m cse_testing.chaos.zygote` reads one JSON object a line, `{"start": SPEC}` or `{"reap": PID}`, and answers
with the pid, or with the status as `os.waitpid` has it.
"""

import json
import os
import random
import sys
from pathlib import Path
from typing import Any

from cse_clusters.program import run
from cse_testing.chaos.plan import Plan
from cse_testing.chaos.points import Points
from cse_testing.starter import die_with_starter


def start(spec: dict[str, Any]) -> int:
    """Forks a process: environment, log and plan are the spec's."""
    zygote, pid = os.getpid(), os.fork()
    if pid:
        return pid
    try:
        _become(spec, zygote)
        Points(Plan.load(Path(spec["plan"]))).install()
        code = run([])
    except BaseException:  # noqa: BLE001  # the process ends here, whatever it is
        sys.excepthook(*sys.exc_info())
        code = 70
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _become(spec: dict[str, Any], zygote: int) -> None:
    die_with_starter(zygote)
    os.setsid()
    log = os.open(spec["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.environ.update(spec["environment"])
    random.seed()


def serve() -> None:
    for line in sys.stdin:
        command = json.loads(line)
        answer = start(command["start"]) if "start" in command else os.waitpid(command["reap"], 0)[1]
        print(answer, flush=True)  # noqa: T201  # this is how it answers


if __name__ == "__main__":
    serve()
