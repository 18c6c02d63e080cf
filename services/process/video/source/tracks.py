"""The tracks of sound and captions of a film. Runs in a child: strangers made the file."""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from services.process.video.film import Captions, Sound
from services.process.video.source.rates import heaviest

if TYPE_CHECKING:
    import av.container
    from av.audio.stream import AudioStream
    from av.video.stream import VideoStream

# ffmpeg's names of the captions that are text; the others are pictures.
_TEXT = {"ass", "mov_text", "ssa", "subrip", "srt", "text", "webvtt", "ttml", "sami", "eia_608"}
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{1,8})*")
_LONGEST_TITLE = 60
_CLOCK = re.compile(r"(\d{1,3}):(\d\d):(\d\d(?:\.\d+)?)")
_MOST_TRACKS = 16
_LOOKED_THROUGH_BYTES = 64 * 2**20  # of the film, for the beginnings of its sound
_PACKET_BYTES = 1024  # that reading a packet counts for beside its own
_COPIED = {"aac", "opus"}


def sounds_of(media: "av.container.InputContainer", *, measured: bool = False) -> tuple[Sound, ...]:
    """The tracks of sound that can be decoded, in the file's order; the first 16.

    Args:
        measured: whether bit rates are measured that the file does not tell: for what is copied.
    """
    from av.stream import Disposition

    decodable = [s for s in media.streams.audio if getattr(s, "codec_context", None)]
    tracks = [track for track in decodable[:_MOST_TRACKS] if track.codec_context.channels]
    heard = _first_heard(media, tracks)
    return tuple(
        Sound(
            stream=track.index,
            codec=track.codec_context.codec.canonical_name,
            channels=track.codec_context.channels,
            rate=track.codec_context.sample_rate or 0,
            default=bool(track.disposition & Disposition.default),
            begins=heard.get(track.index),
            seconds=_seconds(media, track),
            profile=track.codec_context.profile,
            bit_rate=track.codec_context.bit_rate or (_measured(media, track) if measured else 0),
            **_told(track.metadata),
        )
        for track in tracks
    )


def captions_of(media: "av.container.InputContainer") -> tuple[Captions, ...]:
    """The tracks of captions, in the file's order; the first 16."""
    tracks = [s for s in media.streams.subtitles if getattr(s, "codec_context", None)]
    return tuple(
        Captions(
            stream=track.index,
            codec=track.codec_context.codec.canonical_name,
            text=track.codec_context.codec.canonical_name in _TEXT,
            **_told(track.metadata),
        )
        for track in tracks[:_MOST_TRACKS]
    )


def begins(media: "av.container.InputContainer", stream: "AudioStream | VideoStream") -> float:
    """Seconds from the film's beginning to the stream's own."""
    import av

    own = float((stream.start_time or 0) * (stream.time_base or 0))
    return max(0.0, own - (media.start_time or 0) / av.time_base)


def _first_heard(
    media: "av.container.InputContainer", tracks: "list[AudioStream]"
) -> dict[int, float]:
    """When the first sound of each track comes that can be decoded, by the track's number.

    Those whose first sound is far behind the beginning are left out. What a file says of that is
    not asked: of a track that comes later than it looks, ffmpeg says that it begins with the film.
    """
    import av

    found: dict[int, float] = {}
    film, read = (media.start_time or 0) / av.time_base, 0
    with suppress(av.FFmpegError):
        first = min(tracks, key=lambda track: begins(media, track), default=None)
        if first is not None:  # not to the first key frame of the pictures, which may be later
            media.seek(first.start_time or 0, stream=first)
        for packet in media.demux():
            read += packet.size + _PACKET_BYTES
            if packet.stream in tracks and packet.stream_index not in found:
                found.update((packet.stream_index, max(0, t - film)) for t in _times(packet)[:1])
            if len(found) == len(tracks) or read > _LOOKED_THROUGH_BYTES:
                break
    return found


def _times(packet: Any) -> list[float]:
    """When the sounds in the packet begin that can be decoded."""
    import av

    try:
        return [frame.time for frame in packet.decode() if frame.time is not None]
    except av.FFmpegError:
        return []


def end_of(media: "av.container.InputContainer", track: "AudioStream | VideoStream") -> float:
    """Seconds from the film's beginning to the track's end; 0 where the file does not tell."""
    seconds = _seconds(media, track)
    return begins(media, track) + seconds if seconds else 0.0


def _seconds(media: "av.container.InputContainer", track: "AudioStream | VideoStream") -> float:
    """Its length, which Matroska holds in a tag only; 0 where none is told."""
    if track.duration and track.time_base:
        return float(track.duration * track.time_base)
    clock = _CLOCK.fullmatch(track.metadata.get("DURATION", ""))
    if clock is None:
        return 0.0
    hours, minutes, seconds = map(float, clock.groups())
    told = 3600 * hours + 60 * minutes + seconds
    # mkvmerge writes the length there, ffmpeg when the track ends.
    is_length = "_STATISTICS_WRITING_APP" in track.metadata
    return told if is_length else max(0.0, told - begins(media, track))


def _measured(media: "av.container.InputContainer", track: "AudioStream") -> int:
    """Its bit rate, if it could be copied: what is encoded anyway need not be measured."""
    coding = track.codec_context
    copied = coding.codec.canonical_name in _COPIED and coding.channels <= 2
    return heaviest(media, track) if copied else 0


def _told(metadata: Mapping[str, str]) -> dict[str, Any]:
    """Language and title, as far as they can be believed."""
    language, title = metadata.get("language", ""), metadata.get("title", "")
    known = _LANGUAGE.fullmatch(language) and language != "und"
    return {
        "language": language if known else None,
        "title": title.strip()[:_LONGEST_TITLE] or None,
    }
