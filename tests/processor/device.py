"""The processor in place of a GPU: the kernels' source as the machine's C++ compiler reads it."""

import ctypes
import hashlib
import mmap
import shutil
import subprocess
import sys
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.process.image.gpu.device import SOURCE, Array, Memory
from tests.servers.errors import ServerUnavailable
from tests.servers.install import can_install, install

_SHIM = Path(__file__).with_name("shim.cpp")
# What C++ leaves undefined, such as an overflow, ends the process: devices would do what they like.
_FLAGS = (
    *("-std=c++17", "-O2", "-shared", "-fPIC", "-Wall", "-Wextra", "-Wno-unknown-pragmas"),
    *("-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"),
)
_THREADS = 64  # of a block
_PROT_NONE = 0


class Processor:
    """A `Device` whose memory is numpy's."""

    name = "processor"

    def __init__(self) -> None:
        self._library = ctypes.CDLL(str(library()))

    def put(self, values: Array) -> Memory:
        """See `Device.put`."""
        return _guarded(np.ascontiguousarray(values))

    def room(self, size: int) -> Memory:
        """See `Device.room`."""
        return _guarded(np.full(size, 0xAA, np.uint8))

    def run(self, kernel: str, threads: int, *arguments: Memory | int) -> None:
        """See `Device.run`."""
        values = [
            ctypes.c_uint(one) if isinstance(one, int) else ctypes.c_void_p(one.ctypes.data)
            for one in arguments
        ]
        pointers = (ctypes.c_void_p * len(values))(*(ctypes.addressof(value) for value in values))
        getattr(self._library, f"run_{kernel}")(-(-threads // _THREADS), _THREADS, pointers)

    def get(self, memory: Memory) -> NDArray[np.uint8]:
        """See `Device.get`."""
        return np.array(memory)


def _guarded(values: NDArray[Any]) -> Memory:
    """A copy that ends at a page which nobody may touch: a kernel that reads on ends the process."""
    size = -(-max(1, values.nbytes) // mmap.PAGESIZE) * mmap.PAGESIZE
    pages = mmap.mmap(-1, size + mmap.PAGESIZE)
    edge = ctypes.addressof(ctypes.c_char.from_buffer(pages)) + size
    if ctypes.CDLL(None).mprotect(ctypes.c_void_p(edge), mmap.PAGESIZE, _PROT_NONE):
        raise OSError("mprotect")
    copy = np.frombuffer(pages, values.dtype, values.size, size - values.nbytes)
    copy[:] = values.ravel()
    return copy


@lru_cache(maxsize=1)
def library() -> Path:
    """The compiled kernels, in the virtual environment: made again only when something changes.

    Raises:
        ServerUnavailable: there is no C++ compiler, and none can be installed.
    """
    digest = hashlib.sha256(SOURCE.read_bytes() + _SHIM.read_bytes() + repr(_FLAGS).encode())
    folder = Path(sys.prefix) / "kernels"
    built = folder / f"{digest.hexdigest()[:16]}.so"
    if not built.exists():
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as empty:
            made = Path(empty) / "kernels.so"
            _compile(made)
            made.rename(built)
    return built


def _compile(made: Path) -> None:
    kernels = f'-DKERNELS="{SOURCE}"'
    subprocess.run([_compiler(), *_FLAGS, kernels, str(_SHIM), "-o", str(made)], check=True)


def _compiler() -> str:
    for _ in range(2):
        for name in ("c++", "g++", "clang++"):
            if found := shutil.which(name):
                return found
        if can_install():
            install("g++")
    raise ServerUnavailable(
        "The GPU's kernels are tested on the processor, which takes a C++ compiler: \"apt-get"
        ' install g++" on Debian and Ubuntu (as root the tests do that themselves).'
    )
