"""The doors through which a job's directory is entered, and the room that it may take."""

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from shared.errors import FilesLost, InvalidJob, JobIdReused, JobLocked, OtherVolume, WorkspaceFull
from shared.jobs import CleanupJob, DownloadJob, Passage, Request
from shared.workspace.closing import Closing
from shared.workspace.files import Files
from shared.workspace.held import Held
from shared.workspace.records import Lease
from shared.workspace.volume import Volume

# What lies in the lease's place where a job is ended before it has begun.
ENDING = b"{}"
# By so much files' times can lag behind the clock that a stage was stopped by.
COARSE_SECONDS = 2


class Closed(Exception):
    """The job has a receipt: whatever is delivered for it now is a duplicate."""


class NotDue(Exception):
    """The job is to be expired, and has time left: it began since the sweep saw an orphan."""


class Workspace(Volume):
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
        super().__init__(root, files or Files())
        self._ttl_hours = ttl_hours
        self._floor_bytes = floor_bytes
        self._room_factor = room_factor

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
        try:
            self._grant(directory, job, digest)
        except Exception:
            if made and self.files.exists(self._receipt(name)):
                # It ended since the first look, and nobody would come any more to remove this.
                self._unmake(directory)
            raise
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
            if job.run > 1:
                self._forget_redrive(name)
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
            NotDue, JobLocked, OtherVolume
        """
        name = self.name_of(job.job_id, job.run)
        self._refuse_other_volume(job.volume)
        self._put_away_impostor(f"{self.jobs}/{name}")
        try:
            lock = self._lock_to_end(f"{self.jobs}/{name}/job.json")
        except FileNotFoundError:
            return self._closing(name, None)
        if lock is not None:
            with self._unless_refused(lock):
                self._refuse_early(job, name)
            return self._closing(name, lock)
        if isinstance(job, CleanupJob) and job.outcome == "cancelled":
            self._closing(name, None).announce(job)
        raise JobLocked(f"the job '{job.job_id}' is being worked on")

    # ── their parts ──────────────────────────────────────────────────────────────────────

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

    def _refuse_early(self, job: Passage, name: str) -> None:
        """Refuse to expire a job before its deadline. One that has a receipt has ended already."""
        if not isinstance(job, CleanupJob) or job.outcome != "expired":
            return
        lease, soon = self.lease_of(name), self.now() + COARSE_SECONDS
        if lease and soon < lease.deadline and not self.files.exists(self._receipt(name)):
            raise NotDue(name)

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

    def _forget_redrive(self, name: str) -> None:
        """The run has a directory by now, which tells more."""
        with suppress(FileNotFoundError):
            self.files.unlink(self._note(name))

    def _make(self, directory: str) -> bool:
        try:
            self.files.make_directory(directory)
        except FileExistsError:
            return False
        except FileNotFoundError:
            raise OtherVolume("the work directory is gone; is its volume mounted?") from None
        return True

    def _unmake(self, directory: str) -> None:
        with suppress(OSError):  # somebody else has come in
            self.files.remove_directory(directory)

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
            token=secrets.token_hex(8),
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

    async def _reserve(self, held: Held, size_bytes: int) -> None:
        """Write the promise first, then look: of two that race, at least one sees both."""
        held.promise(int(size_bytes * self._room_factor))
        # Thousands of jobs may wait: looking at them all would keep the loop from other work.
        promised = await asyncio.to_thread(self.outstanding)
        free, _ = self.files.space(self.root)
        if free - promised < self._floor_bytes:
            held.promise(0)
            raise WorkspaceFull(
                f"the work directory has {free} bytes free, {promised} of them promised; "
                f"{self._floor_bytes} stay free"
            )

    @property
    def low(self) -> bool:
        """Whether less than the floor is free."""
        return self.space()[0] < self._floor_bytes
