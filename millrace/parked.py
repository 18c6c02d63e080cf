"""The parked messages of a lane: looked at without harm, run again, thrown away.

A look holds every message that it has come past, unsettled, and gives all of them back in their
order at its end, or when its process dies. Nobody else sees them meanwhile. The dead queue's
delivery limit, which counts each look, is too large to be ever reached.
"""

import asyncio
import datetime
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal, Self

import orjson

from shared.broker.base import Broker, Delivery, Message, Subscription
from shared.broker.topology import Lane
from shared.envelope import dead_letter_of, decode, encode, job_id_of, sent_again, sent_again_dead
from shared.errors import BrokerUnavailable, InvalidJob, MillraceError, WorkspaceFull
from shared.intake import given_up
from shared.jobs import DownloadJob, Stage
from shared.wire import Wire
from shared.workspace import Workspace

# One channel holds so many; the next ones come on a channel of their own.
BATCH = 1000
# Silence for so long, and the broker is asked whether there is more.
SILENCE_SECONDS = 1.0
Kind = Literal["failed", "rejected", "unended"]


class NotParked(MillraceError):
    """No such message is parked."""


class CannotRedrive(MillraceError):
    """The parked message is nothing that can run again."""


class Parked(Wire):
    """One parked message, and why it is there.

    Attributes:
        kind: `failed`, a job that can run again; `rejected`, a message that was no valid job;
            `unended`, a job's end that cleanup died of again and again.
        id: of the job, else of the message.
        parked_at: by the clock of the service that parked it; absent in `unended`.
    """

    kind: Kind
    id: str
    job_id: str | None = None
    run: int | None = None
    stage: str | None = None
    error: str
    reason: str
    attempts: int | None = None
    parked_at: datetime.datetime | None = None

    @classmethod
    def read(cls, message: Message, lane: Lane) -> Self:
        """What a message in the dead queue of `lane` is."""
        headers, job_id = message.headers, job_id_of(message)
        died = dead_letter_of(message)
        own: Kind = "failed" if headers.get("parked") == "failed" else "rejected"
        return cls(
            kind="unended" if died else own,
            id=job_id or message.message_id or "unknown",
            job_id=job_id,
            run=_number(headers.get("run")),
            stage=lane.stage(died[0]) if died else str(headers.get("stage", "")),
            error="DeliveryLimit" if died else str(headers.get("error", "unknown")),
            reason=f"its workers died ({died[1]})" if died else str(headers.get("reason", "")),
            attempts=_number(headers.get("attempts")),
            parked_at=None if died else _when(message.timestamp),
        )


