"""The DASH manifest (ISO/IEC 23009-1) over the pieces that HLS has. Pure."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from xml.sax.saxutils import quoteattr

from services.process.video.streaming.master import Audible, Picture
from services.process.video.streaming.playlist import Stream

_TIMESCALE = 1_000_000
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"'
    ' profiles="urn:mpeg:dash:profile:isoff-live:2011" minBufferTime="PT2S"'
    ' mediaPresentationDuration="PT{seconds:.3f}S">',
    "<Period>",
)


def mpd(pictures: Sequence[Picture], sounds: Sequence[Audible], seconds: float) -> str:
    """The text of the manifest."""
    lines = [line.format(seconds=seconds) for line in _HEAD]
    if pictures:
        lines.append('<AdaptationSet contentType="video" mimeType="video/mp4" startWithSAP="1">')
        for picture in pictures:
            size = f'width="{picture.width}" height="{picture.height}"'
            lines += _representation(picture.stream, f"codecs={quoteattr(picture.codec)} {size}")
        lines.append("</AdaptationSet>")
    for sound in sounds:
        language = f" lang={quoteattr(sound.track.language)}" if sound.track.language else ""
        lines.append(f'<AdaptationSet contentType="audio" mimeType="audio/mp4"{language}>')
        lines += [*_representation(sound.stream, 'codecs="mp4a.40.2"'), "</AdaptationSet>"]
    return "\n".join([*lines, "</Period>", "</MPD>"]) + "\n"


def _representation(stream: Stream, about: str) -> Iterable[str]:
    yield f'<Representation id="{stream.folder}" bandwidth="{stream.peak}" {about}>'
    yield (
        f'<SegmentTemplate timescale="{_TIMESCALE}" startNumber="0"'
        f' initialization="{stream.folder}/{stream.init}"'
        f' media="{stream.folder}/$Number%05d$.m4s">'
    )
    yield f"<SegmentTimeline>{''.join(_timeline(stream))}</SegmentTimeline>"
    yield "</SegmentTemplate>"
    yield "</Representation>"


def _timeline(stream: Stream) -> Iterable[str]:
    lengths = (round(segment.seconds * _TIMESCALE) for segment in stream.segments)
    for length, run in groupby(lengths):
        more = len(list(run)) - 1
        yield f'<S d="{length}"{f" r={quoteattr(str(more))}" if more else ""}/>'
