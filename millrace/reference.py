"""The page of all settings, made from the settings themselves."""

from collections.abc import Iterator
from typing import Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from millrace.wiring import every_setting

_INTRODUCTION = """\
# Settings

Environment variables, read once when a program starts. A value that cannot be used ends the
start with a sentence that names the variable. This page is made by `millrace settings`.
"""
# For each rule: the name of its value, and how it is written.
_RULES: dict[type, tuple[str, str]] = {
    Ge: ("ge", "≥"),
    Gt: ("gt", ">"),
    Le: ("le", "≤"),
    Lt: ("lt", "<"),
    MinLen: ("min_length", "length ≥"),
    MaxLen: ("max_length", "length ≤"),
}


def settings_page() -> str:
    """All settings as Markdown."""
    return "\n".join([_INTRODUCTION, *_sections()])


def _sections() -> Iterator[str]:
    told: set[str] = set()
    for kind in every_setting():
        rows = {_row(name, field) for name, field in kind.model_fields.items()}
        # Where two services read the very same setting, it is told of once.
        yield _section(kind, sorted(rows - told))
        told |= rows


def _section(kind: type[BaseSettings], rows: list[str]) -> str:
    head = "| variable | default | values | meaning |\n|---|---|---|---|"
    title = " ".join((kind.__doc__ or kind.__name__).split())
    return "\n".join([f"## {title.rstrip('.')}\n", head, *rows, ""])


def _row(name: str, field: FieldInfo) -> str:
    meaning = (field.description or "").rstrip(".")
    return f"| `{name.upper()}` | {_default(field)} | {_bounds(field)} | {_cell(meaning)} |"


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "depends on the machine"
    if field.default in (None, PydanticUndefined, ()):
        return ""
    return f"`{_cell(_written(field.default))}`"


def _written(value: object) -> str:
    """`value` as it would be written into the environment."""
    if isinstance(value, range):
        return f"{value[0]}-{value[-1]}" if len(value) > 1 else f"{value[0]}"
    if isinstance(value, tuple):
        return ",".join(map(_written, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _bounds(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(field.annotation))
    return ", ".join(_bound(rule) for rule in field.metadata if type(rule) in _RULES)


def _bound(rule: object) -> str:
    attribute, sign = _RULES[type(rule)]
    return f"{sign} {getattr(rule, attribute)}"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
