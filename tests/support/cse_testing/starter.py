"""Processes of tests that must not outlive the test, however that ends."""

import ctypes
import os
import signal
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def die_with_starter(starter: int) -> None:
    """Has the kernel kill this process (SIGKILL) when the thread that started it has ended, or does so at once.

    Args:
        starter: pid of the process of that thread.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != starter:  # it was quicker
        os.kill(os.getpid(), signal.SIGKILL)
