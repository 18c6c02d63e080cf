"""The limit: aio-pika alone. Each hop publishes to the next, awaits the confirm, acknowledges.

On asyncio's own event loop, as its documentation runs it; with FLOW_UVLOOP set, on uvloop.

    python -m bench.contenders.bare HOP AMQP_URL FOLDER PREFETCH
"""

import asyncio
import os
import sys
from pathlib import Path

import aio_pika
import uvloop
from pamqp.common import FieldTable

from bench.contenders.gate import Finish, Gate

QUEUES = ("bench.bare.1", "bench.bare.2", "bench.bare.3", "bench.bare.4")
QUORUM: FieldTable = {"x-queue-type": "quorum"}


async def main(hop: int, url: str, folder: Path, prefetch: int) -> None:
    """Consume until killed."""
    publishing = await aio_pika.connect_robust(url)
    consuming = await aio_pika.connect_robust(url)
    exchange = (await publishing.channel()).default_exchange
    channel = await consuming.channel()
    await channel.set_qos(prefetch_count=prefetch)
    queue = await channel.declare_queue(QUEUES[hop], durable=True, arguments=QUORUM)
    finish = Finish(folder)

    async def receive(message: aio_pika.abc.AbstractIncomingMessage) -> None:
        if hop + 1 < len(QUEUES):
            following = aio_pika.Message(
                message.body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT
            )
            await exchange.publish(following, QUEUES[hop + 1])
        await message.ack()
        if hop + 1 == len(QUEUES):
            finish.one_more()

    gate = Gate(folder)
    gate.ready(str(hop))
    await gate.opened()
    await queue.consume(receive)
    await asyncio.Event().wait()


if __name__ == "__main__":
    run = uvloop.run if "FLOW_UVLOOP" in os.environ else asyncio.run
    run(main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])))
