"""What a process does before its threads begin."""

import os
import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is about glibc's allocator")

PROGRAM = """
import os, sys, threading
from cse_core import runtime

print(os.getpid(), *sys.argv[1:], flush=True)
if sys.argv[1] == "sparing":
    runtime.spare_memory()

def use(used, ended):
    blocks = [bytes(size) for size in range(520, 1000, 16) for _ in range(7)]
    del blocks
    used.set()
    ended.wait()

ended = threading.Event()
threads = []
for _ in range(150):
    used = threading.Event()
    threads.append(threading.Thread(target=use, args=(used, ended)))
    threads[-1].start()
    used.wait()
with open("/proc/self/statm") as file:
    print(int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20)
ended.set()
for each in threads:
    each.join()
print(os.environ.get("GLIBC_TUNABLES", ""))
"""


def run(*arguments: str, **environment: str) -> tuple[list[str], int, str]:
    """Runs a program with 150 threads that have freed what they used; returns how often it began and as what, its
    memory in MiB, and glibc's settings."""
    inherited = {key: value for key, value in os.environ.items() if key not in ("GLIBC_TUNABLES", "CSE_BEGUN_ANEW")}
    command = [sys.executable, "-W", "error", "-c", PROGRAM, *arguments]
    process = subprocess.run(command, env=inherited | environment, check=True, capture_output=True, text=True)
    *begun, memory, tunables = process.stdout.splitlines()
    return begun, int(memory), tunables


def test_threads_keep_no_memory_that_they_have_freed() -> None:
    (plain,), kept, _ = run("plain")
    begun, spared, tunables = run("sparing", "a b", "$(c)")
    assert plain.endswith(" plain")
    assert len(begun) == 2, begun
    assert begun[0] == begun[1], "another process, or other arguments"
    assert begun[0].endswith(" sparing a b $(c)")
    assert tunables == "glibc.malloc.arena_max=2:glibc.malloc.tcache_count=0"
    assert spared + 12 < kept


def test_what_the_environment_says_stays_as_it_is() -> None:
    begun, _, tunables = run("sparing", GLIBC_TUNABLES="glibc.malloc.tcache_count=1:glibc.malloc.check=0")
    assert len(begun) == 2
    assert tunables == "glibc.malloc.tcache_count=1:glibc.malloc.check=0:glibc.malloc.arena_max=2"
    everything = "glibc.malloc.arena_max=4:glibc.malloc.tcache_count=0"
    begun, _, tunables = run("sparing", GLIBC_TUNABLES=everything)
    assert (len(begun), tunables) == (1, everything)


def test_a_program_whose_environment_loses_the_settings_does_not_begin_for_ever() -> None:
    begun, _, tunables = run("sparing", CSE_BEGUN_ANEW="yes")
    assert (len(begun), tunables) == (1, "")
