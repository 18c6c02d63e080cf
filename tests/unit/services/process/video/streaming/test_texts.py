"""What players are told of a set, as golden texts."""

import struct
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
from services.process.video.streaming.piece import Clock, Span, clock_of, span_of
from services.process.video.streaming.playlist import (
    Segment,
    Stream,
    in_step,
    media_playlist,
    pieces_of,
    stream_of,
)
from shared.errors import CorruptMedia, SourceTooLarge

LARGE = Stream(
    "720p", "init.mp4", (Segment("00000.m4s", 4, 500_000), Segment("00001.m4s", 4, 250_000)), 4
)
SMALL = Stream(
    "360p", "init.mp4", (Segment("00000.m4s", 4, 50_000), Segment("00001.m4s", 1, 25_000)), 4
)
FRENCH = Audible(
    Stream("sound-0", "init.mp4", (Segment("00000.m4s", 4, 64_000),), 4),
    Track("sound-0", "Français & plus", "fra", default=False),
)
ENGLISH = Audible(
    Stream("sound-1", "init.mp4", (Segment("00000.m4s", 4, 64_000),), 4),
    Track("sound-1", "English", "eng", default=True),
)
PICTURES = (
    Picture(LARGE, 1280, 720, "avc1.64001f", 25.0),
    Picture(SMALL, 640, 360, "avc1.64001e", 30000 / 1001),
)


def stream(*pieces: tuple[float, int], target: int = 4, samples: int = 0) -> Stream:
    """Pieces of so many seconds and bytes."""
    segments = (Segment(f"{n}.m4s", *piece, samples) for n, piece in enumerate(pieces))
    return Stream("360p", "init.mp4", tuple(segments), target)


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


HEADER = box(b"mdhd", struct.pack(">IIIII", 0, 0, 0, 12800, 0))


def fragment(run: bytes, usual: int | None = None) -> bytes:
    """What is in a `moof`, from the count 1000 on."""
    told = struct.pack(">II", 0, 1) if usual is None else struct.pack(">III", 0x8, 1, usual)
    time = struct.pack(">IQ", 1 << 24, 1000)
    return box(b"traf", box(b"tfhd", told) + box(b"tfdt", time) + box(b"trun", run))


def test_a_master_playlist() -> None:
    captions = [Track("captions-0", "1", None, default=False)]
    assert master(PICTURES, [ENGLISH], captions).splitlines() == [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="English",LANGUAGE="eng",'
        'DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="sound-1/index.m3u8"',
        '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="captions",NAME="1",'
        'DEFAULT=NO,AUTOSELECT=YES,URI="captions-0/index.m3u8"',
        "#EXT-X-STREAM-INF:BANDWIDTH=1128000,AVERAGE-BANDWIDTH=878000,RESOLUTION=1280x720,"
        'FRAME-RATE=25.000,CODECS="avc1.64001f,mp4a.40.2",AUDIO="sound",SUBTITLES="captions"',
        "720p/index.m3u8",
        # its last piece is short: a rate of so little time says nothing, but for the average
        "#EXT-X-STREAM-INF:BANDWIDTH=248000,AVERAGE-BANDWIDTH=248000,RESOLUTION=640x360,"
        'FRAME-RATE=29.970,CODECS="avc1.64001e,mp4a.40.2",AUDIO="sound",SUBTITLES="captions"',
        "360p/index.m3u8",
    ]


@pytest.mark.parametrize(
    ("pieces", "peak"),
    [
        (((4, 1000), (4, 1000), (2, 2000)), 8000),  # half the target duration counts
        (((4, 1000), (4, 1000), (1, 1000)), 3200),  # less does with the one beside it
        (((1, 1000), (1, 3000), (1, 1000), (4, 1000)), 16000),  # and so do pieces in a row
        (((4, 1000), (4, 1000), (1.5, 1440)), 3549),
    ],
)
def test_the_peak_is_that_of_the_heaviest_stretch(
    pieces: tuple[tuple[float, int], ...], peak: int
) -> None:
    assert stream(*pieces).peak == peak


@pytest.mark.parametrize(
    ("pieces", "tiny"),
    [(((4, 1), (0.49, 1)), True), (((4, 1), (0.5, 1)), False), (((0.04, 1),), False)],
)
def test_a_last_piece_is_tiny_behind_others_only(
    pieces: tuple[tuple[float, int], ...], tiny: bool
) -> None:
    assert stream(*pieces).ends_tiny is tiny


def test_a_last_piece_that_is_joined_counts_for_the_one_before() -> None:
    joined = stream((4, 1000), (4.3, 1000), (0.25, 100), samples=10).joined()
    assert joined.segments == (Segment("0.m4s", 4, 1000, 10), Segment("1.m4s", 4.55, 1100, 20))
    assert joined.target == 5


