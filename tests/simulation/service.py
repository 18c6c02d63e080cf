"""A service of one stage as a simulated process, which comes back after its death."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from services.cleanup.park import Parking
from services.cleanup.stage import Cleanup
from services.cleanup.sweep import Sweep
from shared.consumer import Consumer, StageFunction
from shared.errors import Retry
from shared.jobs import Stage
from shared.observe.metrics import Metrics
from shared.observe.troubles import Troubles
from shared.settings import DeliverySettings
from shared.workspace import Workspace
from tests.simulation.disk import Disk
from tests.simulation.line import Line
from tests.simulation.promises import GRACE_SECONDS, MOST_ATTEMPTS, TTL_SECONDS
from tests.simulation.shop import Shop
from tests.simulation.stages import Stages
from tests.simulation.world import LANE, ROOT, World

SETTINGS = DeliverySettings(
    max_attempts=MOST_ATTEMPTS,
    stage_limit_seconds=200,
    delivery_renew_seconds=20,
    drain_seconds=10,
)
METRICS = Metrics()


class Loud(Troubles):
    """Deliveries that could not be handled: there must be none."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__("deliveries", 1)
        self._world = world
        self._name = name

    def failed(self, of: str, reason: str) -> None:
        self._world.promises.breaks(f"{self._name} cannot handle a delivery: {reason}")


class Machine:
    """A process with its disk, its connection and its way to the storage."""

    def __init__(self, world: World, name: str) -> None:
        self.process = world.process(name)
        self.disk = Disk(world, self.process)
        self.line = Line(world, self.process)
        self.shop = Shop(world, self.process, self.disk)
        self.workspace = Workspace(Path(ROOT), self.disk, ttl_hours=TTL_SECONDS / 3600)
        self.sweep = Sweep(self.workspace, self.shop, self.line, LANE, GRACE_SECONDS / 60)
        self._world = world
        self.process.at_death.append(self.disk.release)
        self.process.at_death.append(self._hang_up)

    def _hang_up(self) -> None:
        """The broker notices a death at once, or when the heartbeats stay away."""
        self._world.promises.deaths += 1
        chance = self._world.random.random()
        unseen = chance < 0.2 and not self._world.faults.calm
        self._world.later(chance * 300 if unseen else 0, self.line.cut)


class Service(Machine):
    """One service; when its process dies, `again` is called."""

    def __init__(self, world: World, stage: Stage, name: str, again: Callable[[], None]) -> None:
        super().__init__(world, name)
        self.process.at_death.append(again)
        self.consumer = Consumer(
            stage,
            self._function(stage),
            self.workspace,
            self.line,
            LANE,
            SETTINGS,
            concurrency=world.random.choice((1, 2, 4)),
            metrics=METRICS,
        )
        self.consumer.faults = Loud(world, name)
        self.process.start(self._serve())

    def _function(self, stage: Stage) -> StageFunction:
        if stage == "cleanup":
            return Cleanup(self.shop, Parking(self.line, LANE), self.sweep)
        stages = Stages(self._world, self.process, self.disk, self.shop)
        functions: dict[Stage, StageFunction] = {
            "download": stages.download,
            "process": stages.process,
            "upload": stages.upload,
        }
        return self._counting(stage, functions[stage])

    def _counting(self, stage: Stage, function: StageFunction) -> StageFunction:
        async def count(job: Any, work: Any) -> Any:
            name = f"{job.job_id}.{job.run}"
            self._world.promises.begins(name, stage)
            try:
                return await function(job, work)
            except (Retry, ValueError):
                self._world.promises.fails(name, stage)
                raise

        return count

    async def _serve(self) -> None:
        self.workspace.open()
        await self.consumer.start()

    def stop(self) -> None:
        """As at SIGTERM: drain, then end."""
        self.process.start(self._stop())

    async def _stop(self) -> None:
        await self.consumer.stop()
        self.process.kill()
