"""Values that fit a JSON Schema, as far as the schemas in docs/schemas go."""

from functools import cache
from typing import Any

from hypothesis import strategies as st

Strategy = st.SearchStrategy[Any]
_NUMBERS = {"integer", "number"}


def fitting(schema: Any, root: dict[str, Any] | None = None) -> Strategy:
    """Values that `schema` allows.

    Args:
        root: the schema whose `$defs` a `$ref` names; by default the same.
    """
    root = schema if root is None else root
    if "$ref" in schema:
        return st.deferred(lambda: fitting(root["$defs"][schema["$ref"].rpartition("/")[2]], root))
    if "anyOf" in schema or "oneOf" in schema:
        return st.one_of([fitting(one, root) for one in schema.get("anyOf") or schema["oneOf"]])
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    return _typed(schema, root)


def _typed(schema: Any, root: dict[str, Any]) -> Strategy:
    kind = schema.get("type")
    if kind == "object":
        return _object(schema, root)
    if kind == "array":
        items = fitting(schema.get("items", {}), root)
        most = min(4, schema.get("maxItems", 4))
        return st.lists(items, min_size=schema.get("minItems", 0), max_size=most)
    if kind == "string":
        return _string(schema)
    if kind in _NUMBERS:
        return _number(schema)
    return {"boolean": st.booleans(), "null": st.none()}.get(kind, anything())


def _object(schema: Any, root: dict[str, Any]) -> Strategy:
    fields = {name: fitting(one, root) for name, one in schema.get("properties", {}).items()}
    required = {name: fields.pop(name) for name in schema.get("required", ()) if name in fields}
    if not fields and not required:
        more = schema.get("additionalProperties")
        values = fitting(more, root) if isinstance(more, dict) else anything()
        return st.dictionaries(st.text(max_size=8), values, max_size=3)
    return st.fixed_dictionaries(required, optional=fields)


def _string(schema: Any) -> Strategy:
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True)
    least = schema.get("minLength", 0)
    return st.text(min_size=least, max_size=max(least, min(24, schema.get("maxLength", 24))))


def _number(schema: Any) -> Strategy:
    least = schema.get("minimum", schema.get("exclusiveMinimum"))
    most = schema.get("maximum", schema.get("exclusiveMaximum"))
    if schema["type"] == "integer":
        return st.integers(least, most)
    return st.floats(least, most, allow_nan=False, allow_infinity=False)


@cache
def anything() -> Strategy:
    """Any JSON value, odd ones too."""
    odd = st.sampled_from(
        [2**64, -(2**63), 1e308, "\x00", "\ud7ff", "../../etc/passwd", "{jobId}", "{metadata.x}"]
    )
    some = st.text(max_size=8)
    plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | some | odd
    return plain | st.lists(plain, max_size=3) | st.dictionaries(some, plain, max_size=2)
