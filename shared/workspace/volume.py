"""The volume that all services of a lane share, and what can be seen on it.

TEMP_DIR/<prefix>/
  volume                  an id, made once
  sweep.json              what the last sweep did
  jobs/<job>.<run>/       one directory per run of a job; see `held.py`
  closed/<job>.<run>.json receipts of ended jobs
  closed/<job>.<run>.redriven
                          that a run was published by a redrive, while it waits to begin
  trash/                  directories on their way out
"""

import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from shared.errors import InvalidJob
from shared.jobs import MAX_RUNS, Request, directory_name
from shared.workspace.files import Files
from shared.workspace.records import Lease, Receipt
from shared.workspace.tree import attempt_files

_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\.[1-9][0-9]*")


def is_run(name: str) -> bool:
    """Whether `name` can be the directory of a run: `<job>.<run>`."""
    return _RUN.fullmatch(name) is not None


@dataclass(frozen=True)
class JobOnDisk:
    """What lies on the disk for one run of a job.

    Attributes:
        name: `<job>.<run>`, the directory's name.
        lease: None where there is none, or a damaged one.
        kind: `image` or `video` once the source was looked at.
        files, size: temporary files in attempts' directories, and their bytes.
        promised: bytes that the job may take, as reserved before its download.
        modified: when the directory was last changed, by the volume's clock.
        closed: whether there is a receipt.
    """

    name: str
    lease: Lease | None
    kind: str | None
    files: int
    size: int
    promised: int
    modified: float
    closed: bool


