"""A service is killed at every point of its work: no job is lost, and nothing of it is left."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import uuid4

import pytest

from millrace.wiring import STAGES
from shared.broker.topology import Lane
from shared.jobs import Stage
from shared.workspace import Workspace
from tests.conftest import missing
from tests.crash.conftest import COUNTED
from tests.crash.enumeration import enumerate_points
from tests.crash.lane import Rig
from tests.crash.nursery import Nursery, Worker
from tests.crash.rounds import Kind, Scenario
from tests.crash.trace import changes_of, ensure_tracing, traced
from tests.crash.worker import DELAYS, Order
from tests.servers.errors import ServerUnavailable
from tests.waiting import until

Kinds = Mapping[str, Kind]
SCENARIOS: tuple[Scenario, ...] = ("plain", "duplicate", "cancel", "abandoned")
TOGETHER: tuple[Scenario, ...] = ("pair", "pair-cancel", "sweep")
FAILING: tuple[Stage, ...] = ("download", "cleanup")
REPLACING: tuple[Stage, ...] = ("upload", "cleanup")
# Killed there, nobody is left to see that a job was cancelled.
NEVER = ("cleanup", "abandoned")


def every() -> Iterator[tuple[Stage, str, Scenario]]:
    """All that is enumerated whole."""
    for stage in STAGES:
        yield from ((stage, "photo", one) for one in SCENARIOS if (stage, one) != NEVER)
        yield stage, "film", "plain"
    yield from (("process", "film", one) for one in SCENARIOS[1:])
    yield from ((stage, "photo", one) for stage in STAGES for one in TOGETHER)
    yield from ((stage, "broken", one) for stage in FAILING for one in SCENARIOS[:3])
    yield from ((stage, "replacing", one) for stage in REPLACING for one in SCENARIOS[:2])


async def check(
    stage: Stage,
    kind: Kind,
    scenario: Scenario,
    url: str,
    folder: Path,
    workers: Nursery,
    *,
    step: int = 1,
    looks: bool = False,
) -> None:
    async with Rig.opened(stage, url, folder, workers.start) as rig:
        done = await enumerate_points(rig, kind, scenario, step=step, looks=looks)
    COUNTED.append(str(done))
    assert not done.faults, "\n".join(done.faults[:40])


@pytest.mark.parametrize(
    ("stage", "scenario", "step"),
    [
        ("upload", "plain", 5),
        ("cleanup", "plain", 5),
        ("upload", "abandoned", 9),
        ("cleanup", "pair", 9),
    ],
)
async def test_killed_at_some_points(
    stage: Stage,
    scenario: Scenario,
    step: int,
    kinds: Kinds,
    amqp_url: str,
    tmp_path: Path,
    workers: Nursery,
) -> None:
    await check(stage, kinds["photo"], scenario, amqp_url, tmp_path, workers, step=step)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("stage", "kind", "scenario"), [*every()])
async def test_killed_at_every_point(
    stage: Stage,
    kind: str,
    scenario: Scenario,
    kinds: Kinds,
    amqp_url: str,
    tmp_path: Path,
    workers: Nursery,
) -> None:
    await check(stage, kinds[kind], scenario, amqp_url, tmp_path, workers)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("stage", STAGES)
async def test_killed_around_every_look(
    stage: Stage, kinds: Kinds, amqp_url: str, tmp_path: Path, workers: Nursery
) -> None:
    """What only reads changes nothing, but much can happen between two looks."""
    await check(stage, kinds["photo"], "plain", amqp_url, tmp_path, workers, looks=True)


async def test_killed_while_it_makes_the_work_directory(
    amqp_url: str, tmp_path: Path, workers: Nursery
) -> None:
    """Whoever comes next finds one volume, with one id, and nothing that nobody knows."""
    lane = Lane(f"test-{uuid4().hex[:8]}", DELAYS)
    for number in range(1, 40):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        work, uploads, log = (str(folder / name) for name in ("work", "uploads", "log"))
        worker = workers.start(Order("upload", amqp_url, lane.prefix, work, uploads, log, number))
        await until(lambda worker=worker: worker.dead or _connects(worker))  # type: ignore[misc]
        worker.kill()
        opened, again = (Workspace(folder / "work" / lane.prefix) for _ in range(2))
        opened.open()
        again.open()
        assert opened.volume == again.volume != ""
        assert opened.strangers() == []
        if not worker.points[number - 1 :]:
            COUNTED.append(f"upload    first start          {number:4} points")
            return
    pytest.fail("it never got through")


def _connects(worker: Worker) -> bool:
    """Whether it is past the work directory, and speaks to the broker."""
    return any(point.kind == "broker" for point in worker.points)


@pytest.mark.parametrize(
    ("stage", "kind"),
    [
        ("upload", "photo"),
        *(pytest.param(stage, "photo", marks=pytest.mark.slow) for stage in STAGES),
        *(pytest.param(stage, "film", marks=pytest.mark.slow) for stage in STAGES),
        pytest.param("cleanup", "broken", marks=pytest.mark.slow),
        pytest.param("upload", "replacing", marks=pytest.mark.slow),
    ],
)
async def test_no_change_without_a_point(
    stage: Stage, kind: str, kinds: Kinds, amqp_url: str, tmp_path: Path
) -> None:
    """The kernel's account of a run has nothing that the points have not, and the other way."""
    try:
        ensure_tracing()
    except ServerUnavailable as error:
        missing(str(error))
    with traced(tmp_path / "strace") as tracer:
        async with Rig.opened(stage, amqp_url, tmp_path, tracer.start) as rig:
            undisturbed = await rig.undisturbed(kinds[kind])
            points = rig.all_points
        changed = tracer.changes([tmp_path / "work", tmp_path / "uploads"])
    counted = changes_of(points)
    assert undisturbed.points
    assert changed == counted
    COUNTED.append(
        f"{stage:9} {kind:9} strace      {changed.total():4} changes, each with its points"
    )
