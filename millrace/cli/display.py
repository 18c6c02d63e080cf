"""What a person, or a program, sees of jobs while they run."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from millrace.cli.jobs import Job
from millrace.events import Event

# Where a job stands when a stage of it is finished, in percent; processing takes the longest.
_REACHED = {"download": 10.0, "process": 90.0, "upload": 99.0}
_BEGUN = {"download": 0.0, "process": 10.0, "upload": 90.0, "cleanup": 99.0}
_NEXT = {"download": "process", "process": "upload", "upload": "cleanup"}


class Silence:
    """Shows nothing but the sentence of each job that did not complete.

    Attributes:
        log_level: the least level of what the stages themselves may write meanwhile.
    """

    # The sentences below say it already.
    log_level = "error"

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def skipped(self, files: Sequence[Path]) -> None:
        """Files in folders that were left alone."""
        if files:
            names = ", ".join(file.name for file in files[:3])
            more = f" and {len(files) - 3} more" if len(files) > 3 else ""
            self.console.print(Text(f"millrace: no photo or film, skipped: {names}{more}"))

    def warned(self, sentence: str) -> None:
        """Something that a person has to know, and that concerns none of the jobs."""
        self.console.print(Text(f"millrace: {sentence}"))

    def begins(self, job: Job) -> None:
        """The job is on its way."""

    def heard(self, event: Event) -> None:
        """An event of any of the jobs."""

    def ended(self, job: Job, end: Event) -> None:
        """The job has its outcome."""
        if not end.completed:
            self.console.print(Text(f"millrace: {_about(job, end)}"))


class Lines(Silence):
    """Prints each job's terminal event as it is, one a line."""

    log_level = "warning"

    def ended(self, job: Job, end: Event) -> None:
        """The job has its outcome."""
        sys.stdout.buffer.write(end.body + b"\n")
        sys.stdout.buffer.flush()


class Bars(Silence):
    """A bar for each job that is on its way, and one for all of them together."""

    def __init__(self, total: int) -> None:
        super().__init__()
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            _Stage(),
            TimeElapsedColumn(),
            _Left(),
            console=self.console,
            transient=True,
        )
        self._all = self._progress.add_task("all", total=total, visible=total > 1)
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def begins(self, job: Job) -> None:
        """The job is on its way."""
        self._bars[job.id] = self._progress.add_task(
            _short(job.source.shown), total=100, stage="download"
        )

    def heard(self, event: Event) -> None:
        """An event of any of the jobs."""
        bar, stage = self._bars.get(event.job_id), event.data.get("stage")
        if bar is None or stage not in _BEGUN:
            return
        if event.what == "finished":
            self._show(bar, _NEXT.get(stage, stage), 0, {})
        elif event.what == "progress":
            self._show(bar, stage, event.data["percent"], event.data)

    def _show(self, bar: TaskID, stage: str, percent: float, told: Mapping[str, Any]) -> None:
        begun = _BEGUN[stage]
        reached = begun + (_REACHED.get(stage, begun) - begun) * percent / 100
        left, speed = told.get("secondsLeft"), told.get("speed")
        self._progress.update(bar, completed=reached, stage=stage, left=left, speed=speed)

    def ended(self, job: Job, end: Event) -> None:
        """The job has its outcome."""
        self._progress.remove_task(self._bars.pop(job.id))
        self._progress.advance(self._all)
        super().ended(job, end)


class _Stage(ProgressColumn):
    """The stage that a job is in; of all jobs together, how many have ended."""

    _ended = MofNCompleteColumn()

    def render(self, task: Any) -> Text:
        stage = task.fields.get("stage")
        return Text(stage.ljust(8)) if stage else self._ended.render(task)


class _Left(ProgressColumn):
    """How long the stage takes for the rest, and how fast it is: `1:05 left, 2.4×`."""

    def render(self, task: Any) -> Text:
        left, speed = task.fields.get("left"), task.fields.get("speed")
        if left is None:
            return Text("")
        minutes, seconds = divmod(round(left), 60)
        hours, minutes = divmod(minutes, 60)
        clock = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
        return Text(f"{clock} left, {speed:.1f}×" if speed else f"{clock} left")


def _about(job: Job, end: Event) -> str:
    """Why the job did not complete, what helps, and which source that is about."""
    sentence = end.sentence.removeprefix("source: ")
    if end.error == "ObjectExists":
        sentence += "; --overwrite replaces it"
    named = job.source.shown.rpartition("/")[2] in sentence
    return sentence if named else f"{job.source.shown}: {sentence}"


def display(total: int, *, json: bool) -> Silence:
    """What suits the output: lines of JSON, bars on a terminal, else nothing but errors."""
    if json:
        return Lines()
    return Bars(total) if sys.stderr.isatty() else Silence()


def _short(name: str, longest: int = 40) -> str:
    return name if len(name) <= longest else "…" + name[1 - longest :]
