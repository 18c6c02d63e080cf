"""`millrace run`: the whole pipeline in this process."""

from pathlib import Path
from typing import Annotated

import typer

from millrace.cli import options


def run(
    sources: options.Sources,
    out: options.Out = Path("millrace-out"),
    op: options.Operations = [],  # noqa: B006 - typer makes a new one each time
    preset: options.Presets = [],  # noqa: B006
    destination: options.Destination = None,
    meta: options.Metadata = [],  # noqa: B006
    keep_original: options.KeepOriginal = False,
    overwrite: options.Overwrite = False,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, max=1000, help="Jobs at once.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Make the files from photos and films, here and now. Needs no services.

    Results go to OUT/NAME/…, where NAME is the source's name, unless --destination says
    otherwise. Ends with 0 only if every job completed.
    """
    from millrace.cli.batch import carry_out
    from millrace.cli.display import display
    from millrace.cli.jobs import by_stem, wish
    from millrace.cli.sources import find
    from millrace.cli.table import print_results

    wanted = wish(preset, op, destination, keep_original, overwrite, meta)
    found = find(sources, out)
    place = by_stem(found.sources)
    with display(len(found.sources), json=json) as shown:
        shown.skipped(found.skipped)
        batch = carry_out(
            [wanted.job(source, place(source)) for source in found.sources], out, shown, jobs
        )
    if not json:
        print_results(batch.ends)
    raise typer.Exit(batch.code)
