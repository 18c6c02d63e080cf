"""The volume that all services share, and the doors through which a job's directory is entered.

TEMP_DIR/<prefix>/
  volume                  an id, made once
  jobs/<job>.<run>/       one directory per run of a job; see `held.py`
  closed/<job>.<run>.json receipts of ended jobs
  trash/                  directories on their way out
"""

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from shared.errors import FilesLost, InvalidJob, JobIdReused, JobLocked, OtherVolume, WorkspaceFull
from shared.jobs import MAX_RUNS, CleanupJob, DownloadJob, Passage, Request, directory_name
from shared.workspace.closing import Closing
from shared.workspace.files import Files
from shared.workspace.held import Held
from shared.workspace.records import Lease, Receipt
from shared.workspace.tree import attempt_files

# What lies in the lease's place where a job is ended before it has begun.
ENDING = b"{}"
_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\.[1-9][0-9]*")


def is_run(name: str) -> bool:
    """Whether `name` can be the directory of a run: `<job>.<run>`."""
    return _RUN.fullmatch(name) is not None


class Closed(Exception):
    """The job has a receipt: whatever is delivered for it now is a duplicate."""


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


class Workspace:
    """The work directory of one lane.

    Args:
        root: `TEMP_DIR/<prefix>`.
        ttl_hours: how long a job may take, waiting included, unless it says so itself.
        floor_bytes: free space that stays free.
        room_factor: how much room a job needs, in sizes of its source.
    """

    def __init__(
        self,
        root: Path,
        files: Files | None = None,
        *,
        ttl_hours: float = 24.0,
        floor_bytes: int = 0,
        room_factor: float = 3.0,
    ) -> None:
        self.root = root
        self.files = files or Files()
        self.jobs = f"{root}/jobs"
        self.closed = f"{root}/closed"
        self.trash = f"{root}/trash"
        self.volume = ""
        self._ttl_hours = ttl_hours
        self._floor_bytes = floor_bytes
        self._room_factor = room_factor

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

    # ── the three doors ──────────────────────────────────────────────────────────────────

    def begin(self, job: DownloadJob) -> Held:
        """Enter a job that may be new: make its directory and its lease, and lock it.

        Raises:
            Closed, JobLocked, JobIdReused, WorkspaceFull
        """
        name = self.name_of(job.job_id, job.run)
        digest = job.request.digest
        self._refuse_ended(name, job.job_id, digest)
        directory = f"{self.jobs}/{name}"
        self._put_away_impostor(directory)
        made = self._make(directory)
        self._grant(directory, job, digest)
        try:
            held = self._hold(name, job.job_id)
        except JobLocked:
            self._refuse_reused(self.lease_of(name), job.job_id, digest)
            raise
        with self._unless_refused(held.lock):
            if self.files.exists(self._receipt(name)):
                # It was closed between the first look and the lock: leave no directory behind.
                if made:
                    self._closing(name, held.lock).remove()
                raise Closed(name)
            self._refuse_reused(held.lease, job.job_id, digest)
        return held

    def resume(self, job: Passage) -> Held:
        """Enter a job that an earlier stage began, and lock it.

        Raises:
            Closed, JobLocked, OtherVolume, FilesLost
        """
        name = self.name_of(job.job_id, job.run)
        self._refuse_other_volume(job.volume)
        self._refuse_closed(name)
        self._put_away_impostor(f"{self.jobs}/{name}")
        try:
            held = self._hold(name, job.job_id)
        except FileNotFoundError:
            # Its end may have come between the look for the receipt and here.
            self._refuse_closed(name)
            self._refuse_other_volume(self._read_volume())
            raise FilesLost(f"the job '{job.job_id}' has no directory any more") from None
        with self._unless_refused(held.lock):
            self._refuse_closed(name)
        return held

    def close(self, job: Passage) -> Closing:
        """Enter a job to end it, whether or not anything of it is left, and lock what is.

        Cancelling leaves the receipt without the lock, so that the running stage sees it,
        stops, and lets go.

        Raises:
            JobLocked, OtherVolume
        """
        name = self.name_of(job.job_id, job.run)
        self._refuse_other_volume(job.volume)
        self._put_away_impostor(f"{self.jobs}/{name}")
        try:
            lock = self._lock_to_end(f"{self.jobs}/{name}/job.json")
        except FileNotFoundError:
            return self._closing(name, None)
        if lock is not None:
            return self._closing(name, lock)
        if isinstance(job, CleanupJob) and job.outcome == "cancelled":
            self._closing(name, None).announce(job)
        raise JobLocked(f"the job '{job.job_id}' is being worked on")

    # ── their parts ──────────────────────────────────────────────────────────────────────

    @staticmethod
    def name_of(job_id: str, run: int) -> str:
        """The name of a run's directory and receipt."""
        return f"{directory_name(job_id)}.{run}"

    def _receipt(self, name: str) -> str:
        return f"{self.closed}/{name}.json"

    def _closing(self, name: str, lock: int | None) -> Closing:
        directory = f"{self.jobs}/{name}"
        return Closing(
            self.files, directory, self._receipt(name), self.trash, lock, self._ttl_hours
        )

    def _refuse_closed(self, name: str) -> None:
        if self.files.exists(self._receipt(name)):
            raise Closed(name)

    def _refuse_ended(self, name: str, job_id: str, digest: str) -> None:
        """Refuse a duplicate of an ended job, and another job under its id."""
        if self.files.exists(self._receipt(name)):
            receipt = self.receipt_of(name)
            if receipt and receipt.request:
                self._refuse_reused(receipt.request, job_id, digest)
            raise Closed(name)

    def _refuse_reused(self, known: Lease | Request | None, job_id: str, digest: str) -> None:
        if known is not None and known.digest != digest:
            raise JobIdReused(f"the job id '{job_id}' belongs to a job with another request")

    def _refuse_other_volume(self, volume: str) -> None:
        if volume != self.volume:
            raise OtherVolume(f"the files lie on volume {volume or '?'}, here is {self.volume}")

    def _put_away_impostor(self, directory: str) -> None:
        """What stands in the place of a job's directory and is none, a link above all.

        The sweep removes it from the trash, without looking where it leads.
        """
        try:
            self.files.entries(directory)
        except NotADirectoryError:
            self.files.rename(directory, f"{self.trash}/impostor.{secrets.token_hex(4)}")
        except FileNotFoundError:
            return

    def _make(self, directory: str) -> bool:
        try:
            self.files.make_directory(directory)
        except FileExistsError:
            return False
        except FileNotFoundError:
            raise OtherVolume("the work directory is gone; is its volume mounted?") from None
        return True

    def _grant(self, directory: str, job: DownloadJob, digest: str) -> None:
        """Write the job's lease where there is none; the first one wins."""
        path = f"{directory}/job.json"
        if not self.files.exists(path):
            self._link_whole(path, self._new_lease(directory, job, digest).encode())

    def _lock_to_end(self, path: str) -> int | None:
        """The lock of a job that is to end, also of one that has not got its lease yet.

        That one gets `ENDING` in its place, so that nobody begins the job meanwhile.
        FileNotFoundError where it has no directory.
        """
        try:
            return self.files.lock(path)
        except FileNotFoundError:
            self._link_whole(path, ENDING)
            return self.files.lock(path)

    def _link_whole(self, path: str, content: bytes) -> None:
        """Make the file with all its content in one step, unless it is there already."""
        written = f"{path}.{secrets.token_hex(4)}"
        self.files.create(written, content)
        with suppress(FileExistsError):
            self.files.link(written, path)

    def _new_lease(self, directory: str, job: DownloadJob, digest: str) -> Lease:
        created = self.files.modified(directory)
        hours = job.ttl_hours or self._ttl_hours
        return Lease(
            job_id=job.job_id,
            run=job.run,
            request=job.request,
            digest=digest,
            created=created,
            deadline=created + hours * 3600,
        )

    def _hold(self, name: str, job_id: str) -> Held:
        """Lock a job by its lease; FileNotFoundError where it has none."""
        directory = f"{self.jobs}/{name}"
        lock = self.files.lock(f"{directory}/job.json")
        if lock is None:
            raise JobLocked(f"the job '{job_id}' is being worked on")
        with self._unless_refused(lock):
            lease = self._lease_in(self.files.read_locked(lock), job_id)
        receipt = self._receipt(name)
        return Held(self.files, directory, lock, lease, self.volume, receipt, self._reserve)

    def _lease_in(self, content: bytes, job_id: str) -> Lease:
        if content == ENDING:
            raise JobLocked(f"the job '{job_id}' is being ended")
        try:
            return Lease.decode(content)
        except InvalidJob as error:
            raise FilesLost(f"the lease of '{job_id}' is damaged: {error}") from None

    @contextmanager
    def _unless_refused(self, lock: int) -> Iterator[None]:
        """Let go of the lock where the job is not entered after all, whatever the reason."""
        try:
            yield
        except BaseException:
            self.files.unlock(lock)
            raise

    # ── room ─────────────────────────────────────────────────────────────────────────────

    def _reserve(self, held: Held, size_bytes: int) -> None:
        """Write the promise first, then look: of two that race, at least one sees both."""
        held.promise(int(size_bytes * self._room_factor))
        free, _ = self.files.space(self.root)
        promised = sum(max(0, job.promised - job.size) for job in self.survey())
        if free - promised < self._floor_bytes:
            held.promise(0)
            raise WorkspaceFull(
                f"the work directory has {free} bytes free, {promised} of them promised; "
                f"{self._floor_bytes} stay free"
            )

    def space(self) -> tuple[int, int]:
        """Free and all bytes of the volume."""
        return self.files.space(self.root)

    @property
    def present(self) -> bool:
        """Whether the volume is still where it was when it was opened."""
        return self._read_volume() == self.volume

    @property
    def low(self) -> bool:
        """Whether less than the floor is free."""
        return self.space()[0] < self._floor_bytes

    # ── looking ──────────────────────────────────────────────────────────────────────────

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

    def latest_run(self, job_id: str) -> int | None:
        """The highest run of a job that has a directory or a receipt."""
        for run in range(MAX_RUNS, 0, -1):
            name = self.name_of(job_id, run)
            if self.files.exists(f"{self.jobs}/{name}") or self.files.exists(self._receipt(name)):
                return run
        return None
