"""Confirms, returns and deliveries that no broker can be made to send when a test wants them."""

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from pamqp import commands
from pamqp.frame import marshal

from shared.broker.base import Message
from shared.broker.direct import Confirming, Delivering
from shared.broker.frames import BODY, END, HEAD, HEADER, METHOD, publish
from shared.broker.split import SplittingReader
from shared.errors import BrokerUnavailable
from tests.waiting import soon

NUMBER = 1
MESSAGE = Message(body=b"{}", message_id="m")


@dataclass
class Line:
    """An open channel, with the broker's end of it in the test's hand."""

    reader: SplittingReader
    closing: asyncio.Future[None]
    written: list[bytes] = field(default_factory=list)

    @property
    def channel(self) -> Any:
        tune = SimpleNamespace(frame_max=131072)
        connection = SimpleNamespace(connection_tune=tune)
        return SimpleNamespace(number=NUMBER, closing=self.closing, connection=connection)

    @property
    def writer(self) -> Any:
        return SimpleNamespace(write=self.written.append)

    def confirming(self) -> Confirming:
        return Confirming(self.channel, self.reader, self.writer)

    def say(self, *methods: Any) -> None:
        self.reader.feed_data(b"".join(marshal(method, NUMBER) for method in methods))


@pytest.fixture
async def line() -> Line:
    loop = asyncio.get_running_loop()
    return Line(SplittingReader(loop), loop.create_future())


def published(channel: Confirming, *keys: str, seconds: float = 60) -> list[asyncio.Task[None]]:
    return [
        asyncio.ensure_future(channel.publish(MESSAGE, key, "", wanted=True, seconds=seconds))
        for key in keys
    ]


async def outcomes(tasks: list[asyncio.Task[None]]) -> list[str | None]:
    """What has become of each: None is confirmed, `…` is still waiting."""
    await asyncio.wait(tasks, timeout=0.05)
    return ["…" if not task.done() else _reason(task.exception()) for task in tasks]


def _reason(error: BaseException | None) -> str | None:
    assert error is None or isinstance(error, BrokerUnavailable)
    return None if error is None else str(error)


async def test_confirms_of_many_settle_all_up_to_theirs(line: Line) -> None:
    tasks = published(line.confirming(), "a", "b", "c", "d")
    await asyncio.sleep(0)
    line.say(commands.Basic.Ack(4))
    assert await outcomes(tasks) == ["…", "…", "…", None]
    line.say(commands.Basic.Ack(2, multiple=True))
    assert await outcomes(tasks) == [None, None, "…", None]
    line.say(commands.Basic.Ack(99), commands.Basic.Ack(3))
    assert await outcomes(tasks) == [None, None, None, None]


async def test_what_the_broker_refuses_is_an_error(line: Line) -> None:
    tasks = published(line.confirming(), "a", "b")
    await asyncio.sleep(0)
    line.say(commands.Basic.Nack(2, multiple=True))
    assert await outcomes(tasks) == [
        "the broker refused the message for 'a'",
        "the broker refused the message for 'b'",
    ]


async def test_what_comes_back_fails_all_that_is_on_its_way_there(line: Line) -> None:
    tasks = published(line.confirming(), "gone", "there", "gone")
    await asyncio.sleep(0)
    line.say(commands.Basic.Return(312, "NO_ROUTE", "", "gone"))
    line.reader.feed_data(_content(b"{}") + marshal(commands.Basic.Ack(1), NUMBER))
    line.say(commands.Basic.Ack(3, multiple=True))
    assert await outcomes(tasks) == [
        "no queue takes '' → 'gone'",
        None,
        "no queue takes '' → 'gone'",
    ]


async def test_a_channel_that_closes_owes_nothing_any_more(line: Line) -> None:
    tasks = published(line.confirming(), "a")
    await asyncio.sleep(0)
    line.closing.set_result(None)
    assert await outcomes(tasks) == ["the channel closed before 'a' was confirmed"]


async def test_a_late_confirm_is_no_fault(line: Line) -> None:
    channel = line.confirming()
    (late,) = published(channel, "a", seconds=0)
    with pytest.raises(BrokerUnavailable, match="'a' was not confirmed in time"):
        await soon(late)
    (following,) = published(channel, "b")
    await asyncio.sleep(0)
    line.say(commands.Basic.Ack(2, multiple=True))
    assert await outcomes([following]) == [None]


async def test_other_methods_are_left_to_aiormq(line: Line) -> None:
    line.confirming()
    Delivering(line.channel, line.reader, line.writer, lambda *_: None)
    closed = marshal(commands.Channel.Close(404, "NOT_FOUND", 60, 40), NUMBER)
    line.reader.feed_data(closed)
    line.reader.feed_eof()
    assert await line.reader.read() == closed


@pytest.mark.parametrize("body", [b"", b"{}", b"x" * 1000])
async def test_a_body_in_parts_is_one_delivery(line: Line, body: bytes) -> None:
    came: list[tuple[Message, int]] = []
    Delivering(line.channel, line.reader, line.writer, lambda *of: came.append(of))
    for tag in (1, 2):
        method = commands.Basic.Deliver("tag", tag, exchange="", routing_key="q")
        line.reader.feed_data(marshal(method, NUMBER) + _content(body, part_bytes=300))
    assert [(message.body, tag) for message, tag in came] == [(body, 1), (body, 2)]
    assert came[0][0].message_id == "m"


async def test_nothing_is_settled_on_a_closed_channel(line: Line) -> None:
    channel = Delivering(line.channel, line.reader, line.writer, lambda *_: None)
    channel.acknowledge(1)
    channel.give_back(2)
    written = [*line.written]
    line.closing.set_result(None)
    channel.acknowledge(3)
    channel.give_back(4)
    assert line.written == written
    assert b"".join(written) == marshal(commands.Basic.Ack(1), NUMBER) + marshal(
        commands.Basic.Reject(2, requeue=True), NUMBER
    )


def _content(body: bytes, part_bytes: int = 1000) -> bytes:
    """The frames of a message after its method."""
    message = Message(body=body, message_id="m")
    frame_max = part_bytes + 8
    whole = publish(NUMBER, "", "", message, persistent=True, mandatory=True, frame_max=frame_max)
    kind, _, size = HEAD.unpack_from(whole)
    assert kind == METHOD
    content = whole[HEAD.size + size + len(END) :]
    assert content[0] == HEADER
    assert content.count(bytes((BODY, 0, NUMBER))) >= bool(body)
    return content
