"""Which engine does the work."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

from services.process.image.animation import is_animation
from services.process.image.engine import Engine, Limits, Rendered, Target, Wish
from services.process.image.svg import is_svg
from shared.errors import EngineUnavailable, UnsupportedMedia

EngineName = Literal["auto", "vips", "pillow"]


def render(
    name: EngineName,
    limits: Limits,
    source: Path,
    wishes: Sequence[Wish],
    directory: Path,
    threads: int = 1,
) -> tuple[Rendered, ...]:
    """`Engine.render` of the engine of that name: what a child runs.

    Raises:
        UnsupportedMedia: the source is an SVG drawing, and those are not opened.
    """
    if not limits.svg and is_svg(source):
        raise UnsupportedMedia("SVG drawings are not opened here (PROCESS_SVG).")
    return engine(name, limits).render(source, wishes, directory, threads)


def warm(name: EngineName, limits: Limits) -> None:
    """Load what `render` will need."""
    engine(name, limits)


@lru_cache(maxsize=1)
def engine(name: EngineName, limits: Limits) -> Engine:
    """The engine of that name; `auto` is libvips where it is there, for it is the faster.

    Pillow stands behind libvips in any case, for what that cannot do.

    Raises:
        EngineUnavailable: its library is not installed.
    """
    pillow = _pillow(limits)
    if name == "pillow":
        return InTurn((pillow,))
    try:
        return InTurn((_vips(limits), pillow))
    except (ImportError, OSError) as error:
        if name == "vips":
            raise EngineUnavailable(f"PROCESS_ENGINE: libvips is not there: {error}") from error
        return InTurn((pillow,))


def _pillow(limits: Limits) -> Engine:
    from services.process.image.pillow import Pillow

    return Pillow(limits)


def _vips(limits: Limits) -> Engine:
    from services.process.image.vips import Vips

    return Vips(limits)


def _require_metric() -> None:
    from services.process.image.auto import require_metric

    require_metric()


class InTurn:
    """Several engines: a later one does what the earlier ones cannot."""

    def __init__(self, engines: tuple[Engine, ...]) -> None:
        self.name = engines[0].name
        self.formats = frozenset(kind for engine in engines for kind in engine.formats)
        self.animates = any(engine.animates for engine in engines)
        self._engines = engines

    def render(
        self, source: Path, wishes: Sequence[Wish], directory: Path, threads: int = 1
    ) -> tuple[Rendered, ...]:
        """See `Engine.render`."""
        *others, last = self._able(source, wishes)
        for engine in others:
            try:
                return engine.render(source, wishes, directory, threads)
            except UnsupportedMedia:
                continue
        return last.render(source, wishes, directory, threads)

    def _able(self, source: Path, wishes: Sequence[Wish]) -> list[Engine]:
        """The engines that can write what is wanted of such a source, told before any has begun."""
        targets = [wish for wish in wishes if isinstance(wish, Target)]
        if any(target.is_searched for target in targets):
            _require_metric()
        wanted = {target.format for target in targets}
        if missing := sorted(wanted - self.formats):
            raise UnsupportedMedia(f"formats: no codec for {missing[0]} is installed here")
        moves = any(target.moves for target in targets) and is_animation(source)
        able = [
            engine
            for engine in self._engines
            if wanted <= engine.formats and (engine.animates or not moves)
        ]
        if not able:
            raise UnsupportedMedia(f"formats: no engine here writes {', '.join(wanted)} together")
        return able
