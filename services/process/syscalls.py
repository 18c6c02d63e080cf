"""System calls that a reader of strangers' files has no business with, and their numbers.

The numbers are the kernel's, from `asm/unistd_64.h` (x86-64) and `asm-generic/unistd.h`
(64-bit ARM); they never change.
"""

from typing import Final, Literal

Machine = Literal["x86_64", "aarch64"]

# As in linux/audit.h: by this the kernel tells which table a call's number belongs to.
ARCHITECTURES: Final[dict[Machine, int]] = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# Where the arguments decide: see `seccomp`.
SOCKET: Final[dict[Machine, int]] = {"x86_64": 41, "aarch64": 198}
SENDTO: Final[dict[Machine, int]] = {"x86_64": 44, "aarch64": 206}
CLONE: Final[dict[Machine, int]] = {"x86_64": 56, "aarch64": 220}

# Answered as if nobody listened there, which all programs meet: CUDA's driver looks so for a
# server that several programs share a GPU through (MPS), and goes on by itself where there is none.
CONNECT: Final[dict[Machine, int]] = {"x86_64": 42, "aarch64": 203}

_NETWORK: Final = {
    # A socket that leads nowhere may be made, since drivers of GPUs make some.
    "sendmsg": (46, 211),
    "sendmmsg": (307, 269),
    # Does what other calls do, past every filter: sockets and connections too.
    "io_uring_setup": (425, 425),
}
_OTHER_PROCESSES: Final = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
}
# They change what a path means, or make one root in a world of its own.
_MOUNTS_AND_NAMESPACES: Final = {
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "unshare": (272, 97),
    "setns": (308, 268),
    # Its flags lie in memory, where no filter sees them; libraries then use clone.
    "clone3": (435, 435),
    # Opens a file by its number: past every folder, out of a container.
    "open_by_handle_at": (304, 265),
}
# Where most holes in kernels were found that an unprivileged program can use.
_KERNEL: Final = {
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
}


def denied(machine: Machine) -> dict[str, int]:
    """The calls that no kernel seems to have, whatever their arguments, by name."""
    column = list(ARCHITECTURES).index(machine)
    tables = (_NETWORK, _OTHER_PROCESSES, _MOUNTS_AND_NAMESPACES, _KERNEL)
    return {name: numbers[column] for table in tables for name, numbers in table.items()}
