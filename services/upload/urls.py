"""Outputs that name the URLs of others, which are known only here."""

import hashlib
from collections.abc import Mapping
from typing import Any, TypeGuard

import orjson

from services.upload.keys import File
from shared.jobs import Output
from shared.work import Work


def names_urls(file: File) -> TypeGuard[Output]:
    """Whether it is an output that does."""
    return isinstance(file, Output) and file.names_urls


def with_urls(output: Output, urls: Mapping[str, str], work: Work) -> Output:
    """`output` as a new file, in which URLs stand for `{url:NAME.EXT}`.

    Args:
        urls: the URL of each output, by its name and extension.
    """
    with work.opened(output.path) as made:
        value = _replaced(orjson.loads(made.read_bytes()), urls)
    path, text = work.directory / output.file, orjson.dumps(value)
    with path.open("xb") as file:
        file.write(text)
    return output.model_copy(
        update={
            "path": work.relative(path),
            "size": len(text),
            "sha256": hashlib.sha256(text).hexdigest(),
            "value": value if output.value is not None else None,
        }
    )


def _replaced(value: Any, urls: Mapping[str, str]) -> Any:
    """`value` with URLs in all its texts."""
    if isinstance(value, dict):
        return {name: _replaced(part, urls) for name, part in value.items()}
    if isinstance(value, list):
        return [_replaced(part, urls) for part in value]
    if isinstance(value, str):
        for file, url in urls.items():
            value = value.replace(f"{{url:{file}}}", url)
    return value
