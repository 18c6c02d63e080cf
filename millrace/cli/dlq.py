"""`millrace dlq`: parked messages, of jobs that failed or that were no jobs."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from millrace.cli import chosen, options

if TYPE_CHECKING:
    from millrace.parked import Held, Parked, Selection
    from shared.broker.base import Broker
    from shared.broker.topology import Lane
    from shared.workspace import Workspace

    Act = Callable[[Held, Broker, Lane], Awaitable[None]]

dlq = typer.Typer(no_args_is_help=True, help="Parked messages: look, run again, throw away.")


@dlq.command("list")
def list_(
    ids: chosen.Ids = None,
    stage: chosen.OfStage = None,
    error: chosen.Error = None,
    older_than: chosen.Older = None,
    newer_than: chosen.Newer = None,
    limit: chosen.Limit = None,
    json: options.Json = False,
) -> None:
    """List parked messages, oldest first, one a line. Nothing is taken away."""
    selection = chosen.selection(ids, stage, error, older_than, newer_than, limit)
    listed: Counter[tuple[str, int | None]] = Counter()

    async def say(held: "Held", *_: Any) -> None:
        of = held.parked
        # A crash while a job was parked may have parked it twice.
        if not (of.kind == "failed" and listed[of.id, of.run]):
            _say(of, json)
        listed[of.id, of.run] += 1

    _each(selection, say)
    if not json:
        print(f"{listed.total()} parked messages")


@dlq.command()
def show(ids: chosen.Ids = None, json: options.Json = False) -> None:
    """Show parked messages whole: the request, the headers, the receipt where the volume is."""
    import orjson

    layout = None if json else orjson.OPT_INDENT_2
    selection, shown = chosen.selection(ids), set()
    receipt = _receipts()

    async def say(held: "Held", *_: Any) -> None:
        shown.add(held.parked.id)
        known = {**held.whole, "receipt": receipt(held.parked)}
        print(orjson.dumps(known, default=str, option=layout).decode())

    _each(selection, say)
    chosen.refuse_missing(selection, shown)


@dlq.command()
def redrive(
    ids: chosen.Ids = None,
    stage: chosen.OfStage = None,
    error: chosen.Error = None,
    older_than: chosen.Older = None,
    newer_than: chosen.Newer = None,
    limit: chosen.Limit = None,
    everything: Annotated[bool, typer.Option("--all", help="All that is parked.")] = False,
    json: options.Json = False,
) -> None:
    """Run failed jobs again: the next run of each, with its request as it was.

    What cannot run again stays parked; then the command ends with 1.
    """
    from millrace.parked import CannotRedrive

    selection = chosen.selection(ids, stage, error, older_than, newer_than, limit)
    chosen.refuse_unbounded(selection, everything)
    workspace = _workspace()
    found: set[str] = set()
    refused = 0

    async def again(held: "Held", broker: "Broker", lane: "Lane") -> None:
        nonlocal refused
        found.add(held.parked.id)
        try:
            _say_again(held.parked, json, await held.redrive(broker, lane, workspace))
        except CannotRedrive as error:
            refused += 1
            _complain(str(error))

    _each(selection, again)
    chosen.refuse_missing(selection, found)
    raise typer.Exit(1 if refused else 0)


@dlq.command()
def purge(
    ids: chosen.Ids = None,
    stage: chosen.OfStage = None,
    error: chosen.Error = None,
    older_than: chosen.Older = None,
    newer_than: chosen.Newer = None,
    limit: chosen.Limit = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: options.Json = False,
) -> None:
    """Throw parked messages away for good; asks first. Jobs and results are not touched."""
    from millrace.wiring import run

    selection = chosen.selection(ids, stage, error, older_than, newer_than, limit)
    run(_purge(selection, yes, json))


async def _purge(selection: "Selection", yes: bool, json: bool) -> None:
    from millrace.cli.question import confirmed

    # Held until the answer is there: what goes is what was counted.
    async with _looking(selection) as (parked, *_):
        meant = [held async for held in parked]
        chosen.refuse_missing(selection, {held.parked.id for held in meant})
        if meant and not yes:
            await confirmed(f"Throw {len(meant)} parked messages away?")
        for held in meant:
            await held.throw_away()
            _say(held.parked, json)


# ── the queue ────────────────────────────────────────────────────────────────────────────────


def _each(selection: "Selection", act: "Act") -> None:
    """Do something with each message that is meant; what is not settled is given back."""
    from millrace.wiring import run

    run(_look(selection, act))


async def _look(selection: "Selection", act: "Act") -> None:
    async with _looking(selection) as (parked, broker, lane):
        async for held in parked:
            await act(held, broker, lane)


@asynccontextmanager
async def _looking(
    selection: "Selection",
) -> "AsyncIterator[tuple[AsyncIterator[Held], Broker, Lane]]":
    from millrace.cli.lane import connected, lane
    from millrace.parked import looking

    of = lane()
    async with connected(of) as broker, looking(broker, of, selection) as parked:
        yield parked, broker, of


def _receipts() -> "Callable[[Parked], Any]":
    """What the work directory knows of a job's end, where it is at hand."""
    import orjson

    workspace = _workspace()

    def receipt(parked: "Parked") -> Any:
        if workspace is None or parked.job_id is None or parked.run is None:
            return None
        found = workspace.receipt_of(workspace.name_of(parked.job_id, parked.run))
        return orjson.loads(found.encode()) if found else None

    return receipt


def _workspace() -> "Workspace | None":
    """The services' work directory, where it is at hand and ours to read."""
    from millrace.cli.lane import NoWorkDirectory, lane, work_directory

    try:
        return work_directory(lane())
    except (NoWorkDirectory, OSError):
        return None


# ── lines ────────────────────────────────────────────────────────────────────────────────────


def _line(parked: "Parked") -> str:
    when = f"{parked.parked_at:%Y-%m-%d %H:%M:%S}" if parked.parked_at else ""
    of = f"{parked.id} run {parked.run}" if parked.run else parked.id
    return _plain(f"{when:19}  {of:32}  {parked.stage or '':8}  {parked.error}: {parked.reason}")


def _say(parked: "Parked", json: bool) -> None:
    print(parked.encode().decode() if json else _line(parked))


def _say_again(parked: "Parked", json: bool, run: int | None) -> None:
    import orjson

    if json:
        named = {"id": parked.id, "kind": parked.kind, "run": parked.run, "nextRun": run}
        print(orjson.dumps(named).decode())
    else:
        print(_plain(f"{parked.id} run {run}" if run else f"{parked.id} handed to cleanup"))


def _complain(sentence: str) -> None:
    import sys

    print(f"millrace: {_plain(sentence)}", file=sys.stderr)


def _plain(text: str) -> str:
    """`text` without what a terminal would obey: anyone can write into a message."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
