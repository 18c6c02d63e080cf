"""Looking into a film with PyAV. Everything here runs in a child: strangers made the file."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from services.process.video.copying import COPIED_FROM
from services.process.video.film import Film, Limits, Sound
from services.process.video.source.container import HEAD_BYTES, container
from services.process.video.source.ebml import recording_cut_off
from services.process.video.source.flv import flaw_of
from services.process.video.source.length import CLAIMED, believed
from services.process.video.source.tracks import begins, captions_of, sounds_of
from shared.errors import CorruptMedia, SourceTooLarge, UnsupportedMedia

if TYPE_CHECKING:
    import av.container
    from av import VideoFrame
    from av.audio.stream import AudioStream
    from av.video.stream import VideoStream

MICROSECOND = 1e-6
_BARREN_PACKETS = 500  # without any picture: then none is hoped for
_AT_THE_START_SECONDS = 0.05
_LONGEST_SIDE = 16384  # of H.264
_NO_INDEX = "its index (moov) is missing, without which nothing of it can be decoded"
# Until it knows all streams: in MPEG-PS small pictures of seconds may come before any sound.
LOOKING = {"mpeg": {"analyzeduration": "60000000"}}  # microseconds
_HDR_TRANSFERS = {16: "smpte2084", 18: "arib-std-b67"}  # numbers of ITU-T H.273


def probe(source: Path, limits: Limits, demuxer: str | None = None) -> Film:
    """What the film `source` is.

    Args:
        demuxer: who reads it, where its bytes need not be asked: it is ours.

    Raises:
        UnsupportedMedia: it has neither video nor sound, or none that can be decoded here.
        CorruptMedia: it cannot be read, or no picture of it can be decoded.
        SourceTooLarge: it is beyond `limits`.
    """
    ours, demuxer = demuxer is not None, demuxer or _demuxer_of(source)
    flaw = flaw_of(source) if demuxer == "flv" else ""
    breaks_off = demuxer == "matroska" and not ours and recording_cut_off(source)
    with opened(source, demuxer) as media:
        _check_streams(media, limits)
        if media.streams.audio and not shown_streams(media):
            told = _heard(str(source.absolute()), demuxer, media)
        else:
            video = picture_stream(media)
            _check_size(video.width, video.height, limits)  # before anything is decoded
            copied = not ours and demuxer in COPIED_FROM
            told = _described(str(source.absolute()), demuxer, media, video, copied=copied)
        told = replace(told, flaw=flaw, breaks_off=breaks_off)
        film = told if ours else believed(told, media, limits)
        _check_length(film, limits)
        if film.video_stream is not None:
            _check_frames(film, media, picture_stream(media), limits)
    _check_size(film.width, film.height, limits)
    return film


def _demuxer_of(source: Path) -> str:
    with source.open("rb") as file:
        return container(file.read(HEAD_BYTES))


@contextmanager
def opened(source: Path | str, demuxer: str) -> Iterator["av.container.InputContainer"]:
    """The film, read by that demuxer and from that one file only."""
    import av

    av.logging.set_level(av.logging.ERROR)  # so that errors carry ffmpeg's own words
    options = {"protocol_whitelist": "file", **LOOKING.get(demuxer, {})}
    try:
        with av.open(f"file:{source}", format=demuxer, options=options) as media:
            yield media
    except av.FFmpegError as error:
        raise CorruptMedia(f"The film is damaged: {_reason(error)}.") from None


def shown_streams(media: "av.container.InputContainer") -> "list[VideoStream]":
    """The streams of moving pictures: no cover art."""
    from av.stream import Disposition

    cover = Disposition.attached_pic | Disposition.timed_thumbnails
    return [stream for stream in media.streams.video if not stream.disposition & cover]


def picture_stream(media: "av.container.InputContainer") -> "VideoStream":
    """The stream that a player would show."""
    videos = shown_streams(media)
    if not videos:
        raise UnsupportedMedia("The file has no video stream.")
    best = media.streams.best("video")
    video = next((stream for stream in videos if stream is best), videos[0])
    if not hasattr(video, "codec_context") or video.codec_context is None:
        raise UnsupportedMedia("The film's video is in a codec that cannot be decoded.")
    return video


def pictures(media: "av.container.InputContainer", video: "VideoStream") -> Iterator["VideoFrame"]:
    """The pictures from where the file is now read, without those that cannot be decoded.

    One whose time is not told, as in MPEG-PS where they are small, comes behind the one before.
    """
    import av

    barren, end = 0, None
    for packet in media.demux(video):
        try:
            frames = packet.decode()
        except av.FFmpegError:
            frames = []
        for frame in frames:
            frame.pts = end if frame.pts is None else frame.pts
            end = None if frame.pts is None else frame.pts + (frame.duration or 0)
            yield frame
        barren = 0 if frames else barren + 1
        if barren > _BARREN_PACKETS:
            return


def _check_streams(media: "av.container.InputContainer", limits: Limits) -> None:
    if len(media.streams) > limits.streams:
        raise SourceTooLarge(
            f"The film has {len(media.streams)} streams; {limits.streams} are allowed."
        )


def _check_size(width: int, height: int, limits: Limits) -> None:
    if max(width, height) > _LONGEST_SIDE:
        raise SourceTooLarge(
            f"The film has {width} × {height} pixels; {_LONGEST_SIDE} a side are possible."
        )
    if width * height > limits.pixels:
        raise SourceTooLarge(
            f"The film has {width} × {height} pixels; {limits.pixels / 1e6:g} million are allowed."
        )


def _check_length(film: Film, limits: Limits) -> None:
    if film.duration_seconds > limits.seconds:
        raise SourceTooLarge(
            f"The film is {film.duration_seconds:.1f} seconds long;"
            f" {limits.seconds:g} seconds are allowed."
        )


def _check_frames(
    film: Film, media: "av.container.InputContainer", video: "VideoStream", limits: Limits
) -> None:
    """What the file's table says; without one, what there is. ffmpeg counts once more."""
    tabled = 0 if film.container in CLAIMED else video.frames
    if tabled > limits.frames:
        raise SourceTooLarge(f"The film has {tabled} pictures; {limits.frames} are allowed.")
    likely = film.picture_seconds * (video.average_rate or 0)
    if not tabled and likely > limits.frames and _are_more(media, video, limits.frames):
        raise SourceTooLarge(
            f"The film has more than {limits.frames} pictures; no more are allowed."
        )


