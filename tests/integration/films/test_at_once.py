"""Pictures and films of one job are made at the same time."""

import asyncio
from typing import Any

import pytest

from services.process.video.passages import Passages
from services.process.video.stills.stills import pictured
from shared.errors import CorruptMedia
from shared.together import together
from tests.films import BUNNY, Bench, Benches
from tests.integration.films.looks import SLOW, SMALL, processes_with
from tests.waiting import soon


async def test_stills_do_not_wait_for_films_nor_films_for_stills(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoding = asyncio.Event()

    async def late(*arguments: Any) -> Any:
        await soon(encoding.wait())
        return await pictured(*arguments)

    advance = Passages._advance

    def told(*arguments: Any) -> None:
        encoding.set()
        advance(*arguments)

    monkeypatch.setattr("services.process.video.films.pictured", late)
    monkeypatch.setattr(Passages, "_advance", told)
    made = await bench.make(BUNNY, SMALL, "poster")
    assert set(made) == {"96p.mp4", "poster.webp"}


async def test_films_side_by_side_become_what_each_becomes_alone(benches: Benches) -> None:
    """Each has its threads, however many others there are: x264's files depend on them."""
    ladder = {**SMALL, "heights": [180, 96]}
    settings: dict[str, Any] = {"ffmpeg_threads": 3}
    alone, *both = [await benches(volume, **settings) for volume in ("a", "b", "c")]
    expected = await alone.make(BUNNY, ladder)
    for made in await together(bench.make(BUNNY, ladder) for bench in both):
        assert {name: o.sha256 for name, o in made.items()} == {
            name: output.sha256 for name, output in expected.items()
        }


async def test_stills_that_fail_end_the_encoding(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any) -> Any:
        raise CorruptMedia("No picture.")

    monkeypatch.setattr("services.process.video.films.pictured", fails)
    with pytest.raises(CorruptMedia, match="No picture"):
        await soon(bench.make(BUNNY, SLOW, "poster"))
    assert not processes_with(bench.work.directory)


async def test_stills_alone_tell_how_far_they_are(bench: Bench) -> None:
    await bench.make(BUNNY, "poster", {"op": "thumbnails", "count": 1})
    assert list(dict.fromkeys(bench.told)) == [49.5, 99.0, 100.0]
