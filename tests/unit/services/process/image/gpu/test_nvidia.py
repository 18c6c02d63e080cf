"""CuPy and its compiler, where the extra `gpu` is installed; no GPU is needed."""

import os
import subprocess
import sys

import pytest

from services.process.image.gpu.device import SOURCE
from tests.conftest import ROOT

KERNELS = ("resample", "box", "premultiply", "unpremultiply")
# As CuPy tells it, beside the architecture.
OPTIONS = ("-ftz=true", "--device-as-default-execution-space")


@pytest.fixture(autouse=True)
def cupy_is_here() -> None:
    pytest.importorskip("cupy", reason="CuPy (the extra gpu) is not here")


@pytest.mark.parametrize("architecture", [75, 80, 90, 120])
def test_the_compiler_for_gpus_makes_every_kernel(architecture: int) -> None:
    from cupy.cuda import nvrtc

    program = nvrtc.createProgram(SOURCE.read_text(), "", (), ())
    try:
        nvrtc.compileProgram(program, (*OPTIONS, f"-arch=sm_{architecture}"))
        assert not nvrtc.getProgramLog(program).strip("\0\n ")
        binary = nvrtc.getCUBIN(program)
    finally:
        nvrtc.destroyProgram(program)
    assert [name for name in KERNELS if f".text.{name}\0".encode() in binary] == [*KERNELS]


def test_a_user_without_a_home_can_use_a_gpu() -> None:
    """Nothing but a GPU is missing, where there is none."""
    code = """
from services.process.image.gpu.nvidia import Nvidia
try: print(Nvidia().name)
except Exception as error: print(error)
"""
    environment = {**os.environ, "HOME": "/proc/nobody", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(("cuda ", "PROCESS_ENGINE: cuda: no GPU can be used here: CUDA"))
