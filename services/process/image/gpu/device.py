"""What the kernels run on: a GPU through CuPy; the processor in tests."""

from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Memory: TypeAlias = Any  # the device's own
Array: TypeAlias = NDArray[np.uint8] | NDArray[np.int32]

SOURCE = Path(__file__).with_name("kernels.cu")


class Declined(Exception):
    """This is nothing for a device; that is no fault of it."""


class Device(Protocol):
    """A place that has memory of its own and runs the kernels of `SOURCE` in it.

    `run` may return before the kernel has ended; `get` waits for all that its memory follows from.
    Whatever goes wrong on the device is raised by one of these, as whatever its library raises.

    Attributes:
        name: as results show it (`cuda 12.9`).
    """

    name: str

    def put(self, values: Array) -> Memory:
        """A copy of `values` on the device."""
        ...

    def room(self, size: int) -> Memory:
        """So many bytes on the device, with anything in them."""
        ...

    def run(self, kernel: str, threads: int, *arguments: Memory | int) -> None:
        """Start the kernel of that name in at least so many threads."""
        ...

    def get(self, memory: Memory) -> NDArray[np.uint8]:
        """A copy of the bytes."""
        ...