class Volume:
    """What lies on the volume. Looking locks nothing, and changes nothing of a job.

    Args:
        root: `TEMP_DIR/<prefix>`.
    """

    def __init__(self, root: Path, files: Files) -> None:
        self.root = root
        self.files = files
        self.jobs = f"{root}/jobs"
        self.closed = f"{root}/closed"
        self.trash = f"{root}/trash"
        self.volume = ""

    def open(self) -> None:
        """Make what is missing of the root, and learn the volume's id."""
        for folder in (self.jobs, self.closed, self.trash):
            self.files.make_root(folder)
        self.volume = self._read_volume() or self._make_volume()

    def _read_volume(self) -> str:
        try:
            return self.files.read(self.root / "volume").decode()
        except FileNotFoundError:
            return ""

    def _make_volume(self) -> str:
        # In the trash, where the sweep removes it if a crash leaves it behind.
        written = f"{self.trash}/volume.{secrets.token_hex(4)}"
        self.files.create(written, secrets.token_hex(8).encode())
        with suppress(FileExistsError):
            self.files.link(written, self.root / "volume")
        self.files.unlink(written)
        return self._read_volume()

    @staticmethod
    def name_of(job_id: str, run: int) -> str:
        """The name of a run's directory and receipt."""
        return f"{directory_name(job_id)}.{run}"

    def _receipt(self, name: str) -> str:
        return f"{self.closed}/{name}.json"

    def _note(self, name: str) -> str:
        return f"{self.closed}/{name}.redriven"

    def space(self) -> tuple[int, int]:
        """Free and all bytes of the volume."""
        return self.files.space(self.root)

    @property
    def present(self) -> bool:
        """Whether the volume is still where it was when it was opened."""
        return self._read_volume() == self.volume

    def now(self) -> float:
        """The volume's clock, in seconds since the epoch: when something was just touched."""
        return self.files.touch(self.root / "volume")

    def survey(
        self, unreadable: Callable[[str, OSError], None] = lambda *_: None
    ) -> Iterator[JobOnDisk]:
        """Every run that has a directory. One that vanishes meanwhile is left out.

        Args:
            unreadable: is told of each that cannot be looked at; it is left out too.
        """
        for entry in self.files.entries(self.jobs):
            if is_run(entry.name) and entry.is_dir(follow_symlinks=False):
                try:
                    yield self._look(entry.name)
                except FileNotFoundError:
                    continue
                except OSError as error:
                    unreadable(entry.name, error)

    def outstanding(self) -> int:
        """The bytes that jobs were promised and have not taken yet, of all runs together."""
        return sum(self._outstanding(entry) for entry in self.files.entries(self.jobs))

    def _outstanding(self, entry: os.DirEntry[str]) -> int:
        with suppress(OSError):  # it vanished meanwhile, or cannot be looked at
            ours = is_run(entry.name) and entry.is_dir(follow_symlinks=False)
            if ours and (promised := self._promised(entry.path)):
                taken = sum(file.st_size for file in attempt_files(self.files, entry.path))
                return max(0, promised - taken)
        return 0

    def _look(self, name: str) -> JobOnDisk:
        directory = f"{self.jobs}/{name}"
        modified = self.files.modified(directory)
        sizes = [file.st_size for file in attempt_files(self.files, directory)]
        return JobOnDisk(
            name=name,
            lease=self.lease_of(name),
            kind=self._kind(directory),
            files=len(sizes),
            size=sum(sizes),
            promised=self._promised(directory),
            modified=modified,
            closed=self.files.exists(self._receipt(name)),
        )

    def lease_of(self, name: str) -> Lease | None:
        """The lease of a run, or None where there is none that can be read."""
        with suppress(FileNotFoundError, InvalidJob):
            return Lease.decode(self.files.read(f"{self.jobs}/{name}/job.json"))
        return None

    def receipt_of(self, name: str) -> Receipt | None:
        """The receipt of a run, or None where it has not ended."""
        with suppress(FileNotFoundError, InvalidJob):
            return Receipt.decode(self.files.read(self._receipt(name)))
        return None

    def receipts(self) -> list[Path]:
        """The receipts of ended runs."""
        entries = self.files.entries(self.closed)
        return [Path(entry.path) for entry in entries if entry.name.endswith(".json")]

    def strangers(self) -> list[str]:
        """What lies in the root and in `jobs/`, and is not Millrace's."""
        known = {"volume", "jobs", "closed", "trash", "sweep.json"}
        root = [entry.name for entry in self.files.entries(self.root) if entry.name not in known]
        jobs = [
            f"jobs/{entry.name}"
            for entry in self.files.entries(self.jobs)
            if not is_run(entry.name) or not entry.is_dir(follow_symlinks=False)
        ]
        return root + jobs

    def note_sweep(self, report: dict[str, Any]) -> None:
        """Write down what a sweep did, for every service's `/health`."""
        written = f"{self.trash}/sweep.{secrets.token_hex(4)}"
        self.files.create(written, orjson.dumps(report))
        self.files.rename(written, self.root / "sweep.json")

    def last_sweep(self) -> dict[str, Any]:
        """What the last sweep did, whichever service ran it; empty before the first."""
        try:
            found = orjson.loads(self.files.read(self.root / "sweep.json"))
        except (FileNotFoundError, ValueError):
            return {}
        return dict(found)

    def _promised(self, directory: str) -> int:
        try:
            return int(self.files.read(f"{directory}/room"))
        except (FileNotFoundError, ValueError):
            return 0

    def _kind(self, directory: str) -> str | None:
        try:
            content = orjson.loads(self.files.read(f"{directory}/download.json"))
            return str(content["message"]["original"]["kind"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    # ── runs ─────────────────────────────────────────────────────────────────────────────

    def latest_run(self, job_id: str) -> int | None:
        """The highest run of a job that has a directory, a receipt, or the note of a redrive."""
        for run in range(MAX_RUNS, 0, -1):
            if self._is_known(self.name_of(job_id, run)):
                return run
        return None

    def _is_known(self, name: str) -> bool:
        places = (f"{self.jobs}/{name}", self._receipt(name), self._note(name))
        return any(self.files.exists(place) for place in places)

    def next_run(self, job_id: str, run: int) -> int:
        """The run that a redrive of the failed `run` starts, however often it is said.

        One that was cancelled or has expired is over, and nothing of it is parked: the redrive
        of what still is starts another.
        """
        following = run + 1
        while (receipt := self.receipt_of(self.name_of(job_id, following))) is not None:
            if receipt.outcome not in ("cancelled", "expired"):
                break
            following += 1
        return following

    def note_redrive(self, job_id: str, run: int) -> None:
        """Write down that a run is about to be published, for whoever asks while it waits.

        Once the run has begun or ended, what it leaves itself tells more.
        """
        name = self.name_of(job_id, run)
        if not self._is_known(name):
            with suppress(FileExistsError):
                self.files.create(self._note(name), b"")

    def redriven(self, name: str) -> float | None:
        """When the note of a redrive was written, in seconds since the epoch, if there is one."""
        with suppress(FileNotFoundError):
            return self.files.modified(self._note(name))
        return None

    def redrives(self) -> list[Path]:
        """The notes of redrives."""
        entries = self.files.entries(self.closed)
        return [Path(entry.path) for entry in entries if entry.name.endswith(".redriven")]

    def request_of(self, job_id: str, run: int) -> Request | None:
        """What a run was asked for, by its lease; before it has one, by the run it repeats."""
        lease = self.lease_of(self.name_of(job_id, run))
        if lease is not None:
            return lease.request
        repeated = self.receipt_of(self.name_of(job_id, run - 1))
        return repeated.request if repeated else None
