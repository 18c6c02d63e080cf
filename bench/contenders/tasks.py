"""Celery: a chain of four tasks, acknowledged late, published with confirms, one worker each.

FLOW_AMQP_URL=… FLOW_FOLDER=… FLOW_PREFETCH=… celery -A bench.contenders.tasks worker -Q …
"""

import os
from pathlib import Path
from typing import Any

from celery import Celery, chain
from kombu import Queue

from bench.contenders.gate import Finish

QUEUES = ("bench.celery.1", "bench.celery.2", "bench.celery.3", "bench.celery.4")
FOLDER = Path(os.environ["FLOW_FOLDER"])

app = Celery("flow", broker=os.environ["FLOW_AMQP_URL"])
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    broker_transport_options={"confirm_publish": True},
    worker_prefetch_multiplier=int(os.environ["FLOW_PREFETCH"]),
    task_queues=[Queue(name, queue_arguments={"x-queue-type": "quorum"}) for name in QUEUES],
    task_default_queue=QUEUES[0],
    worker_detect_quorum_queues=True,
    broker_connection_retry_on_startup=True,
)
finish = Finish(FOLDER)


@app.task(name="hop")  # type: ignore[untyped-decorator]
def hop(body: str) -> str:
    """One stage that does nothing."""
    return body


@app.task(name="last")  # type: ignore[untyped-decorator]
def last(body: str) -> None:
    """The last stage: the job has ended."""
    finish.one_more()


def job(body: str) -> Any:
    """A chain through all four queues."""
    return chain(
        hop.s(body).set(queue=QUEUES[0]),
        hop.s().set(queue=QUEUES[1]),
        hop.s().set(queue=QUEUES[2]),
        last.s().set(queue=QUEUES[3]),
    )
