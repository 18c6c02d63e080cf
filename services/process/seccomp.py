"""A filter of system calls for the processes that read strangers' files.

Without it, a hole in a decoder would be a way into the network, into other processes, or into
the kernel. The filter is a program for the kernel's packet filter (BPF), which looks at the
number of each system call, and for three of them at the arguments. It needs no privilege and no
namespace, works in containers, is inherited by all that a process starts, and cannot be taken
off again. What it refuses is answered as by a kernel that has no such call (ENOSYS), a connection
as if nobody listened there (ENOENT): programs then do without.

Only Linux on 64-bit x86 and ARM has it here; elsewhere `fault` says so, and nothing is refused.
"""

import ctypes
import errno
import platform
import struct
import sys
from functools import lru_cache
from typing import cast

from services.process.launch import PR_SET_SECCOMP, SECCOMP_MODE_FILTER
from services.process.syscalls import ARCHITECTURES, CLONE, CONNECT, SENDTO, SOCKET, Machine, denied

_X32_NUMBERS = 0x40000000  # x86-64 knows each call by a second number from here on
_NAMESPACES = 0x7E020000  # every CLONE_NEW… flag that clone takes
_AF_UNIX = 1

# Offsets in the kernel's `struct seccomp_data`, of two 32-bit halves where 64 bits are meant.
_NUMBER, _ARCHITECTURE = 0, 4
_FIRST_ARGUMENT = 16
_FIFTH_ARGUMENT = (48, 52)

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_REFUSE, _NOBODY_LISTENS = 0x00050000 | errno.ENOSYS, 0x00050000 | errno.ENOENT
_ALLOW = 0x7FFF0000

Instruction = tuple[int, int, int, int]  # code, how far to jump if so, if not, and the operand


def fault() -> str | None:
    """Why there is no filter on this machine; None where there is one."""
    if sys.platform != "linux":
        return f"{platform.system()} has no filter of system calls"
    if platform.machine() not in ARCHITECTURES or sys.maxsize < 2**32:
        return f"no filter of system calls is known for {platform.machine()}"
    # Asked for a filter at address 0, a kernel that has filters complains of the address.
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, None, 0, 0)
    return None if ctypes.get_errno() == errno.EFAULT else "this kernel has no seccomp filters"


@lru_cache(maxsize=1)
def local_filter() -> bytes:
    """The filter for this machine, for `launch.filter_calls`; empty where there is none."""
    return b"" if fault() else compiled(cast(Machine, platform.machine()))


def compiled(machine: Machine) -> bytes:
    """The filter for `machine`."""
    instructions = [
        *_only_calls_of(machine),
        *_refuse_if(SOCKET[machine], _differs(_FIRST_ARGUMENT, _AF_UNIX)),
        *_refuse_if(SENDTO[machine], [i for half in _FIFTH_ARGUMENT for i in _differs(half, 0)]),
        *_refuse_if(CLONE[machine], _has_any(_FIRST_ARGUMENT, _NAMESPACES)),
        *_answer(CONNECT[machine], _NOBODY_LISTENS),
        *(i for number in denied(machine).values() for i in _answer(number, _REFUSE)),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("HBBI", *instruction) for instruction in instructions)


def _only_calls_of(machine: Machine) -> list[Instruction]:
    """Refuse all calls by the numbers of another table; leave the number loaded."""
    return [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _REFUSE),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32_NUMBERS),
        (_RETURN, 0, 0, _REFUSE),
    ]


def _answer(number: int, what: int) -> list[Instruction]:
    return [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, what)]


def _refuse_if(number: int, conditions: list[Instruction]) -> list[Instruction]:
    """Refuse the call `number` where one of `conditions` refuses, and allow it else."""
    allowed: Instruction = (_RETURN, 0, 0, _ALLOW)
    return [(_EQUAL, 0, len(conditions) + 1, number), *conditions, allowed]


def _differs(argument: int, value: int) -> list[Instruction]:
    return [(_LOAD, 0, 0, argument), (_EQUAL, 1, 0, value), (_RETURN, 0, 0, _REFUSE)]


def _has_any(argument: int, bits: int) -> list[Instruction]:
    return [(_LOAD, 0, 0, argument), (_ANY_BIT, 0, 1, bits), (_RETURN, 0, 0, _REFUSE)]
