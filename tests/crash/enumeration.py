"""Every point of one stage, one kind of job and one scenario."""

from dataclasses import dataclass, field

from shared.jobs import Stage
from tests.crash.lane import Rig
from tests.crash.points import by_kind
from tests.crash.rounds import Kind, Round, Scenario, Undisturbed


@dataclass
class Enumeration:
    """All rounds of one kind of job, one stage and one scenario."""

    stage: Stage
    kind: Kind
    scenario: Scenario
    undisturbed: Undisturbed
    rounds: list[Round] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """What was wrong, with the points."""
        return [f"{one}: {fault}" for one in self.rounds for fault in one.faults]

    def __str__(self) -> str:
        deaths = by_kind([one.point for one in self.rounds if one.point])
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(deaths.items()))
        return (
            f"{self.stage:9} {self.kind.name:9} {self.scenario:12} "
            f"{len(self.undisturbed.points):4} points, {deaths.total():4} deaths ({kinds})"
        )


async def enumerate_points(
    rig: Rig, kind: Kind, scenario: Scenario, *, step: int = 1, looks: bool = False
) -> Enumeration:
    """A round for every `step`th point, until the job gets through."""
    undisturbed = await rig.undisturbed(kind, looks=looks)
    done = Enumeration(rig.stage, kind, scenario, undisturbed)
    number = 1
    while True:
        one = await rig.round(kind, number, scenario, undisturbed.stored, looks=looks)
        done.rounds.append(one)
        if one.point is None and number > len(undisturbed.points):
            return done
        number += step
