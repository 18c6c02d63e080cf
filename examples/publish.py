"""Publish a job: python publish.py https://example.com/photo.jpg"""

import asyncio
import json
import os
import sys
import uuid

import aio_pika

AMQP_URL = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost/")
QUEUE = os.environ.get("QUEUE_PREFIX", "video.processing") + ".download"


async def publish(job: dict[str, str]) -> None:
    """Hand `job` to the broker; raises unless the broker has it safely in the queue."""
    async with await aio_pika.connect(AMQP_URL) as connection:
        channel = await connection.channel(on_return_raises=True)
        message = aio_pika.Message(
            json.dumps(job).encode(),
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        await channel.default_exchange.publish(message, routing_key=QUEUE, timeout=30)


job = {"jobId": str(uuid.uuid4()), "source": sys.argv[1]}
asyncio.run(publish(job))
print(job["jobId"])
