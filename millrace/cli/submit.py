"""`millrace submit`: jobs for services that run elsewhere."""

import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from millrace.cli import options

if TYPE_CHECKING:
    from millrace.cli.display import Silence
    from millrace.cli.jobs import Job
    from millrace.events import Event
    from shared.broker.base import Message

Wait = Annotated[bool, typer.Option("--wait", "-w", help="Wait until every job has ended.")]


def submit(
    sources: options.Sources,
    op: options.Operations = [],  # noqa: B006 - typer makes a new one each time
    preset: options.Presets = [],  # noqa: B006
    destination: options.Destination = None,
    meta: options.Metadata = [],  # noqa: B006
    keep_original: options.KeepOriginal = False,
    overwrite: options.Overwrite = False,
    wait: Wait = False,
    json: options.Json = False,
) -> None:
    """Publish a job for each photo and film to RabbitMQ, and say its id.

    Files must lie where the download service sees them, under one of its SOURCE_ROOTS. With
    --wait, ends with 0 only if every job completed.
    """
    from millrace.cli.display import display
    from millrace.cli.jobs import wish
    from millrace.cli.sources import find
    from millrace.cli.table import print_results
    from millrace.wiring import run

    wanted = wish(preset, op, destination, keep_original, overwrite, meta)
    found = find(sources)
    jobs = [wanted.job(source) for source in found.sources]
    if not wait:
        display(0, json=True).skipped(found.skipped)
        run(_publish(jobs, json))
        return
    with display(len(jobs), json=json) as shown:
        shown.skipped(found.skipped)
        ends = run(_publish_and_wait(jobs, shown))
    if not json:
        print_results(ends)
    raise typer.Exit(0 if all(end.completed for end in ends) else 1)


async def _publish(jobs: Sequence["Job"], json: bool) -> None:
    import orjson

    from millrace.cli.lane import connected, lane
    from shared.envelope import encode

    to = lane()
    async with connected(to) as broker:
        for job in jobs:
            await broker.publish(encode(job.message), to.queue("download"))
            said = {"jobId": job.id, "source": job.source.address}
            print(orjson.dumps(said).decode() if json else job.id, flush=True)


async def _publish_and_wait(jobs: Sequence["Job"], shown: "Silence") -> list["Event"]:
    import asyncio
    import dataclasses
    import uuid

    from millrace.cli.lane import connected, lane
    from shared.envelope import encode
    from shared.jobs import directory_name

    to = lane()
    # Ids of our own tell a refusal of ours from one of another request under the same job id.
    sent = {job.id: uuid.uuid4().hex for job in jobs}
    pattern = f"{directory_name(jobs[0].id)}.*" if len(jobs) == 1 else "#"
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(connected(to))
        # Bound before anything is published: no event is missed.
        events = await stack.enter_async_context(broker.listen(to.events, pattern))
        following = asyncio.ensure_future(_follow(events, jobs, sent, shown))
        try:
            for job in jobs:
                shown.begins(job)
                message = dataclasses.replace(encode(job.message), message_id=sent[job.id])
                await broker.publish(message, to.queue("download"))
            return await following
        except asyncio.CancelledError:
            names = " ".join(job.id for job in jobs)
            print(f"millrace: the jobs go on without you: {names}", file=sys.stderr)
            raise
        finally:
            following.cancel()


async def _follow(
    events: AsyncIterator["Message"],
    jobs: Sequence["Job"],
    sent: Mapping[str, str],
    shown: "Silence",
) -> list["Event"]:
    """Show the jobs' events until each of them has ended."""
    from millrace.events import Event

    waiting = {job.id: job for job in jobs}
    ends: dict[str, Event] = {}
    async for message in events:
        event = Event.of(message)
        if event.of_another and event.data.get("messageId") != sent.get(event.job_id):
            continue
        shown.heard(event)
        if event.terminal and event.job_id in waiting:
            ends[event.job_id] = event
            shown.ended(waiting.pop(event.job_id), event)
        if not waiting:
            break
    return [ends[job.id] for job in jobs]
