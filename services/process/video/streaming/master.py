"""The master playlist (RFC 8216): which sizes, tracks of sound and captions there are. Pure.

It is not left to ffmpeg, since that leaves out streams whose bit rate was not given beforehand,
and knows neither captions nor the names of tracks in every version.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.process.video.streaming.playlist import Stream

PLAYLIST = "index.m3u8"
_AAC_LC = "mp4a.40.2"
_STEREO = ',CHANNELS="2"'
_SOUNDS, _CAPTIONS = "sound", "captions"


@dataclass(frozen=True, slots=True)
class Picture:
    """One size of the film.

    Attributes:
        codec: as RFC 6381 writes it (`avc1.64001f`).
        fps: the most pictures per second.
    """

    stream: Stream
    width: int
    height: int
    codec: str
    fps: float


@dataclass(frozen=True, slots=True)
class Track:
    """One track of sound or captions.

    Attributes:
        folder: where its playlist is.
        language: as RFC 5646 writes it (`en`).
    """

    folder: str
    name: str
    language: str | None
    default: bool


@dataclass(frozen=True, slots=True)
class Audible:
    """One track of sound, with its pieces."""

    stream: Stream
    track: Track


def master(
    pictures: Sequence[Picture], sounds: Sequence[Audible], captions: Sequence[Track]
) -> str:
    """The text of the master playlist, the largest picture first."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"]
    lines += [_media("AUDIO", _SOUNDS, sound.track, _STEREO) for sound in sounds]
    lines += [_media("SUBTITLES", _CAPTIONS, track) for track in captions]
    for picture in pictures:
        lines += _variant(picture, sounds, captions)
    return "\n".join(lines) + "\n"


def caption_playlist(file: str, seconds: float) -> str:
    """The playlist of captions that lie in one file."""
    head = ["#EXTM3U", "#EXT-X-VERSION:7", f"#EXT-X-TARGETDURATION:{max(1, -int(-seconds // 1))}"]
    body = ["#EXT-X-PLAYLIST-TYPE:VOD", f"#EXTINF:{seconds:.3f},", file, "#EXT-X-ENDLIST"]
    return "\n".join([*head, *body]) + "\n"


def _media(kind: str, group: str, track: Track, more: str = "") -> str:
    language = f',LANGUAGE="{track.language}"' if track.language else ""
    default = "YES" if track.default else "NO"
    return (
        f'#EXT-X-MEDIA:TYPE={kind},GROUP-ID="{group}",NAME="{track.name}"{language},'
        f'DEFAULT={default},AUTOSELECT=YES{more},URI="{track.folder}/{PLAYLIST}"'
    )


def _variant(
    picture: Picture, sounds: Sequence[Audible], captions: Sequence[Track]
) -> Iterator[str]:
    beside = max((sound.stream.peak for sound in sounds), default=0)
    on_average = max((sound.stream.average for sound in sounds), default=0)
    fields = [
        f"BANDWIDTH={picture.stream.peak + beside}",
        f"AVERAGE-BANDWIDTH={picture.stream.average + on_average}",
        f"RESOLUTION={picture.width}x{picture.height}",
        f"FRAME-RATE={picture.fps:.3f}",
        f'CODECS="{picture.codec}{"," + _AAC_LC if sounds else ""}"',
        *([f'AUDIO="{_SOUNDS}"'] if sounds else []),
        *([f'SUBTITLES="{_CAPTIONS}"'] if captions else []),
    ]
    yield "#EXT-X-STREAM-INF:" + ",".join(fields)
    yield f"{picture.stream.folder}/{PLAYLIST}"
