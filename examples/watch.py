"""Print what happens to jobs: python watch.py [JOB_ID]

Without an id it prints the events of all jobs; with one it ends with the job.
"""

import asyncio
import json
import os
import sys
from typing import Any

import aio_pika

AMQP_URL = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost/")
EVENTS = os.environ.get("QUEUE_PREFIX", "video.processing") + ".events"
THE_END = {"completed", "failed", "cancelled", "expired", "rejected"}


async def watch(job_id: str = "*") -> None:
    """Print each event on a line, from now on."""
    async with await aio_pika.connect(AMQP_URL) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(EVENTS, routing_key=f"{job_id}.*")
        print(f"watching {EVENTS}", flush=True)
        async with queue.iterator(no_ack=True) as messages:
            async for message in messages:
                what = show(json.loads(message.body))
                if what in THE_END and job_id != "*":
                    return


def show(event: dict[str, Any]) -> str:
    """Print a CloudEvent; returns the last word of its type."""
    what, data = event["type"].rpartition(".")[2], event["data"]
    print(event["subject"], data.get("stage", ""), what, data.get("percent", ""), flush=True)
    for result in data.get("results", ()):
        print("  ", result["url"], flush=True)
    if error := data.get("error"):
        print("  ", error["message"], flush=True)
    return what


asyncio.run(watch(*sys.argv[1:]))
