"""GPUs by what they can do, and the ways to make films with one. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from services.process.video.ffmpeg.codecs import CodecName

Kind = Literal["cuda", "vaapi"]
Wanted = Literal["auto", "none", "cuda", "vaapi"]
ADDRESSES, OPEN_FILES = 2**62, 4096  # that ffmpeg may have where it uses a device
ENCODED: tuple[CodecName, ...] = ("h264", "hevc")  # the codecs that a device is asked for


@dataclass(frozen=True, slots=True)
class Device:
    """A GPU, as its driver answered when it was tried.

    Attributes:
        kind: by ffmpeg's name; None where there is none that can do anything.
        decodes: whether it decoded a film.
        encodes: the codecs that it encoded pictures in.
        faults: why it does not do the rest.
    """

    kind: Kind | None = None
    decodes: bool = False
    encodes: frozenset[CodecName] = frozenset()
    faults: tuple[str, ...] = ()

    @property
    def useful(self) -> bool:
        """Whether it can do anything."""
        return self.decodes or bool(self.encodes)


@dataclass(frozen=True, slots=True)
class Route:
    """Who does what in one passage through a film; by default the CPU does all.

    Attributes:
        kind: the device; None where it is not used.
        decodes: whether it decodes the film.
        encodes: the codecs that it encodes.
    """

    kind: Kind | None = None
    decodes: bool = False
    encodes: frozenset[CodecName] = frozenset()

    @property
    def what(self) -> str:
        """What the device does, for a sentence."""
        done = (("decoding", self.decodes), ("encoding", bool(self.encodes)))
        return f"{' and '.join(what for what, so in done if so)} on {self.kind}"


ALL_ON_CPU = Route()


def routes(device: Device, wanted: Collection[CodecName]) -> tuple[Route, ...]:
    """The ways to decode a film once and encode it in the codecs `wanted`, the best first.

    All that the device can do; then no more than encoding; then nothing.
    """
    encodes = device.encodes.intersection(wanted)
    ways = ((device.decodes, encodes), (False, encodes), (False, frozenset[CodecName]()))
    used = [Route(device.kind, *way) if any(way) else ALL_ON_CPU for way in ways]
    return tuple(dict.fromkeys(used))
