"""Resize and blur as sequences of the kernels in `kernels.cu`."""

from dataclasses import dataclass, replace
from functools import lru_cache

from services.process.image.gpu.arithmetic import (
    PASSES,
    Box,
    Pass,
    Size,
    box_radius,
    box_weights,
    passes,
    unchanged,
)
from services.process.image.gpu.device import Declined, Device, Memory

MOST_BYTES = 2**31  # of one picture: kernels count in 32 bits

_passes = lru_cache(maxsize=128)(passes)


@dataclass(frozen=True)
class Frame:
    """A picture in a device's memory.

    Attributes:
        channels: bytes of each pixel.
        alpha: whether the last channel is transparency, so that it weighs the others.
    """

    device: Device
    memory: Memory
    width: int
    height: int
    channels: int
    alpha: bool = False

    @property
    def pixels(self) -> int:
        """How many there are."""
        return self.width * self.height

    @property
    def size(self) -> int:
        """Bytes."""
        return self.pixels * self.channels


def resized(frame: Frame, size: Size, box: Box | None = None) -> Frame:
    """As `Image.resize(size, LANCZOS, box)`. Only started: whoever gets the memory waits for it."""
    before = (frame.width, frame.height)
    if unchanged(before, size, box):
        return frame
    weighted = _premultiplied(frame)
    for half in _passes(before, size, box):
        weighted = _resampled(weighted, half)
    return _unpremultiplied(weighted)


def blurred(frame: Frame, sigma: float) -> Frame:
    """As `ImageFilter.GaussianBlur(sigma)`, but what is transparent has no colour."""
    radius = box_radius(sigma)
    weights = (int(radius), *box_weights(radius))
    weighted = _premultiplied(frame)
    for stride, length in (
        (frame.channels, frame.width),
        (frame.channels * frame.width, frame.height),
    ):
        for _ in range(PASSES):
            arguments = (frame.size, stride, length, *weights)
            weighted = _made("box", weighted, weighted, frame.size, *arguments)
    return _unpremultiplied(weighted)


def _resampled(before: Frame, half: Pass) -> Frame:
    outputs, taps = half.along.weights.shape
    if half.down:
        after, inputs = replace(before, height=outputs), before.height
    else:
        after, inputs = replace(before, width=outputs), before.width
    stride = before.channels * (before.width if half.down else 1)
    tables = (before.device.put(half.along.starts), before.device.put(half.along.weights))
    arguments = (after.size, stride, inputs, outputs, *tables, taps)
    return _made("resample", before, after, after.size, *arguments)


def _premultiplied(frame: Frame) -> Frame:
    return _weighed("premultiply", frame)


def _unpremultiplied(frame: Frame) -> Frame:
    return _weighed("unpremultiply", frame)


def _weighed(kernel: str, frame: Frame) -> Frame:
    if not frame.alpha:
        return frame
    return _made(kernel, frame, frame, frame.pixels, frame.pixels, frame.channels)


def _made(
    kernel: str, before: Frame, after: Frame, threads: int, *arguments: Memory | int
) -> Frame:
    """`after` with memory of its own, in which the kernel writes what it makes of `before`."""
    if after.size >= MOST_BYTES:
        raise Declined(f"{after.size} bytes are too many for the kernels")
    memory = before.device.room(after.size)
    before.device.run(kernel, threads, before.memory, memory, *arguments)
    return replace(after, memory=memory)
