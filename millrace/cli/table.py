"""The table of what jobs have made."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from millrace.events import Event
from shared.jobs import Result

_WIDE = 200


def print_results(ends: list[Event]) -> None:
    """One line for each stored file, on standard output."""
    results = [result for end in ends for result in end.results]
    if results:
        console = Console(highlight=False)
        if not console.is_terminal:
            # Nobody's window: no line needs to be folded.
            console = Console(highlight=False, width=_WIDE)
        console.print(_table(results))


def _table(results: list[Result]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("name", "type"):
        table.add_column(name, no_wrap=True)
    for name in ("size", "dimensions"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("where", overflow="fold")
    for result in results:
        table.add_row(
            result.name,
            result.media_type,
            decimal(result.size),
            f"{result.width}×{result.height}" if result.width else "",
            where(result.url),
        )
    return table


def where(url: str) -> str:
    """`url` as people write it: a file's path, from here if it lies below."""
    if not url.startswith("file://"):
        return url
    path = Path(unquote(urlsplit(url).path))
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
