"""Films: from operations to files."""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import structlog

from services.process.child import Bounds
from services.process.image.pictures import Pictures, within_bounds
from services.process.plan import Catalogue, plan
from services.process.pools import Pool
from services.process.video.asked import Asked
from services.process.video.ffmpeg.ffmpeg import Ffmpeg
from services.process.video.ffmpeg.lookup import Lookup
from services.process.video.film import Film, Snap
from services.process.video.hardware.asking import ask
from services.process.video.hardware.device import Device
from services.process.video.operations import FILMS
from services.process.video.operations.recipe import FilmRecipe
from services.process.video.passages import Passages
from services.process.video.settings import FilmSettings
from services.process.video.stills.stills import pictured
from services.process.video.tools import Tools
from shared.errors import CorruptMedia, InvalidJob, UnsupportedMedia
from shared.jobs import Operation, Output
from shared.together import together
from shared.work import Work

_MADE_PERCENT = 99.0  # of the progress; the rest is looking at what was made
_USUAL_OF_SOUND = (Operation(op="audio"), Operation(op="waveform"))
_Made = Mapping[Any, tuple[Output, ...]]


class Films:
    """The film half of the process stage; `pictures` makes the posters' files.

    All renditions come from one run of ffmpeg, which uses all cores that it is given. `bounds` are
    those of the pool's children.

    Attributes:
        lookup: finds that program.
    """

    def __init__(
        self,
        pool: Pool,
        pictures: Pictures,
        settings: FilmSettings,
        bounds: Bounds,
        catalogue: Catalogue[FilmRecipe] = FILMS,
    ) -> None:
        self._pool = pool
        self._pictures = pictures
        self._settings = settings
        self._bounds = bounds
        self._catalogue = catalogue
        self.lookup = Lookup(settings.ffmpeg)
        self._device: Device | None = None

    @property
    def catalogue(self) -> Catalogue[FilmRecipe]:
        """The operations on films."""
        return self._catalogue

    async def make(
        self, source: Path, operations: tuple[Operation, ...] | None, work: Work
    ) -> tuple[Output, ...]:
        """See `Media.make`."""
        recipes = plan(operations, self._catalogue)
        tools = await self._tools()
        film = await tools.probe(source, work)
        if operations is None and film.video_stream is None:
            recipes = plan(_USUAL_OF_SOUND, self._catalogue)
        _refuse_blind(film, recipes)
        _refuse_cut_recording(film, recipes)
        asked = _asked(recipes, film)
        pictures, films = await _made(tools, film, asked, work)
        outputs = [o for one in asked for o in one.outputs(films, pictures, tools, work)]
        work.progress(100.0)
        return within_bounds(outputs)

    async def _tools(self) -> Tools:
        program = await self.lookup.program()
        return Tools(
            program,
            self._pool,
            self._pictures,
            self._settings,
            self._bounds,
            await self._asked_device(program),
        )

    async def _asked_device(self, program: Ffmpeg) -> Device | None:
        """What the GPU can do, asked at the first film; None where none is to be used."""
        if self._device is None and self._settings.hwaccel != "none":
            self._device = await asyncio.to_thread(ask, program, self._settings.hwaccel)
            structlog.get_logger().info("asked for a GPU", **asdict(self._device))
        return self._device


def _asked(recipes: tuple[FilmRecipe, ...], film: Film) -> list[Asked]:
    asked = [Asked(recipe, film) for recipe in recipes]
    _refuse_same_files(asked)
    if any(one.checks for one in asked):
        for one in asked:
            one.join()
    return asked


def _refuse_same_files(asked: list[Asked]) -> None:
    makers: dict[str, str] = {}
    for one in asked:
        for file in one.files:
            if (other := makers.setdefault(file, one.name)) != one.name:
                raise InvalidJob(
                    f"operations: '{other}' and '{one.name}' both make '{file}';"
                    " give one of them another name"
                )


def _refuse_blind(film: Film, recipes: tuple[FilmRecipe, ...]) -> None:
    """Refuse what needs pictures of a film that has none."""
    if film.video_stream is None and any(recipe.needs_pictures for recipe in recipes):
        raise UnsupportedMedia("The file has no video stream.")


def _refuse_cut_recording(film: Film, recipes: tuple[FilmRecipe, ...]) -> None:
    """Refuse what is to be made of all of it: nothing tells how much is missing."""
    if film.breaks_off and any(recipe.reads_all and not recipe.salvage for recipe in recipes):
        raise CorruptMedia(
            f"The film is damaged: it breaks off after {film.duration_seconds:.1f} seconds,"
            " and does not tell how long it was."
        )


async def _made(tools: Tools, film: Film, asked: list[Asked], work: Work) -> list[_Made]:
    """What comes of all snaps, and of all products, which are made meanwhile."""
    snaps = [snap for one in asked for snap in one.snaps]
    products = [product for one in asked for product in one.products]
    # The passages take the longest by far, so they alone tell how far it is, where there are any.
    percent = 0.0 if products else _MADE_PERCENT
    pictures = _pictured(tools, film, snaps, work, percent)
    passages = Passages(tools, film, work, 0.0, _MADE_PERCENT)
    works: list[Coroutine[Any, Any, _Made]] = [pictures, passages.make(products)]
    return await together(works)


async def _pictured(
    tools: Tools, film: Film, snaps: list[Snap], work: Work, percent: float
) -> dict[Snap, tuple[Output, ...]]:
    """All snaps, one after the other; the progress goes from 0 to `percent`, if that is more."""
    outputs = {}
    for count, snap in enumerate(snaps):

        def made(share: float, before: int = count) -> None:
            if percent:
                work.progress(percent * (before + share) / len(snaps))

        outputs[snap] = await pictured(tools, film, snap, work, made)
        made(1.0)
    return outputs
