"""Print what happens to jobs: `python watch.py [JOB_ID]`.

With an id it ends with that job; without one it shows every job, until Ctrl-C.
"""

import asyncio
import contextlib
import json
import os
import sys
from typing import Any

import aio_pika

AMQP_URL = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost/")
EVENTS = os.environ.get("QUEUE_PREFIX", "video.processing") + ".events"
OUTCOMES = {"completed", "failed", "cancelled", "expired", "rejected"}


async def watch(job_id: str = "*") -> None:
    """Print the events that come from now on."""
    async with await aio_pika.connect(AMQP_URL) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(EVENTS, routing_key=f"{job_id}.*")
        print("watching", EVENTS, flush=True)
        async with queue.iterator(no_ack=True) as messages:
            async for message in messages:
                if show(json.loads(message.body)) in OUTCOMES and job_id != "*":
                    return


def show(event: dict[str, Any]) -> str:
    """Print a CloudEvent; returns what happened."""
    what: str = event["type"].rpartition(".")[2]
    data = event["data"]
    line = (event["subject"], data.get("stage"), what, data.get("percent"))
    print(*filter(None, line), flush=True)
    for result in data.get("results", ()):
        print("  ", result["url"], flush=True)
    if data.get("error"):
        print("  ", data["error"]["message"], flush=True)
    return what


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(watch(*sys.argv[1:2]))
