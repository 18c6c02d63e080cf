"""The cleanup stage: receipt, storage, removal, parking; then the job has ended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.cleanup.park import Parking
from services.cleanup.settings import CleanupSettings
from services.cleanup.sweep import Sweep
from shared.jobs import CleanupJob, JobEnded
from shared.storage.base import Intent, Owner, Storage
from shared.together import together
from shared.workspace import Closing, Receipt

# Less than this is removed in about a millisecond, sooner than a thread would be there.
MANY_FILES = 50
MANY_BYTES = 64 * 2**20
# Requests of one job to the storage: a film can have thousands of objects.
SETTLED_AT_ONCE = 24


@dataclass(frozen=True)
class Cleanup:
    """Ends a job. Every step can be repeated; the next delivery finishes what a crash began."""

    storage: Storage
    parking: Parking
    sweep: Sweep

    async def __call__(self, job: CleanupJob, work: Closing) -> JobEnded:
        receipt = work.receipt(job)
        await self._settle(receipt, work.intents(), receipt.owner)
        await self._remove(work, receipt)
        if receipt.outcome == "failed" and not receipt.parked:
            await self.parking.park(receipt)
            receipt = work.mark_parked(receipt)
        return receipt.end

    async def _remove(self, work: Closing, receipt: Receipt) -> None:
        account = receipt.end.receipt
        if account.files_removed < MANY_FILES and account.bytes_removed < MANY_BYTES:
            work.remove()
        else:
            # Freeing much takes the disk long, and the event loop must not wait for it.
            await asyncio.to_thread(work.remove)

    async def _settle(self, receipt: Receipt, intents: tuple[Intent, ...], owner: Owner) -> None:
        """Keep a completed job's objects; of any other, leave none of its own."""
        keeps = receipt.outcome == "completed" or receipt.overwrites
        undo = self.storage.settle if keeps else self.storage.rollback
        slots = asyncio.Semaphore(SETTLED_AT_ONCE)

        async def settle(intent: Intent) -> None:
            async with slots:
                await undo(intent, owner)

        await together(settle(intent) for intent in intents)


@asynccontextmanager
async def opened(
    settings: CleanupSettings, storage: Storage, parking: Parking, sweep: Sweep
) -> AsyncIterator[Cleanup]:
    """The stage, with its sweep running beside it."""
    sweeping = asyncio.create_task(sweep.forever(settings))
    try:
        yield Cleanup(storage, parking, sweep)
    finally:
        sweeping.cancel()
        await asyncio.wait([sweeping])
