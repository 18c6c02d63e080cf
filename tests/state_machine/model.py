"""What should lie on the disk for one run of a job, in the plainest words; and what does."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from tests.simulation.volume import Node, Volume

ENDING = "ending"
STAGES = ("download", "process", "upload")


@dataclass(frozen=True)
class Lying:
    """What there is of one run.

    Attributes:
        directory: whether it has one.
        lease: the digest of the request, `ENDING` in the place of a lease, or None.
        deadline: by the volume's clock; 0 without a lease.
        committed: the number of each stage's result.
        outcome: of the receipt, or None.
        ended: whether the receipt has the terminal event.
    """

    directory: bool = False
    lease: str | None = None
    deadline: float = 0.0
    committed: Mapping[str, float] = field(default_factory=dict)
    outcome: str | None = None
    ended: bool = False

    def gone(self) -> "Lying":
        """The same without its directory."""
        return replace(self, directory=False, lease=None, deadline=0.0, committed={})

    def with_result(self, stage: str, number: float) -> "Lying":
        """With a stage's result: the first one stays."""
        return replace(self, committed={stage: number, **self.committed})

    def with_receipt(self, outcome: str, *, ended: bool) -> "Lying":
        """With a receipt: the first outcome stays."""
        return replace(self, outcome=self.outcome or outcome, ended=self.ended or ended)


def lying(volume: Volume, name: str) -> Lying:
    """What really is there."""
    found = Lying()
    if volume.exists(f"{volume.root}/jobs/{name}"):
        found = _directory(volume.at(f"{volume.root}/jobs/{name}"))
    if volume.exists(f"{volume.root}/closed/{name}.json"):
        receipt = _json(volume.at(f"{volume.root}/closed/{name}.json"))
        found = found.with_receipt(receipt["outcome"], ended="event" in receipt)
    return found


def _directory(node: Node) -> Lying:
    names = node.names or {}
    committed = {
        stage: _json(names[f"{stage}.json"])["message"]["costs"][0]["seconds"]
        for stage in STAGES
        if f"{stage}.json" in names
    }
    if "job.json" not in names:
        return Lying(directory=True, committed=committed)
    lease = _json(names["job.json"])
    return Lying(
        directory=True,
        lease=lease.get("digest", ENDING),
        deadline=lease.get("deadline", 0.0),
        committed=committed,
    )


def _json(node: Node) -> dict[str, Any]:
    fields: dict[str, Any] = orjson.loads(node.content)
    return fields


def wrong_after_death(before: Lying, after: Lying) -> str | None:
    """What a worker's death at any operation must not have changed."""
    if before.outcome and after.outcome != before.outcome:
        return "the outcome changed"
    if before.ended and not after.ended:
        return "the event is lost"
    if before.directory and not after.directory and not after.outcome:
        return "the directory is gone, and there is no receipt"
    if after.directory and before.directory:
        return _wrong_inside(before, after)
    return None


def _wrong_inside(before: Lying, after: Lying) -> str | None:
    if before.lease and (before.lease, before.deadline) != (after.lease, after.deadline):
        return "the lease changed"
    if any(after.committed.get(stage) != number for stage, number in before.committed.items()):
        return "a committed result changed"
    return None
