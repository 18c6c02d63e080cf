"""From a job's destination to the keys of its objects. Pure."""

import datetime
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from shared.destination import key_of, metadata_values
from shared.errors import InvalidJob
from shared.jobs import Original, Output, UploadJob, directory_name
from shared.storage.keys import checked

File = Original | Output


def resolve(job: UploadJob, files: Sequence[File], created: float, root: Path | None) -> list[str]:
    """The key of each of `files`; of a set, the one that names the others.

    Args:
        created: when the job began, in seconds since the epoch: the date in its keys.
        root: the folder that an absolute destination must lie under; None drops its slash.

    Raises:
        InvalidJob: the destination does not give each file a key of its own.
    """
    template = relative(job.request.destination, root)
    of_job = _job_values(job, created)
    keys = [_placed(file, key_of(template, {**of_job, **_file_values(file)})) for file in files]
    every = [one for file, key in zip(files, keys, strict=True) for one in _all_of(file, key)]
    if twice := [key for key, times in Counter(every).items() if times > 1]:
        raise InvalidJob(
            f"destination: two files would be stored as '{twice[0]}'; "
            "it must have both {name} and {ext}"
        )
    return keys


def _all_of(file: File, key: str) -> list[str]:
    return [key, *beside(file, key)] if isinstance(file, Output) else [key]


def beside(file: Output, key: str) -> list[str]:
    """The keys of a set's members, in their order; `key` is that of its first file.

    Raises:
        InvalidJob: one of them would be too long.
    """
    folder, root = PurePosixPath(key).parent, PurePosixPath(file.path).parent
    paths = (PurePosixPath(member.path).relative_to(root) for member in file.members)
    return [checked(str(folder / path)) for path in paths]


def _placed(file: File, key: str) -> str:
    """`key`; a set takes it as a folder, without the extension, and keeps its files' names."""
    if not isinstance(file, Output) or not file.members:
        return key
    folder = key.removesuffix(f".{file.ext}")
    return f"{folder}/{PurePosixPath(file.path).name}"


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
        **metadata_values(job.request.metadata),
    }


def _file_values(file: File) -> dict[str, str]:
    return {"name": name_of(file), "ext": file.ext, "sha256": file.sha256}
