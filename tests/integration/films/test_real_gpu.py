"""Films on the GPU of this machine, with the driver and ffmpeg that it has."""

from pathlib import Path

import pytest

from services.process.video.hardware.asking import ask
from services.process.video.hardware.device import Device
from shared.jobs import Output
from tests.films import Bench, Benches, FilmMaker, ffmpeg, pattern
from tests.integration.films.comparing import likeness

pytestmark = pytest.mark.gpu

SIZE = (640, 360)
LEAST_ALIKE = 0.97  # SSIM; a device's encoder has a scale of quality of its own
EIGHT_BITS = ("-c:v", "libx264", "-pix_fmt", "yuv420p")
TEN_BITS = ("-c:v", "libx265", "-x265-params", "log-level=error", "-pix_fmt", "yuv420p10le")


@pytest.fixture(scope="module")
def device() -> Device:
    """What the driver can do: all NVIDIA GPUs since 2016 decode H.264, not all encode."""
    device = ask(ffmpeg(), "cuda")
    assert device.decodes, device.faults
    return device


async def made(bench: Bench, source: Path, codec: str) -> Output:
    wanted = {"op": "renditions", "heights": [SIZE[1]], "codec": codec, "crf": 18}
    (output,) = (await bench.make(source, wanted)).values()
    return output


@pytest.mark.parametrize("coded", [EIGHT_BITS, TEN_BITS], ids=["8 bits", "10 bits"])
@pytest.mark.parametrize("codec", ["h264", "hevc"])
async def test_a_film_on_the_device_looks_as_on_the_cpu(
    device: Device,
    benches: Benches,
    film: FilmMaker,
    coded: tuple[str, ...],
    codec: str,
) -> None:
    source = film(f"{coded[-1]}.mkv", *pattern("1280x720"), *coded)
    cpu, gpu = await benches("cpu"), await benches("gpu", hwaccel="cuda")
    expected, found = await made(cpu, source, codec), await made(gpu, source, codec)
    assert found.made_on is not None
    encoder = "cuda" if codec in device.encodes else "cpu"
    assert (found.made_on.decoding, found.made_on.encoding) == ("cuda", encoder), found.made_on
    alike = likeness(gpu.path(found), cpu.path(expected))
    assert len(alike) == 25
    assert min(alike) > LEAST_ALIKE
