"""What players are told of a set, as golden texts."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from services.process.video import streaming
from services.process.video.streaming.master import (
    Audible,
    Picture,
    Track,
    caption_playlist,
    master,
)
from services.process.video.streaming.mpd import mpd
from services.process.video.streaming.package import Contents, Size, package
from services.process.video.streaming.playlist import Segment, Stream, parse
from shared.errors import CorruptMedia, SourceTooLarge

LARGE = Stream(
    "720p", "init.mp4", (Segment("00000.m4s", 4, 500_000), Segment("00001.m4s", 4, 250_000))
)
SMALL = Stream(
    "360p", "init.mp4", (Segment("00000.m4s", 4, 50_000), Segment("00001.m4s", 1, 25_000))
)
ENGLISH = Audible(
    Stream("sound-0", "init.mp4", (Segment("00000.m4s", 4, 64_000),)),
    Track("sound-0", "English", "eng", default=True),
)
PICTURES = (
    Picture(LARGE, 1280, 720, "avc1.64001f", 25.0),
    Picture(SMALL, 640, 360, "avc1.64001e", 0),
)


def test_a_master_playlist() -> None:
    captions = [Track("captions-0", "1", None, default=False)]
    assert master(PICTURES, [ENGLISH], captions).splitlines() == [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="English",LANGUAGE="eng",'
        'DEFAULT=YES,AUTOSELECT=YES,URI="sound-0/index.m3u8"',
        '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="captions",NAME="1",'
        'DEFAULT=NO,AUTOSELECT=YES,URI="captions-0/index.m3u8"',
        "#EXT-X-STREAM-INF:BANDWIDTH=1128000,AVERAGE-BANDWIDTH=878000,RESOLUTION=1280x720,"
        'FRAME-RATE=25.000,CODECS="avc1.64001f,mp4a.40.2",AUDIO="sound",SUBTITLES="captions"',
        "720p/index.m3u8",
        # its last piece is short: a rate of so little time says nothing, but for the average
        "#EXT-X-STREAM-INF:BANDWIDTH=248000,AVERAGE-BANDWIDTH=248000,RESOLUTION=640x360,"
        'CODECS="avc1.64001e,mp4a.40.2",AUDIO="sound",SUBTITLES="captions"',
        "360p/index.m3u8",
    ]


def test_a_manifest_has_the_lengths_of_all_pieces() -> None:
    text = mpd(PICTURES, [ENGLISH], 8.0)
    root = ElementTree.fromstring(text)
    name = "{urn:mpeg:dash:schema:mpd:2011}"
    assert root.get("mediaPresentationDuration") == "PT8.000S"
    video, audio = root.iter(f"{name}AdaptationSet")
    assert (video.get("contentType"), audio.get("lang")) == ("video", "eng")
    large, small, _ = root.iter(f"{name}SegmentTimeline")
    assert [dict(s.attrib) for s in large] == [{"d": "4000000", "r": "1"}]
    assert [dict(s.attrib) for s in small] == [{"d": "4000000"}, {"d": "1000000"}]
    template = next(root.iter(f"{name}SegmentTemplate"))
    assert template.get("media") == "720p/$Number%05d$.m4s"


def test_captions_are_one_piece() -> None:
    assert caption_playlist("captions.vtt", 61.2).splitlines() == [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        "#EXT-X-TARGETDURATION:62",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXTINF:61.200,",
        "captions.vtt",
        "#EXT-X-ENDLIST",
    ]


def test_a_playlist_is_read_without_pieces_of_no_length() -> None:
    text = (
        '#EXTM3U\n#EXT-X-MAP:URI="init.mp4"\n'
        "#EXTINF:2.0,\n00000.m4s\n#EXTINF:0.0,\n00001.m4s\n#EXT-X-ENDLIST\n"
    )
    stream = parse("a", text, {"00000.m4s": 7, "00001.m4s": 9})
    assert stream == Stream("a", "init.mp4", (Segment("00000.m4s", 2.0, 7),))


def test_a_film_that_comes_to_far_too_many_pieces_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming.package, "MOST_PIECES", 1)
    folder = tmp_path / "360p"
    folder.mkdir()
    (folder / "init.mp4").write_bytes(b"avcC\x01\x64\x00\x1f")
    (folder / "00000.m4s").touch()
    (folder / "index.m3u8").write_text('#EXT-X-MAP:URI="init.mp4"\n#EXTINF:1,\n00000.m4s\n')
    with pytest.raises(SourceTooLarge, match="longer than it says: it came to 4 pieces"):
        package(tmp_path, Contents((Size("360p", 640, 360),), (), (), 25.0, dash=False))


def test_a_stream_without_pieces_is_a_damaged_film(tmp_path: Path) -> None:
    (tmp_path / "360p").mkdir()
    with pytest.raises(CorruptMedia, match="nothing of it could be decoded for '360p'"):
        package(tmp_path, Contents((Size("360p", 640, 360),), (), (), 25.0, dash=False))