def _when(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def _number(header: object) -> int | None:
    return header if isinstance(header, int) else None


@dataclass(frozen=True)
class Selection:
    """Which parked messages are meant: those for which everything holds that is given.

    Attributes:
        ids: of jobs, or of messages that name no job.
        older_than, newer_than: since when they have been parked, in seconds.
        limit: the oldest so many of them.
    """

    ids: frozenset[str] = frozenset()
    stage: Stage | None = None
    error: str | None = None
    older_than: float | None = None
    newer_than: float | None = None
    limit: int | None = None

    def takes(self, parked: Parked, now: datetime.datetime) -> bool:
        """Whether it is one of those, `limit` aside."""
        return (
            (not self.ids or parked.id in self.ids)
            and self.stage in (None, parked.stage)
            and self.error in (None, parked.error)
            and self._age_fits(parked, now)
        )

    def _age_fits(self, parked: Parked, now: datetime.datetime) -> bool:
        if self.older_than is None and self.newer_than is None:
            return True
        if parked.parked_at is None:
            return False
        age = (now - parked.parked_at).total_seconds()
        oldest = float("inf") if self.newer_than is None else self.newer_than
        return (self.older_than or float("-inf")) <= age <= oldest


@dataclass(frozen=True)
class Held:
    """A parked message in the hands of a look."""

    parked: Parked
    delivery: Delivery

    @property
    def whole(self) -> dict[str, Any]:
        """All that the message says, as JSON has it; a body that is no JSON as text."""
        message = self.delivery.message
        try:
            body = orjson.loads(message.body)
        except ValueError:
            body = message.body.decode(errors="replace")
        return {**self.parked.model_dump(), "headers": dict(message.headers), "body": body}

    async def throw_away(self) -> None:
        """Take it out of the queue for good.

        Raises:
            BrokerUnavailable: the broker took it back meanwhile; it is parked as before.
        """
        if self.delivery.lost.done():
            raise BrokerUnavailable("the connection to the broker was lost; say it again")
        await self.delivery.ack()

    async def redrive(
        self, broker: Broker, lane: Lane, workspace: Workspace | None = None
    ) -> int | None:
        """Start the job's next run; the run's number, or None where an end goes on.

        The number follows from the parked run's. So whoever does it twice, because a crash came
        between the publish and the acknowledgement, starts one run: its second message is a
        duplicate. Only a next run that was cancelled or has expired since is not taken for it.

        Args:
            workspace: the lane's, where it is at hand: without it nobody can cancel the run, or
                see it, before its download begins.

        Raises:
            CannotRedrive: it is no job, or has no next run.
            BrokerUnavailable: not confirmed; the message stays parked.
        """
        message = self.delivery.message
        if self.parked.kind == "unended":
            died = given_up(message, lane)
            again = sent_again_dead(message, died) if died else sent_again(message)
            await broker.publish(again, lane.queue("cleanup"))
            await self.delivery.ack()
            return None
        job = self._next_run(workspace)
        if workspace is not None:
            # First: a run that nobody published is published by the next redrive.
            with suppress(OSError, WorkspaceFull):
                workspace.note_redrive(job.job_id, job.run)
        await broker.publish(encode(job), lane.queue("download"))
        await self.delivery.ack()
        return job.run

    def _next_run(self, workspace: Workspace | None) -> DownloadJob:
        parked = self.parked
        if parked.kind != "failed":
            raise CannotRedrive(
                f"{parked.id} was no valid job ({parked.reason}); mend it and publish it anew"
            )
        try:
            job = decode(self.delivery.message, "download")
            assert isinstance(job, DownloadJob)
            return DownloadJob.parse({**dict(job), "run": _run_after(job, workspace)})
        except InvalidJob as error:
            raise CannotRedrive(f"{parked.id} cannot run again: {error}") from None


def _run_after(job: DownloadJob, workspace: Workspace | None) -> int:
    if workspace is not None:
        with suppress(OSError):  # it is there, and another user's
            return workspace.next_run(job.job_id, job.run)
    return job.run + 1


@asynccontextmanager
async def looking(
    broker: Broker, lane: Lane, selection: Selection
) -> AsyncIterator[AsyncIterator[Held]]:
    """Those of the parked messages that are meant, in the queue's order: the oldest first.

    A look that is cut short moves what it has seen to the queue's end.

    What is parked while the look lasts is left for the next one.

    Raises:
        BrokerUnavailable: the connection was lost; then everything has been given back.
    """
    look = _Look(broker, lane)
    try:
        yield look.chosen(selection)
    finally:
        await look.close()


class _Look:
    """One passage over the dead queue."""

    def __init__(self, broker: Broker, lane: Lane) -> None:
        self._broker = broker
        self._lane = lane
        self._subscriptions: list[Subscription] = []
        self._arrived: asyncio.Queue[Delivery] = asyncio.Queue()
        self._first: Delivery | None = None

    async def chosen(self, selection: Selection) -> AsyncIterator[Held]:
        now = datetime.datetime.now(datetime.UTC)
        left = selection.limit
        async for delivery in self._all():
            held = Held(Parked.read(delivery.message, self._lane), delivery)
            # To the end in any case: what is given back goes behind what was not looked at.
            if left != 0 and selection.takes(held.parked, now):
                left = left and left - 1
                yield held

    async def _all(self) -> AsyncIterator[Delivery]:
        for number in range(await self._broker.depth(self._lane.dead)):
            if number % BATCH == 0:
                await self._widen()
            delivery = await self._next()
            if delivery is None:
                break
            self._first = self._first or delivery
            self._refuse_lost(self._first)
            yield delivery

    async def _widen(self) -> None:
        """Have room for another batch beside those that are held."""
        arrived = self._arrived.put_nowait
        self._subscriptions.append(await self._broker.subscribe(self._lane.dead, BATCH, arrived))

    async def _next(self) -> Delivery | None:
        """The next delivery, or None where others have taken what was there."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(SILENCE_SECONDS):
                    return await self._arrived.get()
            if self._first is not None:
                self._refuse_lost(self._first)
            if not await self._broker.depth(self._lane.dead):
                return None

    def _refuse_lost(self, first: Delivery) -> None:
        """After a lost connection the broker begins anew, and all of it would be seen twice."""
        if first.lost.done():
            raise BrokerUnavailable("the connection to the broker was lost; say it again")

    async def close(self) -> None:
        """Give all of it back: the oldest first, when nobody here takes it once more."""
        for subscription in self._subscriptions:
            await subscription.cancel()
        for subscription in self._subscriptions:
            await subscription.close()