def test_a_manifest_has_the_lengths_of_all_pieces() -> None:
    text = mpd(PICTURES, [FRENCH, ENGLISH], 8.0)
    root = ElementTree.fromstring(text)
    name = "{urn:mpeg:dash:schema:mpd:2011}"
    assert root.get("mediaPresentationDuration") == "PT8.000S"
    video, french, english = root.iter(f"{name}AdaptationSet")
    assert (video.get("contentType"), english.get("lang")) == ("video", "eng")
    large, small, *_ = root.iter(f"{name}SegmentTimeline")
    assert [dict(s.attrib) for s in large] == [{"d": "4000000", "r": "1"}]
    assert [dict(s.attrib) for s in small] == [{"d": "4000000"}, {"d": "1000000"}]
    template = next(root.iter(f"{name}SegmentTemplate"))
    assert template.get("media") == "720p/$Number%05d$.m4s"
    assert [one.get("frameRate") for one in video] == ["25", "30000/1001"]
    assert {one.get("segmentAlignment") for one in (video, french, english)} == {"true"}


def test_a_manifest_tells_which_track_is_heard_unasked() -> None:
    root = ElementTree.fromstring(mpd(PICTURES, [FRENCH, ENGLISH], 8.0))
    name = "{urn:mpeg:dash:schema:mpd:2011}"
    heard = [one for one in root.iter(f"{name}AdaptationSet") if one.get("contentType") == "audio"]
    told = [
        (one.findtext(f"{name}Label"), one.find(f"{name}Role"), one.get("selectionPriority"))
        for one in heard
    ]
    assert [
        (label, role is not None and role.get("value"), wish) for label, role, wish in told
    ] == [
        ("Français & plus", "alternate", "1"),
        ("English", "main", "2"),
    ]


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
    assert pieces_of(text) == ("init.mp4", ["00000.m4s"])


def test_a_piece_plays_until_the_next_begins() -> None:
    pieces = [("0.m4s", 7, Span(0.0, 1.5, 38)), ("1.m4s", 9, Span(2.6, 4.1, 38))]
    assert stream_of("a", "init.mp4", pieces) == Stream(
        "a", "init.mp4", (Segment("0.m4s", 2.6, 7, 38), Segment("1.m4s", 4.1 - 2.6, 9, 38)), 3
    )


def test_all_playlists_of_a_set_have_one_target_duration() -> None:
    streams = in_step([stream((2.4, 9), target=2), stream((3.0, 9), (2.5, 9), target=3)])
    assert [media_playlist(one).splitlines()[2] for one in streams] == [
        "#EXT-X-TARGETDURATION:3"
    ] * 2
    assert media_playlist(streams[1]).splitlines()[3:] == [
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        '#EXT-X-MAP:URI="init.mp4"',
        "#EXTINF:3.000000,",
        "0.m4s",
        "#EXTINF:2.500000,",
        "1.m4s",
        "#EXT-X-ENDLIST",
    ]


def test_the_frame_rate_is_the_highest_but_not_for_rounded_times() -> None:
    assert stream((4, 9), (2, 9), (1, 9), samples=60).fastest(20.0) == 30
    assert stream((4.004, 9), (4.005, 9), samples=120).fastest(30000 / 1001) == 30000 / 1001
    assert stream((4, 9), (2.001, 9), samples=60).fastest(20.0) == 30
    assert stream((4, 9), (2.4, 9), samples=60).fastest(20.0) == 25
    assert stream((4, 9), (2.2, 9), samples=60).fastest(20.0) == 60 / 2.2


@pytest.mark.parametrize(
    ("run", "usual", "span"),
    [
        # each sample tells how long it is, and how much later than decoded it is shown
        (struct.pack(">II6i", 0x900, 3, 100, 50, 300, 150, 100, 0), None, Span(1.0, 1.45, 3)),
        # all are as long as the fragment says, behind fields that nobody here needs
        (struct.pack(">III4i", 0xA01, 2, 77, 9, 50, 9, 350), 200, Span(1.0, 1.7, 2)),
    ],
)
def test_a_piece_shows_its_samples_when_it_says(run: bytes, usual: int | None, span: Span) -> None:
    assert span_of(fragment(run, usual), Clock(units=1000, zero=50)) == span


def test_a_clock_begins_where_the_edit_does() -> None:
    edits = box(b"edts", box(b"elst", struct.pack(">IIIiI", 0, 1, 0, 1024, 1 << 16)))
    init = box(b"ftyp", b"isom") + box(b"moov", box(b"trak", edits + box(b"mdia", HEADER)))
    assert clock_of(init) == Clock(12800, 1024)


def test_a_film_that_comes_to_far_too_many_pieces_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming.package, "MOST_PIECES", 1)
    folder = tmp_path / "360p"
    folder.mkdir()
    described = box(b"minf", b"avcC\x01\x64\x00\x1f")
    (folder / "init.mp4").write_bytes(box(b"moov", box(b"mdia", HEADER + described)))
    (folder / "00000.m4s").write_bytes(box(b"moof", fragment(struct.pack(">III", 0x100, 1, 25))))
    (folder / "index.m3u8").write_text('#EXT-X-MAP:URI="init.mp4"\n#EXTINF:1,\n00000.m4s\n')
    with pytest.raises(SourceTooLarge, match="longer than it says: it came to 4 pieces"):
        package(tmp_path, Contents((Size("360p", 640, 360),), (), (), 25.0, dash=False))


def test_a_stream_without_pieces_is_a_damaged_film(tmp_path: Path) -> None:
    (tmp_path / "360p").mkdir()
    with pytest.raises(CorruptMedia, match="nothing of it could be decoded for '360p'"):
        package(tmp_path, Contents((Size("360p", 640, 360),), (), (), 25.0, dash=False))
