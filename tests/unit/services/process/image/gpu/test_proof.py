"""Which devices are trusted with pictures."""

import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from services.process.image.gpu.device import Device, Memory
from services.process.image.gpu.nvidia import Nvidia
from services.process.image.gpu.proof import prove
from shared.errors import EngineUnavailable
from tests.processor.device import Processor


def test_a_device_with_pillows_pixels_is_proven(device: Device) -> None:
    prove(device)


class OneOff(Processor):
    """Its last byte is one too high."""

    def get(self, memory: Memory) -> NDArray[np.uint8]:
        pixels = super().get(memory)
        pixels[-1] += 1
        return pixels


class Broken(Processor):
    """Has no memory."""

    def put(self, values: object) -> Memory:
        raise MemoryError("out of memory")


def test_a_device_with_one_other_pixel_is_refused(processor: Processor) -> None:
    sentence = r"the GPU gives other pixels than Pillow: L resized to 97×75, .*RGBA blurred by 8$"
    with pytest.raises(EngineUnavailable, match=sentence):
        prove(OneOff())


def test_a_device_that_fails_is_refused(processor: Processor) -> None:
    with pytest.raises(EngineUnavailable, match="the GPU fails: MemoryError: out of memory"):
        prove(Broken())


def test_that_cupy_is_not_installed_is_told_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(EngineUnavailable, match=r"^PROCESS_ENGINE: cuda needs CuPy \(the extra"):
        Nvidia()
