"""What Millrace promises, checked at every step that could break it, and at the end."""

import asyncio
from collections import Counter
from typing import Any, cast

import orjson

from shared.broker.base import Message
from shared.storage.base import Owner
from shared.storage.memory import MemoryStorage, _Object
from tests.simulation.faults import REASONS
from tests.simulation.virtual import Process, Scheduler, Task
from tests.simulation.volume import Volume

GRACE_SECONDS = 120.0
TTL_SECONDS = 900.0
TERMINAL = ("completed", "failed", "cancelled", "expired")
MOST_ATTEMPTS = 3
Run = tuple[str, int]


class Promises:
    """The ledger of one world.

    Attributes:
        broken: one sentence for each promise that was not kept.
        accepted: runs that a user has asked for.
        cancels: jobs that a user wanted abandoned.
        overwriting: runs that may take other objects' places, and are not rolled back.
        ended: the terminal event's data of each run that has ended.
        endings: how often each ending came, once for each run.
        landing: how many puts are still under way.
        deaths: how many processes have died.
        filled: whether the disk was ever full.
        strangers: objects of another lane's, or an earlier life's, run of the same name.
    """

    def __init__(self, volume: Volume, storage: MemoryStorage, scheduler: Scheduler) -> None:
        self.broken: list[str] = []
        self.accepted: set[Run] = set()
        self.cancels: set[str] = set()
        self.overwriting: set[Run] = set()
        self.ended: dict[Run, dict[str, Any]] = {}
        self.endings: Counter[str] = Counter()
        self.landing = 0
        self.deaths = 0
        self.filled = False
        self.strangers: dict[str, _Object] = {}
        self._volume = volume
        self._storage = storage
        self._scheduler = scheduler
        self._step = 0
        self._ended_at: dict[Run, tuple[int, float]] = {}
        self._holders: dict[str, list[Process]] = {}
        self._locked: dict[str, tuple[int, float]] = {}
        self._receipts: dict[str, tuple[int, str]] = {}
        self._deadlines: dict[str, float] = {}
        self._born: dict[str, float] = {}
        self._committed: set[tuple[str, str]] = set()
        self._made: dict[str, tuple[int, Process]] = {}
        self._looked: dict[tuple[object, str], int] = {}
        self._handed_on: dict[tuple[str, int, str], bytes] = {}
        self._failed: Counter[tuple[str, str]] = Counter()
        self._landed_late: set[Run] = set()
        self._replaced: set[str] = set()

    def breaks(self, sentence: str) -> None:
        """A promise is broken."""
        self.broken.append(f"{self._scheduler.now - 2e9:.6f} {sentence}")

    def _next(self) -> int:
        self._step += 1
        return self._step

    # ── on the disk ──────────────────────────────────────────────────────────────────────

    def making(self, process: Process, path: str) -> None:
        """Something comes into being."""
        self._made[path] = (self._next(), process)
        parts = path.split("/")
        if parts[0] == "jobs" and len(parts) == 2:
            if parts[1] not in self._volume.names("jobs"):
                self._born[parts[1]] = self._scheduler.now
        elif parts[0] == "jobs" and not parts[2].startswith("job.json"):
            self._must_hold(process, parts[1], path)

    def renaming(self, process: Process, source: str, target: str) -> None:
        """Something moves."""
        self._made[target] = (self._next(), process)
        self.looked(process, source)
        parts = source.split("/")
        if parts[0] != "jobs":
            return
        self._must_hold(process, parts[1], source)
        if len(parts) == 2 and parts[1] not in self._receipts:
            self.breaks(f"{source} is removed without a receipt")

    def removing(self, process: Process, path: str) -> None:
        """Something goes."""
        parts = path.split("/")
        if parts[0] != "jobs":
            return
        self._must_hold(process, parts[1], path)
        stage = parts[2].partition(".")[0] if len(parts) > 2 else ""
        if not stage or (parts[1], stage) in self._committed:
            self.breaks(f"{path} is removed, and is needed")

    def unmaking(self, process: Process, path: str) -> None:
        """A directory goes, if it is empty: an ended job's needs no lock, which it has not."""
        folder, _, name = path.partition("/")
        if folder != "jobs" or name not in self._receipts:
            self.removing(process, path)

    def linked(self, path: str) -> None:
        """Something has got its final name, for ever."""
        folder, _, rest = path.partition("/")
        if folder == "closed":
            self._receipt(rest.removesuffix(".json"), self._json(path))
        elif path.endswith("/job.json"):
            self._leased(rest.partition("/")[0], self._json(path))
        elif folder == "jobs":
            name, _, file = rest.partition("/")
            self._committed.add((name, file.removesuffix(".json")))

    def renamed(self, path: str) -> None:
        """What has its final name for ever may get an account, and nothing else."""
        folder, _, rest = path.partition("/")
        name, _, file = rest.removesuffix(".json").partition("/")
        if not path.endswith(".json") or folder not in ("jobs", "closed"):
            return
        known = self._receipts.get(name)
        if folder == "closed" and known is not None:
            if self._json(path)["outcome"] != known[1]:
                self.breaks(f"{name} has a second outcome")
        elif (name, file) in self._committed or file == "job":
            self.breaks(f"{path} is replaced")
        else:
            self.linked(path)

    def _leased(self, name: str, lease: dict[str, Any]) -> None:
        """A job that is ended before it has begun has no deadline."""
        deadline = self._deadlines[name] = lease.get("deadline", 0.0)
        if not deadline:
            return
        seconds = (lease["request"].get("ttlHours") or TTL_SECONDS / 3600) * 3600
        if not self._born[name] + seconds <= deadline + 1 <= self._scheduler.now + seconds + 2:
            self.breaks(f"{name} has the deadline {deadline}, by some other clock")

    def _json(self, path: str) -> dict[str, Any]:
        content = self._volume.at(f"{self._volume.root}/{path}").content
        fields: dict[str, Any] = orjson.loads(content)
        return fields

    def _receipt(self, name: str, receipt: dict[str, Any]) -> None:
        outcome = receipt["outcome"]
        self._receipts[name] = (self._next(), outcome)
        earliest = self._deadlines.get(name) or self._born.get(name, 0.0) + GRACE_SECONDS
        if outcome == "expired" and earliest > self._scheduler.now:
            self.breaks(f"{name} expires before its deadline")
        if outcome == "cancelled" and receipt["jobId"] not in self.cancels:
            self.breaks(f"{name} is cancelled, and nobody asked for it")
        if outcome == "completed" and (name, "upload") not in self._committed:
            self.breaks(f"{name} is completed without a committed upload")

    def locked(self, process: Process, path: str) -> None:
        """A process has got a job's lock."""
        name = path.split("/")[1]
        self._holders.setdefault(name, []).append(process)
        self._locked[name] = (self._next(), self._scheduler.now)

    def unlocked(self, process: Process, path: str) -> None:
        """It has let go of it, or has died."""
        self._holders[path.split("/")[1]].remove(process)

    def looked(self, process: Process, path: str) -> None:
        """A process looks what lies there, to remove it."""
        folder, _, rest = path.partition("/")
        if not (folder == "trash" and rest):
            self._looked[asyncio.current_task(process.loop), folder] = self._next()

    def _must_hold(self, process: Process, name: str, path: str) -> None:
        if process not in self._holders.get(name, ()):
            self.breaks(f"{process.name} touches {path} without the lock")

    # ── in the stages ────────────────────────────────────────────────────────────────────

    def begins(self, name: str, stage: str) -> None:
        """A stage begins to work on a job."""
        step, when = self._locked.get(name, (0, 0.0))
        if (name, stage) in self._committed:
            self.breaks(f"{stage} of {name} is done twice")
        if name in self._receipts and self._receipts[name][0] < step:
            self.breaks(f"{stage} works on {name}, which has ended")
        if 0 < self._deadlines.get(name, 0.0) < when:
            self.breaks(f"{stage} works on {name} after its deadline")

    def fails(self, name: str, stage: str) -> None:
        """An attempt fails, and counts; a death may keep it from being counted."""
        self._failed[name, stage] += 1
        if self._failed[name, stage] > MOST_ATTEMPTS + self.deaths and not self.filled:
            self.breaks(f"{stage} of {name} is tried too often")

    # ── in the storage ───────────────────────────────────────────────────────────────────

    def stored(self, key: str, before: _Object | None) -> None:
        """An object was put where `before` was."""
        now = self._storage._objects[key]
        if before is None or before.owner == now.owner:
            return
        self._replaced.add(key)
        if _run(now.owner) not in self.overwriting:
            self.breaks(f"{_run(now.owner)} replaces {key} of {_run(before.owner)}")

    def landed(self, owner: Owner) -> None:
        """A put has landed late."""
        self._landed_late.add(_run(owner))

    def rolled_back(self, key: str, before: _Object | None, owner: Owner) -> None:
        """A run's object was to be removed."""
        if before is None or key in self._storage._objects:
            return
        if before.owner != owner:
            self.breaks(f"{_run(owner)} deletes {key} of {_run(before.owner)}")
        if self._receipts.get(f"{owner.job_id}.{owner.run}", (0, ""))[1] == "completed":
            self.breaks(f"{key} of {_run(owner)} is deleted, which is completed")

    def _objects_of(self, run: Run) -> set[str]:
        return {key for key, one in self._own_objects() if _run(one.owner) == run}

    def _own_objects(self) -> list[tuple[str, _Object]]:
        objects = self._storage._objects.items()
        return [(key, one) for key, one in objects if self.strangers.get(key) is not one]

    # ── on the broker ────────────────────────────────────────────────────────────────────

    def published(self, message: Message, key: str, exchange: str) -> None:
        """The broker takes a message."""
        what = (message.type or "").rpartition(".")[2]
        if key.endswith(".dead") and "run" in message.headers:
            self._parked(orjson.loads(message.body))
        if exchange.endswith(".events"):
            self._told(what, orjson.loads(message.body)["data"])
        elif exchange and message.type == "millrace.cleanup.v1":
            self._postponed(orjson.loads(message.body))
        elif message.type in ("millrace.processing.v1", "millrace.upload.v1"):
            self._same(orjson.loads(message.body), message.body, key)

    def _postponed(self, fields: dict[str, Any]) -> None:
        name = f"{fields['jobId']}.{fields['run']}"
        if fields["outcome"] == "cancelled" and name not in self._receipts and not self.filled:
            self.breaks(f"{name} is to be cancelled, and whoever works on it is not told")

    def _parked(self, fields: dict[str, Any]) -> None:
        ended = self._ended_at.get((fields["jobId"], fields["run"]))
        task = self._task()
        if ended is not None and task is not None and task.number > ended[0]:
            # One that was under way at the end may park it a second time; a later one may not.
            self.breaks(f"{fields['jobId']}.{fields['run']} is parked after its end")

    def ended_at(self, run: Run) -> float:
        """When the run's first terminal event came."""
        return self._ended_at[run][1]

    def _same(self, fields: dict[str, Any], body: bytes, key: str) -> None:
        run = (fields["jobId"], fields["run"], key)
        if self._handed_on.setdefault(run, body) != body:
            self.breaks(f"{run} is handed on a second time with another content")

    def _told(self, what: str, end: dict[str, Any]) -> None:
        if what == "rejected":
            self.endings[what] += 1
        if what not in TERMINAL:
            return
        run = (end["jobId"], end["run"])
        if run in self.ended:
            if self.ended[run] != end:
                self.breaks(f"{run} ends a second time, and differently: {self.ended[run]} {end}")
        else:
            self.ended[run] = end
            self._ended_at[run] = next(self._scheduler.numbers), self._scheduler.now
            self.endings[what] += 1
            self._first_end(run, end)
        self._nothing_left(run)

    def _first_end(self, run: Run, end: dict[str, Any]) -> None:
        error = end.get("error", {}).get("error")
        if (error is not None) != (end["outcome"] == "failed") or error not in {None, *REASONS}:
            self.breaks(f"{run} ends as {end['outcome']} with {end.get('error')}")
        self.endings[f"failed: {error}"] += error is not None
        if run not in self.accepted and run[0] not in self.cancels:
            self.breaks(f"{run} has ended, and nobody asked for it")
        self._whole_or_none(run)

    def _whole_or_none(self, run: Run) -> None:
        end = self.ended[run]
        wanted = {result["key"] for result in end.get("results", ())} - self._replaced
        stored = self._objects_of(run) - self._replaced
        if end["outcome"] == "completed":
            if not end.get("results") or stored != wanted:
                self.breaks(f"{run} is completed with {wanted}, and has stored {stored}")
        elif stored and run not in self.overwriting and run not in self._landed_late:
            self.breaks(f"{run} is {end['outcome']}, and {stored} are still stored")

    def _nothing_left(self, run: Run) -> None:
        """At the moment of the event, nothing of the job is on the disk.

        Except what a duplicate makes right now: it goes as the duplicate goes on, or with the
        next sweep if that dies.
        """
        task = self._task()
        for path in self._lying(f"{run[0]}.{run[1]}"):
            looked = self._looked.get((task, path.partition("/")[0]), 0)
            made, maker = self._made.get(path, (0, None))
            if made < looked or maker is None or (maker.alive and not maker.midway):
                self.breaks(f"{run} has ended, and {path} is still there")

    def _task(self) -> Task | None:
        process = self._scheduler.current
        return cast(Task | None, asyncio.current_task(process.loop)) if process else None

    def _lying(self, name: str) -> list[str]:
        jobs = [f"jobs/{name}"] if name in self._volume.names("jobs") else []
        trash = self._volume.names("trash")
        return jobs + [f"trash/{one}" for one in trash if one.startswith(f"{name}.")]

    # ── at the end ───────────────────────────────────────────────────────────────────────

    def check_at_the_end(self) -> None:
        """After the last sweep."""
        for run in sorted(self.accepted - self.ended.keys()):
            self.breaks(f"{run} was accepted, and has not ended")
        for folder in ("jobs", "trash"):
            for entry in self._volume.names(folder):
                self.breaks(f"{folder}/{entry} is left")
        self._landed_late.clear()
        for run in sorted(self.ended):
            self._whole_or_none(run)
        for key, one in self._own_objects():
            if _run(one.owner) not in self.ended:
                self.breaks(f"{key} is stored, and its run {_run(one.owner)} has not ended")
        for key in self.strangers.keys() - self._storage._objects.keys():
            self.breaks(f"{key} of a stranger is gone")

    def check_forgotten(self) -> None:
        """After the sweep that comes when all messages are too old to be anywhere."""
        for entry in self._volume.names("closed"):
            self.breaks(f"closed/{entry} is left")
        left = set(self._volume.names("")) - {"volume", "jobs", "closed", "trash", "sweep.json"}
        for entry in left:
            self.breaks(f"{entry} is left")


def _run(owner: Owner) -> Run:
    return owner.job_id, owner.run
