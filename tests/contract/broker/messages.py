"""Messages to send, and what to wait for."""

import asyncio

from shared.broker.base import Message
from shared.broker.topology import Lane
from shared.errors import BrokerUnavailable
from tests.contract.brokers import Subject

LIMIT = 2


FULL = Message(
    body='{"jobId": "ä-1", "note": "→ 写真"}'.encode(),
    type="millrace.download.v1",
    message_id="id-ä-→",
    correlation_id="写真",
    headers={"attempt": 3, "reason": "zu spät →", "nested": {"list": [1, "two"]}},
    timestamp=1_700_000_000.0,
)


def numbered(number: int) -> Message:
    return Message(body=b'{"number": %d}' % number, message_id=f"m-{number}")


async def depth_is(subject: Subject, queue: str, count: int) -> bool:
    return await subject.broker.depth(queue) == count


async def published(subject: Subject, message: Message) -> bool:
    try:
        await subject.broker.publish(message, subject.queue)
    except BrokerUnavailable:
        return False
    return True


async def settle_down(subject: Subject) -> None:
    """An acknowledgement has no answer: whatever comes after it on the connection has one."""
    if subject.cable is not None:
        await asyncio.sleep(0.1)


async def remove(subject: Subject, lane: Lane) -> None:
    from tests.contract.brokers import delete

    assert subject.cable is not None
    await delete(subject.cable.url, lane.topology)
