"""Queues and exchanges as data. Every service declares all of it; declaring is idempotent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from shared.errors import MillraceError
from shared.jobs import Stage

QUEUE_OF_STAGE: Mapping[Stage, str] = {
    "download": "download",
    "process": "processing",
    "upload": "upload",
    "cleanup": "cleanup",
}
RETRY_DELAYS_SECONDS: Mapping[str, float] = {"5s": 5, "30s": 30, "2m": 120, "10m": 600}
DELIVERY_LIMIT = 10
# Nobody comes after cleanup: what it is still to tell of a job would never be told. Not for
# ever, so that a message that kills each cleanup does not keep others waiting for good.
CLEANUP_DELIVERY_LIMIT = 1000
# Looking into the parked jobs counts as a delivery; RabbitMQ's largest limit is never reached.
NO_DELIVERY_LIMIT = 2**31 - 1
# An updates queue that nobody reads keeps this many and drops the oldest.
MAX_UPDATES = 100_000


class TopologyMismatch(MillraceError):
    """A queue or an exchange exists with other arguments than Millrace's."""


@dataclass(frozen=True)
class Queue:
    """A durable queue and the exchanges that it is bound to (exchange → routing key)."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    bindings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Exchange:
    """A durable exchange."""

    name: str
    type: Literal["fanout", "topic"]


@dataclass(frozen=True)
class Topology:
    """All that has to exist before a message is published."""

    exchanges: tuple[Exchange, ...]
    queues: tuple[Queue, ...]


@dataclass(frozen=True)
class Lane:
    """The names of one set of queues.

    Attributes:
        prefix: `QUEUE_PREFIX`; services with another prefix are another lane.
        retry_delays: name → seconds of each wait queue, shortest first.
    """

    prefix: str = "video.processing"
    retry_delays: Mapping[str, float] = field(default_factory=lambda: RETRY_DELAYS_SECONDS)

    def queue(self, stage: Stage) -> str:
        """The queue that a stage consumes."""
        return f"{self.prefix}.{QUEUE_OF_STAGE[stage]}"

    def stage(self, queue: str) -> Stage | None:
        """The stage that consumes `queue`."""
        return next((stage for stage in QUEUE_OF_STAGE if self.queue(stage) == queue), None)

    @property
    def dead(self) -> str:
        """The queue of parked messages."""
        return f"{self.prefix}.dead"

    @property
    def events(self) -> str:
        """The topic exchange of all updates."""
        return f"{self.prefix}.events"

    @property
    def updates(self) -> str:
        """The queue that holds all updates for a product to read."""
        return f"{self.prefix}.updates"

    def retry(self, delay: str) -> str:
        """The exchange, and the wait queue behind it, for one of the delays."""
        return f"{self.prefix}.retry.{delay}"

    @property
    def topology(self) -> Topology:
        """Everything of this lane."""
        return Topology(
            exchanges=(
                Exchange(self.events, "topic"),
                *(Exchange(self.retry(delay), "fanout") for delay in self.retry_delays),
            ),
            queues=(
                *(self._stage_queue(stage) for stage in QUEUE_OF_STAGE),
                Queue(
                    self.dead,
                    {"x-queue-type": "quorum", "x-delivery-limit": NO_DELIVERY_LIMIT},
                ),
                *(self._wait_queue(*delay) for delay in self.retry_delays.items()),
                Queue(
                    self.updates,
                    {
                        "x-queue-type": "classic",
                        "x-max-length": MAX_UPDATES,
                        "x-overflow": "drop-head",
                    },
                    {self.events: "#"},
                ),
            ),
        )

    def _stage_queue(self, stage: Stage) -> Queue:
        # Cleanup never dead-letters back to itself.
        ending = stage == "cleanup"
        beyond = self.dead if ending else self.queue("cleanup")
        return Queue(
            self.queue(stage),
            {
                **_AT_LEAST_ONCE,
                "x-dead-letter-routing-key": beyond,
                "x-delivery-limit": CLEANUP_DELIVERY_LIMIT if ending else DELIVERY_LIMIT,
            },
        )

    def _wait_queue(self, delay: str, seconds: float) -> Queue:
        # Without a dead-letter routing key the message keeps its own: the stage's queue.
        return Queue(
            self.retry(delay),
            {**_AT_LEAST_ONCE, "x-message-ttl": int(seconds * 1000)},
            {self.retry(delay): ""},
        )


_AT_LEAST_ONCE = {
    "x-queue-type": "quorum",
    "x-overflow": "reject-publish",
    "x-dead-letter-exchange": "",
    "x-dead-letter-strategy": "at-least-once",
}