def _are_more(media: "av.container.InputContainer", video: "VideoStream", count: int) -> bool:
    """Whether the stream has more than `count` pictures: what a header says may be wrong."""
    media.seek(0)
    packets = (packet for packet in media.demux(video) if packet.size)
    return any(True for _ in islice(packets, count, None))


def _described(
    path: str,
    demuxer: str,
    media: "av.container.InputContainer",
    video: "VideoStream",
    *,
    copied: bool,
) -> Film:
    frame = next(pictures(media, video), None)
    if frame is None:
        raise CorruptMedia("The film is damaged: no picture of it can be decoded.")
    width, height = _displayed(video, frame)
    sounds, captions = sounds_of(media, measured=copied), captions_of(media)
    audio = _chosen(media, sounds)
    duration, picture_end = _durations(media, video)
    return Film(
        path=path,
        container=demuxer,
        duration_seconds=duration,
        picture_begins=begins(media, video),
        picture_seconds=picture_end,
        width=width,
        height=height,
        video_stream=video.index,
        video_codec=video.codec_context.codec.canonical_name,
        audio_stream=audio.stream if audio else None,
        interlaced=frame.interlaced_frame,
        transfer=_HDR_TRANSFERS.get(int(frame.color_trc)),
        rotation=round(frame.rotation) % 360,
        frame_rate=float(video.average_rate or 0),
        # Of interlaced films it is the rate of their fields, of which two are one picture.
        peak_rate=0.0 if frame.interlaced_frame else float(video.base_rate or 0),
        stored_width=frame.width,
        stored_height=frame.height,
        pixel_aspect=_ratio(video),
        pixel_format=frame.format.name,
        video_bit_rate=video.bit_rate or 0,
        bit_rate=round(8 * media.size / duration) if duration else 0,
        plain=_is_plain(video, frame),
        sounds=sounds,
        captions=captions,
    )


def _heard(path: str, demuxer: str, media: "av.container.InputContainer") -> Film:
    """A film without pictures."""
    sounds = sounds_of(media)
    audio = _chosen(media, sounds)
    if audio is None:
        raise UnsupportedMedia("The file's sound is in a codec that cannot be decoded.")
    seconds = (media.duration or 0) * MICROSECOND
    return Film(
        path=path,
        container=demuxer,
        duration_seconds=seconds or _measured(media, media.streams.audio[0]),
        picture_seconds=0.0,
        width=0,
        height=0,
        video_stream=None,
        video_codec=None,
        audio_stream=audio.stream,
        sounds=sounds,
        captions=captions_of(media),
    )


def _is_plain(video: "VideoStream", frame: "VideoFrame") -> bool:
    """Whether the pictures can be copied as they are; see `Film`."""
    begins = float((video.start_time or 0) * (video.time_base or 0))
    square = (video.sample_aspect_ratio or 1) == 1
    return square and not frame.rotation and abs(begins) < _AT_THE_START_SECONDS


def _ratio(video: "VideoStream") -> str:
    shape = video.sample_aspect_ratio or 1
    return f"{shape.numerator}:{shape.denominator}"


def _displayed(video: "VideoStream", frame: "VideoFrame") -> tuple[int, int]:
    """Width and height as a player shows them."""
    shape = video.sample_aspect_ratio or 1
    width, height = max(1, round(frame.width * shape)), frame.height
    lying = round(frame.rotation / 90) % 2
    return (height, width) if lying else (width, height)


def _chosen(media: "av.container.InputContainer", sounds: tuple[Sound, ...]) -> Sound | None:
    """The track that a player takes unasked."""
    best = media.streams.best("audio")
    number = best.index if best else None
    return next((sound for sound in sounds if sound.stream == number), None) or next(
        iter(sounds), None
    )


def _durations(media: "av.container.InputContainer", video: "VideoStream") -> tuple[float, float]:
    """Seconds to the film's end and to its last picture's; measured where the file does not tell."""
    whole = (media.duration or 0) * MICROSECOND
    picture = float((video.duration or 0) * (video.time_base or 0))
    if not whole:
        whole = _measured(media, video)
    return whole, min(begins(media, video) + picture, whole) if picture else whole


def _measured(media: "av.container.InputContainer", stream: "VideoStream | AudioStream") -> float:
    """The time from the first to the end of the last packet, after reading them all."""
    media.seek(0)
    times = [
        (packet.pts * packet.time_base, (packet.duration or 0) * packet.time_base)
        for packet in media.demux(stream)
        if packet.pts is not None and packet.time_base is not None
    ]
    if not times:
        raise CorruptMedia("The film is damaged: nothing in it has a time.")
    return float(max(start + length for start, length in times) - min(times)[0])


def _reason(error: "av.FFmpegError") -> str:
    """The last words of ffmpeg where there are some, else the name of the error."""
    log: tuple[int, str, str] | None = cast(Any, error.log)  # PyAV's own types are wrong here
    said = log[2].strip().rstrip(".") if log else ""
    reason = said or error.strerror or type(error).__name__
    return _NO_INDEX if "moov atom not found" in reason else reason
