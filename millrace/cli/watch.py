"""`millrace watch`: a job's events until it ends."""

import sys
from typing import TYPE_CHECKING

import typer

from millrace.cli import options

if TYPE_CHECKING:
    from millrace.events import Event
    from shared.broker.base import Broker
    from shared.broker.topology import Lane


def watch(job: options.JobId, json: options.Json = False) -> None:
    """Follow a job until it ends. Ends with 0 only if it completed."""
    from millrace.cli.table import print_results
    from millrace.wiring import run

    end: Event = run(_watch(job, json))
    if not json:
        print_results([end])
    raise typer.Exit(0 if end.completed else 1)


async def _watch(job: str, json: bool) -> "Event":
    from millrace.cli.lane import connected, lane
    from millrace.events import Event
    from shared.errors import BrokerUnavailable
    from shared.jobs import directory_name

    of = lane()
    async with (
        connected(of) as broker,
        broker.listen(of.events, f"{directory_name(job)}.*") as events,
    ):
        # Looked for only now: an end that comes meanwhile is among the events.
        if end := _ended_before(job, broker, of):
            _show(end, json)
            return end
        async for message in events:
            event = Event.of(message)
            _show(event, json)
            if event.terminal and not event.of_another:
                return event
    raise BrokerUnavailable


def _ended_before(job: str, broker: "Broker", lane: "Lane") -> "Event | None":
    """The job's end from its receipt, where the work directory is at hand."""
    from millrace.cli.lane import NoWorkDirectory, work_directory
    from millrace.events import Event
    from shared.updates import Updates

    try:
        workspace = work_directory(lane)
    except NoWorkDirectory:
        return None
    run = workspace.latest_run(job)
    receipt = workspace.receipt_of(workspace.name_of(job, run)) if run else None
    if receipt is None or receipt.event is None:
        return None
    message, _ = Updates(broker, lane, "cleanup").terminal(receipt.event)
    return Event.of(message)


def _show(event: "Event", json: bool) -> None:
    if json:
        sys.stdout.buffer.write(event.body + b"\n")
        sys.stdout.buffer.flush()
    else:
        print(_line(event), flush=True)


def _line(event: "Event") -> str:
    if event.terminal:
        return f"{event.what}: {event.sentence}" if event.error else event.what
    percent = event.data.get("percent")
    return f"{event.data.get('stage')} {event.what}" + (f" {percent:.0f} %" if percent else "")
