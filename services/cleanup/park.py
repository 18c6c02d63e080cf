"""Failed jobs, kept as messages in `….dead` for people to look at and to run again."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from shared.broker.base import Broker
from shared.broker.topology import Lane
from shared.envelope import encode
from shared.jobs import DownloadJob
from shared.workspace import Receipt


@dataclass(frozen=True)
class Parking:
    """The dead queue of one lane."""

    broker: Broker
    lane: Lane

    async def park(self, receipt: Receipt) -> None:
        """Keep the failed job's original request, with why it failed in the headers.

        A job whose request is lost cannot be run again: its receipt alone remembers it.
        """
        if receipt.request is not None:
            # As it was, right or wrong: what is checked here could be parked never.
            fields = dict(receipt.request)
            job = DownloadJob.model_construct(job_id=receipt.job_id, run=receipt.run, **fields)
            message = dataclasses.replace(encode(job), headers=_reasons(receipt))
            await self.broker.publish(message, self.lane.dead)


def _reasons(receipt: Receipt) -> dict[str, Any]:
    why = {"parked": "failed", "run": receipt.run}
    error = receipt.end.error
    if error is None:
        return why
    return {
        **why,
        "error": error.error,
        "reason": error.message[:1000],
        "stage": error.stage,
        "attempts": error.attempts,
    }
