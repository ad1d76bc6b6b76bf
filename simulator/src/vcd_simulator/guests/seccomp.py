"""A filter for the system calls of guests: what only reaches for the host's kernel is refused.

Namespaces of its own would give a guest file systems in memory that no limit counts, and the parts of the kernel that
only an administrator reaches. Keys, kernel messages and shared memory do not belong to a sandbox, or are not counted as
a process's memory.
"""

import errno
import platform
import struct
from collections.abc import Mapping
from dataclasses import dataclass

_FORBIDDEN: Mapping[str, tuple[int, int]] = {  # numbers on x86_64 and aarch64
    "acct": (163, 89),
    "add_key": (248, 217),
    "bpf": (321, 280),
    "delete_module": (176, 106),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "msgget": (68, 186),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pivot_root": (155, 41),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "semget": (64, 190),
    "setns": (308, 268),
    "shmget": (29, 194),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "userfaultfd": (323, 282),
}
_CLONE3 = 435
_NEW_NAMESPACES = 0x7E020080
"""The flags of `clone` and `unshare` that ask for a namespace of any kind (CLONE_NEWNS, …USER, …NET and the others)."""
_X32 = 0x40000000
"""Where the numbers of x86_64's second set of calls begin."""

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000


@dataclass(frozen=True)
class _Machine:
    architecture: int
    column: int
    clone: int
    unshare: int


_MACHINES = {
    "x86_64": _Machine(0xC000003E, 0, 56, 272),
    "aarch64": _Machine(0xC00000B7, 1, 220, 97),
}


def guest_filter() -> bytes:
    """The filter for this machine, as bubblewrap takes it. Raises KeyError: there is none for such machines."""
    machine = _MACHINES[platform.machine()]
    refused, unknown = _FAIL | errno.EPERM, _FAIL | errno.ENOSYS
    program = [
        _step(_LOAD, _ARCHITECTURE_AT),
        *_unless(_EQUAL, machine.architecture, unknown),
        _step(_LOAD, _NUMBER_AT),
        *_when(_AT_LEAST, _X32, unknown),
        # Its flags are in memory, where no filter can look; C libraries then try the older call.
        *_when(_EQUAL, _CLONE3, unknown),
    ]
    for numbers in _FORBIDDEN.values():
        program += _when(_EQUAL, numbers[machine.column], refused)
    program += [
        _step(_EQUAL, machine.clone, 1, 0),
        _step(_EQUAL, machine.unshare, 0, 3),
        _step(_LOAD, _FIRST_ARGUMENT_AT),
        *_when(_ANY_BIT, _NEW_NAMESPACES, refused),
        _step(_RETURN, _ALLOW),
    ]
    return b"".join(program)


def _step(code: int, value: int, true: int = 0, false: int = 0) -> bytes:
    """One instruction; `true` and `false` are how many of the next to leave out."""
    return struct.pack("=HBBI", code, true, false, value)


def _when(test: int, value: int, result: int) -> tuple[bytes, bytes]:
    return _step(test, value, 0, 1), _step(_RETURN, result)


def _unless(test: int, value: int, result: int) -> tuple[bytes, bytes]:
    return _step(test, value, 1, 0), _step(_RETURN, result)
