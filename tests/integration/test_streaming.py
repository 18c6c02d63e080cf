"""HLS and DASH through the real ffmpeg, read by other readers."""

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from math import ceil
from pathlib import Path

import av
import numpy as np
import pytest

from services.process.video.ffmpeg.ffmpeg import find
from shared.jobs import Original, Output, ProcessingJob, Request
from tests.films import BUNNY, TONE, Bench, Benches, FilmMaker, pattern

HLS = {"op": "hls", "heights": [180, 96], "segmentSeconds": 2, "preset": "ultrafast"}


def master(bench: Bench, made: dict[str, Output]) -> Path:
    return bench.path(made["hls.m3u8"])


def key_times(playlist: Path) -> list[float]:
    with av.open(str(playlist)) as media:
        packets = [p for p in media.demux(video=0) if p.pts is not None and p.is_keyframe]
        return [round(float((p.pts or 0) * (p.time_base or 0)), 3) for p in packets]


def seconds_of(playlist: Path) -> float:
    lengths = re.findall(r"#EXTINF:([0-9.]+)", playlist.read_text())
    return sum(map(float, lengths))


async def test_a_set_holds_every_size_and_the_sound(bench: Bench) -> None:
    made = await bench.make(BUNNY, HLS)
    output = made["hls.m3u8"]
    root = master(bench, made).parent
    files = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    paths = [bench.path(output), *(bench.work.locate(m.path) for m in output.members)]
    assert {path.relative_to(root).as_posix() for path in paths} == files
    assert {path.split("/")[0] for path in files} == {"master.m3u8", "180p", "96p", "sound-0"}
    assert (output.width, output.height) == (320, 180)
    types = {m.path.rpartition("/")[2].split(".")[1]: m.media_type for m in output.members}
    assert types["m3u8"] == "application/vnd.apple.mpegurl"
    assert types["m4s"] in {"video/iso.segment", "audio/iso.segment"}
    assert [path.name for path in bench.work.directory.iterdir()] == ["hls"]


