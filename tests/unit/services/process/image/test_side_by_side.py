"""How many outputs of a photo are made at the same time."""

import threading
from collections.abc import Iterator

import pytest

from services.process import idle
from services.process.image.engine import Rendered, Target, Wish
from services.process.image.side_by_side import side_by_side

SECONDS = 20  # far more than it takes


def wishes(count: int) -> list[Wish]:
    return [Target(f"w{number}") for number in range(count)]


def rendered(wish: Wish) -> Rendered:
    return Rendered(wish, 1, 1, 1, "", "", "")


def test_threads_are_taken_up_as_soon_as_there_are_idle_children(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first alone; while it is still made, two others end, and the next two come to it."""
    allowed = [1]
    monkeypatch.setattr(idle, "threads", lambda most: min(most, allowed[0]))
    together = threading.Barrier(3)
    alone = threading.Event()

    def put(picture: int, wish: Wish) -> Rendered:
        if not alone.is_set():
            alone.set()
            allowed[0] = 3
        together.wait(SECONDS)
        return rendered(wish)

    wanted = wishes(6)
    made = side_by_side([(0, wanted[:2]), (1, wanted[2:])], put, most=4)
    assert set(made) == set(wanted)


def test_no_more_are_made_than_there_are_idle_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle, "threads", lambda most: 2)
    under_way, seen = threading.Semaphore(2), list[bool]()

    def put(picture: int, wish: Wish) -> Rendered:
        seen.append(under_way.acquire(blocking=False))
        threading.Event().wait(0.02)
        under_way.release()
        return rendered(wish)

    side_by_side([(0, wishes(8))], put, most=8)
    assert seen == [True] * 8


def test_one_picture_more_is_there_than_is_put(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle, "threads", lambda most: 1)
    put_so_far = list[int]()

    def put(picture: int, wish: Wish) -> Rendered:
        put_so_far.append(picture)
        return rendered(wish)

    def shown() -> Iterator[tuple[int, list[Wish]]]:
        for number, wish in enumerate(wishes(5)):
            assert len(put_so_far) >= number - 1
            yield number, [wish]

    side_by_side(shown(), put, most=4)
    assert put_so_far == [0, 1, 2, 3, 4]


def test_what_fails_ends_all() -> None:
    def put(picture: int, wish: Wish) -> Rendered:
        raise MemoryError(wish.name)

    with pytest.raises(MemoryError):
        side_by_side([(0, wishes(8))], put, most=2)
