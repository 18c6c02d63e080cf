"""What films are made with."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from services.process.child import Bounds
from services.process.image.pictures import Pictures
from services.process.pools import Pool
from services.process.video.digests import Piece, digests
from services.process.video.ffmpeg.command import Means
from services.process.video.ffmpeg.drawing import Drawing, drawn
from services.process.video.ffmpeg.ffmpeg import Ffmpeg
from services.process.video.ffmpeg.run import Grant, run
from services.process.video.film import Film
from services.process.video.hardware.device import ADDRESSES, OPEN_FILES, Device, Route
from services.process.video.settings import FilmSettings
from services.process.video.source.inspected import Inspected, inspect
from services.process.video.source.probe import probe
from services.process.video.stills.moment import moment
from services.process.video.stills.seeking import Approach, approach, lead
from services.process.video.stills.shots import Grid, begins, sheet, shots
from services.process.video.streaming.package import Contents, Package, package
from shared.work import Work

_HASHED_BYTES_PER_SECOND = 50e6  # on a slow disk
_DECODED_PIXELS_PER_SECOND = 20e6  # by one thread, of a codec that is hard to decode
_USUAL_RATE = 30.0  # where a film does not tell its pictures per second


@dataclass(frozen=True)
class Tools:
    """Programs and children that see what strangers made, so that the service need not.

    Attributes:
        pool: runs PyAV.
        pictures: makes pictures of stills.
        bounds: what children are granted.
        device: what a GPU can do; None where none is to be used.
    """

    ffmpeg: Ffmpeg
    pool: Pool
    pictures: Pictures
    settings: FilmSettings
    bounds: Bounds
    device: Device | None = None

    @property
    def grant(self) -> Grant:
        """What one run of ffmpeg may take."""
        return self.settings.grant(self.bounds)

    def grant_on(self, route: Route) -> Grant:
        """What one run of ffmpeg may take on that way.

        CUDA reserves addresses for all memory that there is, so no limit on them can be kept; and
        it opens many files, of every GPU of the machine.
        """
        if route.kind is None:
            return self.grant
        bounds = replace(self.grant.bounds, memory_bytes=ADDRESSES, open_files=OPEN_FILES)
        return replace(self.grant, bounds=bounds)

    @property
    def means(self) -> Means:
        """What ffmpeg may use and can do."""
        return Means(
            threads=self.settings.ffmpeg_threads,
            pixels=self.settings.max_video_pixels,
            tone_mapping="libzimg" in self.ffmpeg.libraries,
        )

    async def probe(self, source: Path, work: Work) -> Film:
        """See `probe.probe`."""
        seconds, limits = self.settings.probe_limit_seconds, self.settings.limits
        return await self.pool.call(probe, source.absolute(), limits, seconds=seconds, work=work)

    async def moment(self, film: Film, at: float | None, work: Work) -> float:
        """See `moment.moment`."""
        seconds = self._decoding(film)
        return await self.pool.call(moment, film, at, seconds=seconds, work=work)

    async def approach(self, film: Film, seconds: float, work: Work) -> Approach:
        """See `seeking.approach`."""
        if seconds <= 0 or film.video_stream is None:
            return Approach()
        granted = self._decoding(film)
        return await self.pool.call(approach, film, seconds, seconds=granted, work=work)

    async def lead(self, film: Film, seconds: float, work: Work) -> float:
        """See `seeking.lead`."""
        if seconds <= 0 or film.video_stream is None:
            return 0.0
        return await self.pool.call(lead, film, seconds, seconds=self._decoding(film), work=work)

    async def shots(
        self,
        film: Film,
        times: tuple[float, ...],
        slack: float,
        size: tuple[int, int],
        files: list[Path],
        work: Work,
    ) -> tuple[float, ...]:
        """See `shots.shots`."""
        seconds = self._decoding(film)
        return await self.pool.call(
            shots, film, times, slack, size, files, seconds=seconds, work=work
        )

    async def begins(
        self, film: Film, times: tuple[float, ...], slack: float, work: Work
    ) -> tuple[float, ...]:
        """See `shots.begins`."""
        seconds = self._decoding(film)
        return await self.pool.call(begins, film, times, slack, seconds=seconds, work=work)

    async def sheet(self, files: list[Path], grid: Grid, target: Path, work: Work) -> None:
        """See `shots.sheet`."""
        seconds = self.settings.probe_limit_seconds
        await self.pool.call(sheet, files, grid, target, seconds=seconds, work=work)

    async def draw(
        self, samples: Path, rate: int, drawing: Drawing, target: Path, work: Work
    ) -> None:
        """See `drawing.drawn`, and `run` for the errors."""
        await run(self.ffmpeg, drawn(samples, rate, drawing, target), self.grant, work)

    async def inspect(self, output: Path, demuxer: str | None, work: Work) -> Inspected:
        """See `inspected.inspect`."""
        return await self.pool.call(
            inspect, output, demuxer, seconds=self._reading((output,)), work=work
        )

    async def digests(self, paths: tuple[Path, ...], work: Work) -> tuple[Piece, ...]:
        """See `digests.digests`."""
        return await self.pool.call(digests, paths, seconds=self._reading(paths), work=work)

    async def package(self, root: Path, contents: Contents, work: Work) -> Package:
        """See `package.package`."""
        # Thousands of files: looking at them all would keep the event loop from its other work.
        seconds = await asyncio.to_thread(lambda: self._reading(root.rglob("*")))
        return await self.pool.call(package, root, contents, seconds=seconds, work=work)

    def _decoding(self, film: Film) -> float:
        """Seconds that decoding the film may take: all of it where it has one key frame."""
        pixels = film.picture_seconds * (film.frame_rate or _USUAL_RATE) * film.width * film.height
        return min(
            self.settings.probe_limit_seconds + pixels / _DECODED_PIXELS_PER_SECOND,
            self.settings.ffmpeg_limit_seconds,
        )

    def _reading(self, paths: Iterable[Path]) -> float:
        """Seconds that reading the files may take."""
        size = sum(path.stat().st_size for path in paths)
        return self.settings.probe_limit_seconds + size / _HASHED_BYTES_PER_SECOND
