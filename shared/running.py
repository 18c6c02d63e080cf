"""The deliveries that a service works on right now, and the eye kept on them every second."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from shared.broker.base import Delivery
from shared.envelope import Job, trace_of
from shared.errors import TimeLimit
from shared.jobs import Outcome, Reference
from shared.settings import DeliverySettings


class Stoppable(Protocol):
    """What the supervisor asks of a job that is being worked on."""

    @property
    def closed(self) -> bool: ...

    @property
    def overdue(self) -> bool: ...

    @property
    def limited(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How a stage gets on with a film, as it last told; all 0 where it did not.

    Attributes:
        seconds_left: how long the stage takes for the rest.
        speed: seconds of film for each second.
        done: the share of the stage that is done, from 0 to 1.
    """

    seconds_left: float = 0.0
    speed: float = 0.0
    done: float = 0.0


@dataclass(eq=False)
class Running:
    """One delivery in the hands of this service.

    Attributes:
        attempt: which attempt of its stage this is, from 1.
        waiting: for a slot, before anything else.
        brought: the job that the message brings, once it is read.
        job: the job under its lock, while the stage works on it.
        stopped: why the supervisor stopped the stage: the job's outcome, or an error.
        renewal: another message is on its way to take the delivery's place.
        renewed: it has taken it.
        pace: how the stage gets on with a film.
    """

    delivery: Delivery
    work: "asyncio.Task[None]"
    attempt: int = 1
    waiting: bool = True
    brought: Job | Reference | None = None
    received: float = field(default_factory=time.monotonic)
    job: Stoppable | None = None
    began: float = 0.0
    stopped: Outcome | TimeLimit | None = None
    renewal: "asyncio.Task[None] | None" = None
    renewed: bool = False
    settled: bool = False
    tell_started: Callable[[], None] | None = None
    pace: Pace = Pace()

    @cached_property
    def trace(self) -> dict[str, str]:
        """The headers of the trace that the delivery belongs to."""
        return trace_of(self.delivery.message)

    def begin(self, job: Stoppable, tell_started: Callable[[], None]) -> None:
        """The stage starts to work: from now on it can be stopped.

        Watchers are told at the supervisor's next look: a stage that ends before it has
        `finished` to say, and short stages are most of all stages.
        """
        self.job = job
        self.began = time.monotonic()
        self.tell_started = tell_started

    def end(self) -> None:
        """The stage no longer works: nothing stops what comes now."""
        self.job = None
        self.tell_started = None
        self.pace = Pace()

    def heard(self, percent: float, details: Mapping[str, object]) -> None:
        """The stage tells of its progress."""
        left, speed = details.get("secondsLeft"), details.get("speed")
        if isinstance(left, float) and isinstance(speed, float):
            self.pace = Pace(left, speed, percent / 100)
        else:
            self.pace = Pace()

    def reason_to_stop(self, limit_seconds: float) -> Outcome | TimeLimit | None:
        """Why the stage must stop now, if it must."""
        if self.job is None:
            return None
        if self.job.closed:
            return "cancelled"
        if self.job.overdue:
            return "expired"
        if self.job.limited and time.monotonic() - self.began > limit_seconds:
            return TimeLimit(
                f"the stage took longer than {limit_seconds:g} seconds (STAGE_LIMIT_SECONDS)"
            )
        return None

    def stop(self, reason: Outcome | TimeLimit) -> None:
        """Cancel the stage; its children are killed before it ends."""
        self.stopped = reason
        self.job = None
        self.work.cancel()

    async def replaced(self) -> bool:
        """Whether the same message is at the broker again: then nothing must follow from this."""
        if self.renewal is not None:
            await asyncio.wait([self.renewal])
        return self.renewed or self.delivery.lost.done()

    async def settle(self) -> None:
        """Acknowledge, once: at a second time RabbitMQ closes the channel."""
        if not self.settled:
            self.settled = True
            await self.delivery.ack()

    async def give_back(self) -> None:
        """Have it delivered again, unless it is settled."""
        if not self.settled:
            self.settled = True
            await self.delivery.give_back()


def tell_started(running: Iterable[Running]) -> None:
    """Tell watchers of each stage that began since the last look."""
    for one in running:
        if one.tell_started is not None:
            one.tell_started()
            one.tell_started = None


def stop_what_must_end(running: Iterable[Running], settings: DeliverySettings) -> None:
    """Stop each stage whose job was cancelled, is overdue, or takes too long."""
    for one in running:
        reason = one.reason_to_stop(settings.stage_limit_seconds)
        if reason is not None:
            one.stop(reason)


def due_for_renewal(running: Iterable[Running], settings: DeliverySettings) -> list[Running]:
    """The deliveries that the broker would soon take for lost."""
    oldest = time.monotonic() - settings.delivery_renew_seconds
    return [
        one for one in running if one.received <= oldest and one.renewal is None and not one.settled
    ]
