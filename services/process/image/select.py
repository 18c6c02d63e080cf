"""Which engine does the work."""

import socket
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from services.process.image.engine import Engine, Limits, Rendered, Target, Wish
from services.process.image.source.animation import is_animation
from services.process.image.source.svg import is_svg
from shared.errors import EngineUnavailable, UnsupportedMedia

if TYPE_CHECKING:
    from services.process.image.gpu.line import Use

EngineName = Literal["auto", "vips", "pillow", "cuda"]


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


def render_on_gpu(
    limits: Limits, source: Path, wishes: Sequence[Wish], directory: Path, threads: int = 1
) -> "tuple[tuple[Rendered, ...], Use]":
    """`render` of the engine `cuda`, and what became of the GPU's part."""
    from services.process.image.gpu.engine import LINE

    made = render("cuda", limits, source, wishes, directory, threads)
    return made, LINE.use


def warm(name: EngineName, limits: Limits, line: int | None = None) -> None:
    """Load what `render` will need.

    Args:
        line: the descriptor of this process's line to the GPU.
    """
    if line is not None:
        from services.process.image.gpu.engine import LINE

        LINE.connect(socket.socket(fileno=line))
    engine(name, limits)


def chosen(name: EngineName) -> tuple[EngineName, str]:
    """What `name` stands for on this machine, and why; told without loading any library.

    `auto` never means the GPU: nobody has measured that it is faster, and most of a photo's time
    goes into encoding, which the processor does in any case.
    """
    if name != "auto":
        return name, "PROCESS_ENGINE names it"
    if find_spec("pyvips"):
        return "vips", "auto takes libvips where it is, and the GPU only if it is named: cuda"
    return "pillow", "libvips is not installed"


@lru_cache(maxsize=2)  # `cuda`, and `pillow` while the GPU rests
def engine(name: EngineName, limits: Limits) -> "InTurn":
    """The engine of that name; `auto` is libvips where it is there, for it is the faster.

    Pillow stands behind libvips in any case, for what that cannot do.

    Raises:
        EngineUnavailable: its library is not installed.
    """
    if name == "cuda":
        return InTurn((_cuda(limits),))
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
    from services.process.image.pillow.engine import Pillow

    return Pillow(limits)


def _vips(limits: Limits) -> Engine:
    from services.process.image.vips.engine import Vips

    return Vips(limits)


def _cuda(limits: Limits) -> Engine:
    from services.process.image.gpu.engine import Cuda

    return Cuda(limits)


class InTurn:
    """Several engines: a later one does what the earlier ones cannot."""

    def __init__(self, engines: tuple[Engine, ...]) -> None:
        self.name = engines[0].name
        self.formats = frozenset(kind for engine in engines for kind in engine.formats)
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

    def require(self, wishes: Sequence[Wish]) -> None:
        """Return if what these take is installed, whatever the source.

        Raises:
            UnsupportedMedia: the codec of a format is not, or what finds a quality.
        """
        targets = _targets(wishes)
        if any(target.is_searched for target in targets):
            from services.process.image.encoding.auto_quality import require_metric

            require_metric()
        if missing := sorted({target.format for target in targets} - self.formats):
            raise UnsupportedMedia(f"formats: no codec for {missing[0]} is installed here")

    def _able(self, source: Path, wishes: Sequence[Wish]) -> list[Engine]:
        """The engines that can write what is wanted of such a source, told before any has begun."""
        self.require(wishes)
        targets = _targets(wishes)
        wanted = {target.format for target in targets}
        moves = any(target.moves for target in targets) and is_animation(source)
        able = [
            engine
            for engine in self._engines
            if wanted <= engine.formats and (engine.animates or not moves)
        ]
        if not able:
            raise UnsupportedMedia(
                f"formats: no engine here writes {', '.join(sorted(wanted))} together"
            )
        return able


def _targets(wishes: Sequence[Wish]) -> list[Target]:
    return [wish for wish in wishes if isinstance(wish, Target)]
