"""An NVIDIA GPU, through CuPy: the extra `gpu`."""

import os

import numpy as np
from numpy.typing import NDArray

from services.process.image.gpu.device import SOURCE, Array, Memory
from shared.errors import EngineUnavailable

_THREADS = 256  # of a block
# Else CuPy makes a folder in HOME as it is imported, which a service's user need not have, and
# runs what it finds there. These kernels are compiled within a second.
_NO_FILES = {"CUPY_CACHE_IN_MEMORY": "1", "CUPY_CACHE_DIR": os.sep}


class Nvidia:
    """The first GPU that CUDA shows; `CUDA_VISIBLE_DEVICES` can choose another."""

    def __init__(self) -> None:
        """Takes the device and compiles the kernels for it.

        Raises:
            EngineUnavailable: CuPy is not installed, or there is no GPU that it can use.
        """
        os.environ.update(_NO_FILES)
        try:
            import cupy

            self._cupy = cupy
            number = cupy.cuda.runtime.runtimeGetVersion()
            self._kernels = cupy.RawModule(code=SOURCE.read_text())
            self._kernels.compile()
        except ImportError as error:
            raise EngineUnavailable(
                f"PROCESS_ENGINE: cuda needs CuPy (the extra `gpu`): {error}"
            ) from error
        except Exception as error:  # of the driver, the compiler, or a library that is missing
            raise EngineUnavailable(
                f"PROCESS_ENGINE: cuda: no GPU can be used here: {type(error).__name__}: {error}"
            ) from error
        self.name = f"cuda {number // 1000}.{number % 1000 // 10}"

    def put(self, values: Array) -> Memory:
        """See `Device.put`."""
        return self._cupy.asarray(values)

    def room(self, size: int) -> Memory:
        """See `Device.room`."""
        return self._cupy.empty(size, np.uint8)

    def run(self, kernel: str, threads: int, *arguments: Memory | int) -> None:
        """See `Device.run`."""
        values = tuple(np.uint32(one) if isinstance(one, int) else one for one in arguments)
        self._kernels.get_function(kernel)((-(-threads // _THREADS),), (_THREADS,), values)

    def get(self, memory: Memory) -> NDArray[np.uint8]:
        """See `Device.get`."""
        found: NDArray[np.uint8] = self._cupy.asnumpy(memory)
        return found
