"""The language of destinations: `users/42/{jobId}_{name}.{ext}`. Pure.

Fields: `{jobId} {name} {ext} {sha256} {YYYY} {MM} {DD}`, and `{metadata.…}` for each value that
the job's metadata have. A metadata value keeps `A-Z a-z 0-9 . _ -`; every other byte of its
UTF-8, and a dot at its beginning, becomes `~` and two hex digits (`a@b` → `a~40b`). So a value
never leaves its segment, and no value is ever written as another's.
"""

import re
from collections.abc import Mapping

from shared.errors import InvalidJob
from shared.storage.keys import checked

_FIELD = re.compile(r"\{([^{}]*)\}")
_UNSAFE = re.compile(rb"^\.|[^A-Za-z0-9._-]")
_SAMPLE = {
    "jobId": "job",
    "name": "name",
    "ext": "ext",
    "sha256": "0" * 64,
    "YYYY": "2000",
    "MM": "01",
    "DD": "01",
}


def validate(template: str, metadata: Mapping[str, str]) -> None:
    """Refuse a destination that could never become a key, before any work is done.

    Raises:
        InvalidJob: names the field or the part of the key that is wrong.
    """
    key_of(template.lstrip("/"), {**_SAMPLE, **metadata_values(metadata)})


def key_of(template: str, values: Mapping[str, str]) -> str:
    """The key that `template` gives with `values`.

    Raises:
        InvalidJob: names the field or the part of the key that is wrong.
    """
    key = _FIELD.sub(lambda found: _value(found[1], values), template)
    if "{" in key or "}" in key:
        raise InvalidJob("destination: has a brace without its partner")
    try:
        return checked(key)
    except InvalidJob as error:
        raise InvalidJob(f"destination: {error}") from None


def metadata_values(metadata: Mapping[str, str]) -> dict[str, str]:
    """The values of `{metadata.…}`, made safe."""
    return {f"metadata.{name}": _safe(value) for name, value in metadata.items()}


def _safe(value: str) -> str:
    return _UNSAFE.sub(lambda found: b"~%02X" % ord(found[0]), value.encode()).decode()


def _value(field: str, values: Mapping[str, str]) -> str:
    if field not in values:
        raise InvalidJob(f"destination: {_unknown(field, values)}")
    if not values[field]:
        raise InvalidJob(f"{field}: is empty, but the destination has {{{field}}}")
    return values[field]


def _unknown(field: str, values: Mapping[str, str]) -> str:
    if field.startswith("metadata."):
        return f"{{{field}}} stands for no value, since the job's metadata have none of that name"
    known = " ".join(f"{{{name}}}" for name in _SAMPLE)
    return f"{{{field}}} is no field; there are {known} and {{metadata.…}}"
