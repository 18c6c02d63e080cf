"""The messages: what a user asks for, and what each stage hands to the next.

    DownloadJob → ProcessingJob → UploadJob → CleanupJob → JobEnded

A user writes a `DownloadJob` (or the older shape with `inputPath`) or a `CancelRequest`;
everything else is written by the stages.
"""

import datetime
import hashlib
import re
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

from pydantic import ConfigDict, Field, model_validator

from shared.destination import validate
from shared.manifest import Manifest, TrackedFile
from shared.wire import Wire

Stage = Literal["download", "process", "upload", "cleanup"]
Kind = Literal["image", "video"]
Outcome = Literal["completed", "failed", "cancelled", "expired"]
MAX_ID_LENGTH = 200
JobId = Annotated[str, Field(min_length=1, max_length=MAX_ID_LENGTH)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]

_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
# More passages of one job than anyone starts by hand.
MAX_RUNS = 1000
MAX_TTL_HOURS = 24 * 30
DEFAULT_DESTINATION = "{jobId}/{name}.{ext}"


def directory_name(job_id: str) -> str:
    """`job_id` as one path segment: itself where that is safe, else `h-` and a digest."""
    if _SAFE_ID.fullmatch(job_id):
        return job_id
    return "h-" + hashlib.sha256(job_id.encode()).hexdigest()[:40]


class Operation(Wire):
    """One thing to make of the source: `"blur"`, or an object with `op` and parameters.

    Parameters stay as they came in `parameters`; the process service validates them,
    since it alone knows the operations.
    """

    model_config = ConfigDict(extra="allow")

    op: Name
    name: Name | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        return {"op": value} if isinstance(value, str) else value

    @property
    def parameters(self) -> dict[str, Any]:
        """The operation's own parameters, in camelCase as they were written."""
        return dict(self.model_extra or {})


class Request(Wire):
    """What a user wants made of one source."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    source: str = Field(min_length=1, max_length=8192)
    operations: tuple[Operation, ...] | None = Field(default=None, min_length=1, max_length=64)
    destination: str = Field(default=DEFAULT_DESTINATION, min_length=1, max_length=1024)
    metadata: dict[str, str] = Field(default_factory=dict, max_length=64)
    keep_original: bool = False
    overwrite: bool = False
    ttl_hours: float | None = Field(default=None, gt=0, le=MAX_TTL_HOURS)

    @model_validator(mode="before")
    @classmethod
    def _from_older_shape(cls, value: Any) -> Any:
        return _modern(value) if isinstance(value, dict) and "inputPath" in value else value

    @property
    def digest(self) -> str:
        """A digest of the request: the same id with another digest is another job."""
        return hashlib.sha256(self.encode()).hexdigest()


def _modern(older: dict[str, Any]) -> dict[str, Any]:
    """`{"inputPath", "outputDir", …}`, as older producers send it, in today's words."""
    folder = older.get("outputDir")
    if not isinstance(folder, str) or not folder or set("{}") & set(folder):
        raise ValueError("outputDir: must be the path of a folder, without braces")
    path = older["inputPath"]
    if not isinstance(path, str) or not path.startswith("/"):
        raise ValueError("inputPath: must be an absolute path")
    modern = {key: value for key, value in older.items() if key not in ("inputPath", "outputDir")}
    destination = folder.rstrip("/") + "/{jobId}_{name}.{ext}"
    return {**modern, "source": "file://" + quote(path), "destination": destination}


class Cost(Wire):
    """What one stage of a job took."""

    stage: Stage
    attempts: int = 1
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0
    downloaded_bytes: int = 0
    uploaded_bytes: int = 0


class ErrorReport(Wire):
    """Why a job failed: the error's class, one sentence, where, and after how many attempts."""

    error: str
    message: str
    stage: Stage
    attempts: int = 1


class DownloadJob(Request):
    """A request with its identity: what a user publishes to `….download`."""

    job_id: JobId
    run: int = Field(default=1, ge=1, le=MAX_RUNS)

    @model_validator(mode="after")
    def _destination_can_be_a_key(self) -> Self:
        validate(self.destination, self.metadata)
        return self

    @property
    def request(self) -> Request:
        """The request alone."""
        return Request.model_construct(
            **{name: getattr(self, name) for name in Request.model_fields}
        )


class Passage(Wire):
    """What every message between stages carries.

    Attributes:
        volume: the id of the volume that the job's files lie on.
        manifest: the job's temporary files.
        costs: what each stage so far took.
    """

    job_id: JobId
    run: int = Field(ge=1, le=MAX_RUNS)
    volume: str
    manifest: Manifest = Manifest()
    costs: tuple[Cost, ...] = ()

    def costing(self, cost: Cost) -> Self:
        """This message with one more stage's cost."""
        return self.model_copy(update={"costs": (*self.costs, cost)})


class Original(Wire):
    """The downloaded source.

    Attributes:
        path: relative to the job's directory.
        size: bytes.
        sha256: hex digest of the bytes, computed while they came in.
        media_type: found by looking at the bytes.
        ext: the usual file name extension of that type, without a dot.
    """

    path: str
    size: int = Field(ge=0)
    sha256: str
    media_type: str
    ext: str
    kind: Kind

    @property
    def tracked(self) -> TrackedFile:
        """The original as the manifest lists it."""
        return TrackedFile(path=self.path, size=self.size, role="original")


