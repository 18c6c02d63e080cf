"""How films and sound are encoded: one table for each kind. Pure.

`preset` is x264's word for every encoder: the others' own scales are mapped to it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal

CodecName = Literal["h264", "hevc", "av1", "vp9"]
SoundFormat = Literal["m4a", "mp3", "opus", "flac", "wav"]
Preset = Literal[
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"
]
_SVT_PRESETS: dict[str, int] = {  # 0 to 13; higher is faster
    "ultrafast": 12,
    "superfast": 11,
    "veryfast": 10,
    "faster": 9,
    "fast": 8,
    "medium": 7,
    "slow": 5,
    "slower": 4,
    "veryslow": 3,
}
_VPX_SPEEDS: dict[str, int] = {  # 0 to 8; higher is faster
    "ultrafast": 8,
    "superfast": 7,
    "veryfast": 6,
    "faster": 5,
    "fast": 4,
    "medium": 3,
    "slow": 2,
    "slower": 1,
    "veryslow": 0,
}


_AAC_LC = frozenset({("aac", "LC")})
_ANY_OPUS = frozenset({("opus", None)})
# By itself ffmpeg 9 makes all blocks as long as the first sound that it gets, or refuses that.
_FLAC = ("-c:a", "flac", "-frame_size", "4096")


@dataclass(frozen=True, slots=True)
class Codec:
    """One way to encode pictures, with the container and the sound that go with it.

    Attributes:
        library: what ffmpeg has to be built with.
        crf: the usual constant rate factor, and `worst`, the highest that there is.
        sound: the options for the sound beside it.
        sound_kinds: codec and profile of sound that needs no encoding to be beside it.
        sound_library: what the options need, if anything.
        options: from preset and number of threads to the encoder's arguments.
        hdr: whether it is used for HDR.
    """

    library: str
    crf: int
    worst: int
    extension: str
    media_type: str
    sound: tuple[str, ...]
    options: Callable[[str, int], tuple[str, ...]]
    sound_kinds: frozenset[tuple[str, str | None]] = _AAC_LC
    sound_library: str | None = None
    hdr: bool = False


def _x264(preset: str, threads: int) -> tuple[str, ...]:
    return ("-c:v", "libx264", "-preset", preset)


def _x265(preset: str, threads: int) -> tuple[str, ...]:
    told = f"log-level=error:pools={threads}"
    return ("-c:v", "libx265", "-preset", preset, "-tag:v", "hvc1", "-x265-params", told)


def _svt(preset: str, threads: int) -> tuple[str, ...]:
    return ("-c:v", "libsvtav1", "-preset", str(_SVT_PRESETS[preset]))


def _vpx(preset: str, threads: int) -> tuple[str, ...]:
    speed = str(_VPX_SPEEDS[preset])
    return ("-c:v", "libvpx-vp9", "-b:v", "0", "-cpu-used", speed, "-row-mt", "1")


_AAC = ("-c:a", "aac")
_OPUS = ("-c:a", "libopus")
CODECS: Final[dict[CodecName, Codec]] = {
    "h264": Codec("libx264", 23, 51, "mp4", "video/mp4", _AAC, _x264),
    "hevc": Codec("libx265", 26, 51, "mp4", "video/mp4", _AAC, _x265, hdr=True),
    "av1": Codec("libsvtav1", 35, 63, "mp4", "video/mp4", _AAC, _svt, hdr=True),
    "vp9": Codec(
        *("libvpx", 33, 63, "webm", "video/webm", _OPUS, _vpx, _ANY_OPUS), sound_library="libopus"
    ),
}


@dataclass(frozen=True, slots=True)
class SoundCodec:
    """One kind of sound file; see `Codec`. `lossy` ones take a bit rate; `demuxer` reads it."""

    options: tuple[str, ...]
    media_type: str
    demuxer: str
    library: str | None = None
    lossy: bool = True


SOUNDS: Final[dict[SoundFormat, SoundCodec]] = {
    "m4a": SoundCodec((*_AAC, "-movflags", "+faststart", "-f", "ipod"), "audio/mp4", "mov"),
    "mp3": SoundCodec(("-c:a", "libmp3lame", "-f", "mp3"), "audio/mpeg", "mp3", "libmp3lame"),
    "opus": SoundCodec((*_OPUS, "-f", "ogg"), "audio/ogg", "ogg", "libopus"),
    "flac": SoundCodec((*_FLAC, "-f", "flac"), "audio/flac", "flac", lossy=False),
    "wav": SoundCodec(("-c:a", "pcm_s16le", "-f", "wav"), "audio/wav", "wav", lossy=False),
}


def spoken(kind: Literal["a", "s"], languages: Iterable[str | None]) -> tuple[str, ...]:
    """The languages of an output's tracks of sound (`a`) or captions (`s`), where they are known."""
    told = [(place, language) for place, language in enumerate(languages) if language]
    return tuple(
        argument
        for place, language in told
        for argument in (f"-metadata:s:{kind}:{place}", f"language={language}")
    )


def heard(stream: int, *filters: str) -> str:
    """A film's sound behind `filters`, as `Branch.chain` has it."""
    return f"[{{input}}:{stream}]{','.join(filters) or 'anull'}[{{sink}}]"


def levelled(loudness: float | None) -> tuple[str, ...]:
    """Filters that bring the sound to `loudness` LUFS, as EBU R 128 measures it."""
    if loudness is None:
        return ()
    # loudnorm gives 192 kHz, and a film of under three seconds in one piece, which FLAC refuses.
    return (f"loudnorm=I={loudness:g}:TP=-1.5:LRA=11", "asetnsamples=n=4096:p=0")


def rate_of(loudness: float | None) -> tuple[str, ...]:
    """The sampling rate behind `levelled`.

    Not by the filter aresample: up to 6.0 it finds no channel layout behind loudnorm.
    """
    return () if loudness is None else ("-ar", "48000")
