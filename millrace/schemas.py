"""The messages as JSON Schemas, made from the models that read and write them."""

import datetime
from typing import Any, Generic, Literal, TypeVar

import orjson
from pydantic import ConfigDict, Field
from pydantic.json_schema import GenerateJsonSchema

from services.process.plan import Catalogue, Recipe
from services.process.presets import Catalogues
from services.process.video.operations.pictured import PictureOperation
from shared.jobs import (
    CancelRequest,
    CleanupJob,
    JobEnded,
    JobId,
    ProcessingJob,
    Request,
    Stage,
    UploadJob,
)
from shared.wire import Wire

D = TypeVar("D")


class PublishedJob(Request):
    """What a user publishes to the download queue."""

    job_id: JobId | None = Field(
        default=None, description="absent: the AMQP message_id, or else a new one"
    )


class Step(Wire):
    """A stage's work on a job: begun, under way, or done."""

    model_config = ConfigDict(extra="allow")

    job_id: JobId
    run: int
    stage: Stage
    attempt: int | None = None
    percent: float | None = Field(default=None, ge=0, le=100)
    seconds: float | None = None


class Refusal(Wire):
    """Why a message was no valid job."""

    error: str
    message: str


class Rejected(Wire):
    """A message that was no valid job."""

    job_id: str | None = None
    message_id: str | None = None
    error: Refusal


class CloudEvent(Wire, Generic[D]):
    """The envelope of every event: CloudEvents 1.0."""

    specversion: Literal["1.0"]
    id: str = Field(description="the same whenever the same event is published again")
    source: str
    subject: str
    time: datetime.datetime
    datacontenttype: Literal["application/json"]
    data: D


class StepEvent(CloudEvent[Step]):
    """An event while the job is under way."""

    type: Literal["millrace.job.started", "millrace.job.progress", "millrace.job.finished"]


class EndEvent(CloudEvent[JobEnded]):
    """The terminal event of a job."""

    type: Literal[
        "millrace.job.completed",
        "millrace.job.failed",
        "millrace.job.cancelled",
        "millrace.job.expired",
    ]


class RejectedEvent(CloudEvent[Rejected]):
    """The event about a message that was no valid job."""

    type: Literal["millrace.job.rejected"]


_MESSAGES: dict[str, type[Wire]] = {
    "download": PublishedJob,
    "processing": ProcessingJob,
    "upload": UploadJob,
    "cleanup": CleanupJob,
    "cancel": CancelRequest,
    "event-step": StepEvent,
    "event-end": EndEvent,
    "event-rejected": RejectedEvent,
}


def schemas() -> dict[str, dict[str, Any]]:
    """Name → JSON Schema of each message."""
    return {name: _schema(model) for name, model in _MESSAGES.items()}


def text(schema: dict[str, Any]) -> str:
    """A schema as a file's content."""
    return orjson.dumps(schema, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


class _Untitled(GenerateJsonSchema):
    """Without a title for each field, which would only be its name again."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _schema(model: type[Wire]) -> dict[str, Any]:
    schema = model.model_json_schema(by_alias=True, schema_generator=_Untitled)
    if "Operation" in schema.get("$defs", {}):
        schema["$defs"] |= _operations()
    return {"$schema": _Untitled.schema_dialect, **schema}


def _operations() -> dict[str, Any]:
    """The definitions of all operations, and of those on pictures, which films' may hold."""
    pictures, others = Catalogues().photos, Catalogues().films
    return {
        PictureOperation.__name__: {"anyOf": _written(pictures)},
        "Operation": {
            "anyOf": [{"$ref": f"#/$defs/{PictureOperation.__name__}"}, *_written(others)]
        },
    }


def _written(catalogue: Catalogue[Any]) -> list[dict[str, Any]]:
    """An operation or a preset by its name, or an operation with its parameters."""
    names = sorted({*catalogue.recipes, *catalogue.presets})
    recipes = [_recipe(op, recipe) for op, recipe in catalogue.recipes.items()]
    return [{"type": "string", "enum": names}, *recipes]


def _recipe(op: str, recipe: type[Recipe]) -> dict[str, Any]:
    schema = recipe.model_json_schema(by_alias=True, schema_generator=_Untitled)
    schema.pop("$defs", None)  # they stand beside it
    required = [name for name in schema.get("required", ()) if name != "name"]
    return {
        **schema,
        "properties": {"op": {"const": op}, **schema["properties"]},
        "required": ["op", *required],
    }
