"""What must hold at the moment of a job's terminal event, seen on the disk and in the storage."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.storage.keys import PRIVATE

TERMINAL = {"completed", "failed", "cancelled", "expired", "rejected"}


@dataclass(frozen=True)
class Event:
    """One terminal event, and what lay on the disk when it came.

    Attributes:
        left: what was found of the job: in `jobs/`, in `trash/`, and temporary in the storage.
        stored: what was found below the job's folder in the storage: name → digest, and empty
            for a folder.
    """

    identity: str
    outcome: str
    data: Mapping[str, Any]
    left: tuple[str, ...]
    stored: Mapping[str, str]


@dataclass(frozen=True)
class Site:
    """Where a lane's files lie.

    Attributes:
        work: `TEMP_DIR/<prefix>`.
        uploads: the root of the storage.
    """

    work: Path
    uploads: Path

    def left_of(self, job: str) -> tuple[str, ...]:
        """What there is of one job beside its results."""
        folders = (self.work / "jobs", self.work / "trash", self.uploads / PRIVATE)
        return tuple(
            str(path.relative_to(self.work.parent.parent))
            for folder in folders
            if folder.is_dir()
            for top in folder.iterdir()
            if top.name.startswith(f"{job}.")
            for path in (top, *top.rglob("*"))
        )

    def stored_of(self, job: str) -> dict[str, str]:
        """What there is below one job's folder in the storage, the folder itself included."""
        folder = self.uploads / job
        found = [folder, *folder.rglob("*")] if folder.exists() else []
        return {
            path.relative_to(self.uploads).as_posix(): _digest(path) if path.is_file() else ""
            for path in found
        }

    def strangers(self) -> list[str]:
        """What has no right to be there once every job has ended."""
        known = {"volume", "jobs", "closed", "trash", "sweep.json"}
        found = [path for path in self.work.iterdir() if path.name not in known]
        for name in ("jobs", "trash"):
            # What a sweep was writing when it was killed is no job's; the next sweeps remove it.
            found += (path for path in (self.work / name).iterdir() if path.name[:6] != "sweep.")
        if (self.uploads / PRIVATE).is_dir():
            found += (self.uploads / PRIVATE).iterdir()
        return [str(path.relative_to(self.work.parent.parent)) for path in found]

    def witness(self, body: bytes, job: str) -> Event | None:
        """The terminal event with what lies there right now; None for any other event."""
        event = json.loads(body)
        outcome = event["type"].rpartition(".")[2]
        if outcome not in TERMINAL:
            return None
        left, stored = self.left_of(job), self.stored_of(job)
        return Event(event["id"], outcome, event["data"], left, stored)

    def receipts_of(self, job: str) -> list[str]:
        """The names of one job's receipts."""
        return sorted(path.name for path in (self.work / "closed").glob(f"{job}.*"))


def faults(
    events: list[Event],
    site: Site,
    job: str,
    outcomes: Collection[str],
    results: Mapping[str, str],
) -> list[str]:
    """What is wrong with how a job ended, one sentence each.

    Args:
        outcomes: those that it may have.
        results: name → digest of all that a completed job leaves in the storage.
    """
    if not events:
        return ["no terminal event"]
    found = [fault for event in events for fault in _at_event(event, outcomes, results)]
    if len({event.identity for event in events}) > 1:
        found.append(f"several endings: {sorted({event.identity for event in events})}")
    if any(event.data != events[0].data for event in events):
        found.append("the same event with different data")
    if site.receipts_of(job) != [f"{job}.1.json"]:
        found.append(f"receipts: {site.receipts_of(job)}")
    if site.stored_of(job) != events[0].stored:
        found.append(f"the storage changed after the end: {site.stored_of(job)}")
    return found + [f"left behind after all: {name}" for name in site.strangers()]


def _at_event(event: Event, outcomes: Collection[str], results: Mapping[str, str]) -> list[str]:
    found = [f"on the disk at the terminal event: {name}" for name in event.left]
    if event.outcome not in outcomes:
        found.append(f"outcome {event.outcome}: {event.data.get('error')}")
    whole = results if event.outcome == "completed" else {}
    stored = {name.partition("/")[2]: digest for name, digest in event.stored.items()}
    if stored != whole:
        found.append(f"{event.outcome}, and in the storage: {stored or 'nothing'}")
    if event.outcome == "completed" and {
        _below(result["key"]): result["sha256"] for result in event.data["results"]
    } != {name: digest for name, digest in results.items() if digest}:
        found.append(f"other results than those of an undisturbed run: {event.data['results']}")
    return found


def _below(key: str) -> str:
    return key.partition("/")[2]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
