"""Publish a job, as in `python publish.py https://example.com/photo.jpg`."""

import asyncio
import json
import os
import sys
import uuid

import aio_pika

AMQP_URL = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost/")
QUEUE = os.environ.get("QUEUE_PREFIX", "video.processing") + ".download"


async def publish(source: str) -> str:
    """The id of the new job, once the broker has it safe."""
    job = {"jobId": str(uuid.uuid4()), "source": source}
    message = aio_pika.Message(
        json.dumps(job).encode(),
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )
    async with await aio_pika.connect(AMQP_URL) as connection:
        # Confirmed, and an error if no service has declared the queue yet.
        channel = await connection.channel(on_return_raises=True)
        await channel.default_exchange.publish(message, routing_key=QUEUE, timeout=30)
    return job["jobId"]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python publish.py SOURCE")
    print(asyncio.run(publish(sys.argv[1])))
