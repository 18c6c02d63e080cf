"""Options that say which parked messages a command is about."""

import re
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from millrace.cli.errors import Misuse

if TYPE_CHECKING:
    from millrace.parked import Selection

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _seconds(text: str) -> float:
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smhd])", text)
    if match is None:
        raise typer.BadParameter(f"'{text}' must be a number and a unit: 90s, 30m, 12h, 7d")
    return float(match[1]) * _UNITS[match[2]]


Stage = Literal["download", "process", "upload", "cleanup"]
Ids = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ID]…", help="Jobs, or messages that name no job. Default: all."),
]
OfStage = Annotated[Stage | None, typer.Option("--stage", help="Only what failed there.")]
Error = Annotated[
    str | None, typer.Option("--error", metavar="CLASS", help="Only this error: CorruptMedia.")
]
Older = Annotated[
    float | None,
    typer.Option(parser=_seconds, metavar="AGE", help="Only what was parked before: 12h, 7d."),
]
Newer = Annotated[
    float | None,
    typer.Option(parser=_seconds, metavar="AGE", help="Only what was parked since: 30m, 12h."),
]
Limit = Annotated[int | None, typer.Option(min=1, help="Only the oldest so many of these.")]


def selection(
    ids: list[str] | None,
    stage: Stage | None = None,
    error: str | None = None,
    older_than: float | None = None,
    newer_than: float | None = None,
    limit: int | None = None,
) -> "Selection":
    """What the options say."""
    from millrace.parked import Selection

    return Selection(frozenset(ids or ()), stage, error, older_than, newer_than, limit)


def refuse_missing(selection: "Selection", found: set[str]) -> None:
    """End the command with 1 where a message that was named is not parked."""
    from millrace.parked import NotParked

    if missing := sorted(selection.ids - found):
        raise NotParked(f"nothing is parked of {', '.join(missing)}")


def refuse_unbounded(selection: "Selection", everything: bool) -> None:
    """Have somebody who chooses nothing say that everything is meant."""
    from millrace.parked import Selection

    if selection == Selection() and not everything:
        raise Misuse("say which: ids, --stage, --error, --older-than, --newer-than, or --all")
