"""Delivery for all four stages, in one place, so that none can acknowledge too early.

    decode → lock the job → is it closed? → is this stage's result committed already?
    → run the stage → commit its result → publish it, confirmed → acknowledge

The lock is let go before the result is published: once committed, a result cannot change, and
the next stage must find the job free.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from shared.broker.base import Broker, Delivery, Subscription
from shared.broker.topology import Lane
from shared.envelope import Anonymous, Job, attempt_of
from shared.errors import Invalid
from shared.intake import Intake, ending, report
from shared.jobs import (
    CleanupJob,
    Cost,
    DownloadJob,
    JobEnded,
    Reference,
    Stage,
)
from shared.observe.metrics import Metrics
from shared.observe.troubles import Troubles
from shared.outlet import NEXT, DeliveryLost, Outlet, Result, log_of
from shared.retry import Later, decide, sentence
from shared.running import Pace, Running
from shared.settings import DeliverySettings
from shared.supervisor import Supervisor
from shared.updates import Throttle, Updates
from shared.work import Spent
from shared.workspace import Closed, Closing, Held, NotDue, Workspace

# A delivery that met a fault of our own comes again no sooner.
GIVE_BACK_SECONDS = 5.0
CLOSE_SECONDS = 5.0
StageFunction = Callable[[Any, Any], Awaitable[Result]]


class Postponed(Exception):
    """The stage is to be tried again later."""

    def __init__(self, later: Later, error: Exception) -> None:
        self.later = later
        self.error = error


class Consumer:
    """Takes one stage's deliveries, `concurrency` at a time, and settles each of them once."""

    def __init__(
        self,
        stage: Stage,
        function: StageFunction,
        workspace: Workspace,
        broker: Broker,
        lane: Lane,
        settings: DeliverySettings,
        *,
        concurrency: int,
        metrics: Metrics,
    ) -> None:
        self.stage = stage
        self._function = function
        self._workspace = workspace
        self._broker = broker
        self._lane = lane
        self._settings = settings
        self._concurrency = concurrency
        self._metrics = metrics
        self._slots = asyncio.Semaphore(concurrency)
        self._intake = Intake(stage, lane, workspace)
        self._updates = Updates(broker, lane, stage)
        self._delays = tuple(lane.retry_delays)
        remember_seconds = 2 * max(lane.retry_delays.values())
        self.troubles = Troubles("jobs that cannot be cleaned up", remember_seconds)
        self.faults = Troubles(
            "deliveries that could not be handled, see the log", remember_seconds
        )
        self._outlet = Outlet(stage, broker, lane, self._updates, metrics, self.troubles)
        self._running: set[Running] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._retiring: set[asyncio.Task[None]] = set()
        self._subscription: Subscription | None = None
        self._supervisor: asyncio.Task[None] | None = None

    # ── a service's life ─────────────────────────────────────────────────────────────────

    async def start(self) -> None:
        """Take deliveries from now on."""
        supervisor = Supervisor(self._running, self._settings, self._outlet.renew)
        self._supervisor = asyncio.create_task(supervisor.watch())
        await self.resume()

    async def pause(self) -> None:
        """Take no more deliveries until `resume`; what is in hand goes on."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            await subscription.cancel()
            retiring = asyncio.create_task(_retire(subscription, [*self._tasks]))
            self._retiring.add(retiring)
            retiring.add_done_callback(self._retiring.discard)

    async def resume(self) -> None:
        """Take deliveries again, after `pause`; not after `stop`."""
        if self._supervisor is not None and self._subscription is None:
            self._subscription = await self._broker.subscribe(
                self._lane.queue(self.stage), self._concurrency, self._receive
            )

    @property
    def paused(self) -> bool:
        """Whether no deliveries are taken on purpose."""
        return self._supervisor is not None and self._subscription is None

    @property
    def alive(self) -> bool:
        """Whether the broker has this consumer right now."""
        return self._subscription is not None and self._subscription.alive

    def fault(self) -> str | None:
        """A sentence where deliveries cannot be brought to an end."""
        return self._outlet.unconfirmed or self.faults.summary()

    @property
    def busy(self) -> int:
        """How many deliveries are in hand."""
        return len(self._running)

    @property
    def pace(self) -> Pace:
        """How the stage gets on with the film that it still takes longest for."""
        paces = (one.pace for one in self._running)
        return max(paces, key=lambda pace: pace.seconds_left, default=Pace())

    async def stop(self) -> None:
        """Take no more, wait for what is in hand, then kill it; settle nothing of that.

        Stopping twice is fine.
        """
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is None:
            return
        log = structlog.get_logger().bind(stage=self.stage)
        log.info("draining", working=self.busy)
        await self.pause()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._settings.drain_seconds)
        left = [*self._tasks]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        supervisor.cancel()
        if self._retiring:
            await asyncio.wait(self._retiring, timeout=CLOSE_SECONDS)
        log.info("stopped", killed=len(left))

    def _receive(self, delivery: Delivery) -> None:
        task = asyncio.create_task(self._take(delivery))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take(self, delivery: Delivery) -> None:
        current = asyncio.current_task()
        assert current is not None
        running = Running(delivery, current, attempt_of(delivery.message))
        self._running.add(running)
        try:
            async with self._slots:
                running.waiting = False
                await self._deliver(running)
        except DeliveryLost:
            log_of(self.stage, running).warning("delivery lost; it will come again")
        except Exception as error:
            await self._fault(error, running)
        finally:
            self._running.discard(running)

    async def _fault(self, error: Exception, running: Running) -> None:
        """A fault of our own: say so loudly, and give the delivery back, so that nothing is lost.

        Its slot is free then; should it come with the fault each time, it ends at the queue's
        delivery limit.
        """
        log_of(self.stage, running).exception("delivery not handled")
        message_id = running.delivery.message.message_id
        self.faults.failed(message_id or str(id(running)), repr(error))
        await asyncio.sleep(GIVE_BACK_SECONDS)
        await running.give_back()

    # ── a delivery's life ────────────────────────────────────────────────────────────────

    async def _deliver(self, running: Running) -> None:
        job: Job | Reference | None = None
        try:
            job = running.brought = self._intake.read(running.delivery.message)
            result = await self._result(job, running)
            await self._outlet.forward(result, running)
        except Closed:
            log_of(self.stage, running).debug("duplicate of an ended job")
        except NotDue:
            log_of(self.stage, running, job).info("not expired: it began meanwhile")
        except Anonymous:
            await self._outlet.name(running)
        except Postponed as postponed:
            await self._outlet.postpone(postponed.later, postponed.error, job, running)
        except (DeliveryLost, asyncio.CancelledError):
            raise
        except Exception as error:
            await self._refuse(error, job, running)
        await running.settle()

    async def _result(self, job: Job | Reference, running: Running) -> Result:
        """The stage's one result for this job: an earlier delivery's, or made now."""
        with self._enter(job) as held:
            committed = held.committed(self.stage)
            if committed is not None:
                return committed
            whole = held.follow(job) if isinstance(job, Reference) else job
            return await self._work(whole, held, running)

    def _enter(self, job: Job | Reference) -> Held | Closing:
        if isinstance(job, DownloadJob):
            return self._workspace.begin(job)
        if self.stage == "cleanup":
            return self._workspace.close(job)
        return self._workspace.resume(job)

    async def _work(self, job: Job, held: Any, running: Running) -> Result:
        # A message that came twice may not know of the attempts that failed since.
        running.attempt = max(running.attempt, held.failures(self.stage) + 1)
        log = log_of(self.stage, running, job)
        work = held.attempt(self.stage, log, self._progress(job, running))
        made = await self._run(job, work, held, running)
        cost = _cost(self.stage, running.attempt, work.spent)
        self._metrics.worked(self.stage, cost)
        if isinstance(made, JobEnded):
            removed = made.receipt.files_removed
            log.info("job ended", outcome=made.outcome, filesRemoved=removed)
            return made
        log.info("stage ended", seconds=cost.seconds, next=NEXT[type(made)])
        committed: Result = held.commit(self.stage, made.costing(cost))
        return committed

    async def _run(self, job: Job, work: Any, held: Any, running: Running) -> Result:
        """What the stage makes of the job; a failure, too, is a result."""
        if held.overdue:
            return ending(job, self._workspace.volume, "expired")
        attempt, updates = running.attempt, self._updates.along(running.trace)
        running.begin(held, lambda: updates.started(job.job_id, job.run, self.stage, attempt))
        try:
            return await self._function(job, work)
        except asyncio.CancelledError:
            return self._stopped(job, held, running)
        except Exception as error:
            return self._failed(error, job, held, running)
        finally:
            running.end()

    def _stopped(self, job: Job, held: Any, running: Running) -> CleanupJob:
        """The supervisor stopped the stage; anyone else's cancellation goes on upwards."""
        reason = running.stopped
        if reason is None:
            raise asyncio.CancelledError
        running.work.uncancel()
        if isinstance(reason, Exception):
            return self._failed(reason, job, held, running)
        return ending(job, self._workspace.volume, reason)

    def _failed(self, error: Exception, job: Job, held: Any, running: Running) -> CleanupJob:
        decision = self._decide(error, running)
        if isinstance(decision, Later):
            if decision.counted:
                held.note_failure(self.stage, running.attempt)
            raise Postponed(decision, error)
        log = log_of(self.stage, running, job)
        log.warning("stage failed", error=type(error).__name__, reason=sentence(error))
        failure = report(error, self.stage, running.attempt)
        return ending(job, self._workspace.volume, "failed", failure)

    def _decide(self, error: Exception, running: Running) -> Any:
        most = self._settings.max_attempts
        return decide(error, self.stage, running.attempt, most, self._delays)

    async def _refuse(
        self, error: Exception, job: Job | Reference | None, running: Running
    ) -> None:
        """An error outside the stage's own work: the job could not be entered, or read."""
        decision = self._decide(error, running)
        if isinstance(error, Invalid):
            await self._outlet.park(error, running)
        elif isinstance(decision, Later):
            await self._outlet.postpone(decision, error, job, running)
        elif job is None:
            await self._outlet.park(error, running)
        else:
            failure = report(error, self.stage, running.attempt)
            await self._outlet.forward(
                ending(job, self._workspace.volume, "failed", failure), running
            )

    def _progress(self, job: Job, running: Running) -> Callable[[float, dict[str, object]], None]:
        throttle, attempt = Throttle(), running.attempt
        updates = self._updates.along(running.trace)

        def tell(percent: float, details: dict[str, object]) -> None:
            running.heard(percent, details)
            if throttle.is_due(percent):
                updates.progress(job.job_id, job.run, self.stage, attempt, percent, **details)

        return tell


async def _retire(subscription: Subscription, in_hand: list[asyncio.Task[None]]) -> None:
    """Close a cancelled subscription's channel once nothing on it is left to be settled."""
    if in_hand:
        await asyncio.wait(in_hand)
    await subscription.close()


def _cost(stage: Stage, attempt: int, spent: Spent) -> Cost:
    return Cost(
        stage=stage,
        attempts=attempt,
        seconds=round(time.monotonic() - spent.started, 4),
        cpu_seconds=round(spent.cpu_seconds, 4),
        peak_memory_bytes=spent.peak_memory_bytes,
        downloaded_bytes=spent.downloaded_bytes,
        uploaded_bytes=spent.uploaded_bytes,
    )
