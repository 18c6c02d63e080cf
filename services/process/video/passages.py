"""Passages of ffmpeg through a film: one for each part of it that something is made of."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from services.process.video.ffmpeg.branch import Window
from services.process.video.ffmpeg.progress import Progress
from services.process.video.film import Film
from services.process.video.passage import Made, Passage
from services.process.video.products.product import Product
from services.process.video.tools import Tools
from shared.errors import InvalidJob, SourceTooLarge
from shared.jobs import Output
from shared.work import Work

_LEAST_SECONDS = 0.001  # that a part is taken for, so that it can be divided by
_LEAST_SPEED = 0.001
_COPYING_SHARE = 0.02  # of the time that a passage takes which encodes


class Passages:
    """What ffmpeg makes of one film; the progress goes from `begin` to `end` percent."""

    def __init__(self, tools: Tools, film: Film, work: Work, begin: float, end: float) -> None:
        self._tools = tools
        self._film = film
        self._work = work
        self._begin = begin
        self._end = end
        self._done = 0.0
        self._all = 0.0
        self._share = 1.0
        self._percent = begin

    async def make(self, products: Sequence[Product]) -> dict[Product, tuple[Output, ...]]:
        """All products, with as few passages as there are windows.

        Raises:
            InvalidJob: ffmpeg here cannot make one of them.
            CorruptMedia: the film cannot be decoded, or not to its end.
            SourceTooLarge, TimeLimit, WorkspaceFull, EngineUnavailable: see `run`, `Pool.call`.
        """
        self._refuse_unable(products)
        copies = [product for product in products if product.anew != product]
        others = [product for product in products if product.anew == product]
        self._all = sum(
            self._seconds(window) * share
            for group, share in ((copies, _COPYING_SHARE), (others, 1.0))
            for window, _ in _by_window(group)
        )
        made, damaged = await self._copied(copies)
        self._refuse_unable([product.anew for product in damaged])
        encoded: Made = {}
        for window, group in _by_window([*others, *(product.anew for product in damaged)]):
            encoded |= await self._passage(window, group).make(self._advance)
            self._done += self._seconds(window)
        return made | encoded | {product: encoded[product.anew] for product in damaged}

    async def _copied(self, copies: Sequence[Product]) -> tuple[Made, list[Product]]:
        """What is copied, and those whose pictures ffmpeg complains about as it reads them.

        They would have the damage, at which many a player stops. When they are encoded, what can
        be decoded of them is shown, or the film is refused. Copying is a passage of its own, so
        that it is the same whatever is decoded beside it.
        """
        made: Made = {}
        damaged: list[Product] = []
        self._share = _COPYING_SHARE
        for window, group in _by_window(copies):
            passage = self._passage(window, group)
            done = await passage.make(self._advance)
            if passage.complained:
                await passage.clear()
                damaged += group
            else:
                made |= done
            self._done += self._seconds(window) * self._share
        self._share = 1.0
        return made, damaged

    def _passage(self, window: Window, products: Sequence[Product]) -> Passage:
        return Passage(self._tools, self._film, self._work, window, products)

    def _seconds(self, window: Window) -> float:
        whole = max(self._film.duration_seconds - window.start, _LEAST_SECONDS)
        return whole if window.seconds is None else min(whole, window.seconds)

    def _advance(self, progress: Progress, reached: float) -> None:
        """Tell how far it is, and end a film that is longer than it said."""
        most = self._tools.settings.limits
        if progress.seconds > max(most.seconds, self._film.duration_seconds) + 60:
            raise SourceTooLarge(f"The film is longer than {most.seconds:g} seconds.")
        if progress.frames > most.frames:
            raise SourceTooLarge(f"The film has more than {most.frames} pictures.")
        done = min(self._all, self._done + reached * self._share)
        percent = self._begin + done / self._all * (self._end - self._begin)
        self._percent = max(self._percent, percent)  # another way through a part begins anew
        left = (self._all - done) / self._share
        self._work.progress(self._percent, **_details(reached / progress.elapsed, left))

    def _refuse_unable(self, products: Sequence[Product]) -> None:
        for product in products:
            missing = [n for n in product.libraries if n not in self._tools.ffmpeg.libraries]
            if missing:
                program = self._tools.ffmpeg.name
                raise InvalidJob(
                    f"operations: '{product.name}' needs an ffmpeg with {missing[0]},"
                    f" which {program} is without"
                )


def _details(speed: float, left: float) -> dict[str, object]:
    """What is told beside the percent, once there is a speed (seconds of film per second)."""
    if speed < _LEAST_SPEED:
        return {}
    return {"speed": round(speed, 2), "secondsLeft": round(left / speed, 1)}


def _by_window(products: Sequence[Product]) -> Iterator[tuple[Window, list[Product]]]:
    def order(product: Product) -> tuple[float, float]:
        window = product.window
        return window.start, -1.0 if window.seconds is None else window.seconds

    for _, group in groupby(sorted(products, key=order), key=order):
        together = list(group)
        yield together[0].window, together
