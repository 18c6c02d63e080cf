"""`millrace cancel`: a job is abandoned."""

from millrace.cli import options


def cancel(job: options.JobId, json: options.Json = False) -> None:
    """Abandon a job: its work is stopped, and its files and results are removed."""
    import orjson

    from millrace.wiring import run

    run(_cancel(job))
    if json:
        print(orjson.dumps({"jobId": job, "asked": "cancelled"}).decode())
    else:
        print(f"asked for the end of {job}; `millrace watch {job}` shows it")


async def _cancel(job: str) -> None:
    from millrace.cli.lane import connected, lane
    from shared.broker.base import Message
    from shared.jobs import CancelRequest

    of = lane()
    request = CancelRequest(job_id=job, outcome="cancelled")
    async with connected(of) as broker:
        await broker.publish(Message(request.encode()), of.queue("cleanup"))
