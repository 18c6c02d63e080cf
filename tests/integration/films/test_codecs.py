"""Renditions in each codec, and at another frame rate."""

import av
import pytest

from services.process.video.ffmpeg.codecs import CODECS, CodecName
from tests.films import TONE, Bench, FilmMaker, needs, pattern
from tests.integration.films.looks import SMALL


@pytest.mark.parametrize(
    ("codec", "name", "sound"),
    [("hevc", "hevc", "aac"), ("av1", "av1", "aac"), ("vp9", "vp9", "opus")],
)
async def test_other_codecs(
    bench: Bench, film: FilmMaker, codec: CodecName, name: str, sound: str
) -> None:
    needs(CODECS[codec].library)
    source = film("sounding.mkv", *pattern("160x96"), *TONE)
    made = await bench.make(source, {**SMALL, "codec": codec})
    (output,) = made.values()
    with av.open(str(bench.path(output))) as media:
        assert media.streams.video[0].codec.canonical_name == name
        assert media.streams.audio[0].codec_context.name == sound
        frames = sum(1 for _ in media.decode(video=0))
    assert frames == 25
    assert output.media_type == ("video/webm" if codec == "vp9" else "video/mp4")


async def test_a_frame_rate_is_capped_and_never_raised(bench: Bench, film: FilmMaker) -> None:
    source = film("rate.mkv", *pattern("160x96"))
    made = await bench.make(
        source,
        {**SMALL, "name": "slow", "maxFps": 10},
        {**SMALL, "name": "same", "maxFps": 60},
    )
    counts = {}
    for name, output in made.items():
        with av.open(str(bench.path(output))) as media:
            counts[name] = sum(1 for _ in media.decode(video=0))
    assert counts == {"slow-96p.mp4": 10, "same-96p.mp4": 25}
