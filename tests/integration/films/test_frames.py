"""What is made of films of every kind shows, picture by picture, what the film shows."""

from pathlib import Path

import pytest

from shared.jobs import Output
from tests.films import BUNNY, CORPUS, Bench, FilmMaker
from tests.integration.films.comparing import likeness, reference, times
from tests.integration.films.kinds import KINDS, LIKE, LIKE_OF_TONED, RATE, Kind, plain

START, SECONDS = 0.5, 0.6
WHOLE = (
    {"op": "renditions", "heights": [96]},
    {"op": "hls", "heights": [96], "segmentSeconds": 1},
)
PARTS = (
    {"op": "trim", "start": START, "end": START + SECONDS},
    {"op": "preview", "at": START, "seconds": SECONDS, "width": 170, "fps": RATE},
)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
async def test_pictures_are_those_of_the_film(bench: Bench, film: FilmMaker, kind: Kind) -> None:
    source = kind.source(film)
    truth = (kind.truth or kind.source)(film)
    made = await bench.make(source, *WHOLE, *PARTS)
    right = reference(film, source.stem, truth, kind.size, *kind.upright)
    shown = times(right)
    for output in (made["96p.mp4"], made["hls.m3u8"]):
        path = playable(bench, output)
        assert (output.width, output.height) == kind.size
        assert times(path) == pytest.approx(shown, abs=0.5 / kind.rate + 0.001)
        assert min(likeness(path, right)) > kind.like
        assert lasts(output, shown[-1] + 1 / kind.rate, kind)
    for output in (made["trim.mp4"], made["preview.mp4"]):
        path = playable(bench, output)
        size = (output.width or 0, output.height or 0)
        right = reference(film, source.stem, truth, size, *kind.upright)
        alike = likeness(path, right, START)
        assert abs(len(alike) - sum(START <= time < START + SECONDS for time in shown)) <= 1
        assert min(alike) > kind.like
        assert times(path)[0] < 2 / kind.rate
        assert lasts(output, SECONDS, kind)


def playable(bench: Bench, output: Output) -> Path:
    path = bench.path(output)
    return path.parent / "96p/index.m3u8" if output.ext == "m3u8" else path


def lasts(output: Output, seconds: float, kind: Kind) -> bool:
    """Whether it does, but for a picture."""
    return abs((output.duration_seconds or 0) - seconds) < 1 / kind.rate + 0.002


@pytest.mark.parametrize(
    "wrong",
    [
        "setpts=PTS+1/25/TB",
        "select=gt(n\\,0),setpts=PTS-1/25/TB",
        "hflip",
        "vflip",
        "hflip,vflip",
        "scale=170:88,pad=170:96:0:4",
        "crop=0.9*iw:ih",
        "hue=h=90",
    ],
)
def test_what_is_wrong_is_not_alike(film: FilmMaker, wrong: str) -> None:
    right = reference(film, "moving", plain(film), (170, 96))
    assert min(likeness(_encoded(film, "right", "null"), right)) > LIKE
    assert min(likeness(_encoded(film, "right", "null"), right, 0)) > LIKE
    assert min(likeness(_encoded(film, wrong, wrong), right, 0)) < LIKE_OF_TONED


def _encoded(film: FilmMaker, name: str, filters: str) -> Path:
    small = ("-vf", f"{filters},scale=170:96,setsar=1", "-c:v", "libx264", "-pix_fmt", "yuv420p")
    name = "".join(letter for letter in name if letter.isalnum())
    return film(f"encoded {name}.mp4", "-i", str(plain(film)), *small)


def elsewhere() -> list[Path]:
    """Films that others' encoders wrote. Most are no part of the repository."""
    return [BUNNY, *(CORPUS.glob("*.mp4") if CORPUS.is_dir() else ())]


@pytest.mark.parametrize("source", elsewhere(), ids=lambda path: path.name)
async def test_films_from_elsewhere_keep_their_pictures(
    bench: Bench, film: FilmMaker, source: Path
) -> None:
    made = await bench.make(source, *({**one, "preset": "ultrafast"} for one in WHOLE))
    for output in made.values():
        path = playable(bench, output)
        right = reference(film, source.stem, source, (output.width or 0, output.height or 0))
        alike = likeness(path, right)
        assert len(alike) == len(times(right))
        assert min(alike) > LIKE
        # Little moves in some of them: each picture is more like its own than like the next.
        late = likeness(path, _late(film, right))
        assert sum(alike) / len(alike) > sum(late) / len(late)


def _late(film: FilmMaker, right: Path) -> Path:
    """The same without its first picture."""
    later = ("-vf", "select=gt(n\\,0)", "-fps_mode", "passthrough", "-c:v", "ffv1")
    return film(f"late {right.name}", "-i", str(right), *later)
