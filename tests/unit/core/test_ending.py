"""How processes end: in order, whatever goes wrong on the way, and at once when they are told so twice."""

import signal
import subprocess
import sys

from cse_testing.waiting import LIMIT_S

STUCK = """
import sys, threading
from cse_core import runtime

class Stuck:
    name = "stuck"

    def start(self):
        threading.Thread(target=threading.Event().wait).start()  # for which Python would wait
        print("started", file=sys.stderr)

    def stop(self, grace_s):
        print("stopping", file=sys.stderr)
        threading.Event().wait()

    def wait(self, timeout_s=None):
        return False

runtime.run_until_signal([Stuck()])
"""

FAILING = """
import sys
from cse_core import runtime

class Service:
    def __init__(self, name, error=None):
        self.name, self._error = name, error

    def start(self):
        pass

    def stop(self, grace_s):
        print(self.name, 0 < grace_s <= 30, file=sys.stderr)
        if self._error:
            raise self._error

    def wait(self, timeout_s=None):
        return True

sys.exit(runtime.run_until_signal([Service("first"), Service("second", ValueError("no")), Service("third")]))
"""


def test_a_second_signal_ends_a_process_that_is_stuck() -> None:
    command = [sys.executable, "-c", STUCK]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            for said in ("started", "stopping"):
                assert process.stderr.readline().strip() == said
                process.send_signal(signal.SIGTERM)
            assert process.wait(LIMIT_S) == 128 + signal.SIGTERM
        finally:
            process.kill()


def test_a_service_that_cannot_be_stopped_keeps_no_other_from_it() -> None:
    process = subprocess.run([sys.executable, "-c", FAILING], check=False, capture_output=True, text=True)
    assert process.stderr.splitlines() == ["third True", "second True", "first True"]
    assert "service_not_stopped" in process.stdout  # where logs go that nobody has set up
    assert process.returncode == 1
