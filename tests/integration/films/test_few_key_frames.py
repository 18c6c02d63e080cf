"""Pictures of long films whose key frames are few: nothing is decoded twice for them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import av
import pytest

from services.process.settings import ProcessSettings
from services.process.video.film import Film, Limits
from services.process.video.settings import FilmSettings
from services.process.video.source.probe import pictures, probe
from services.process.video.stills import cursor, moment, shots
from services.process.video.tools import Tools
from tests.films import Bench, FilmMaker, ffmpeg
from tests.integration.films.looks import brightness

SECONDS, RATE = 90, 5
LIMITS = Limits(seconds=1000, pixels=10**6, streams=9, frames=10**6)
TIMES = tuple(second + 0.5 for second in range(SECONDS))


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The times of all pictures that are decoded from now on."""
    times: list[float] = []

    def counted(*arguments: Any) -> Iterator[av.VideoFrame]:
        for frame in pictures(*arguments):
            times.append(moment.clock(frame))
            yield frame

    for module in (cursor, moment, shots):
        monkeypatch.setattr(module, "pictures", counted)
    return times


def film_with(film: FilmMaker, key_seconds: int, ext: str = "mp4") -> Path:
    """A film that grows brighter, with a key frame every so many seconds."""
    bright = "geq=lum=40+2*T:cb=128:cr=128,format=yuv420p"
    source = f"color=black:size=32x32:rate={RATE}:duration={SECONDS},{bright}"
    keys = f"scenecut=0:keyint={key_seconds * RATE}:min-keyint={key_seconds * RATE}"
    lavfi = ("-f", "lavfi", "-i", source)
    return film(f"keys-{key_seconds}.{ext}", *lavfi, "-c:v", "libx264", "-x264-params", keys)


def take(source: Path, files: list[Path], slack: float) -> tuple[float, ...]:
    return shots.shots(probe(source, LIMITS), TIMES, slack, (32, 32), files)


@pytest.mark.parametrize(
    ("key_seconds", "most"),
    [(1000, SECONDS * RATE), (30, SECONDS * RATE), (5, 2 * SECONDS // 5)],
)
def test_a_film_is_decoded_at_most_once(
    film: FilmMaker, tmp_path: Path, decoded: list[float], key_seconds: int, most: int
) -> None:
    files = [tmp_path / f"{number}.png" for number in range(SECONDS)]
    source = film_with(film, key_seconds)
    begins = take(source, files, 10.0)
    assert len(decoded) <= most
    assert all(-0.01 <= time - begin <= 10 for time, begin in zip(TIMES, begins, strict=True))
    light = [brightness(file) for file in files]
    assert light == sorted(light)
    expected = [min(255, (24 + 2 * begin) * 255 / 219) for begin in begins]
    assert light == pytest.approx(expected, abs=6)


def test_pictures_far_from_key_frames_are_those_of_their_times(
    film: FilmMaker, tmp_path: Path
) -> None:
    files = [tmp_path / f"{number}.png" for number in range(SECONDS)]
    begins = take(film_with(film, 1000), files, 10.0)
    assert begins[11:] == pytest.approx(TIMES[11:], abs=1 / RATE)


@pytest.mark.parametrize("ext", ["avi", "flv", "mkv", "mp4", "ts"])
@pytest.mark.parametrize("key_seconds", [5, 30])
def test_pictures_are_near_their_times_in_every_container(
    film: FilmMaker, tmp_path: Path, decoded: list[float], ext: str, key_seconds: int
) -> None:
    files = [tmp_path / f"{number}.png" for number in range(SECONDS)]
    begins = take(film_with(film, key_seconds, ext), files, 10.0)
    assert all(-0.01 <= time - begin <= 10 for time, begin in zip(TIMES, begins, strict=True))
    expected = [min(255, (24 + 2 * begin) * 255 / 219) for begin in begins]
    assert [brightness(file) for file in files] == pytest.approx(expected, abs=6)
    assert len(decoded) <= 2 * SECONDS * RATE


class Asked:
    """Stands in for the children: keeps how long a call may take."""

    seconds = 0.0

    async def call(self, *_: object, seconds: float, **__: object) -> tuple[float, ...]:
        self.seconds = seconds
        return ()


@pytest.mark.parametrize(("seconds", "granted"), [(0.0, 60), (100.0, 60 + 259.2), (36000.0, 9000)])
async def test_there_is_time_for_decoding_the_film(
    bench: Bench, seconds: float, granted: float
) -> None:
    pool: Any = Asked()
    settings = FilmSettings(probe_limit_seconds=60, ffmpeg_limit_seconds=9000)
    tools = Tools(ffmpeg(), pool, cast(Any, None), settings, ProcessSettings().bounds)
    film = Film("f.mp4", "mov", seconds, seconds, 1920, 1080, 0, "hevc", frame_rate=25)
    await tools.shots(film, (0.5,), 10.0, (32, 18), [Path("f.png")], bench.work)
    assert pool.seconds == pytest.approx(granted)
    await tools.moment(film, None, bench.work)
    assert pool.seconds == pytest.approx(granted)
