"""`millrace schema`: the messages as JSON Schemas."""

from pathlib import Path
from typing import Annotated

import typer


def schema(
    write: Annotated[
        Path | None,
        typer.Option("--write", metavar="DIR", help="One file for each message, into DIR."),
    ] = None,
) -> None:
    """Print the JSON Schemas of all messages as one JSON object, or write them into a folder."""
    import orjson

    from millrace.schemas import schemas, text

    if write is None:
        print(orjson.dumps(schemas(), option=orjson.OPT_INDENT_2).decode())
        return
    write.mkdir(parents=True, exist_ok=True)
    for name, one in schemas().items():
        (write / f"{name}.json").write_text(text(one))
        print(write / f"{name}.json")
