"""Devices: the processor on every machine, and CUDA where it is."""

from typing import cast

import pytest

from services.process.image.gpu.device import Device
from services.process.image.gpu.nvidia import Nvidia
from tests.processor.device import Processor


@pytest.fixture(scope="session", params=["processor", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request: pytest.FixtureRequest) -> Device:
    """Each device that the same pixels have to come from."""
    if request.param == "processor":
        return cast(Processor, request.getfixturevalue("processor"))
    pytest.importorskip("cupy", reason="CuPy (the extra gpu) is not here")
    return Nvidia()