class ProcessingJob(Passage):
    """What download hands to process."""

    request: Request
    original: Original


class Member(Wire):
    """One more file of an output that is a set: a piece, a playlist.

    Attributes:
        path: relative to the job's directory; below the folder of the output's own file.
        size: bytes.
    """

    path: str
    size: int = Field(ge=0)
    sha256: str
    media_type: str

    @property
    def tracked(self) -> TrackedFile:
        """The member as the manifest lists it."""
        return TrackedFile(path=self.path, size=self.size, role="output")


class MadeOn(Wire):
    """Where a film was decoded and encoded: on `cpu`, or on a GPU, by ffmpeg's name (`cuda`).

    Attributes:
        reason: why not all of it on a GPU; None where it was.
    """

    decoding: str
    encoding: str
    reason: str | None = None


class Output(Wire):
    """One file that process made, or a set of files with one that names the others.

    Attributes:
        name: unique within the job together with `ext`; `{name}` in key templates.
        path: relative to the job's directory.
        size: bytes, of this one file.
        members: the other files of a set, which keep their places relative to this one.
        width, height: pixels, where the output has them.
        duration_seconds: where the output has one.
        missing_seconds: how much of a damaged film is not in it, where `salvage` was asked for.
        language: of sound or captions alone, where the source tells (`eng`).
        engine: who made it, with version (`pillow 13.0.0`, `ffmpeg 9.0.2`); of a
            film's pictures both (`ffmpeg 9.0.2, vips 8.18.7`).
        made_on: for films, where GPUs are to be used.
        recipe: hex digest of all that the file follows from, but the source: the operation with
            its parameters, the engine, its codecs' versions, and what is made beside.
        value: what an output of JSON says, where that is short.
        score: SSIMULACRA2 of a picture whose quality was to be found.
        names_urls: whether `{url:NAME.EXT}` in it stands for the URL of another output.
    """

    name: Name
    ext: str = Field(pattern=r"^[a-z0-9]{1,10}$")
    path: str
    size: int = Field(ge=0)
    sha256: str
    media_type: str
    members: tuple[Member, ...] = ()
    width: int | None = None
    height: int | None = None
    duration_seconds: float | None = None
    missing_seconds: float | None = None
    language: str | None = None
    engine: str | None = None
    made_on: MadeOn | None = None
    recipe: str | None = None
    value: dict[str, Any] | None = None
    score: float | None = None
    names_urls: bool = False

    @property
    def file(self) -> str:
        """The output's name with its extension: what no other output of the job has."""
        return f"{self.name}.{self.ext}"

    @property
    def tracked(self) -> TrackedFile:
        """The output's own file as the manifest lists it."""
        return TrackedFile(path=self.path, size=self.size, role="output")


class UploadJob(Passage):
    """What process hands to upload."""

    request: Request
    original: Original
    outputs: tuple[Output, ...]


class Result(Wire):
    """One stored object, as products see it.

    Attributes:
        files, total_size: of a set, of which this object is the one that names the others: how
            many objects there are in all, and their bytes.
        score: see `Output`.
    """

    name: str
    key: str
    url: str
    media_type: str
    size: int
    sha256: str
    files: int | None = None
    total_size: int | None = None
    width: int | None = None
    height: int | None = None
    duration_seconds: float | None = None
    missing_seconds: float | None = None
    language: str | None = None
    engine: str | None = None
    made_on: MadeOn | None = None
    recipe: str | None = None
    value: dict[str, Any] | None = None
    score: float | None = None


class CleanupJob(Passage):
    """How a job ended, for cleanup to close it."""

    request: Request | None = None
    outcome: Outcome
    results: tuple[Result, ...] = ()
    error: ErrorReport | None = None


class Reference(Passage):
    """A message too long for the broker: it names the committed result that says the same.

    Attributes:
        committed: the stage whose result it is.
    """

    committed: Stage


class CancelRequest(Wire):
    """What a user publishes to `….cleanup` to abandon a job's latest run."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    job_id: JobId
    outcome: Literal["cancelled"]


class Account(Wire):
    """The receipt of an ended job: what was removed, and what the job cost.

    Attributes:
        temporary_byte_seconds: the sum over all temporary files of size × lifetime.
    """

    files_removed: int = 0
    bytes_removed: int = 0
    seconds_per_stage: dict[str, float] = Field(default_factory=dict)
    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0
    temporary_byte_seconds: float = 0.0
    bytes_downloaded: int = 0
    bytes_uploaded: int = 0


class JobEnded(Wire):
    """The data of a job's terminal event."""

    job_id: JobId
    run: int
    outcome: Outcome
    source: str | None = None
    metadata: dict[str, str] = Field(default_factory=dict)
    results: tuple[Result, ...] = ()
    error: ErrorReport | None = None
    receipt: Account = Account()
    ended_at: datetime.datetime | None = None
