"""Several outputs of a photo at the same time, on as many threads as there are cores for it."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

from services.process import idle
from services.process.image.engine import Made, Rendered, Wish

P = TypeVar("P")
_ASKED_EVERY_SECONDS = 0.02  # how many threads there may be


def side_by_side(
    shown: Iterable[tuple[P, list[Wish]]], put: Callable[[P, Wish], Rendered], most: int
) -> Made:
    """What `put` makes of each picture for its wishes. Once one fails, no other is begun.

    The next picture is made ready while the last one is put, so there is one more than is put.

    Args:
        shown: pictures, each with the wishes that it is put for.
        most: as many threads at the most, if there are idle children.
    """
    made, under_way = Made(), dict[Future[Rendered], Wish]()
    with _threads(most) as threads:
        for picture, wishes in shown:
            for wish in wishes:
                made |= _done(under_way, lambda: idle.threads(most) - 1)
                under_way[threads.submit(put, picture, wish)] = wish
        made |= _done(under_way, lambda: 0)
    return made


def _done(under_way: dict[Future[Rendered], Wish], left: Callable[[], int]) -> Made:
    """What was made when no more than `left` are under way, which is asked time and again."""
    made = Made()
    while len(under_way) > left():
        done, _ = wait(under_way, _ASKED_EVERY_SECONDS, FIRST_COMPLETED)
        made |= {under_way.pop(future): future.result() for future in done}
    return made


@contextmanager
def _threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """So many; when one fails, the others take up nothing new."""
    with ThreadPoolExecutor(count) as threads:
        try:
            yield threads
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise
