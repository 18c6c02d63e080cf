"""What an operation says about its source or its outputs: a JSON file that is an output as well."""

import hashlib
from typing import Any

import orjson

from shared.jobs import Output
from shared.work import Work


def told(name: str, value: dict[str, Any], work: Work, *, names_urls: bool = False) -> Output:
    """`value` as the new file `<name>.json` of this attempt, and in the output itself.

    Args:
        names_urls: see `Output`.
    """
    path, text = work.directory / f"{name}.json", orjson.dumps(value)
    with path.open("xb") as file:
        file.write(text)
    return Output(
        name=name,
        ext="json",
        path=work.relative(path),
        size=len(text),
        sha256=hashlib.sha256(text).hexdigest(),
        media_type="application/json",
        value=value,
        names_urls=names_urls,
    )
