"""The DASH manifest (ISO/IEC 23009-1) over the pieces that HLS has. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from services.process.video.streaming.master import Audible, Picture, Track
from services.process.video.streaming.playlist import Stream

_TIMESCALE = 1_000_000
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"'
    ' profiles="urn:mpeg:dash:profile:isoff-live:2011" minBufferTime="PT2S"'
    ' mediaPresentationDuration="PT{seconds:.3f}S">',
    '<Period id="0" start="PT0S">',
)
_SET = '<AdaptationSet contentType="{kind}" mimeType="{kind}/mp4" segmentAlignment="true"'
_HEARD = 'codecs="mp4a.40.2" audioSamplingRate="48000"'
_STEREO = (
    "<AudioChannelConfiguration"
    ' schemeIdUri="urn:mpeg:dash:23003:3:audio_channel_configuration:2011" value="2"/>'
)


def mpd(pictures: Sequence[Picture], sounds: Sequence[Audible], seconds: float) -> str:
    """The text of the manifest."""
    lines = [line.format(seconds=seconds) for line in _HEAD]
    if pictures:
        lines.append(f'{_SET.format(kind="video")} startWithSAP="1">')
        for picture in pictures:
            lines += _representation(picture.stream, _shown(picture))
        lines.append("</AdaptationSet>")
    for sound in sounds:
        lines += [
            *_opening(sound.track),
            *_representation(sound.stream, _HEARD),
            "</AdaptationSet>",
        ]
    return "\n".join([*lines, "</Period>", "</MPD>"]) + "\n"


def _shown(picture: Picture) -> str:
    rate = Fraction(picture.fps).limit_denominator(1001)  # 30000/1001, as television has it
    size = f'width="{picture.width}" height="{picture.height}" sar="1:1"'
    return f'codecs={quoteattr(picture.codec)} {size} frameRate="{rate}"'


def _opening(track: Track) -> Iterator[str]:
    """The beginning of a track's set: what it is called, and whether a player takes it unasked."""
    language = f" lang={quoteattr(track.language)}" if track.language else ""
    # Players differ in what they go by: the role, or the priority.
    role, priority = ("main", 2) if track.default else ("alternate", 1)
    yield f'{_SET.format(kind="audio")} startWithSAP="1"{language} selectionPriority="{priority}">'
    yield _STEREO
    yield f"<Label>{escape(track.name)}</Label>"
    yield f'<Role schemeIdUri="urn:mpeg:dash:role:2011" value="{role}"/>'


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