async def test_its_many_files_are_not_looked_at_in_the_event_loop(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    stat = Path.stat

    def told(path: Path, **options: bool) -> os.stat_result:
        if path.suffix == ".m4s" and threading.current_thread() is threading.main_thread():
            looked.append(path.name)
        return stat(path, **options)

    original = bench.work.directory.with_name("film.mp4")
    shutil.copy(BUNNY, original)
    source = Original(
        path=bench.work.relative(original),
        size=original.stat().st_size,
        sha256="0" * 64,
        media_type="video/mp4",
        ext="mp4",
        kind="video",
    )
    request = Request.model_validate({"source": "file:///film.mp4", "operations": [HLS]})
    volume = bench.work.volume
    job = ProcessingJob(job_id="film-1", run=1, volume=volume, request=request, original=source)
    monkeypatch.setattr(Path, "stat", told)
    (output,) = (await bench.stage(job, bench.work)).outputs
    assert len(output.members) > 9
    assert looked == []


async def test_another_reader_plays_it_whole_and_in_step(bench: Bench) -> None:
    made = await bench.make(BUNNY, HLS)
    times: dict[str, list[float]] = {"video": [], "audio": []}
    with av.open(str(master(bench, made))) as media:
        assert [video.width for video in media.streams.video] == [320, 170]
        for frame in media.decode(video=0, audio=0):
            assert isinstance(frame, av.VideoFrame | av.AudioFrame)
            kind = "video" if isinstance(frame, av.VideoFrame) else "audio"
            times[kind].append(frame.time or 0.0)
    assert len(times["video"]) == 132
    assert times["video"][0] == pytest.approx(0, abs=0.001)
    assert times["audio"][0] == pytest.approx(0, abs=0.03)
    assert times["video"][-1] == pytest.approx(131 / 25, abs=0.001)
    assert times["audio"][-1] == pytest.approx(5.3, abs=0.05)


async def test_all_sizes_have_their_key_frames_at_the_same_times(bench: Bench) -> None:
    made = await bench.make(BUNNY, {**HLS, "preset": "veryfast"})
    root = master(bench, made).parent
    assert key_times(root / "180p/index.m3u8") == key_times(root / "96p/index.m3u8") == [0, 2, 4]


async def test_the_master_tells_rates_and_codecs(bench: Bench) -> None:
    made = await bench.make(BUNNY, HLS)
    text = master(bench, made).read_text()
    variants = re.findall(r"BANDWIDTH=(\d+),AVERAGE-BANDWIDTH=(\d+),(.*)\n(.*)", text)
    assert [variant[3] for variant in variants] == ["180p/index.m3u8", "96p/index.m3u8"]
    peaks = [int(variant[0]) for variant in variants]
    assert peaks == sorted(peaks, reverse=True)
    assert all(int(peak) >= int(average) > 64_000 for peak, average, _, _ in variants)
    assert 'RESOLUTION=320x180,FRAME-RATE=25.000,CODECS="avc1.' in text
    assert text.count('mp4a.40.2",AUDIO="sound"') == 2


async def test_dash_tells_of_the_same_pieces(bench: Bench) -> None:
    made = await bench.make(BUNNY, {**HLS, "dash": True})
    manifest = master(bench, made).with_name("manifest.mpd")
    told = {m.media_type for m in made["hls.m3u8"].members if m.path.endswith(".mpd")}
    assert told == {"application/dash+xml"}
    argv = [str(find().path), "-v", "error", "-i", str(manifest), "-map", "0"]
    read = subprocess.run([*argv, "-f", "framecrc", "-"], check=True, capture_output=True)
    lines = [line for line in read.stdout.decode().splitlines() if line[0].isdigit()]
    assert sum(line.startswith("0,") for line in lines) == 132
    assert read.stderr == b""


@pytest.fixture
def tracks(film: FilmMaker, tmp_path: Path) -> Path:
    """Two tracks of sound, one of captions."""
    text = tmp_path / "text.srt"
    text.write_text("1\n00:00:00,200 --> 00:00:00,900\nGood morning\n")
    second = ("-f", "lavfi", "-i", "sine=frequency=880:duration=1")
    told = (
        *("-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=fra"),
        *("-metadata:s:a:1", 'title=Le "son", 2', "-metadata:s:s:0", "language=deu"),
    )
    maps = ("-map", "0:v", "-map", "1:a", "-map", "2:a", "-map", "3:s")
    return film("tracks.mkv", *pattern("320x180"), *TONE, *second, "-i", str(text), *maps, *told)


async def test_every_track_of_sound_and_captions_is_there(bench: Bench, tracks: Path) -> None:
    made = await bench.make(tracks, HLS)
    playlist = master(bench, made)
    media = [line for line in playlist.read_text().splitlines() if line.startswith("#EXT-X-MEDIA")]
    assert [re.findall(r'NAME="([^"]*)",LANGUAGE="(\w+)",DEFAULT=(\w+)', m)[0] for m in media] == [
        ("eng", "en", "YES"),
        ("Le son 2", "fr", "NO"),
        ("deu", "de", "NO"),
    ]
    assert "Good morning" in (playlist.parent / "captions-0/captions.vtt").read_text()
    with av.open(str(playlist)) as read:
        assert len(read.streams.audio) == 2
        assert len(read.streams.subtitles) == 1


async def test_a_silent_film_has_no_sound_to_offer(bench: Bench, film: FilmMaker) -> None:
    made = await bench.make(film("silent.mkv", *pattern("320x180"), "-an"), HLS)
    assert "AUDIO" not in master(bench, made).read_text()


async def test_sound_that_begins_late_stays_in_step(bench: Bench, film: FilmMaker) -> None:
    late = ("-itsoffset", "0.5", "-f", "lavfi", "-i", "sine=duration=0.5")
    source = film("late.mkv", *pattern("320x180"), *late)
    made = await bench.make(source, HLS)
    with av.open(str(master(bench, made).parent / "sound-0/index.m3u8")) as media:
        loud = [f.time for f in media.decode(audio=0) if np.abs(f.to_ndarray()).max() > 0.01]
    assert loud[0] == pytest.approx(0.5, abs=0.05)


async def test_a_variable_frame_rate_is_kept(bench: Bench, film: FilmMaker) -> None:
    uneven = "select='not(mod(n,7)*mod(n,5)*mod(n,13))'"
    source = film("uneven.mkv", *pattern("320x180", 7), "-vf", uneven, "-fps_mode", "vfr")
    # Those that are decoded in another order, too; across the borders of pieces.
    made = await bench.make(source, {**HLS, "preset": "veryfast", "segmentSeconds": 1})
    for size in ("180p", "96p"):
        playlist = master(bench, made).parent / size / "index.m3u8"
        assert [*_times(playlist)] == pytest.approx([*_times(source)], abs=0.002)


async def test_what_comes_after_a_long_picture_keeps_its_time(
    bench: Bench, film: FilmMaker
) -> None:
    gaps = "select='lt(t,1.5)+between(t,2.5,3.2)+gt(t,5)'"
    source = film("gaps.mkv", *pattern("320x180", 6), "-vf", gaps, "-fps_mode", "vfr")
    made = await bench.make(source, {**HLS, "preset": "veryfast"})
    assert [*_times(master(bench, made).parent / "180p/index.m3u8")] == pytest.approx(
        [*_times(source)], abs=0.002
    )


async def test_what_comes_after_a_very_long_picture_is_in_pieces_of_the_usual_length(
    bench: Bench, film: FilmMaker
) -> None:
    still = "select='lt(t,1.5)+gt(t,12.5)'"
    source = film("still.mp4", *pattern("320x180", 18), "-vf", still, "-fps_mode", "vfr")
    made = await bench.make(source, {**HLS, "preset": "veryfast"})
    root = master(bench, made).parent
    for folder in ("180p", "96p"):
        assert key_times(root / folder / "index.m3u8") == pytest.approx(
            [0, 12.52, 14, 16], abs=0.002
        )
        lengths = re.findall(r"#EXTINF:([0-9.]+)", (root / folder / "index.m3u8").read_text())
        assert [*map(float, lengths)] == pytest.approx([12.52, 1.48, 2, 2], abs=0.003)
        assert not _is_reordered(root / folder / "index.m3u8")


def _is_reordered(playlist: Path) -> bool:
    """Whether pictures are decoded in another order: then pieces do not tell how long each is shown."""
    with av.open(str(playlist)) as media:
        return any(packet.pts != packet.dts for packet in media.demux(video=0) if packet.size)


async def test_pictures_at_even_distances_are_decoded_in_the_best_order(bench: Bench) -> None:
    made = await bench.make(BUNNY, {**HLS, "preset": "veryfast"})
    assert _is_reordered(master(bench, made).parent / "96p/index.m3u8")


@pytest.mark.parametrize("rate", ["30000/1001", "24000/1001", "25", "60"])
async def test_pieces_of_any_rate_and_length_begin_with_key_frames(
    bench: Bench, film: FilmMaker, rate: str
) -> None:
    even = ("-f", "lavfi", "-i", f"testsrc2=size=160x96:rate={rate}:duration=20")
    source = film("rate.mp4", *even, "-preset", "ultrafast")
    rate_of = Fraction(rate)
    for seconds in (1, 1.001, 2.5, 3.003):
        name = f"of-{seconds}".replace(".", "-")
        asked = {**HLS, "name": name, "heights": [96], "segmentSeconds": seconds}
        made = await bench.make(source, asked)
        playlist = bench.path(made[f"{name}.m3u8"]).parent / "96p/index.m3u8"
        firsts = [ceil(n * Fraction(f"{seconds}") * rate_of) / rate_of for n in range(20)]
        expected = [float(first) for first in firsts if first < 20]
        assert key_times(playlist) == pytest.approx(expected, abs=0.002)
        # A last piece may have been joined to the one before.
        assert playlist.read_text().count("#EXTINF") in {len(expected), len(expected) - 1}


async def test_lengths_and_rates_are_those_of_uneven_pictures(
    bench: Bench, film: FilmMaker
) -> None:
    faster = "select='not(mod(n,if(lt(t,2),3,if(lt(t,4),2,1))))'"
    thirty = ("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30:duration=6")
    source = film("faster.mp4", *thirty, "-vf", faster, "-fps_mode", "vfr")
    made = await bench.make(source, {**HLS, "preset": "veryfast", "dash": True})
    playlist = master(bench, made)
    # Up to 8, the last picture may end a millisecond early.
    assert seconds_of(playlist.parent / "180p/index.m3u8") == pytest.approx(6, abs=0.0015)
    assert made["hls.m3u8"].duration_seconds == pytest.approx(6, abs=0.0015)
    told = [float(rate) for rate in re.findall(r"FRAME-RATE=([0-9.]+)", playlist.read_text())]
    # Up to 8, a piece may begin a picture later.
    assert told == pytest.approx([30, 30], rel=0.02)
    manifest = playlist.with_name("manifest.mpd").read_text()
    assert re.search(r'mediaPresentationDuration="PT(6\.000|5\.999)S"', manifest)


async def test_all_playlists_have_the_same_target_duration(bench: Bench) -> None:
    made = await bench.make(BUNNY, HLS)
    lists = sorted(master(bench, made).parent.glob("*/index.m3u8"))
    told = [re.findall(r"TARGETDURATION:(\d+)", one.read_text()) for one in lists]
    assert told == [["2"]] * 3


def _times(path: Path) -> Iterator[float]:
    with av.open(str(path)) as media:
        times = [frame.time or 0.0 for frame in media.decode(video=0)]
    yield from (time - times[0] for time in times)
    assert all(later > earlier for earlier, later in pairwise(times))


async def test_a_work_directory_may_be_called_anything(benches: Benches, film: FilmMaker) -> None:
    bench = await benches(volume="100%05d: all")
    made = await bench.make(film("plain.mkv", *pattern("320x180")), HLS)
    assert key_times(master(bench, made).parent / "180p/index.m3u8") == [0]


# Sound has packets of 21 ms, and begins one of them early: pieces of it end at other times.
@pytest.mark.parametrize("seconds", [8, 8.04, 8.4])
async def test_no_set_ends_with_a_tiny_piece(bench: Bench, film: FilmMaker, seconds: float) -> None:
    tone = ("-f", "lavfi", "-i", f"sine=duration={seconds}")
    source = film("even.mp4", *pattern("320x180", seconds), *tone, "-preset", "ultrafast")
    made = await bench.make(source, {**HLS, "dash": True})
    root = master(bench, made).parent
    assert [*map(seconds_of, (root / "180p/index.m3u8", root / "96p/index.m3u8"))] == [
        pytest.approx(seconds)
    ] * 2
    assert seconds_of(root / "sound-0/index.m3u8") == pytest.approx(seconds, abs=0.022)
    for playlist in root.glob("*/index.m3u8"):
        listed = re.findall(r"^\d+\.m4s$", playlist.read_text(), re.MULTILINE)
        assert listed == sorted(path.name for path in playlist.parent.glob("*.m4s"))
        assert len(listed) == 4
        lengths = [*map(float, re.findall(r"#EXTINF:([0-9.]+)", playlist.read_text()))]
        timeline = _timeline(root / "manifest.mpd", playlist.parent.name)
        assert timeline == pytest.approx(lengths, abs=1e-5)
    with av.open(str(master(bench, made))) as media:
        frames = [*media.decode(video=0, audio=0)]
    assert sum(isinstance(frame, av.VideoFrame) for frame in frames) == round(25 * seconds)
    heard = sum(frame.samples for frame in frames if isinstance(frame, av.AudioFrame))
    assert heard / 48000 == pytest.approx(seconds, abs=0.05)


def _timeline(manifest: Path, folder: str) -> list[float]:
    told = manifest.read_text().split(f'<Representation id="{folder}"')[1]
    runs = re.findall(r'<S d="(\d+)"(?: r="(\d+)")?', told.split("</SegmentTimeline>")[0])
    return [int(length) / 1e6 for length, more in runs for _ in range(int(more or 0) + 1)]
