"""What was accepted, and what the events told of it."""

import asyncio
import fnmatch
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from shared.broker.topology import Lane
from shared.jobs import directory_name
from tests.soak.orders import MISFORTUNES, Order

RETRIED = ("DeliveryLimit", "EngineUnavailable", "SourceUnavailable", "StorageUnavailable")


@dataclass
class Run:
    """One passage of one job that was accepted.

    Attributes:
        endings: those that it may have.
        told: the data of each terminal event, by the event's id.
        times: how often any of them came.
        ended: set with the first.
    """

    kind: str
    job_id: str
    number: int
    endings: frozenset[str]
    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    times: int = 0
    contradictions: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def name(self) -> str:
        """The name of its directory and its receipt."""
        return f"{directory_name(self.job_id)}.{self.number}"

    @property
    def ending(self) -> str:
        """How it ended: the outcome, with the error's class where it failed."""
        data = next(iter(self.told.values()), None)
        if data is None:
            return "never"
        error = data.get("error")
        return f"{data['outcome']}: {error['error']}" if error else str(data["outcome"])

    @property
    def end(self) -> dict[str, Any]:
        """The data of its terminal event."""
        return next(iter(self.told.values()), {})

    def tell(self, identity: str, data: dict[str, Any]) -> None:
        """A terminal event has come."""
        self.times += 1
        if self.told.setdefault(identity, data) != data:
            self.contradictions += 1

    def faults(self, attempts: int) -> Iterator[str]:
        """What is wrong with how it ended."""
        if len(self.told) != 1:
            yield f"{len(self.told)} endings: {sorted(self.told)}"
        if self.contradictions:
            yield f"its terminal event came with other data {self.contradictions} times"
        allowed = self.endings | MISFORTUNES
        if self.told and not any(fnmatch.fnmatch(self.ending, one) for one in allowed):
            yield f"ended as {self.ending}: {self.end.get('error')}"
        error = self.end.get("error") or {}
        if error.get("error") in RETRIED and error["attempts"] < attempts:
            yield f"was given up after {error['attempts']} attempts: {error}"


@dataclass
class Ledger:
    """One lane's accepted runs and refused messages.

    Attributes:
        runs: by name.
        refused: message id → the ids of the `rejected` events about it.
        kinds: message id → the kind of order that it belongs to.
        unknown: events about nothing that was ordered.
    """

    lane: Lane
    runs: dict[str, Run] = field(default_factory=dict)
    refused: dict[str, set[str]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    def accept(self, order: Order) -> list[Run]:
        """The runs that the order is about, before its first message is sent."""
        runs = [
            Run(order.kind, order.job_id, number, self._endings(order, number))
            for number in range(1, order.runs + 1)
        ]
        self.runs.update({run.name: run for run in runs})
        for letter in order.letters:
            if letter.rejected and letter.message_id:
                self.refused[letter.message_id] = set()
                self.kinds[letter.message_id] = order.kind
        return runs

    @staticmethod
    def _endings(order: Order, number: int) -> frozenset[str]:
        last = number == order.runs and order.last_ending
        return frozenset({order.last_ending}) if last else order.endings

    def run_of(self, data: dict[str, Any]) -> Run | None:
        """The run that a terminal event is about."""
        return self.runs.get(f"{directory_name(data['jobId'] or '')}.{data.get('run')}")

    def reject(self, event: dict[str, Any]) -> None:
        """A `rejected` event has come."""
        identities = self.refused.get(event["data"].get("messageId") or "")
        if identities is None:
            self.unknown.append(event["id"])
        else:
            identities.add(event["id"])

    @property
    def open(self) -> list[str]:
        """What has not ended yet."""
        runs = [run.name for run in self.runs.values() if not run.ended.is_set()]
        return runs + [name for name, told in self.refused.items() if not told]

    @property
    def completed(self) -> Iterator[Run]:
        """The runs whose results must be stored."""
        return (run for run in self.runs.values() if run.ending == "completed")

    @property
    def failed(self) -> Iterator[Run]:
        """The runs that must be parked."""
        return (run for run in self.runs.values() if run.ending.startswith("failed"))

    def faults(self, attempts: int) -> Iterator[str]:
        """Each broken promise in one sentence that begins with the name of what it is about."""
        for run in self.runs.values():
            yield from (f"{run.name}: {fault}" for fault in run.faults(attempts))
        for name, identities in self.refused.items():
            if len(identities) != 1:
                yield f"{name}: rejected {len(identities)} times: {sorted(identities)}"
        yield from (f"{name}: an event about nothing that was ordered" for name in self.unknown)


def endings(ledgers: Iterable[Ledger]) -> Counter[tuple[str, str]]:
    """How often each kind of order came to each ending."""
    found: Counter[tuple[str, str]] = Counter()
    for ledger in ledgers:
        found.update((run.kind, run.ending) for run in ledger.runs.values())
        found.update(
            (ledger.kinds[name], "rejected") for name, told in ledger.refused.items() if told
        )
    return found
