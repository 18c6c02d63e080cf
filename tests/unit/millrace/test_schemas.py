from typing import Any

import orjson
import pytest
from jsonschema import (  # type: ignore[import-untyped]
    Draft202012Validator,
    ValidationError,
)

from millrace.schemas import schemas, text
from shared.broker.memory import MemoryBroker
from shared.broker.topology import Lane
from shared.jobs import JobEnded
from shared.updates import Updates
from tests.conftest import ROOT
from tests.jobs import cleanup_job, processing_job, upload_job

DOCS = ROOT / "docs" / "schemas"

JOB = {
    "source": "https://example.com/photo.jpg",
    "operations": ["thumbnail", {"op": "resize", "width": 640, "formats": ["webp", "avif"]}],
    "metadata": {"userId": "42"},
}


def check(name: str, message: Any) -> None:
    Draft202012Validator(schemas()[name]).validate(message)


def test_the_files_in_the_docs_are_current() -> None:
    written = {path.stem: path.read_text() for path in DOCS.glob("*.json")}
    current = {name: text(schema) for name, schema in schemas().items()}

    assert written == current, "run: millrace schema --write docs/schemas"


@pytest.mark.parametrize("name", schemas())
def test_each_is_a_valid_schema(name: str) -> None:
    Draft202012Validator.check_schema(schemas()[name])


def test_a_job_as_users_write_it_is_valid() -> None:
    check("download", JOB)


def test_pictures_of_films_take_what_photos_take() -> None:
    poster = {"op": "poster", "operations": ["web", {"op": "thumbnail", "width": 200}]}
    check("download", {**JOB, "operations": [poster, {"op": "thumbnails", "quality": "auto"}]})


@pytest.mark.parametrize(
    "change",
    [
        {"operations": ["blurr"]},
        {"operations": []},
        {"operations": [{"op": "resize", "wdth": 5}]},
        {"operations": [{"op": "resize", "width": 0}]},
        {"operations": [{"op": "poster", "operations": ["poster"]}]},
        {"operations": [{"op": "poster", "operations": []}]},
        {"source": ""},
        {"ttlHours": -1},
        {"jobId": "x" * 201},
    ],
)
def test_what_millrace_refuses_the_schema_refuses_too(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        check("download", {**JOB, **change})


def test_messages_between_stages_are_valid() -> None:
    check("processing", orjson.loads(processing_job("v").encode()))
    check("upload", orjson.loads(upload_job("v").encode()))
    check("cleanup", orjson.loads(cleanup_job("v").encode()))
    check("cancel", {"jobId": "a", "outcome": "cancelled"})


def test_the_terminal_event_is_valid() -> None:
    updates = Updates(MemoryBroker(), Lane(), "cleanup")
    message, _ = updates.terminal(JobEnded(job_id="a", run=1, outcome="expired"))

    check("event-end", orjson.loads(message.body))


async def test_events_under_way_are_valid() -> None:
    broker, lane = MemoryBroker(), Lane()
    await broker.declare(lane.topology)
    updates = Updates(broker, lane, "process")
    async with broker.listen(lane.events, "#") as events:
        updates.started("a", 1, "process", 1)
        updates.progress("a", 1, "process", 1, 12.5, frames=3)
        updates.finished("a", 1, "process", 0.25)
        await updates.rejected(None, "m-1", ValueError("no"))

        for name in ("event-step", "event-step", "event-step", "event-rejected"):
            check(name, orjson.loads((await anext(events)).body))
