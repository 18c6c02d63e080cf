"""Where a delivery can lead: on to the next stage, back after a while, or aside for people.

Each way ends with a confirmed publish, and only then may the delivery be acknowledged.
"""

import asyncio
import dataclasses
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from shared.broker.base import DEFAULT_EXCHANGE, Broker, Message
from shared.broker.topology import Lane
from shared.envelope import Job, encode, job_id_of, sent_again
from shared.errors import BrokerUnavailable
from shared.jobs import CleanupJob, JobEnded, ProcessingJob, Reference, Stage, UploadJob
from shared.observe.metrics import Metrics
from shared.observe.troubles import Troubles
from shared.retry import Later, sentence
from shared.running import Running
from shared.updates import Updates

Result = ProcessingJob | UploadJob | CleanupJob | JobEnded
NEXT: dict[type[Result], Stage] = {
    ProcessingJob: "process",
    UploadJob: "upload",
    CleanupJob: "cleanup",
}
PUBLISH_AGAIN_SECONDS = 1.0
_log = structlog.get_logger()


class DeliveryLost(Exception):
    """The broker took the delivery back while its result could not be published."""


class Outlet:
    """The ways out of one stage.

    Attributes:
        unconfirmed: why the last publish was not confirmed; None when all is well.
    """

    def __init__(
        self,
        stage: Stage,
        broker: Broker,
        lane: Lane,
        updates: Updates,
        metrics: Metrics,
        troubles: Troubles,
    ) -> None:
        self._stage = stage
        self._broker = broker
        self._lane = lane
        self._updates = updates
        self._metrics = metrics
        self._troubles = troubles
        self.unconfirmed: str | None = None

    async def forward(self, result: Result, running: Running) -> None:
        """Hand the result on; it is confirmed when this returns."""
        updates = self._updates.along(running.trace)
        if isinstance(result, JobEnded):
            await self._insist(lambda: updates.ended(result), running)
            self._metrics.ended(result)
            self._troubles.ended(result.job_id)
            return
        if not isinstance(result, CleanupJob) or result.outcome == "completed":
            seconds = result.costs[-1].seconds if result.costs else 0.0
            updates.finished(result.job_id, result.run, self._stage, seconds)
        message = encode(result, committed_by=self._stage)
        message = dataclasses.replace(message, headers=running.trace)
        await self._publish(message, self._lane.queue(NEXT[type(result)]), running)

    async def postpone(
        self, later: Later, error: Exception, job: Job | Reference | None, running: Running
    ) -> None:
        """Let the message come again after a delay; `counted` says whether as another attempt."""
        log = log_of(self._stage, running, job)
        log.info(
            "tried again later",
            error=type(error).__name__,
            reason=sentence(error),
            delay=later.delay,
        )
        self._metrics.postponed(self._stage, error)
        if job is not None and self._stage == "cleanup" and later.counted:
            self._troubles.failed(job.job_id, sentence(error))
        if await running.replaced():
            # Two messages in the place of one would be four after the next attempt.
            return
        again = _again(running, attempt=running.attempt + later.counted)
        await self._publish(
            again, self._lane.queue(self._stage), running, self._lane.retry(later.delay)
        )

    async def park(self, error: Exception, running: Running) -> None:
        """Keep an unusable message for people to look at, with the reason."""
        message = running.delivery.message
        job_id, updates = job_id_of(message), self._updates.along(running.trace)
        log_of(self._stage, running).warning(
            "message rejected", jobId=job_id, error=type(error).__name__, reason=sentence(error)
        )
        why = {"error": type(error).__name__, "reason": sentence(error)[:1000]}
        parked = sent_again(message, parked="rejected", stage=self._stage, **why)
        # Its own time may be anything, or none.
        parked = dataclasses.replace(parked, timestamp=time.time())
        await self._publish(parked, self._lane.dead, running)
        await self._insist(lambda: updates.rejected(job_id, message.message_id, error), running)
        self._metrics.rejected(self._stage)

    async def name(self, running: Running) -> None:
        """Give a job without an id one, before anything else happens to it."""
        named = dataclasses.replace(
            sent_again(running.delivery.message), message_id=uuid.uuid4().hex
        )
        await self._publish(named, self._lane.queue(self._stage), running)

    async def renew(self, running: Running) -> None:
        """Let another message take the delivery's place before the broker calls it lost.

        The copy finds the job locked and waits again, or committed and publishes that, or,
        if this worker has died, free.
        """
        again = _again(running)
        shortest = self._lane.retry(next(iter(self._lane.retry_delays)))
        try:
            await self._broker.publish(again, self._lane.queue(self._stage), shortest)
        except BrokerUnavailable as error:
            log_of(self._stage, running).warning("delivery not renewed", reason=str(error))
            return
        running.renewed = True
        await running.settle()
        if running.waiting:
            # Its copy may find a free slot sooner, in another process perhaps.
            running.work.cancel()

    async def _publish(
        self, message: Message, key: str, running: Running, exchange: str = DEFAULT_EXCHANGE
    ) -> None:
        await self._insist(lambda: self._broker.publish(message, key, exchange), running)

    async def _insist(self, publish: Callable[[], Awaitable[None]], running: Running) -> None:
        """Publish until confirmed, or until the broker has taken the delivery back.

        Giving the delivery back instead would count against its delivery limit.
        """
        while True:
            try:
                await publish()
                self.unconfirmed = None
                return
            except BrokerUnavailable as error:
                self.unconfirmed = f"the broker does not confirm what is published: {error}"
                log = log_of(self._stage, running)
                log.warning("not confirmed; tried again", reason=str(error))
                if running.delivery.lost.done() and not running.renewed:
                    # Nobody waits for this confirm any more.
                    self.unconfirmed = None
                    raise DeliveryLost from error
                await asyncio.sleep(PUBLISH_AGAIN_SECONDS)


def _again(running: Running, **headers: Any) -> Message:
    """The same message to publish once more."""
    message = running.delivery.message
    if isinstance(running.brought, CleanupJob):
        # What came as another type, or dead-lettered, goes on as what it means: without the
        # broker's `x-death` nobody could tell any more.
        message = dataclasses.replace(encode(running.brought), headers=message.headers)
    return sent_again(message, **headers)


def log_of(stage: Stage, running: Running, job: Job | Reference | None = None) -> Any:
    """A logger whose lines say which job, run, stage and attempt they are about."""
    message_id = running.delivery.message.message_id
    return _log.bind(
        stage=stage,
        attempt=running.attempt,
        **({"jobId": job.job_id, "run": job.run} if job else {"messageId": message_id}),
    )
