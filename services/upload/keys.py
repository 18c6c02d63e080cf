"""From a destination (`users/42/{jobId}_{name}.{ext}`) to the keys of a job's objects. Pure.

Fields: `{jobId} {name} {ext} {sha256} {YYYY} {MM} {DD}`, and `{metadata.…}` for each value that
the job's metadata have. A metadata value keeps `A-Z a-z 0-9 . _ -`; every other byte of its
UTF-8, and a dot at its beginning, becomes `~` and two hex digits (`a@b` → `a~40b`). So a value
never leaves its segment, and no value is ever written as another's.
"""

import datetime
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from shared.errors import InvalidJob
from shared.jobs import Original, Output, UploadJob, directory_name
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

File = Original | Output


def validate(template: str, metadata: Mapping[str, str]) -> None:
    """Refuse a destination that could never become a key, before any work is done.

    Raises:
        InvalidJob: names the field or the part of the key that is wrong.
    """
    _key(template.lstrip("/"), {**_SAMPLE, **_metadata_values(metadata)})


def resolve(job: UploadJob, files: Sequence[File], created: float, root: Path | None) -> list[str]:
    """The key of each of `files`.

    Args:
        created: when the job began, in seconds since the epoch: the date in its keys.
        root: the folder that an absolute destination must lie under; None drops its slash.

    Raises:
        InvalidJob: the destination does not give each file a key of its own.
    """
    template = relative(job.request.destination, root)
    of_job = _job_values(job, created)
    keys = [_key(template, {**of_job, **_file_values(file)}) for file in files]
    if twice := [key for key, times in Counter(keys).items() if times > 1]:
        raise InvalidJob(
            f"destination: two files would be stored as '{twice[0]}'; "
            "it must have both {name} and {ext}"
        )
    return keys


def relative(template: str, root: Path | None) -> str:
    """An absolute destination, as older producers send it, relative to `root`.

    Raises:
        InvalidJob: it does not lie under `root`.
    """
    if not template.startswith("/"):
        return template
    if root is None:
        return template.lstrip("/")
    path = PurePosixPath(template)
    if not path.is_relative_to(root) or path == PurePosixPath(root):
        raise InvalidJob(f"destination (outputDir): '{template}' does not lie under {root}")
    return str(path.relative_to(root))


def name_of(file: File) -> str:
    """`{name}`: an output's own; `original` for the source itself."""
    return file.name if isinstance(file, Output) else "original"


def _job_values(job: UploadJob, created: float) -> dict[str, str]:
    day = datetime.datetime.fromtimestamp(created, datetime.UTC)
    return {
        "jobId": directory_name(job.job_id),
        "YYYY": f"{day:%Y}",
        "MM": f"{day:%m}",
        "DD": f"{day:%d}",
        **_metadata_values(job.request.metadata),
    }


def _file_values(file: File) -> dict[str, str]:
    return {"name": name_of(file), "ext": file.ext, "sha256": file.sha256}


def _metadata_values(metadata: Mapping[str, str]) -> dict[str, str]:
    return {f"metadata.{name}": _safe(value) for name, value in metadata.items()}


def _safe(value: str) -> str:
    return _UNSAFE.sub(lambda found: b"~%02X" % ord(found[0]), value.encode()).decode()


def _key(template: str, values: Mapping[str, str]) -> str:
    key = _FIELD.sub(lambda found: _value(found[1], values), template)
    if "{" in key or "}" in key:
        raise InvalidJob("destination: has a brace without its partner")
    try:
        return checked(key)
    except InvalidJob as error:
        raise InvalidJob(f"destination: {error}") from None


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
