"""Which engine does the work."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

from services.process.image.engine import Engine, Limits, Rendered, Target
from shared.errors import EngineUnavailable, UnsupportedMedia

EngineName = Literal["auto", "vips", "pillow"]


def render(
    name: EngineName, limits: Limits, source: Path, targets: Sequence[Target], directory: Path
) -> tuple[Rendered, ...]:
    """`Engine.render` of the engine of that name: what a child runs."""
    return engine(name, limits).render(source, targets, directory)


def warm(name: EngineName, limits: Limits) -> None:
    """Load what `render` will need."""
    engine(name, limits)


@lru_cache(maxsize=1)
def engine(name: EngineName, limits: Limits) -> Engine:
    """The engine of that name; `auto` is libvips where it is there, for it is the faster.

    Raises:
        EngineUnavailable: its library is not installed.
    """
    if name == "pillow":
        return _pillow(limits)
    try:
        vips = _vips(limits)
    except (ImportError, OSError) as error:
        if name == "vips":
            raise EngineUnavailable(f"PROCESS_ENGINE: libvips is not there: {error}") from error
        return _pillow(limits)
    return vips if name == "vips" else _InTurn(vips, _pillow(limits))


def _pillow(limits: Limits) -> Engine:
    from services.process.image.pillow import Pillow

    return Pillow(limits)


def _vips(limits: Limits) -> Engine:
    from services.process.image.vips import Vips

    return Vips(limits)


class _InTurn:
    """Two engines: the second opens what the first does not know."""

    def __init__(self, first: Engine, second: Engine) -> None:
        self.name = first.name
        self._first = first
        self._second = second

    def render(
        self, source: Path, targets: Sequence[Target], directory: Path
    ) -> tuple[Rendered, ...]:
        """See `Engine.render`."""
        try:
            return self._first.render(source, targets, directory)
        except UnsupportedMedia:
            return self._second.render(source, targets, directory)
