"""Arguments and options that several sub-commands share."""

from pathlib import Path
from typing import Annotated

import typer

from millrace.cli.errors import Misuse

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE…",
        help="Photos and films: files, folders, globs, or addresses (https://, s3://).",
    ),
]
Operations = Annotated[
    list[str],
    typer.Option(
        "--op",
        metavar="OP",
        help="What to make: blur, resize:width=640,formats=webp+avif, or a JSON object. "
        "Can be given several times.",
    ),
]
Presets = Annotated[
    list[str],
    typer.Option("--preset", metavar="NAME", help="A set of operations by its name, such as web."),
]
Destination = Annotated[
    str | None,
    typer.Option(
        metavar="TEMPLATE",
        help="Where each result goes: {jobId} {name} {ext} {sha256} {YYYY} {MM} {DD} {metadata.…}",
    ),
]
KeepOriginal = Annotated[bool, typer.Option("--keep-original", help="Store the source as well.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace results that are there.")]
Metadata = Annotated[
    list[str],
    typer.Option("--meta", metavar="KEY=VALUE", help="Metadata of the jobs; several times."),
]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where the results go.")]
Json = Annotated[bool, typer.Option("--json", help="JSON on standard output, and nothing else.")]


def _job_id(text: str) -> str:
    """Refuse what no job can be called, before anything is looked for or asked."""
    from shared.jobs import MAX_ID_LENGTH

    if not 0 < len(text) <= MAX_ID_LENGTH:
        raise Misuse(f"JOB: a job's id has 1 to {MAX_ID_LENGTH} characters, not {len(text)}")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise Misuse("JOB: a job's id is UTF-8")
    return text


JobId = Annotated[str, typer.Argument(metavar="JOB", help="The job's id.", callback=_job_id)]
