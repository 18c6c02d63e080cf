"""The steps that workers can take on the work directory, and what the model says of each."""

import itertools
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import structlog
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.cleanup.sweep import why_orphan
from shared.errors import FilesLost, JobIdReused, JobLocked
from shared.jobs import CleanupJob, DownloadJob, Stage
from shared.workspace import Closed, Closing, Held, Workspace
from tests.jobs import cleanup_job, cost, download_job, processing_job, upload_job
from tests.simulation.volume import Volume
from tests.state_machine.model import ENDING, STAGES, Lying, lying, wrong_after_death
from tests.state_machine.mortal import Died, MortalFiles

TTL_SECONDS = 1000.0
GRACE_SECONDS = 100.0
HAPPENED: Counter[str] = Counter()

jobs = st.sampled_from(["a", "b"])
# What is done to run 1 must not be done to run 10, whose name begins the same.
runs = st.sampled_from([1, 2, 10])
which = st.integers(0, 3)
stages: st.SearchStrategy[Stage] = st.sampled_from(STAGES)
outcomes = st.sampled_from(["completed", "failed", "cancelled"])
requests = st.sampled_from([0, 0, 0, 1])
# None: it lives; else how many more operations, and whether it dies after the last of them.
fates = st.one_of(
    st.none(), st.none(), st.none(), st.none(), st.tuples(st.integers(0, 12), st.booleans())
)
Fate = tuple[int, bool] | None


