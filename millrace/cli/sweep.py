"""`millrace sweep`: the sweep, now."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from millrace.cli import options

if TYPE_CHECKING:
    from services.cleanup.sweep import SweepReport


def sweep(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    json: options.Json = False,
) -> None:
    """Look for what a crash left, and have the cleanup service remove it."""
    from millrace.wiring import run

    report: SweepReport = run(_sweep(dry_run))
    if json:
        import orjson

        print(orjson.dumps(asdict(report)).decode())
    else:
        _print(report, dry_run)
    raise typer.Exit(1 if report.errors else 0)


async def _sweep(dry_run: bool) -> "SweepReport":
    from millrace.cli.lane import connected, lane, work_directory
    from millrace.settings import read
    from millrace.wiring import open_storage
    from services.cleanup.settings import CleanupSettings
    from services.cleanup.sweep import Sweep
    from shared.storage.settings import StorageSettings

    of = lane()
    workspace = work_directory(of)
    grace = read(CleanupSettings).orphan_grace_minutes
    storage = open_storage(read(StorageSettings))
    try:
        async with connected(of, declare=not dry_run) as broker:
            return await Sweep(workspace, storage, broker, of, grace).run(dry_run=dry_run)
    finally:
        await storage.close()


def _print(report: "SweepReport", dry_run: bool) -> None:
    verb = "would remove" if dry_run else "removes"
    lines = {
        f"{verb} the files of": report.orphans,
        f"{verb} what was on its way out": report.trash,
        f"{verb} the receipt": report.receipts,
        f"{verb} the object": report.objects,
        "leaves alone, for it is not Millrace's": report.unknown,
        "could not look at": report.errors,
    }
    for text, names in lines.items():
        for name in names:
            print(f"{text}: {name}")
    if not any(lines.values()):
        print("nothing to sweep")
