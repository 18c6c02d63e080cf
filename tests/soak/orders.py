"""What users ask for: kinds of jobs, from a seed, each with the endings that it may have."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.jobs import Stage
from tests.soak.shelf import Shelf
from tests.soak.web import Web

# What faults can make of any job: its attempts are used up, or its workers died too often.
MISFORTUNES = frozenset(
    {
        "failed: DeliveryLimit",
        "failed: EngineUnavailable",
        "failed: SourceUnavailable",
        "failed: StorageUnavailable",
    }
)
_PHOTO = ({"op": "resize", "name": "s", "width": 64, "formats": ["webp"], "quality": 50},)
_PHOTOS = ("thumbnail", "low-quality", {"op": "resize", "name": "m", "width": 200})
_FILM = (
    {"op": "renditions", "heights": [90], "preset": "ultrafast", "audio": False},
    {"op": "poster", "width": 160},
)


@dataclass(frozen=True)
class Letter:
    """One message of a user.

    Attributes:
        after: seconds since the message before.
        once_ended: not before the job has ended.
        rejected: it must be, and `message_id` names it.
    """

    body: bytes
    after: float = 0.0
    stage: Stage = "download"
    once_ended: bool = False
    rejected: bool = False
    message_id: str | None = None


@dataclass(frozen=True)
class Order:
    """What one user wants, and how it may end.

    Attributes:
        endings: outcomes, with the error's class where it fails; `failed: *` is any error.
        runs: how many passages of the job there will be; 0 where the message is no job.
        last_ending: of the last run, where there are several.
    """

    kind: str
    job_id: str
    letters: tuple[Letter, ...]
    endings: frozenset[str] = frozenset({"completed"})
    runs: int = 1
    last_ending: str = ""


class Customer:
    """Thinks of one order after the other."""

    def __init__(self, shelf: Shelf, web: Web, dice: random.Random) -> None:
        self._shelf = shelf
        self._web = web
        self._dice = dice
        self._number = 0

    def orders(self) -> Iterator[Order]:
        """Orders without an end."""
        kinds = list(KINDS)
        weights = [KINDS[kind][0] for kind in kinds]
        while True:
            self._number += 1
            (kind,) = self._dice.choices(kinds, weights)
            yield KINDS[kind][1](self, kind, f"{kind.replace(' ', '-')}-{self._number}")

    # ── sources ──────────────────────────────────────────────────────────────────────────

    def _small(self, job_id: str) -> str:
        """A small photo from anywhere."""
        path = self._dice.choice(self._shelf.small)
        way = self._dice.choice(("file", "file", "plain", "moved"))
        return path.as_uri() if way == "file" else self._web.address(way, job_id, path)

    def _one_of(self, paths: tuple[Path, ...]) -> str:
        return self._dice.choice(paths).as_uri()

    # ── kinds ────────────────────────────────────────────────────────────────────────────

    def photo(self, kind: str, job_id: str) -> Order:
        return Order(kind, job_id, (_job(job_id, self._small(job_id)),))

    def picture(self, kind: str, job_id: str) -> Order:
        """A real photo; of the tricky ones some are read by nobody."""
        letter = _job(job_id, self._one_of(self._shelf.photos), operations=_PHOTOS)
        return Order(kind, job_id, (letter,), _ENDED_BY_ITS_CONTENT)

    def clip(self, kind: str, job_id: str) -> Order:
        return Order(
            kind, job_id, (_job(job_id, self._one_of(self._shelf.clips), operations=_FILM),)
        )

    def film(self, kind: str, job_id: str) -> Order:
        return Order(
            kind, job_id, (_job(job_id, self._one_of(self._shelf.films), operations=_FILM),)
        )

    def original(self, kind: str, job_id: str) -> Order:
        """A photo that is uploaded itself, in several parts."""
        letter = _job(job_id, self._one_of(self._shelf.heavy), keepOriginal=True)
        return Order(kind, job_id, (letter,))

    def hostile(self, kind: str, job_id: str) -> Order:
        letter = _job(job_id, self._one_of(self._shelf.hostile), operations=_PHOTOS)
        return Order(kind, job_id, (letter,), _ENDED_BY_ITS_CONTENT)

    def badly_served(self, kind: str, job_id: str) -> Order:
        way = self._dice.choice(("broken", "busy", "slow"))
        source = self._web.address(way, job_id, self._dice.choice(self._shelf.small))
        return Order(kind, job_id, (_job(job_id, source),))

    def dead_link(self, kind: str, job_id: str) -> Order:
        gone = self._shelf.folder / "gone.jpg"
        source, error = self._dice.choice(
            (
                (self._web.address("missing", job_id, gone), "SourceMissing"),
                (gone.as_uri(), "SourceMissing"),
                (self._web.address("huge", job_id, gone), "SourceTooLarge"),
                ("http://10.1.2.3/a.jpg", "SourceForbidden"),
                ("file:///etc/passwd", "SourceForbidden"),
            )
        )
        return Order(kind, job_id, (_job(job_id, source),), frozenset({f"failed: {error}"}))

    def unreachable(self, kind: str, job_id: str) -> Order:
        source = self._web.address("nobody", job_id, self._shelf.small[0])
        endings = frozenset({"failed: SourceUnavailable"})
        return Order(kind, job_id, (_job(job_id, source),), endings)

    def cancelled(self, kind: str, job_id: str) -> Order:
        film = self._dice.random() < 0.25
        source = self._one_of(self._shelf.films if film else self._shelf.small)
        cancel = json.dumps({"jobId": job_id, "outcome": "cancelled"}).encode()
        letters = (
            _job(job_id, source, operations=None if film else _PHOTO),
            Letter(cancel, after=self._dice.uniform(0, 3), stage="cleanup"),
        )
        return Order(kind, job_id, letters, frozenset({"completed", "cancelled"}))

    def short_lived(self, kind: str, job_id: str) -> Order:
        hours = self._dice.choice((1e-6, 2e-5, 1e-4, 5e-4))
        letter = _job(job_id, self._small(job_id), ttlHours=hours)
        return Order(kind, job_id, (letter,), frozenset({"completed", "expired"}))

    def duplicate(self, kind: str, job_id: str) -> Order:
        first = _job(job_id, self._small(job_id))
        again = Letter(first.body, after=self._dice.choice((0.0, 0.05, 0.5, 5.0)))
        late = Letter(first.body, after=self._dice.uniform(0, 60), once_ended=True)
        return Order(kind, job_id, (first, again, late))

    def reused_id(self, kind: str, job_id: str) -> Order:
        first = _job(job_id, self._small(job_id))
        other = _job(job_id, self._small(job_id), metadata={"another": "request"})
        # Once the first has ended: before that, a lost connection may let the second overtake it.
        second = Letter(other.body, once_ended=True, rejected=True, message_id=f"second.{job_id}")
        return Order(kind, job_id, (first, second))

    def rival(self, kind: str, job_id: str) -> Order:
        """One of several that want the same keys: whoever is first has them."""
        destination = f"rivals/{self._number // 150}/{{name}}.{{ext}}"
        letter = _job(job_id, self._small(job_id), destination=destination)
        return Order(kind, job_id, (letter,), frozenset({"completed", "failed: ObjectExists"}))

    def run_again(self, kind: str, job_id: str) -> Order:
        source = self._web.address("later", job_id, self._dice.choice(self._shelf.small))
        letters = (_job(job_id, source), _job(job_id, source, once_ended=True, run=2))
        endings = frozenset({"failed: SourceMissing"})
        return Order(kind, job_id, letters, endings, runs=2, last_ending="completed")

    def no_job(self, kind: str, job_id: str) -> Order:
        body = self._dice.choice(
            (
                b'{"jobId": "broken", ',
                b"\xff\xfe",
                b"[]",
                json.dumps({"jobId": job_id}).encode(),
                json.dumps({"jobId": job_id, "source": "x", "destination": "{no}/x"}).encode(),
                json.dumps({"jobId": job_id, "source": "x", "ttlHours": -1}).encode(),
                b" " * 40_000,
            )
        )
        return Order(kind, job_id, (Letter(body, rejected=True, message_id=job_id),), runs=0)


_ENDED_BY_ITS_CONTENT = frozenset(
    {
        "completed",
        "failed: CorruptMedia",
        "failed: UnsupportedMedia",
        "failed: SourceTooLarge",
        "failed: TimeLimit",
        "failed: InvalidJob",
    }
)


def _job(
    job_id: str, source: str, *, operations: Any = _PHOTO, once_ended: bool = False, **fields: Any
) -> Letter:
    asked = {"jobId": job_id, "source": source, "operations": operations, **fields}
    body = json.dumps({name: value for name, value in asked.items() if value is not None})
    return Letter(body.encode(), once_ended=once_ended)


Think = Callable[[Customer, str, str], Order]
# How often each comes, of a thousand.
KINDS: dict[str, tuple[int, Think]] = {
    "photo": (510, Customer.photo),
    "dead link": (100, Customer.dead_link),
    "duplicate": (80, Customer.duplicate),
    "badly served": (50, Customer.badly_served),
    "cancelled": (50, Customer.cancelled),
    "short-lived": (40, Customer.short_lived),
    "hostile": (35, Customer.hostile),
    "rival": (30, Customer.rival),
    "no job": (25, Customer.no_job),
    "reused id": (20, Customer.reused_id),
    "clip": (20, Customer.clip),
    "run again": (15, Customer.run_again),
    "picture": (12, Customer.picture),
    "original": (6, Customer.original),
    "unreachable": (5, Customer.unreachable),
    "film": (2, Customer.film),
}
