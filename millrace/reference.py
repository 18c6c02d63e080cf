"""The page of all settings, made from the settings themselves."""

from collections.abc import Iterator

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
_SIGNS = {Ge: "≥", Gt: ">", Le: "≤", Lt: "<", MinLen: "length ≥", MaxLen: "length ≤"}


def settings_page() -> str:
    """All settings as Markdown."""
    return "\n".join([_INTRODUCTION, *_sections()])


def _sections() -> Iterator[str]:
    told: set[str] = set()
    for kind in every_setting():
        # Two services may read the same variable; it is told of once.
        fields = {name: field for name, field in kind.model_fields.items() if name not in told}
        told |= fields.keys()
        yield _section(kind, fields)


def _section(kind: type[BaseSettings], fields: dict[str, FieldInfo]) -> str:
    rows = [_row(name, field) for name, field in sorted(fields.items())]
    head = "| variable | default | bounds | meaning |\n|---|---|---|---|"
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
    """Only those that are the value's own; a description tells the rest."""
    found = (_bound(rule) for rule in field.metadata)
    return ", ".join(bound for bound in found if bound)


def _bound(rule: object) -> str:
    sign = _SIGNS.get(type(rule), "")
    value = next((getattr(rule, name) for name in _NAMES if hasattr(rule, name)), "")
    return f"{sign} {value}" if sign else ""


_NAMES = ("ge", "gt", "le", "lt", "min_length", "max_length")


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
