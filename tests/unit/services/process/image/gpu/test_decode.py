"""nvImageCodec, where it is installed: on the processor, and on a GPU."""

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.process.image.gpu.decode import NvImageCodec
from shared.errors import EngineUnavailable

MOST_LEVELS = 8  # that a decoded value may be off by


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.gpu)], ids=["cpu", "gpu"])
def decoder(request: pytest.FixtureRequest) -> NvImageCodec:
    pytest.importorskip("nvidia.nvimgcodec", reason="nvImageCodec (the extra gpu) is not here")
    return NvImageCodec(on_gpu=request.param)


def jpeg(image: Image.Image, orientation: int = 1) -> bytes:
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    image.save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def test_photos_come_out_as_they_are_stored(decoder: NvImageCodec, mountains: Path) -> None:
    with Image.open(mountains) as image:
        small = image.resize((200, 120))
    files = [mountains.read_bytes(), jpeg(small.convert("L")), jpeg(small, orientation=6)]
    for file, made in zip(files, decoder.decode(files), strict=True):
        with Image.open(io.BytesIO(file)) as image:
            expected = np.asarray(image.convert("RGB")).astype(int)
        assert made is not None
        assert made.dtype == np.uint8
        assert np.abs(made - expected).max() <= MOST_LEVELS


def test_what_cannot_be_decoded_is_told_beside_what_can(
    decoder: NvImageCodec, mountains: Path
) -> None:
    good = mountains.read_bytes()
    made = decoder.decode([b"no picture" * 30, good])
    assert made[0] is None
    assert made[1] is not None


def test_that_nvimagecodec_is_not_installed_is_told_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "nvidia", None)
    with pytest.raises(EngineUnavailable, match=r"^PROCESS_GPU_DECODE: nvImageCodec .* cannot be"):
        NvImageCodec()
