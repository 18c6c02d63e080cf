"""Users, and everything that happens to the services from outside."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import orjson

from shared.broker.base import Message
from shared.envelope import encode
from shared.errors import WorkspaceFull
from shared.jobs import DownloadJob, Stage
from shared.storage.base import Owner
from shared.storage.memory import _Object
from tests.simulation.service import Machine, Service
from tests.simulation.stages import CHARACTERS, OUTPUTS, output_of
from tests.simulation.virtual import Process
from tests.simulation.world import LANE, World, moment

STAGES: tuple[Stage, ...] = ("download", "process", "upload", "cleanup")
MOST_RUNS = 3
LONG_SECONDS = 3600


class Town:
    """All services of one world, those who use them, and who is against them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.random = world.random
        self.services: dict[str, Service] = {}
        self.jobs: list[DownloadJob] = []
        self._sweeps = 0
        self._sweeping: Process | None = None
        world.sweep = self._sweep_now
        for stage in STAGES:
            for number in range(self.random.choice((1, 1, 2))):
                self._start(stage, f"{stage}{number}")

    # ── services ─────────────────────────────────────────────────────────────────────────

    def _start(self, stage: Stage, name: str) -> None:
        self.services[name] = Service(
            self.world, stage, name, lambda: self._start_again(stage, name)
        )

    def _start_again(self, stage: Stage, name: str) -> None:
        seconds = 0.1 if self.world.faults.calm else self.random.random() ** 3 * 40
        self.world.later(seconds, lambda: self._start(stage, name))

    def one(self) -> Service:
        """Any of the services."""
        return self.random.choice([*self.services.values()])

    @property
    def busy(self) -> bool:
        """Whether any service has something in hand."""
        return any(service.consumer.busy for service in self.services.values())

    # ── users ────────────────────────────────────────────────────────────────────────────

    async def submit(self) -> None:
        """Publish a few jobs, one after another."""
        for number in range(self.random.choice((1, 2, 3))):
            job = self._job(number)
            self.jobs.append(job)
            if self.world.faults.strikes("stranger's object in the way"):
                self._obstruct(job)
            self.accept(job)
            await moment(self.random, 5)

    def accept(self, job: DownloadJob) -> None:
        """Publish a job."""
        run = (job.job_id, job.run)
        self.world.promises.accepted.add(run)
        if job.overwrite:
            self.world.promises.overwriting.add(run)
        self.world.route(encode(job), LANE.queue("download"))

    def _job(self, number: int) -> DownloadJob:
        random = self.random
        character = random.choices(CHARACTERS, (20, 6, 2, 1, 1))[0]
        shared = random.random() < 0.25
        return DownloadJob(
            job_id=f"job{number}",
            source=f"sim:{character}/{number}",
            destination="shared/{name}.{ext}" if shared else "{jobId}/{name}.{ext}",
            keep_original=random.random() < 0.2,
            overwrite=random.random() < 0.1,
            ttl_hours=random.choice((40, 150)) / 3600 if random.random() < 0.15 else None,
        )

    def _obstruct(self, job: DownloadJob) -> None:
        """A run of the same name has stored before, in another lane or long ago."""
        name = self.random.choice(OUTPUTS)
        key = f"{job.job_id}/{name}.webp"
        same = self.random.random() < 0.5
        content = output_of(job.source, name) if same else b"a stranger's"
        owner = Owner(job_id=job.job_id, run=1, token="stranger")
        self.world.promises.strangers[key] = _Object(content, owner, replaced=False)
        self.world.storage._objects[key] = self.world.promises.strangers[key]

    def cancel(self) -> bool:
        """Abandon a job."""
        job = self.random.choice(self.jobs)
        self.world.promises.cancels.add(job.job_id)
        body = orjson.dumps({"jobId": job.job_id, "outcome": "cancelled"})
        self.world.route(Message(body), LANE.queue("cleanup"))
        return True

    def redrive(self) -> bool:
        """Start a parked job's next run; whether there was one."""
        parked = self.world.broker._queues[LANE.dead].ready
        for kept in parked:
            if kept.message.type == "millrace.download.v1" and "run" in kept.message.headers:
                job = DownloadJob.decode(kept.message.body)
                parked.remove(kept)
                if job.run < MOST_RUNS:
                    self.accept(job.model_copy(update={"run": job.run + 1}))
                return True
        return False

    # ── the nemesis ──────────────────────────────────────────────────────────────────────

    async def harm(self, seconds: float) -> None:
        """Do what the seed decides, for so long."""
        end = self.world.now + seconds
        while self.world.now < end:
            await asyncio.sleep(self.random.expovariate(0.3))
            kind = self.world.faults.choose()
            if kind is not None and self.jobs and self._deeds[kind]():
                self.world.faults.saw(kind)

    @property
    def _deeds(self) -> dict[str, Callable[[], bool]]:
        return {
            "process killed": self._kill,
            "process stopped in order": self._stop,
            "connection lost": self._cut,
            "duplicate": self.duplicate,
            "reordering": self._reorder,
            "cancel": self.cancel,
            "redrive": self.redrive,
            "sweep": lambda: self.sweep().alive,
            "disk full": self._fill,
            "job id used for another request": self._reuse,
        }

    def _kill(self) -> bool:
        service = self.one()
        self.world.note(service.process, "KILLED")
        service.process.kill()
        return True

    def _stop(self) -> bool:
        service = self.one()
        if not service.process.alive:
            return False
        service.stop()
        return True

    def _cut(self) -> bool:
        service = self.one()
        if not service.process.alive:
            return False
        self.world.note(service.process, "CUT")
        if service.consumer.busy:
            self.world.faults.saw("connection lost while working")
        service.line.cut()
        self.world.later(self.random.random() ** 2 * 60, service.line.mend)
        return True

    def duplicate(self) -> bool:
        """Deliver once more what was delivered before."""
        message, key = self.random.choice(self.world.sent)
        fields = orjson.loads(message.body)
        run = (fields["jobId"], fields.get("run", 1))
        if run in self.world.promises.ended:
            self.world.faults.saw("duplicate of an ended job")
            if self.world.now - self.world.promises.ended_at(run) > LONG_SECONDS:
                self.world.faults.saw("duplicate long after the end")
        if (run[0], run[1] + 1) in self.world.promises.accepted:
            self.world.faults.saw("duplicate of a redriven job's first run")
        self.world.route(message, key)
        return True

    def _reorder(self) -> bool:
        queue = self.world.broker._queues[LANE.queue(self.random.choice(STAGES))]
        if len(queue.ready) < 2:
            return False
        self.random.shuffle(queue.ready)
        return True

    def _fill(self) -> bool:
        self.world.full = True
        self.world.later(self.random.random() * 30, self._empty)
        return True

    def _empty(self) -> None:
        self.world.full = False

    def _reuse(self) -> bool:
        job = self.random.choice(self.jobs)
        other = job.model_copy(update={"source": "sim:plain/other"})
        self.world.route(encode(other), LANE.queue("download"))
        return True

    def sweep(self) -> Process:
        """A sweep, by a process of its own."""
        self._sweeps += 1
        machine = Machine(self.world, f"sweep{self._sweeps}")
        machine.process.start(self._sweep(machine))
        return machine.process

    def _sweep_now(self) -> bool:
        """A sweep in the middle of another's step; not a second one at a time."""
        if self._sweeping is not None and self._sweeping.alive:
            return False
        self._sweeping = self.sweep()
        return True

    async def _sweep(self, machine: Machine) -> None:
        ended = False

        def note() -> None:
            if not ended and not self.world.faults.calm:
                self.world.faults.saw("sweep crashed")

        machine.process.at_death.append(note)
        machine.workspace.open()
        with suppress(WorkspaceFull):
            await machine.sweep.run()
        ended = True
        machine.process.kill()