class Clock:
    """The one clock of this world, also where the workspace asks for a worker's own."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def monotonic(self) -> float:
        return self.now

    time = monotonic


class WorkspaceMachine(RuleBasedStateMachine):
    """Workers that come, work, die and come again."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.volume = Volume("/lane", lambda: self.clock.now)
        self.model: dict[str, Lying] = {}
        self.held: dict[str, tuple[Held, MortalFiles]] = {}
        self.made: Any = None
        self.since_end = 0
        self.numbers = itertools.count(1)
        self._time = patch("shared.workspace.held.time", self.clock)
        self._time.start()
        self._random = patch("secrets.token_hex", lambda _: f"{next(self.numbers):08x}")
        self._random.start()

    @initialize()
    def open(self) -> None:
        self.id = self._worker(None)[0].volume

    # ── workers ──────────────────────────────────────────────────────────────────────────

    def _worker(self, fate: Fate) -> tuple[Workspace, MortalFiles]:
        files = MortalFiles(self.volume)
        workspace = Workspace(Path("/lane"), files, ttl_hours=TTL_SECONDS / 3600)
        workspace.open()
        files.left, files.after = fate or (None, False)
        return workspace, files

    def _lying(self, name: str) -> Lying:
        return self.model.get(name, Lying())

    def _step(
        self,
        what: str,
        name: str,
        files: MortalFiles,
        step: Callable[[], Any],
        after: Lying,
        raises: type[Exception] | None = None,
    ) -> bool:
        """Do it: afterwards all is as the model says, or the worker is dead and nothing is lost.

        Returns:
            whether it was done; what came of it is in `self.made` then.
        """
        self.since_end += 1
        raised: type[Exception] | None = None
        try:
            self.made = step()
        except Died:
            self._died(what, name, files)
            return False
        except (Closed, JobLocked, JobIdReused, FilesLost) as error:
            raised = type(error)
        assert raised is raises, f"{what} of {name}: {raised}, not {raises}"
        files.left = None
        assert lying(self.volume, name) == after, what
        self.model[name] = after
        HAPPENED[f"{what}: {raises.__name__ if raises else 'done'}"] += 1
        return raises is None

    def _died(self, what: str, name: str, files: MortalFiles) -> None:
        files.die()
        files.left = None
        if name in self.held and self.held[name][1] is files:
            del self.held[name]
        now = lying(self.volume, name)
        wrong = wrong_after_death(self._lying(name), now)
        assert wrong is None, f"died in {what} of {name}: {wrong}"
        self.model[name] = now
        HAPPENED[f"{what}: died"] += 1

    # ── the doors ────────────────────────────────────────────────────────────────────────

    @rule(job=jobs, run=runs, request=requests, fate=fates)
    def begin(self, job: str, run: int, request: int, fate: Fate) -> None:
        asked = _request(job, run, request)
        name = f"{job}.{run}"
        workspace, files = self._worker(fate)
        before = self._lying(name)
        after, raises = self._beginning(before, asked, name)
        if self._step("begin", name, files, lambda: workspace.begin(asked), after, raises):
            self.held[name] = self.made, files

    def _beginning(
        self, before: Lying, asked: DownloadJob, name: str
    ) -> tuple[Lying, type[Exception] | None]:
        digest = asked.request.digest
        if before.outcome:
            known = self._requested(name)
            return before, JobIdReused if known not in (None, digest) else Closed
        if before.lease == ENDING:
            return before, JobLocked
        if before.lease:
            if before.lease != digest:
                return before, JobIdReused
            return before, JobLocked if name in self.held else None
        path = f"/lane/jobs/{name}"
        born = self.volume.at(path).modified if before.directory else self.clock.now
        leased = Lying(True, digest, born + TTL_SECONDS, before.committed)
        return leased, None

    def _requested(self, name: str) -> str | None:
        receipt = Workspace(Path("/lane"), MortalFiles(self.volume)).receipt_of(name)
        return receipt.request.digest if receipt and receipt.request else None

    @rule(job=jobs, run=runs, stage=stages, fate=fates)
    def resume(self, job: str, run: int, stage: Stage, fate: Fate) -> None:
        name = f"{job}.{run}"
        workspace, files = self._worker(fate)
        before = self._lying(name)
        raises: type[Exception] | None = None
        if before.outcome:
            raises = Closed
        elif before.lease is None:
            raises = FilesLost
        elif before.lease == ENDING or name in self.held:
            raises = JobLocked
        passage = processing_job(self.id, job, run)
        if self._step("resume", name, files, lambda: workspace.resume(passage), before, raises):
            self.held[name] = self.made, files

    @precondition(lambda self: self.held)
    @rule(which=which, fate=fates)
    def let_go(self, which: int, fate: Fate) -> None:
        name = self._working(which)
        held, files = self.held.pop(name)
        files.left, files.after = fate or (None, False)
        self._step(
            "let go", name, files, lambda: held.__exit__(None, None, None), self._lying(name)
        )

    @precondition(lambda self: self.held)
    @rule(which=which)
    def die(self, which: int) -> None:
        """The worker that holds a job is killed between two operations."""
        name = self._working(which)
        self._died("between", name, self.held[name][1])

    # ── under the lock ───────────────────────────────────────────────────────────────────

    def _working(self, which: int) -> str:
        """The name of one of the jobs that are held."""
        names = sorted(self.held)
        return names[which % len(names)]

    @precondition(lambda self: self.held)
    @rule(which=which, stage=stages, fate=fates)
    def work(self, which: int, stage: Stage, fate: Fate) -> None:
        """An attempt writes a file; what earlier ones of its stage left is gone."""
        name = self._working(which)
        held, files = self.held[name]
        files.left, files.after = fate or (None, False)

        def attempt() -> None:
            made = held.attempt(stage, structlog.get_logger(), lambda *_: None)
            files.create(made.directory / "file", b"bytes")

        if self._step("work", name, files, attempt, self._lying(name)):
            names = self.volume.names(f"jobs/{name}")
            attempts = [one for one in names if one.startswith(f"{stage}.") and "json" not in one]
            assert len(attempts) == 1, attempts
            late = self.clock.now >= self._lying(name).deadline
            assert held.overdue == late
            assert held.closed == (self._lying(name).outcome is not None)

    @precondition(lambda self: self.held)
    @rule(which=which, stage=stages, fate=fates)
    def commit(self, which: int, stage: Stage, fate: Fate) -> None:
        name = self._working(which)
        held, files = self.held[name]
        files.left, files.after = fate or (None, False)
        job, _, run = name.rpartition(".")
        number = float(next(self.numbers))
        after = self._lying(name).with_result(stage, number)
        result = _result(stage, self.id, job, int(run)).costing(cost(stage, seconds=number))
        if self._step("commit", name, files, lambda: held.commit(stage, result), after):
            assert self.made.costs[0].seconds == after.committed[stage]
            assert held.committed(stage) == self.made

    # ── the end ──────────────────────────────────────────────────────────────────────────

    # Else most of what happens would happen to jobs that have ended.
    @precondition(lambda self: self.since_end >= 8)
    @rule(job=jobs, run=runs, outcome=outcomes, fate=fates)
    def close(self, job: str, run: int, outcome: str, fate: Fate) -> None:
        """Enter a job to end it; a cancel leaves the receipt for whoever holds it."""
        self.since_end = 0
        name = f"{job}.{run}"
        workspace, files = self._worker(fate)
        before = after = self._lying(name)
        raises: type[Exception] | None = None
        if name in self.held and before.directory:
            raises = JobLocked
            after = before.with_receipt(outcome, ended=False) if outcome == "cancelled" else before
        elif before.directory and before.lease is None:
            after = Lying(True, ENDING, 0.0, before.committed, before.outcome, before.ended)
        end = cleanup_job(self.id, outcome, job, run, request=None)
        if self._step("close", name, files, lambda: workspace.close(end), after, raises):
            self._end(name, self.made, files, end, fate)

    def _end(
        self, name: str, closing: Closing, files: MortalFiles, end: CleanupJob, fate: Fate
    ) -> None:
        """Receipt, removal, and nothing is left; or its worker dies at any of their operations."""
        files.left, files.after = fate or (None, False)
        after = self._lying(name).with_receipt(end.outcome, ended=True)
        if not self._step("receipt", name, files, lambda: closing.receipt(end), after):
            return
        assert self.made.outcome == self.made.end.outcome == after.outcome
        files.left, files.after = fate or (None, False)
        if not self._step("remove", name, files, closing.remove, after.gone()):
            return
        assert not [one for one in self.volume.names("trash") if one.startswith(f"{name}.")]
        closing.__exit__(None, None, None)

    # ── time, and those who look ─────────────────────────────────────────────────────────

    @rule(seconds=st.sampled_from([1.0, 60.0, 200.0, 999.0]))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule()
    def survey(self) -> None:
        """A sweep finds what may go, and nothing else."""
        workspace, _ = self._worker(None)
        now = workspace.now()
        found = {job.name: why_orphan(job, now, GRACE_SECONDS) for job in workspace.survey()}
        there = {name for name, one in self.model.items() if one.directory}
        assert found.keys() == there
        for name, reason in found.items():
            assert (reason is not None) == self._may_go(name, now), (name, reason)
            HAPPENED[f"survey: {reason}"] += 1

    def _may_go(self, name: str, now: float) -> bool:
        one = self.model[name]
        aged = now - self.volume.at(f"/lane/jobs/{name}").modified > GRACE_SECONDS
        if one.outcome or one.lease in (None, ENDING):
            return aged
        return now > one.deadline

    @invariant()
    def nothing_happens_to_other_jobs(self) -> None:
        for name, one in self.model.items():
            assert lying(self.volume, name) == one, name

    @invariant()
    def nobody_holds_what_another_holds(self) -> None:
        assert len(self.volume.opened) == len(self.held)

    def teardown(self) -> None:
        """After the last step every job can still be ended, and then nothing is left of it."""
        try:
            for name in [*self.held]:
                self._died("work", name, self.held[name][1])
            for name in sorted(self.model):
                job, _, run = name.rpartition(".")
                self.close(job, int(run), "failed", None)
            kept = ("volume.",)
            assert self.volume.names("jobs") == []
            assert [one for one in self.volume.names("trash") if not one.startswith(kept)] == []
        finally:
            self._random.stop()
            self._time.stop()


def _request(job: str, run: int, request: int) -> DownloadJob:
    return download_job(job, run, keepOriginal=bool(request))


def _result(stage: Stage, volume: str, job: str, run: int) -> Any:
    made = {
        "download": processing_job(volume, job, run),
        "process": upload_job(volume, job, run),
        "upload": cleanup_job(volume, "completed", job, run),
    }
    return made[stage]
