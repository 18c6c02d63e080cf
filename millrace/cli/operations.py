"""Operations as they are written on the command line.

`blur`, `resize:width=640,formats=webp+avif`, or a JSON object as in a message.
"""

from typing import Any

import orjson

from millrace.cli.errors import Misuse
from services.process.operations import validate
from shared.errors import InvalidJob
from shared.jobs import Operation


def parse(presets: list[str], operations: list[str]) -> tuple[Operation, ...] | None:
    """The presets, then the operations; None where neither is given.

    Raises:
        Misuse: one of them is unknown, or a parameter is wrong.
    """
    from millrace.settings import read
    from services.process.settings import PresetSettings

    wanted = (*map(_preset, presets), *map(_operation, operations))
    try:
        validate(wanted or None, read(PresetSettings).catalogues.all)
    except InvalidJob as error:
        raise Misuse(str(error)) from None
    return wanted or None


def _preset(name: str) -> Operation:
    try:
        return Operation.parse({"op": name})
    except InvalidJob:
        raise Misuse(f"--preset: '{name}' is no preset's name") from None


def _operation(text: str) -> Operation:
    try:
        return Operation.parse(written(text))
    except InvalidJob as error:
        raise Misuse(f"--op {text}: {error}") from None


def written(text: str) -> dict[str, Any]:
    """The operation that `text` spells, as a message's object."""
    if text.lstrip().startswith("{"):
        return _object(text)
    op, _, parameters = text.partition(":")
    return {"op": op, **dict(_parameter(op, part) for part in parameters.split(",") if part)}


def _object(text: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = orjson.loads(text)
    except ValueError as error:
        raise Misuse(f"--op {text}: is no JSON: {error}") from None
    return found


def _parameter(op: str, text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise Misuse(f"--op {op}: '{text}' must be a parameter and its value: width=640")
    return name.strip(), _value(value.strip())


def _value(text: str) -> Any:
    """A number, true or false where `text` is one; several values are joined by `+`."""
    try:
        return orjson.loads(text)
    except ValueError:
        return text.split("+") if "+" in text else text
