"""Frames go to whoever takes their channel, in whatever pieces they come in; all else to aiormq."""

import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.broker import split
from shared.broker.frames import ALIVE, BODY, END, HEAD
from shared.broker.split import SplittingReader

FRAMES = st.lists(
    st.tuples(st.sampled_from((1, 2, 3, 8)), st.integers(0, 3), st.binary(max_size=20)), max_size=8
)


def frame(kind: int, channel: int, payload: bytes) -> bytes:
    return HEAD.pack(kind, channel, len(payload)) + payload + END


async def left(reader: SplittingReader) -> bytes:
    """What aiormq gets to read."""
    reader.feed_eof()
    return await reader.read()


@given(FRAMES, st.lists(st.integers(0, 200), max_size=5))
def test_every_frame_goes_one_way_whole_and_in_order(
    sent: list[tuple[int, int, bytes]], cuts: list[int]
) -> None:
    async def read() -> None:
        reader = SplittingReader(asyncio.get_running_loop())
        taken: list[tuple[int, bytes]] = []

        def take(kind: int, payload: bytes) -> bool:
            if kind == BODY:
                return False
            taken.append((kind, payload))
            return True

        reader.take(2, take)
        stream = b"".join(frame(*one) for one in sent)
        edges = [0, *sorted(cuts), len(stream)]
        for begin, end in itertools.pairwise(edges):
            reader.feed_data(stream[begin:end])
        mine = [one for one in sent if one[1] == 2 and one[0] != BODY]
        others = b"".join(frame(*one) for one in sent if one not in mine)
        assert taken == [(kind, payload) for kind, _, payload in mine]
        assert (await left(reader)).replace(ALIVE, b"") == others.replace(ALIVE, b"")

    asyncio.run(read())


async def test_a_server_of_another_version_is_aiormqs_to_refuse() -> None:
    reader = SplittingReader(asyncio.get_running_loop())
    reader.feed_data(b"AMQP\0\1\0\0")
    assert await left(reader) == b"AMQP\0\1\0\0"


async def test_a_busy_connection_counts_as_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """aiormq hears nothing of what is taken, and gives silent connections up."""
    monkeypatch.setattr(split, "_ALIVE_SECONDS", -1.0)
    reader = SplittingReader(asyncio.get_running_loop())
    reader.take(2, lambda *_: True)
    reader.feed_data(frame(1, 2, b"method") * 3)
    assert await left(reader) == ALIVE * 3


async def test_a_number_that_is_used_again_keeps_its_new_taker() -> None:
    reader = SplittingReader(asyncio.get_running_loop())
    taken: list[bytes] = []

    def old(kind: int, payload: bytes) -> bool:
        raise AssertionError

    def new(kind: int, payload: bytes) -> bool:
        taken.append(payload)
        return True

    reader.take(2, old)
    reader.take(2, new)
    reader.release(2, old)
    reader.feed_data(frame(1, 2, b"first"))
    reader.release(2, new)
    reader.feed_data(frame(1, 2, b"second"))
    assert taken == [b"first"]
    assert (await left(reader)).endswith(frame(1, 2, b"second"))
