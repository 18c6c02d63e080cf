"""The kernels give Pillow's own pixels: not one differs."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from services.process.image.gpu.arithmetic import ALPHA, Box
from services.process.image.gpu.device import Device
from services.process.image.gpu.kernels import Frame, blurred, resized

MODES = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "CMYK": 4}
PREMULTIPLIED = {"LA": "La", "RGBA": "RGBa"}
side = st.integers(1, 90)
share = st.floats(0, 1, width=32)

many = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@st.composite
def images(draw: st.DrawFn) -> Image.Image:
    """Noise with every alpha, in which large parts are black, white or transparent."""
    mode = draw(st.sampled_from(sorted(MODES)))
    width, height = draw(side), draw(side)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    pixels = random.integers(0, 256, (height, width, MODES[mode]), dtype=np.uint8)
    pixels[: draw(st.integers(0, height))] = draw(st.sampled_from([0, 255]))
    pixels[:, : draw(st.integers(0, width)), -1] = draw(st.sampled_from([0, 1, 254, 255]))
    return Image.frombytes(mode, (width, height), pixels.tobytes())


@st.composite
def boxes(draw: st.DrawFn, size: tuple[int, int]) -> Box:
    """A part of a picture of this size, between pixels too."""
    edges = [sorted(draw(share) * length for _ in range(2)) for length in size]
    (left, right), (top, bottom) = (
        (max(0.0, one - 1), min(float(length), other + 1))
        for (one, other), length in zip(edges, size, strict=True)
    )
    return left, top, right, bottom


def array(image: Image.Image) -> NDArray[np.uint8]:
    return np.frombuffer(image.tobytes(), np.uint8)


def frame_of(image: Image.Image, device: Device) -> Frame:
    channels = MODES[image.mode]
    alpha = image.mode != "CMYK" and channels in ALPHA
    return Frame(device, device.put(array(image)), *image.size, channels, alpha)


def assert_same(made: Frame, expected: Image.Image) -> None:
    assert (made.width, made.height) == expected.size
    np.testing.assert_array_equal(made.device.get(made.memory), array(expected))


@many
@given(st.data())
def test_resizes_as_pillow(device: Device, data: st.DataObject) -> None:
    image = data.draw(images())
    size = data.draw(st.tuples(side, side))
    box = data.draw(st.none() | boxes(image.size))
    expected = image.resize(size, Image.Resampling.LANCZOS, box)
    assert_same(resized(frame_of(image, device), size, box), expected)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("size", "box"),
    [
        ((1, 1), None),
        ((83, 30), None),
        ((20, 61), None),
        ((200, 130), None),
        ((40, 40), (3.25, 1.5, 70.5, 60.0)),
        ((40, 40), (0.1, 1 / 3, 70.7, 59.9)),
        ((70, 34), None),
        ((70, 35), None),
    ],
    ids=[
        *("to a point", "down alone", "across alone", "larger", "a part", "off the pixels"),
        *("more than twice as many rows as columns go", "twice as many go"),
    ],
)
def test_resizes_in_the_order_of_pillow(
    device: Device, mode: str, size: tuple[int, int], box: Box | None
) -> None:
    image = Image.frombytes(mode, (83, 61), np.random.default_rng(1).bytes(83 * 61 * MODES[mode]))
    expected = image.resize(size, Image.Resampling.LANCZOS, box)
    assert_same(resized(frame_of(image, device), size, box), expected)


@many
@given(images(), st.floats(0.05, 60))
def test_blurs_as_pillow(device: Device, image: Image.Image, sigma: float) -> None:
    weighted = image.convert(PREMULTIPLIED.get(image.mode, image.mode))
    expected = weighted.filter(ImageFilter.GaussianBlur(sigma)).convert(image.mode)
    assert_same(blurred(frame_of(image, device), sigma), expected)


def test_weighs_every_colour_by_every_alpha_as_pillow(device: Device) -> None:
    alpha, colour = np.meshgrid(np.arange(256), np.arange(256))
    pixels = np.stack([colour, colour[::-1], 255 - colour, alpha], axis=2).astype(np.uint8)
    image = Image.frombytes("RGBA", (256, 256), pixels.tobytes())
    least = 0.01  # changes nothing, but weighs and takes back
    expected = image.convert("RGBa").filter(ImageFilter.GaussianBlur(least)).convert("RGBA")
    np.testing.assert_array_equal(array(expected), array(image.convert("RGBa").convert("RGBA")))
    assert_same(blurred(frame_of(image, device), least), expected)


@pytest.mark.parametrize("mode", MODES)
def test_a_photo_comes_out_as_from_pillow(device: Device, mode: str) -> None:
    noise = Image.effect_noise((1631, 1223), 90).convert("RGB").convert(mode)
    small = resized(frame_of(noise, device), (640, 480))
    assert_same(small, noise.resize((640, 480), Image.Resampling.LANCZOS))


def test_a_picture_of_the_right_size_is_left_alone(device: Device) -> None:
    """Even where its colours would not survive being weighed by alpha."""
    image = Image.new("RGBA", (3, 2), (200, 100, 50, 1))
    frame = frame_of(image, device)
    assert resized(frame, (3, 2)) is frame
    assert_same(resized(frame, (3, 2), box=(0, 0, 3, 2)), image.resize((3, 2)))
