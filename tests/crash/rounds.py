"""What is run at each point, and what came of it."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tests.crash.points import Point

# plain: it is killed and started again. duplicate: each message to the stage comes twice.
# cancel: a cancellation waits when it is started again. abandoned: the job is cancelled while
# nobody is there, and the stage is started again after the end.
# pair: a second service of the stage is there all the time, and each message comes twice.
# pair-cancel: and a cancellation waits as well. sweep: sweeps run all the time.
Scenario = Literal["plain", "duplicate", "cancel", "abandoned", "pair", "pair-cancel", "sweep"]


@dataclass(frozen=True)
class Kind:
    """A job to run at every point.

    Attributes:
        outcome: how it ends when nobody disturbs it.
        taken: names in the storage that somebody else's objects have before it.
        fields: more of the request.
    """

    name: str
    source: Path
    operations: tuple[Any, ...]
    outcome: str = "completed"
    taken: tuple[str, ...] = ()
    fields: dict[str, Any] = field(default_factory=dict)

    def body(self, job: str) -> bytes:
        asked = {"jobId": job, "source": self.source.as_uri(), "operations": self.operations}
        return json.dumps({**asked, **self.fields}).encode()


@dataclass
class Undisturbed:
    """What a job does when its stage lives.

    Attributes:
        stored: name → digest of what it leaves below its folder in the storage.
        points: those that the stage passed.
    """

    stored: dict[str, str]
    points: list[Point]


@dataclass
class Round:
    """One job whose stage died at one point.

    Attributes:
        point: where it died; None if the job got through before.
        faults: what was wrong.
    """

    number: int
    scenario: Scenario
    point: Point | None
    faults: list[str]

    def __str__(self) -> str:
        return f"{self.scenario}, {self.point or f'{self.number} (not reached)'}"
